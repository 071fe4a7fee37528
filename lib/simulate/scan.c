/* All frames of a scene: reflections of its crystals once, then expected patterns, scan point by scan point.
 * Bloch waves go in batches: pool workers choose beams and build matrices, the calling thread diagonalises them (LAPACK
 * is called there alone), pool workers turn the waves into intensities and frames.
 * Must not: let a frame depend on any other, or on the number of threads. */
#include "scan.h"

#include <math.h>
#include <string.h>

#include "exec.h"
#include "linalg.h"

static const double pi = 3.141592653589793;

/* ---- what all frames share --------------------------------------------------------------------------------------- */

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

/* Of a phase that draws a lattice: by Bloch waves? Grains are too many and too thin for them. */
static bool is_dynamical(const cep_scan *s, const cep_phase *p)
{
    if (p->matter != CEP_IN_CRYSTAL) return false;
    return s->theory == CEP_THEORY_BLOCH || (s->theory == CEP_THEORY_AUTO && p->dynamical);
}

static bool has_lattice(const cep_phase *p)
{
    return p->matter == CEP_IN_CRYSTAL || p->matter == CEP_IN_GRAINS;
}

static cepman_status make_lists(cep_scan *s, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    /* Corner of the detector, but not beyond 4 1/angstrom, where thermal motion has left nothing. */
    double longest = s->optics.pixel * ((double)s->optics.frame * 0.7072 + 2);
    longest = hypot(longest, 0.25 + longest * longest / (2 * s->optics.wave_number));
    if (longest > 4) longest = 4;
    for (size_t c = 0; c < CEP_MOST_CRYSTALS; c++) {
        bool used = false, bloch = false;
        for (size_t k = 0; k < s->scene.phases; k++) {
            const cep_phase *p = &s->scene.phase[k];
            s->bloch[k] = is_dynamical(s, p);
            if (p->crystal != c || !has_lattice(p)) continue;
            used = true;
            bloch |= s->bloch[k];
        }
        if (!used) continue;
        /* Beams couple through the differences of their indices; what lies beyond is too weak to count. */
        double box = bloch ? fmin(2 * longest, 5) : longest;
        cepman_status status =
            cep_factors_create(&s->factors[c], ctx, s->structure[c], box > longest ? box : longest);
        if (status) return status;
        for (size_t k = 0; k < s->scene.phases; k++) {
            const cep_phase *p = &s->scene.phase[k];
            cep_fault fault;
            if (p->crystal != c || !has_lattice(p)) continue;
            if (cep_reflections(&s->list[k], &s->count[k], mem, &fault, s->structure[c], s->factors[c],
                                &s->optics, longest, s->bloch[k]))
                return cep_fail_fault(ctx, &fault);
            if (p->matter == CEP_IN_CRYSTAL)
                s->count[k] = prune(s->list[k], s->count[k], p, &s->optics,
                                    s->scene.tilt + 0.06 * (s->scene.kind != CEP_SCENE_SINGLE_CRYSTAL));
            status = cep_poll(ctx);
            if (status) return status;
        }
    }
    return CEPMAN_OK;
}

/* ---- Bloch waves in batches --------------------------------------------------------------------------------------- */

/* One crystal at one scan point. */
typedef struct job {
    size_t frame, phase;
    cep_slab slab;
    cep_optics optics;
    cep_bloch bloch;
    double *matrix, *value, *intensity; /* for each direction */
} job;

typedef struct cep_bloch_batch {
    cep_scan *scan;
    job *job;
    size_t room, jobs;
    size_t first, frames; /* of this batch */
    size_t *start;        /* jobs of frame first + i begin at start[i] */
} batch;

enum { MOST_FRAMES = 4096 };

static void set_slab(const cep_scan *s, const cep_point *p, size_t phase, cep_slab *slab)
{
    double thickness = p->thickness[phase];
    *slab = (cep_slab){s->list[phase],
                       s->count[phase],
                       s->scene.phase[phase].orientation,
                       thickness,
                       s->scene.spread * thickness,
                       p->strain,
                       s->weakest,
                       s->ctx};
    cep_orientation_turn(&slab->orientation, p->spin, p->about_x, p->about_y);
    cep_orientation_turn(&slab->orientation, p->turn, 0, 0);
}

static void set_optics(const cep_scan *s, const cep_point *p, cep_optics *o)
{
    *o = s->optics;
    for (int i = 0; i < 2; i++)
        o->centre[i] += p->shift[i];
}

