/* Simulated scans: expected patterns of a scene, scan point by scan point, and Poisson counts of them.
 * Shot noise is Poisson about dose times the expected share of each pixel; diffuse scattering falls off as a
 * Lorentzian to the power 1.5.
 * Must not: let a frame depend on any other, or on the number of threads. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "matrix.h"
#include "scene.h"

static const cep_option table[] = {
    {"scene", CEPMAN_OPTION_CHOICE, 0, 2, 0, "twin-domains|ag-tilt|oxide-particle", "what is scanned"},
    {"scan-rows", CEPMAN_OPTION_INTEGER, 1, 4096, 64, NULL, "scan points along y, 1 to 4096"},
    {"scan-columns", CEPMAN_OPTION_INTEGER, 1, 4096, 64, NULL, "scan points along x, 1 to 4096"},
    {"frame", CEPMAN_OPTION_INTEGER, 8, 1024, 128, NULL, "detector pixels on a side, 8 to 1024"},
    {"tilt", CEPMAN_OPTION_REAL, 0, 45, (double)NAN, "auto",
     "largest mistilt in degrees, 0 to 45; auto: 1.5 (twin-domains), 10 (ag-tilt), 1 (oxide-particle)"},
    {"dose", CEPMAN_OPTION_REAL, 1, 1e9, 1e5, NULL, "electrons a frame, 1 to 1e9"},
    {"voltage", CEPMAN_OPTION_REAL, 20, 1000, 200, NULL, "acceleration in kV, 20 to 1000"},
    {"convergence", CEPMAN_OPTION_REAL, 0, 20, 1.2, NULL, "convergence semi-angle in mrad, 0 to 20"},
    {"pixel", CEPMAN_OPTION_REAL, 0.001, 0.5, 0.032, NULL, "detector pixel in 1/angstrom, 0.001 to 0.5"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740991.0, 42, NULL, "of the noise and the foil's bending"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "simulation options: out is NULL");
    return cep_options_create(out, ctx, "simulate", table);
}

/* ---- the counts as a dataset ------------------------------------------------------------------------------------- */

typedef struct counts {
    cep_source source;
    cep_memory *mem;
    uint16_t *data;
    size_t pixels;
} counts;

static cepman_status counts_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    (void)fault;
    const counts *c = (const counts *)source;
    memcpy(destination, c->data + first * c->pixels, count * c->pixels * sizeof *c->data);
    return CEPMAN_OK;
}

static void counts_close(cep_source *source)
{
    counts *c = (counts *)source;
    cep_memory *mem = c->mem;
    cep_free(mem, c->data);
    cep_free(mem, c);
    cep_memory_unref(mem);
}

static cepman_status counts_create(counts **out, cepman_context *ctx, size_t frames, size_t pixels)
{
    cep_memory *mem = cep_context_memory(ctx);
    counts *c = cep_alloc_zero(mem, 1, sizeof *c);
    uint16_t *data = cep_alloc(mem, frames, pixels * sizeof *data);
    if (!c || !data) {
        cep_free(mem, c);
        cep_free(mem, data);
        return cep_fail_memory(ctx, "simulated scan", frames, pixels * sizeof *data);
    }
    c->source.read = counts_read;
    c->source.close = counts_close;
    c->source.concurrent = true;
    c->mem = cep_memory_ref(mem);
    c->data = data;
    c->pixels = pixels;
    *out = c;
    return CEPMAN_OK;
}

/* ---- one frame ---------------------------------------------------------------------------------------------------- */

typedef struct work {
    const cepman_context *ctx;
    cep_scene scene;
    cep_optics optics;
    double dose;
    uint64_t seed;
    size_t pixels;
    cep_reflection *list[CEP_MOST_PHASES]; /* of each phase: those that can come near the sphere */
    size_t count[CEP_MOST_PHASES];
    double *diffuse, *rings; /* shares of electrons per pixel, sum 1 */
    double *scratch;         /* per worker: two images */
    counts *counts;
    int32_t *labels;
} work;

static double unity(void *argument, double kx, double ky)
{
    (void)argument;
    (void)kx;
    (void)ky;
    return 1;
}

