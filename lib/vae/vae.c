/* Variational auto-encoder: the handle, its options, latent means of rows and rows back from them.
 * Kingma and Welling, "Auto-encoding variational Bayes" (2014).
 * Must not: sample after the training; what it gives are means. */
#include <math.h>

#include "exec.h"
#include "coder.h"

enum { BLOCK = 512 };

struct cepman_vae {
    cep_refs refs;
    cep_memory *mem;
    cep_vae_net net;
    cep_vae_scale scale;
    float *parameters;
    size_t epochs;
    double *reconstruction, *divergence; /* epochs each */
    cepman_matrix *embedding;
};

static const cep_option table[] = {
    {"dims", CEPMAN_OPTION_INTEGER, 1, 64, 3, NULL, "dimensions of the latent space (1 to 64)"},
    {"hidden-1", CEPMAN_OPTION_INTEGER, 1, 16384, 512, NULL,
     "units of the encoder's first hidden layer and the decoder's last (1 to 16384)"},
    {"hidden-2", CEPMAN_OPTION_INTEGER, 0, 16384, 128, NULL,
     "units of the encoder's second hidden layer and the decoder's first; 0: none (0 to 16384)"},
    {"beta", CEPMAN_OPTION_REAL, 0, 1e6, 1, NULL,
     "weight of the divergence; 1: the evidence lower bound of unit-variance features (0 to 1e6)"},
    {"learning-rate", CEPMAN_OPTION_REAL, 1e-8, 1, 0.001, NULL, "step of Adam (1e-8 to 1)"},
    {"epochs", CEPMAN_OPTION_INTEGER, 0, 100000, 0, "auto",
     "passes over the rows; auto or 0: about 3200 batches, 20 to 500 passes (0 to 100000)"},
    {"batch", CEPMAN_OPTION_INTEGER, 1, 65536, 256, NULL, "rows of a mini-batch, at most (1 to 65536)"},
    {"scaling", CEPMAN_OPTION_CHOICE, 0, 0, CEP_VAE_STANDARD, "standard|global|none",
     "features to mean 0 and deviation 1 each, to mean 0 and one common scale, or as they are"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 0x1p53, 42, NULL, "seed of random numbers (0 to 2^53)"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_vae_options_create(cepman_options **out, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "vae options: out is NULL");
    return cep_options_create(out, ctx, "vae", table);
}

static size_t automatic_epochs(size_t n, size_t batch)
{
    const size_t batches = (n + batch - 1) / batch, epochs = (3200 + batches - 1) / batches;
    return epochs < 20 ? 20 : epochs > 500 ? 500 : epochs;
}

static cepman_status through(cepman_matrix **out, cepman_context *ctx, const cepman_vae *v,
                             const cepman_matrix *m, bool decode)
{
    const char *what = decode ? "auto-encoder rows" : "auto-encoder latent means";
    const cep_vae_net *net = &v->net;
    const size_t n = cepman_matrix_rows(m), columns = decode ? net->features : net->dims,
                 rows = n < 1       ? 1
                        : n < BLOCK ? n
                                    : BLOCK;
    const size_t first = decode ? net->latent : 0, last = decode ? net->layers : net->latent;
    cep_memory *mem = cep_context_memory(ctx);
    cep_fault fault = {0};
    cep_vae_work w = {0};
    cepman_matrix *made = NULL;
    float *to = NULL;
    size_t stride = 0;
    cepman_status s = cep_matrix_create(&made, ctx, what, n, columns, &to, &stride);
    if (!s) s = cep_vae_work_create(&w, ctx, net, rows, false);
    for (size_t i = 0; !s && i < n; i += BLOCK) {
        const size_t count = n - i < BLOCK ? n - i : BLOCK, wide = net->layer[last - 1].out;
        float *in = decode ? w.value[net->latent - 1] : w.input; /* the former is wider than dims */
        if (decode) {
            s = cep_matrix_fetch(m, &fault, i, count, in, net->dims);
            for (size_t r = 0; !s && r < count; r++)
                s = cep_vae_check_row(&fault, in + r * net->dims, net->dims, i + r);
            if (s) s = cep_fail_fault(ctx, &fault);
        } else {
            s = cep_vae_scale_rows(&v->scale, ctx, m, NULL, i, count, in);
        }
        if (!s) s = cep_vae_forward(net, ctx, v->parameters, &w, first, last, in, count);
        for (size_t r = 0; !s && r < count; r++)
            for (size_t j = 0; j < columns; j++) {
                const float y = w.value[last - 1][r * wide + j];
                to[(i + r) * stride + j] =
                    decode ? (float)((double)y * v->scale.scale[j] + v->scale.mean[j]) : y;
            }
        if (!s) cep_progress(ctx, what, i + count, n);
        if (!s) s = cep_poll(ctx);
    }
    cep_vae_work_free(&w, mem);
    if (s)
        cepman_matrix_unref(made);
    else
        *out = made;
    return s;
}

static cepman_status fit(cepman_vae *v, cepman_context *ctx, const cepman_matrix *m, const cepman_options *o)
{
    const size_t n = cepman_matrix_rows(m);
    cep_vae_plan plan = {.batch = (size_t)cep_options_integer(o, "batch"),
                         .beta = cep_options_real(o, "beta"),
                         .rate = cep_options_real(o, "learning-rate"),
                         .seed = (uint64_t)cep_options_integer(o, "seed")};
    plan.epochs = (size_t)cep_options_integer(o, "epochs");
    if (cep_options_auto(o, "epochs") || plan.epochs == 0) plan.epochs = automatic_epochs(n, plan.batch);
    cep_vae_net_shape(&v->net, cepman_matrix_columns(m), (size_t)cep_options_integer(o, "hidden-1"),
                      (size_t)cep_options_integer(o, "hidden-2"), (size_t)cep_options_integer(o, "dims"));
    v->epochs = plan.epochs;
    v->parameters = cep_alloc(v->mem, v->net.parameters, sizeof *v->parameters);
    v->reconstruction = cep_alloc(v->mem, v->epochs, sizeof *v->reconstruction);
    v->divergence = cep_alloc(v->mem, v->epochs, sizeof *v->divergence);
    if (!v->parameters || !v->reconstruction || !v->divergence)
        return cep_fail_memory(ctx, "auto-encoder", v->net.parameters, sizeof *v->parameters);
    cepman_status s = cep_vae_scale_fit(&v->scale, ctx, m, (cep_vae_scaling)cep_options_choice(o, "scaling"));
    if (!s) s = cep_vae_net_start(&v->net, ctx, plan.seed, v->parameters);
    if (!s)
        s = cep_vae_train(&v->net, ctx, &v->scale, m, &plan, v->parameters, v->reconstruction, v->divergence);
    return s ? s : through(&v->embedding, ctx, v, m, false);
}

cepman_status cepman_vae_fit(cepman_vae **out, cepman_context *ctx, const cepman_matrix *matrix,
                             const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && matrix, CEPMAN_ERR_ARGUMENT, "auto-encoder: an argument is NULL");
    const size_t n = cepman_matrix_rows(matrix), d = cepman_matrix_columns(matrix);
    CEP_REQUIRE(ctx, n >= 2 && d >= 1, CEPMAN_ERR_SHAPE,
                "an auto-encoder needs at least 2 rows of 1 feature, the matrix has %zu x %zu", n, d);
    CEP_REQUIRE(ctx, n <= INT32_MAX && d <= INT32_MAX, CEPMAN_ERR_SHAPE,
                "auto-encoder of a %zu x %zu matrix: a side is beyond 2^31", n, d);
    cepman_options *o = NULL;
    s = cep_options_resolve(&o, ctx, options, "vae", table);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_vae *v = cep_alloc_zero(mem, 1, sizeof *v);
    if (!v) {
        s = cep_fail_memory(ctx, "auto-encoder", 1, sizeof *v);
    } else {
        cep_refs_init(&v->refs);
        v->mem = cep_memory_ref(mem);
        s = fit(v, ctx, matrix, o);
        if (s)
            cepman_vae_unref(v);
        else
            *out = v;
    }
    cepman_options_unref(o);
    return s;
}