static void batch_free(batch *b, cep_memory *mem)
{
    if (!b) return;
    for (size_t i = 0; b->job && i < b->room; i++) {
        cep_free(mem, b->job[i].bloch.beam);
        cep_free(mem, b->job[i].matrix);
        cep_free(mem, b->job[i].value);
        cep_free(mem, b->job[i].intensity);
    }
    cep_free(mem, b->job);
    cep_free(mem, b->start);
    cep_free(mem, b);
}

static cepman_status batch_create(cep_scan *s, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    size_t list = 0, parts = 1;
    for (size_t k = 0; k < s->scene.phases; k++) {
        if (!s->bloch[k]) continue;
        if (s->count[k] > list) list = s->count[k];
        if (!s->factors[s->scene.phase[k].crystal]->real) parts = 2;
    }
    list++;
    size_t strong = s->beams < list ? s->beams : list, square = strong * strong * parts;
    size_t bytes = list * sizeof(cep_beam) + s->directions * (square + strong + list) * sizeof(double);
    size_t room = ((size_t)64 << 20) / bytes;
    room = room < CEP_MOST_PHASES ? CEP_MOST_PHASES : room > 256 ? 256 : room;
    batch *b = cep_alloc_zero(mem, 1, sizeof *b);
    if (!b) return cep_fail_memory(ctx, "Bloch waves", 1, sizeof *b);
    s->batch = b;
    b->scan = s;
    b->room = room;
    b->job = cep_alloc_zero(mem, room, sizeof *b->job);
    b->start = cep_alloc(mem, MOST_FRAMES + 1, sizeof *b->start);
    bool good = b->job && b->start;
    for (size_t i = 0; good && i < room; i++) {
        job *j = &b->job[i];
        j->bloch.room = list;
        j->bloch.beam = cep_alloc(mem, list, sizeof *j->bloch.beam);
        j->matrix = cep_alloc(mem, s->directions, square * sizeof *j->matrix);
        j->value = cep_alloc(mem, s->directions, strong * sizeof *j->value);
        j->intensity = cep_alloc(mem, s->directions, list * sizeof *j->intensity);
        good = j->bloch.beam && j->matrix && j->value && j->intensity;
    }
    return good ? CEPMAN_OK : cep_fail_memory(ctx, "Bloch waves", room, bytes);
}

/* Takes frames from b->first on until the jobs are full. */
static void batch_fill(batch *b, size_t frames)
{
    cep_scan *s = b->scan;
    b->jobs = b->frames = 0;
    while (b->first + b->frames < frames && b->frames < MOST_FRAMES) {
        size_t frame = b->first + b->frames, need = 0;
        cep_point p;
        cep_scene_point(&s->scene, frame / s->scene.columns, frame % s->scene.columns, &p);
        for (size_t k = 0; k < s->scene.phases; k++)
            need += s->bloch[k] && p.weight[k] >= 0.01;
        if (b->jobs + need > b->room) break;
        b->start[b->frames++] = b->jobs;
        for (size_t k = 0; k < s->scene.phases; k++)
            if (s->bloch[k] && p.weight[k] >= 0.01) {
                job *j = &b->job[b->jobs++];
                size_t c = s->scene.phase[k].crystal;
                j->frame = frame;
                j->phase = k;
                set_slab(s, &p, k, &j->slab);
                set_optics(s, &p, &j->optics);
                j->bloch.factors = s->factors[c];
                j->bloch.scale = cep_bloch_scale(s->structure[c], &s->optics);
                j->bloch.absorption = s->absorption;
            }
    }
    b->start[b->frames] = b->jobs;
}

static cepman_status build_job(void *argument, size_t index, unsigned worker, cep_fault *fault)
{
    (void)fault;
    const batch *b = argument;
    const cep_scan *s = b->scan;
    job *j = &b->job[index];
    cep_bloch_select(&j->bloch, &j->optics, &j->slab, s->beams);
    size_t size = cep_bloch_size(&j->bloch);
    cep_bloch_matrix(&j->bloch, &j->optics, j->slab.thickness, s->scratch + (size_t)worker * s->scratch_size,
                     j->matrix);
    for (size_t d = 1; d < s->directions; d++)
        cep_bloch_tilt(&j->bloch, &j->optics, s->cone[d][0], s->cone[d][1], j->matrix, j->matrix + d * size);
    return CEPMAN_OK;
}

static cepman_status diagonalise(batch *b, cepman_context *ctx)
{
    for (size_t i = 0; i < b->jobs; i++) {
        job *j = &b->job[i];
        size_t size = cep_bloch_size(&j->bloch), n = j->bloch.strong;
        for (size_t d = 0; d < b->scan->directions; d++) {
            cepman_status status =
                cep_linalg_hermitian(ctx, n, !j->bloch.factors->real, j->matrix + d * size, j->value + d * n);
            if (!status) status = cep_poll(ctx);
            if (status) return status;
        }
    }
    return CEPMAN_OK;
}