static void expected(const work *w, const cep_point *p, double *image, double *part)
{
    memset(image, 0, w->pixels * sizeof *image);
    for (size_t k = 0; k < w->scene.phases; k++) {
        const cep_phase *phase = &w->scene.phase[k];
        double weight = p->weight[k], beam = 1 - phase->background, sum = 1;
        if (weight < 1e-3) continue;
        memset(part, 0, w->pixels * sizeof *part);
        if (phase->matter == CEP_IN_CRYSTAL) {
            cep_slab slab = {w->list[k], w->count[k], phase->orientation, p->thickness, 0.1 * p->thickness,
                             p->strain,  w->ctx};
            cep_orientation_turn(&slab.orientation, p->spin, p->about_x, p->about_y);
            sum = cep_draw_slab(part, &w->optics, &slab);
        } else {
            cep_draw_disk(part, &w->optics, 0, 0, unity, NULL);
        }
        double rings = phase->matter == CEP_IN_GLASS ? 0.35 * beam : 0;
        for (size_t i = 0; i < w->pixels; i++)
            image[i] += weight * ((beam - rings) / sum * part[i] + rings * w->rings[i] +
                                  phase->background * w->diffuse[i]);
    }
}

static cepman_status make_frame(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    work *w = argument;
    double *image = w->scratch + 2 * (size_t)worker * w->pixels;
    uint16_t *to = w->counts->data + index * w->pixels;
    cep_point p;
    cep_scene_point(&w->scene, index / w->scene.columns, index % w->scene.columns, &p);
    if (w->labels) w->labels[index] = cep_scene_label(&w->scene, &p);
    expected(w, &p, image, image + w->pixels);
    /* A frame whose drawing ended early must not pass for a whole one. */
    if (cep_cancel_requested(w->ctx)) return cep_fault_set(fault, CEPMAN_ERR_CANCELLED, "cancelled");
    for (size_t i = 0; i < w->pixels; i++) {
        uint64_t n = cep_poisson(w->dose * image[i], w->seed, 0, (uint64_t)index * w->pixels + i);
        to[i] = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
    }
    return CEPMAN_OK;
}

/* ---- what all frames share ---------------------------------------------------------------------------------------- */

/* Diffuse scattering (half width 0.35 1/angstrom) and the rings of an amorphous oxide, each with sum 1. */
static void fill_shares(const cep_optics *o, double *diffuse, double *rings)
{
    static const double peak[3] = {0.36, 0.70, 1.15}, width[3] = {0.06, 0.07, 0.10},
                        height[3] = {1, 0.45, 0.1};
    double a = 0.35 / sqrt(pow(2, 1 / 1.5) - 1), sum_d = 0, sum_r = 0, centre = (double)(o->frame / 2);
    for (size_t y = 0; y < o->frame; y++)
        for (size_t x = 0; x < o->frame; x++) {
            double k = o->pixel * hypot((double)x - centre, (double)y - centre), ring = 1e-12;
            for (int i = 0; i < 3; i++)
                ring += height[i] * exp(-0.5 * pow((k - peak[i]) / width[i], 2));
            diffuse[y * o->frame + x] = pow(1 + k * k / (a * a), -1.5);
            rings[y * o->frame + x] = ring;
            sum_d += diffuse[y * o->frame + x];
            sum_r += ring;
        }
    for (size_t i = 0; i < o->frame * o->frame; i++) {
        diffuse[i] /= sum_d;
        rings[i] /= sum_r;
    }
}

/* Keeps the reflections of a phase that some mistilt within the scene's can bring near the Ewald sphere. */
static size_t prune(cep_reflection *list, size_t count, const cep_phase *phase, const cep_optics *o,
                    double tilt)
{
    const double reach = 0.25; /* 1/angstrom: beyond, thin foils have nothing left */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        double g[3], length = 0;
        for (int r = 0; r < 3; r++) {
            g[r] = 0;
            for (int c = 0; c < 3; c++)
                g[r] += phase->orientation.m[r][c] * list[i].g[c];
            length += g[r] * g[r];
        }
        if (fabs(cep_excitation_error(o, g, 0, 0)) <= reach + 1.1 * tilt * sqrt(length))
            list[kept++] = list[i];
    }
    return kept;
}

