/* Mini-batch K-means: rows are gathered into batches, and each batch moves the centres towards its means.
 * Sculley (2010): the step of a centre is its weight in the batch over its weight so far, so that a centre is the mean
 * of all rows it ever had. The first centres are those of K-means on the first rows.
 * Must not: let the cut of the rows into blocks, or the threads, change the result. */
#include <math.h>
#include <string.h>

#include "kmeans_model.h"

#define STAGE_REASSIGN 0x6b6d73

/* What a step changes: swapped as a whole, so that a step that fails has not happened. */
typedef struct moving {
    double *centres, *mass; /* k x d, k */
    double inertia;         /* of this step */
    uint64_t since;         /* rows since the last reassignment */
} moving;

struct cepman_kmeans_stream {
    cep_refs refs;
    cep_memory *mem;
    size_t k, d, batch, start;
    int64_t starts;
    double reassignment;
    uint64_t seed, rows;
    bool begun; /* there are centres */
    moving now;
    double *history; /* inertia of each step */
    size_t steps, history_room;
    float *waiting; /* rows not yet used, up to start or batch */
    double *weights;
    bool weighted; /* one of the waiting weights is not 1 */
    size_t count;
};

static const cep_option table[] = {
    {"k", CEPMAN_OPTION_INTEGER, 1, 16777215, 8, NULL, "clusters, 1 to 16777215"},
    {"batch", CEPMAN_OPTION_INTEGER, 1, 16777216, 1024, NULL, "rows of a step, 1 to 16777216"},
    {"start-rows", CEPMAN_OPTION_INTEGER, 1, 1073741824, (double)NAN, "auto",
     "rows that the first centres are made of, 1 to 1073741824; auto: the larger of 3 batch and 10 k"},
    {"n-init", CEPMAN_OPTION_INTEGER, 1, 100000, 3, NULL, "runs of K-means on the first rows, 1 to 100000"},
    {"reassignment", CEPMAN_OPTION_REAL, 0, 1, 0, NULL,
     "a centre with at most this fraction of the largest centre's weight moves to a row by chance, 0 to 1"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740992.0, 42, NULL, "random numbers, 0 to 2^53"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_kmeans_stream_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, "kmeans-stream", table);
}

/* ---- steps -------------------------------------------------------------------------------------------------------- */

static void moving_clear(cep_memory *mem, moving *m)
{
    cep_free(mem, m->centres);
    cep_free(mem, m->mass);
    *m = (moving){0};
}

static cepman_status moving_copy(moving *to, cepman_context *ctx, const cepman_kmeans_stream *s)
{
    const moving *from = &s->now;
    moving m = *from;
    m.centres = cep_alloc_zero(s->mem, s->k, s->d * sizeof *m.centres);
    m.mass = cep_alloc_zero(s->mem, s->k, sizeof *m.mass);
    if (!m.centres || !m.mass) {
        moving_clear(s->mem, &m);
        return cep_fail_memory(ctx, "K-means of a stream", s->k, s->d * sizeof *m.centres);
    }
    if (from->centres) {
        memcpy(m.centres, from->centres, s->k * s->d * sizeof *m.centres);
        memcpy(m.mass, from->mass, s->k * sizeof *m.mass);
    }
    *to = m;
    return CEPMAN_OK;
}

/* The first centres: K-means on the waiting rows. */
static cepman_status begin(moving *m, cepman_context *ctx, const cepman_kmeans_stream *s,
                           const cepman_matrix *rows)
{
    cepman_options *o = NULL;
    cepman_kmeans *model = NULL;
    cepman_status st = cepman_kmeans_options_create(&o, ctx);
    if (!st) st = cepman_options_set_integer(o, ctx, "k", (int64_t)s->k);
    if (!st) st = cepman_options_set_integer(o, ctx, "n-init", s->starts);
    if (!st) st = cepman_options_set_integer(o, ctx, "seed", (int64_t)s->seed);
    if (!st) st = cepman_kmeans_fit(&model, ctx, rows, NULL, s->weighted ? s->weights : NULL, o);
    for (size_t c = 0; !st && c < s->k; c++) {
        const float *x = cepman_matrix_row(model->centres, c);
        for (size_t j = 0; j < s->d; j++)
            m->centres[c * s->d + j] = (double)x[j];
    }
    for (size_t i = 0; !st && i < s->count; i++)
        m->mass[cepman_labels_data(model->labels)[i]] += s->weighted ? s->weights[i] : 1;
    if (!st) m->inertia = model->inertia;
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    return st;
}