static double draw_job(const cep_scan *s, job *j, double *image, double *scratch)
{
    size_t size = cep_bloch_size(&j->bloch), n = j->bloch.strong, count = j->bloch.count;
    for (size_t d = 0; d < s->directions; d++) {
        if (cep_cancel_requested(s->ctx)) return 1;
        cep_bloch_intensities(&j->bloch, &j->optics, s->cone[d][0], s->cone[d][1], j->matrix + d * size,
                              j->value + d * n, j->slab.thickness, j->slab.spread, scratch,
                              j->intensity + d * count);
    }
    return cep_draw_bloch(image, &j->optics, &j->bloch, (const double(*)[2])s->cone, s->directions,
                          j->intensity);
}

/* ---- one frame ---------------------------------------------------------------------------------------------------- */

/* Thin grains on top of each other: the direct beam keeps 65 %, their spots share the rest. */
static void draw_grains(const cep_scan *s, const cep_point *p, const cep_optics *o, size_t k, double *part,
                        double *spots)
{
    const double kept = 0.65;
    const size_t pixels = s->detector.pixels;
    double whole = 0, beam = kept;
    for (size_t i = 0; i < p->grains; i++)
        whole += p->share[i];
    for (size_t i = 0; i < p->grains; i++) {
        cep_slab slab = {s->list[k], s->count[k], p->grain[i], 35, 5, p->strain, s->weakest, s->ctx};
        memset(spots, 0, pixels * sizeof *spots);
        /* The slab's own direct beam has 1. */
        double sum = cep_draw_slab(spots, o, &slab) - 1;
        double factor = sum > 1e-9 ? (1 - kept) * p->share[i] / (whole * sum) : 0;
        for (size_t at = 0; at < pixels; at++)
            part[at] += factor * spots[at];
        beam -= factor;
    }
    memset(spots, 0, pixels * sizeof *spots);
    cep_draw_beam(spots, o, 0, 0);
    for (size_t at = 0; at < pixels; at++)
        part[at] += beam * spots[at];
}

/* The pattern of one phase, its sum 1. */
static void draw_phase(const cep_scan *s, const cep_point *p, const cep_optics *o, size_t k, job *dynamical,
                       double *part, double *extra)
{
    const cep_phase *phase = &s->scene.phase[k];
    const size_t pixels = s->detector.pixels;
    double sum = 1;
    memset(part, 0, pixels * sizeof *part);
    if (phase->matter == CEP_IN_GRAINS) {
        draw_grains(s, p, o, k, part, extra);
    } else if (phase->matter != CEP_IN_CRYSTAL) {
        cep_draw_beam(part, o, 0, 0);
    } else if (dynamical) {
        sum = draw_job(s, dynamical, part, extra);
    } else {
        cep_slab slab;
        set_slab(s, p, k, &slab);
        sum = cep_draw_slab(part, o, &slab);
    }
    for (size_t i = 0; i < pixels; i++)
        part[i] /= sum;
}

static void expected(const cep_scan *s, const cep_point *p, size_t index, job *jobs, size_t count,
                     double *image, double *part, double *extra)
{
    const size_t pixels = s->detector.pixels;
    double diffuse = 0, rings = 0, all = 0;
    cep_optics o;
    set_optics(s, p, &o);
    memset(image, 0, pixels * sizeof *image);
    for (size_t k = 0; k < s->scene.phases; k++)
        if (p->weight[k] >= 0.01) all += p->weight[k];
    for (size_t k = 0; k < s->scene.phases; k++) {
        const cep_phase *phase = &s->scene.phase[k];
        double weight = p->weight[k] / all, background = phase->background, film = phase->amorphous;
        if (p->weight[k] < 0.01) continue;
        if (has_lattice(phase)) {
            if (!isnan(s->background)) background = s->background;
            if (!isnan(s->amorphous)) film = s->amorphous;
            background = fmin(background + 0.5 * p->wall, 0.95);
        }
        if (film > 1 - background) film = 1 - background;
        job *dynamical = NULL;
        for (size_t i = 0; i < count; i++)
            if (jobs[i].phase == k) dynamical = &jobs[i];
        draw_phase(s, p, &o, k, dynamical, part, extra);
        double scale = weight * (1 - background - film);
        for (size_t i = 0; i < pixels; i++)
            image[i] += scale * part[i];
        diffuse += weight * background;
        rings += weight * film;
    }
    if (diffuse > 0) cep_detector_diffuse(&s->detector, &o, diffuse, image);
    if (rings > 0) cep_detector_rings(&s->detector, &o, rings, index, image);
}