cepman_vae *cepman_vae_ref(cepman_vae *v)
{
    if (v) cep_refs_get(&v->refs);
    return v;
}

void cepman_vae_unref(cepman_vae *v)
{
    if (!v || !cep_refs_put(&v->refs)) return;
    cep_memory *mem = v->mem;
    cepman_matrix_unref(v->embedding);
    cep_vae_scale_free(&v->scale, mem);
    cep_free(mem, v->parameters);
    cep_free(mem, v->reconstruction);
    cep_free(mem, v->divergence);
    cep_free(mem, v);
    cep_memory_unref(mem);
}

size_t cepman_vae_dims(const cepman_vae *v)
{
    return v ? v->net.dims : 0;
}

size_t cepman_vae_features(const cepman_vae *v)
{
    return v ? v->net.features : 0;
}

size_t cepman_vae_epochs(const cepman_vae *v)
{
    return v ? v->epochs : 0;
}

const double *cepman_vae_reconstruction(const cepman_vae *v)
{
    return v ? v->reconstruction : NULL;
}

const double *cepman_vae_divergence(const cepman_vae *v)
{
    return v ? v->divergence : NULL;
}

cepman_matrix *cepman_vae_embedding(const cepman_vae *v)
{
    return v ? v->embedding : NULL;
}

cepman_status cepman_vae_apply(cepman_matrix **out, cepman_context *ctx, const cepman_vae *v,
                               const cepman_matrix *m)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && v && m, CEPMAN_ERR_ARGUMENT, "auto-encoder latent means: an argument is NULL");
    CEP_REQUIRE(ctx, cepman_matrix_columns(m) == v->net.features, CEPMAN_ERR_SHAPE,
                "auto-encoder latent means: the matrix has %zu columns, the network was trained on %zu",
                cepman_matrix_columns(m), v->net.features);
    return through(out, ctx, v, m, false);
}

cepman_status cepman_vae_decode(cepman_matrix **out, cepman_context *ctx, const cepman_vae *v,
                                const cepman_matrix *latent)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && v && latent, CEPMAN_ERR_ARGUMENT, "auto-encoder rows: an argument is NULL");
    CEP_REQUIRE(ctx, cepman_matrix_columns(latent) == v->net.dims, CEPMAN_ERR_SHAPE,
                "auto-encoder rows: the matrix has %zu columns, the latent space %zu",
                cepman_matrix_columns(latent), v->net.dims);
    return through(out, ctx, v, latent, true);
}