/* Centres of little weight go to rows of the batch, drawn without repeats; at most half of the batch is used. */
static cepman_status reassign(moving *m, cepman_context *ctx, const cepman_kmeans_stream *s)
{
    double most = 0, least = (double)INFINITY;
    size_t many = 0;
    for (size_t c = 0; c < s->k; c++)
        most = fmax(most, m->mass[c]);
    for (size_t c = 0; c < s->k; c++) {
        bool low = m->mass[c] <= s->reassignment * most;
        many += low;
        if (!low) least = fmin(least, m->mass[c]);
    }
    if (m->since < 10 * (uint64_t)s->k || !many || !isfinite(least)) return CEPMAN_OK;
    uint32_t *deck = cep_alloc(s->mem, s->count, sizeof *deck);
    if (!deck) return cep_fail_memory(ctx, "K-means of a stream", s->count, sizeof *deck);
    for (size_t i = 0; i < s->count; i++)
        deck[i] = (uint32_t)i;
    size_t used = 0;
    for (size_t c = 0; c < s->k && 2 * used < s->count; c++) {
        if (m->mass[c] > s->reassignment * most) continue;
        size_t pick =
            used + (size_t)cep_random_below(s->seed, STAGE_REASSIGN + s->steps, used, s->count - used);
        uint32_t row = deck[pick];
        deck[pick] = deck[used];
        deck[used++] = row;
        for (size_t j = 0; j < s->d; j++)
            m->centres[c * s->d + j] = (double)s->waiting[row * s->d + j];
        m->mass[c] = least;
    }
    m->since = 0;
    cep_free(s->mem, deck);
    return CEPMAN_OK;
}

static cepman_status step(moving *m, cepman_context *ctx, const cepman_kmeans_stream *s,
                          const cepman_matrix *rows)
{
    cep_lloyd f = {0};
    size_t d = s->d, changed;
    double inertia = 0;
    cepman_status st =
        cep_lloyd_prepare(&f, ctx, rows, s->k, s->weighted ? s->weights : NULL, "K-means of a stream");
    if (!st) {
        for (size_t i = 0; i < s->k * d; i++)
            f.centres[i] = (float)m->centres[i];
        for (size_t i = 0; i < f.blocks * 16; i++)
            f.previous[i] = -1;
        st = cep_lloyd_assign(&f, true, &changed);
    }
    if (!st) st = cep_lloyd_inertia(&f, &inertia);
    if (!st) {
        for (size_t i = 0; i < s->count; i++) {
            double w = s->weighted ? s->weights[i] : 1, *sum = f.sums + (size_t)f.labels[i] * d;
            f.mass[f.labels[i]] += w;
            for (size_t j = 0; j < d; j++)
                sum[j] += w * (double)s->waiting[i * d + j];
        }
        for (size_t c = 0; c < s->k; c++) {
            if (!(f.mass[c] > 0)) continue;
            m->mass[c] += f.mass[c];
            for (size_t j = 0; j < d; j++) {
                double *x = &m->centres[c * d + j];
                *x += (f.sums[c * d + j] - f.mass[c] * *x) / m->mass[c];
            }
        }
        m->inertia = inertia;
        st = reassign(m, ctx, s);
    }
    cep_lloyd_clear(&f);
    return st;
}

/* What the centres are after the waiting rows. */
static cepman_status use_waiting(moving *out, cepman_context *ctx, const cepman_kmeans_stream *s)
{
    moving m;
    cepman_matrix *rows = NULL;
    cepman_status st = moving_copy(&m, ctx, s);
    if (st) return st;
    m.since += s->count;
    st = cepman_matrix_wrap(&rows, ctx, s->waiting, s->count, s->d, s->d, NULL, NULL);
    if (!st) st = s->begun ? step(&m, ctx, s, rows) : begin(&m, ctx, s, rows);
    cepman_matrix_unref(rows);
    if (st) {
        moving_clear(s->mem, &m);
        return st;
    }
    *out = m;
    return CEPMAN_OK;
}

/* ---- the handle --------------------------------------------------------------------------------------------------- */