static void describe(const cep_scan *s, const cep_point *p, size_t index)
{
    size_t most = 0;
    for (size_t k = 1; k < s->scene.phases; k++)
        if (p->weight[k] > p->weight[most]) most = k;
    if (s->label) s->label[index] = cep_scene_label(&s->scene, p);
    if (s->boundary) s->boundary[index] = cep_scene_boundary(&s->scene, p);
    if (!s->state) return;
    const double v[CEP_STATES] = {p->weight[most],
                                  p->thickness[most],
                                  p->about_x * 180 / pi,
                                  p->about_y * 180 / pi,
                                  (p->spin + p->turn) * 180 / pi,
                                  p->strain,
                                  p->shift[0],
                                  p->shift[1]};
    for (size_t i = 0; i < CEP_STATES; i++)
        s->state[index * s->stride + i] = (float)v[i];
}

static cepman_status make_frame(void *argument, size_t i, unsigned worker, cep_fault *fault)
{
    cep_scan *s = argument;
    const batch *b = s->batch;
    const size_t index = b ? b->first + i : i, pixels = s->detector.pixels;
    double *image = s->scratch + (size_t)worker * s->scratch_size;
    cep_point p;
    cep_scene_point(&s->scene, index / s->scene.columns, index % s->scene.columns, &p);
    describe(s, &p, index);
    job *jobs = b ? b->job + b->start[i] : NULL;
    expected(s, &p, index, jobs, b ? b->start[i + 1] - b->start[i] : 0, image, image + pixels,
             image + 2 * pixels);
    /* A frame whose drawing ended early must not pass for a whole one. */
    if (cep_cancel_requested(s->ctx)) return cep_fault_set(fault, CEPMAN_ERR_CANCELLED, "cancelled");
    cep_detector_count(&s->detector, index, image, s->counts + index * pixels);
    return CEPMAN_OK;
}

/* ---- the scan ------------------------------------------------------------------------------------------------------ */

static cepman_status run_batches(cep_scan *s, cepman_context *ctx, size_t frames)
{
    cepman_status status = batch_create(s, ctx);
    batch *b = s->batch;
    while (!status && b->first < frames) {
        batch_fill(b, frames);
        status = cep_parallel(ctx, NULL, b->jobs, build_job, b);
        if (!status) status = diagonalise(b, ctx);
        if (!status) status = cep_parallel_part(ctx, "simulate", b->first, frames, b->frames, make_frame, s);
        b->first += b->frames;
    }
    return status;
}

cepman_status cep_scan_run(cep_scan *s, cepman_context *ctx)
{
    cep_memory *mem = cep_context_memory(ctx);
    s->ctx = ctx;
    /* A tenth of an electron, but enough for the shape of a pattern whatever the dose. */
    s->weakest = fmin(fmax(0.1 / s->detector.dose, 1e-9), 2e-6);
    cepman_status status = cep_detector_prepare(&s->detector, ctx, &s->optics, &s->scene);
    if (!status) status = make_lists(s, ctx);
    if (status) return status;
    bool bloch = false;
    for (size_t k = 0; k < s->scene.phases; k++)
        bloch |= s->bloch[k];
    size_t waves = bloch ? cep_bloch_scratch(s->beams) : 0, pixels = s->detector.pixels;
    s->scratch_size = 2 * pixels + (waves > pixels ? waves : pixels);
    s->scratch = cep_alloc(mem, cep_workers(ctx), s->scratch_size * sizeof *s->scratch);
    if (!s->scratch)
        return cep_fail_memory(ctx, "patterns", cep_workers(ctx), s->scratch_size * sizeof *s->scratch);
    size_t frames = s->scene.rows * s->scene.columns;
    if (!bloch) return cep_parallel(ctx, "simulate", frames, make_frame, s);
    s->cone = cep_alloc(mem, CEP_MOST_DIRECTIONS, sizeof *s->cone);
    if (!s->cone) return cep_fail_memory(ctx, "directions", CEP_MOST_DIRECTIONS, sizeof *s->cone);
    s->directions = cep_cone(&s->optics, s->rings, s->cone);
    return run_batches(s, ctx, frames);
}

void cep_scan_free(cep_scan *s, cep_memory *mem)
{
    batch_free(s->batch, mem);
    cep_detector_free(&s->detector, mem);
    for (size_t k = 0; k < CEP_MOST_PHASES; k++)
        cep_free(mem, s->list[k]);
    for (size_t c = 0; c < CEP_MOST_CRYSTALS; c++) {
        cep_factors_free(s->factors[c]);
        cep_structure_free(s->structure[c]);
    }
    cep_free(mem, s->cone);
    cep_free(mem, s->scratch);
}