static cepman_status prepare(work *w, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    /* Corner of the detector, but not beyond 4 1/angstrom, where thermal motion has left nothing. */
    double longest = w->optics.pixel * ((double)w->optics.frame * 0.7072 + 2);
    longest = hypot(longest, 0.25 + longest * longest / (2 * w->optics.wave_number));
    if (longest > 4) longest = 4;
    w->diffuse = cep_alloc(mem, w->pixels, sizeof *w->diffuse);
    w->rings = cep_alloc(mem, w->pixels, sizeof *w->rings);
    w->scratch = cep_alloc(mem, cep_workers(ctx), 2 * w->pixels * sizeof *w->scratch);
    if (!w->diffuse || !w->rings || !w->scratch)
        return cep_fail_memory(ctx, "patterns", 2 * ((size_t)cep_workers(ctx) + 1),
                               w->pixels * sizeof *w->scratch);
    fill_shares(&w->optics, w->diffuse, w->rings);
    for (size_t k = 0; k < w->scene.phases; k++) {
        const cep_phase *phase = &w->scene.phase[k];
        cep_fault fault;
        if (phase->matter != CEP_IN_CRYSTAL) continue;
        if (cep_reflections(&w->list[k], &w->count[k], mem, &fault, phase->crystal, &w->optics, longest))
            return cep_fail_fault(ctx, &fault);
        w->count[k] = prune(w->list[k], w->count[k], phase, &w->optics, w->scene.tilt);
        cepman_status s = cep_poll(ctx);
        if (s) return s;
    }
    return CEPMAN_OK;
}

static void read_options(work *w, const cepman_options *o)
{
    w->seed = (uint64_t)cep_options_integer(o, "seed");
    w->dose = cep_options_real(o, "dose");
    cep_optics_set(&w->optics, cep_options_real(o, "voltage"), cep_options_real(o, "convergence") * 1e-3,
                   cep_options_real(o, "pixel"), (size_t)cep_options_integer(o, "frame"));
    w->pixels = w->optics.frame * w->optics.frame;
    cep_scene_set(&w->scene, cep_options_choice(o, "scene"), (size_t)cep_options_integer(o, "scan-rows"),
                  (size_t)cep_options_integer(o, "scan-columns"),
                  cep_options_real(o, "tilt") * 3.141592653589793 / 180, w->seed);
}

cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *ctx,
                              const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "simulation: out is NULL");
    cepman_options *o = NULL;
    s = cep_options_resolve(&o, ctx, options, "simulate", table);
    if (s) return s;
    work w = {.ctx = ctx};
    cepman_labels *labels = NULL;
    cepman_dataset *dataset = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    read_options(&w, o);
    cepman_options_unref(o);
    size_t frames = w.scene.rows * w.scene.columns;
    s = counts_create(&w.counts, ctx, frames, w.pixels);
    if (!s && truth) s = cep_labels_create(&labels, ctx, frames, &w.labels);
    if (!s) s = prepare(&w, ctx);
    if (!s) s = cep_parallel(ctx, "simulate", frames, make_frame, &w);
    if (!s) {
        cep_dataset_info info = {
            "simulated", CEPMAN_TYPE_U16, w.scene.rows, w.scene.columns, w.optics.frame, w.optics.frame, true,
            (double)NAN, w.optics.pixel,  NULL};
        counts *c = w.counts;
        w.counts = NULL; /* the dataset's, whether it is made or not */
        s = cep_dataset_create(&dataset, ctx, &c->source, &info);
    }
    if (w.counts) counts_close(&w.counts->source);
    for (size_t k = 0; k < CEP_MOST_PHASES; k++)
        cep_free(mem, w.list[k]);
    cep_free(mem, w.diffuse);
    cep_free(mem, w.rings);
    cep_free(mem, w.scratch);
    if (s) {
        cepman_labels_unref(labels);
        return s;
    }
    if (truth) {
        cep_labels_seal(labels);
        *truth = labels;
    }
    *out = dataset;
    return CEPMAN_OK;
}