static cepman_status prepare(cepman_kmeans_stream *s, cepman_context *ctx, const cepman_matrix *centres,
                             const cepman_options *o)
{
    s->batch = (size_t)cep_options_integer(o, "batch");
    s->starts = cep_options_integer(o, "n-init");
    s->reassignment = cep_options_real(o, "reassignment");
    s->seed = (uint64_t)cep_options_integer(o, "seed");
    size_t usual = 3 * s->batch > 10 * s->k ? 3 * s->batch : 10 * s->k;
    s->start = cep_options_auto(o, "start-rows") ? usual : (size_t)cep_options_integer(o, "start-rows");
    s->begun = centres != NULL;
    size_t room = s->begun || s->batch > s->start ? s->batch : s->start;
    size_t kd, cells;
    CEP_REQUIRE(ctx, s->begun || s->start >= s->k, CEPMAN_ERR_RANGE,
                "K-means of a stream: start-rows is %zu, must be at least k = %zu", s->start, s->k);
    CEP_REQUIRE(
        ctx, cep_mul(s->k, s->d, &kd) && cep_mul(room, s->d, &cells), CEPMAN_ERR_RANGE,
        "K-means of a stream: %zu centres or %zu rows of %zu features are more than memory can address", s->k,
        room, s->d);
    s->waiting = cep_alloc(s->mem, cells, sizeof *s->waiting);
    s->weights = cep_alloc(s->mem, room, sizeof *s->weights);
    if (!s->waiting || !s->weights)
        return cep_fail_memory(ctx, "K-means of a stream", cells, sizeof *s->waiting);
    if (!centres) return CEPMAN_OK;
    CEP_REQUIRE(ctx, cepman_matrix_rows(centres) == s->k && cepman_matrix_columns(centres) == s->d,
                CEPMAN_ERR_SHAPE,
                "K-means of a stream: the centres are %zu x %zu, must be k x columns = %zu x %zu",
                cepman_matrix_rows(centres), cepman_matrix_columns(centres), s->k, s->d);
    size_t bad;
    cepman_status st = cep_matrix_first_nonfinite(&bad, ctx, centres);
    if (st) return st;
    CEP_REQUIRE(ctx, bad == s->k, CEPMAN_ERR_DATA, "K-means of a stream: centre %zu has a NaN or an infinity",
                bad);
    moving m;
    st = moving_copy(&m, ctx, s);
    if (st) return st;
    for (size_t i = 0; i < kd; i++)
        m.centres[i] = (double)cepman_matrix_row(centres, i / s->d)[i % s->d];
    s->now = m;
    return CEPMAN_OK;
}

cepman_status cepman_kmeans_stream_create(cepman_kmeans_stream **out, cepman_context *ctx, size_t columns,
                                          const cepman_matrix *centres, const cepman_options *given)
{
    cepman_status st = cep_enter(ctx);
    if (st) return st;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "K-means of a stream: out is NULL");
    CEP_REQUIRE(ctx, columns >= 1 && columns < (size_t)1 << 32, CEPMAN_ERR_RANGE,
                "K-means of a stream: columns is %zu, must be 1 to 4294967295", columns);
    cepman_options *options = NULL;
    st = cep_options_resolve(&options, ctx, given, "kmeans-stream", table);
    if (st) return st;
    cep_memory *mem = cep_context_memory(ctx);
    cepman_kmeans_stream *s = cep_alloc_zero(mem, 1, sizeof *s);
    if (!s) st = cep_fail_memory(ctx, "K-means of a stream", 1, sizeof *s);
    if (!st) {
        cep_refs_init(&s->refs);
        s->mem = cep_memory_ref(mem);
        s->d = columns;
        s->k = (size_t)cep_options_integer(options, "k");
        if (centres && !cep_options_given(options, "k")) s->k = cepman_matrix_rows(centres);
        st = s->k ? prepare(s, ctx, centres, options)
                  : cep_fail(ctx, CEPMAN_ERR_SHAPE, "K-means of a stream: the centres have no row");
    }
    cepman_options_unref(options);
    if (st) {
        cepman_kmeans_stream_unref(s);
        return st;
    }
    *out = s;
    return CEPMAN_OK;
}

void cepman_kmeans_stream_unref(cepman_kmeans_stream *s)
{
    if (!s || !cep_refs_put(&s->refs)) return;
    cep_memory *mem = s->mem;
    moving_clear(mem, &s->now);
    cep_free(mem, s->history);
    cep_free(mem, s->waiting);
    cep_free(mem, s->weights);
    cep_free(mem, s);
    cep_memory_unref(mem);
}

uint64_t cepman_kmeans_stream_rows(const cepman_kmeans_stream *s)
{
    return s ? s->rows : 0;
}

/* Uses the waiting rows once they are a batch (or the first rows). */
static cepman_status flush(cepman_kmeans_stream *s, cepman_context *ctx)
{
    moving m;
    if (s->count < (s->begun ? s->batch : s->start)) return CEPMAN_OK;
    if (s->steps == s->history_room) {
        size_t room = s->history_room ? 2 * s->history_room : 64;
        double *more = cep_alloc(s->mem, room, sizeof *more);
        if (!more) return cep_fail_memory(ctx, "K-means of a stream", room, sizeof *more);
        if (s->steps) memcpy(more, s->history, s->steps * sizeof *more);
        cep_free(s->mem, s->history);
        s->history = more;
        s->history_room = room;
    }
    cepman_status st = use_waiting(&m, ctx, s);
    if (st) return st;
    s->history[s->steps++] = m.inertia;
    moving_clear(s->mem, &s->now);
    s->now = m;
    s->begun = true;
    s->weighted = false;
    s->count = 0;
    return CEPMAN_OK;
}

cepman_status cepman_kmeans_stream_add(cepman_kmeans_stream *s, cepman_context *ctx,
                                       const cepman_matrix *matrix, const double *weights)
{
    cepman_status st = cep_enter(ctx);
    if (st) return st;
    CEP_REQUIRE(ctx, s && matrix, CEPMAN_ERR_ARGUMENT, "K-means of a stream: an argument is NULL");
    CEP_REQUIRE_F32(ctx, matrix, "K-means of a stream");
    size_t n = cepman_matrix_rows(matrix);
    CEP_REQUIRE(ctx, cepman_matrix_columns(matrix) == s->d, CEPMAN_ERR_SHAPE,
                "K-means of a stream: the block has %zu columns, must be %zu", cepman_matrix_columns(matrix),
                s->d);
    size_t bad;
    st = cep_matrix_first_nonfinite(&bad, ctx, matrix);
    if (st) return st;
    CEP_REQUIRE(ctx, bad == n, CEPMAN_ERR_DATA,
                "K-means of a stream: row %zu of the block has a NaN or an infinity", bad);
    for (size_t i = 0; weights && i < n; i++)
        CEP_REQUIRE(ctx, weights[i] >= 0 && weights[i] <= 3e38, CEPMAN_ERR_DATA,
                    "K-means of a stream: weight %zu is %g, must be 0 to 3e38", i, weights[i]);
    st = flush(s, ctx); /* left by a call that failed */
    for (size_t i = 0; !st && i < n; i++) {
        memcpy(s->waiting + s->count * s->d, cepman_matrix_row(matrix, i), s->d * sizeof *s->waiting);
        s->weights[s->count++] = weights ? weights[i] : 1;
        s->weighted = s->weighted || (weights && weights[i] != 1);
        s->rows++;
        st = flush(s, ctx);
    }
    return st;
}

cepman_status cepman_kmeans_stream_model(cepman_kmeans **out, cepman_context *ctx,
                                         const cepman_kmeans_stream *s)
{
    cepman_status st = cep_enter(ctx);
    if (st) return st;
    CEP_REQUIRE(ctx, out && s, CEPMAN_ERR_ARGUMENT, "K-means of a stream: an argument is NULL");
    moving m = {0};
    cepman_kmeans *model = NULL;
    float *c;
    size_t stride;
    bool rest = s->count > 0 || !s->begun;
    if (rest) st = use_waiting(&m, ctx, s);
    if (st) return st;
    const moving *from = rest ? &m : &s->now;
    st = cep_kmeans_model(&model, ctx, s->k, s->d, s->steps + rest, NULL, &c, &stride);
    if (!st) {
        if (s->steps) memcpy(model->history, s->history, s->steps * sizeof *s->history);
        if (rest) model->history[s->steps] = m.inertia;
        model->inertia = 0;
        for (size_t i = 0; i < model->iterations; i++)
            model->inertia += model->history[i];
        for (size_t i = 0; i < s->k * s->d; i++)
            c[i / s->d * stride + i % s->d] = (float)from->centres[i];
        *out = model;
    }
    moving_clear(s->mem, &m);
    return st;
}
