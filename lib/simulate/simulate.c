/* Simulated scans as datasets: the options, the frames in memory, the truth beside them.
 * What is simulated: scan.c (patterns), scene.c (where what stands), detector.c (noise).
 * Must not: hand out a scan without its truth. */
#include <math.h>
#include <string.h>

#include "matrix.h"
#include "scan.h"

static const char kind[] = "simulate";
static const cep_option table[] = {
    {"scene", CEPMAN_OPTION_CHOICE, 0, 5, 0,
     "twin-domains|ag-tilt|oxide-particle|ag-tilt-hard|twin-domains-hard|single-crystal", "what is scanned"},
    {"scan-rows", CEPMAN_OPTION_INTEGER, 1, 4096, 64, NULL, "scan points along y, 1 to 4096"},
    {"scan-columns", CEPMAN_OPTION_INTEGER, 1, 4096, 64, NULL, "scan points along x, 1 to 4096"},
    {"frame", CEPMAN_OPTION_INTEGER, 8, 1024, 128, NULL, "detector pixels on a side, 8 to 1024"},
    {"tilt", CEPMAN_OPTION_REAL, 0, 45, (double)NAN, "auto",
     "largest mistilt in degrees, 0 to 45; auto: the scene's (3, 10, 2, 20, 6, 1 in the order of the "
     "scenes)"},
    {"dose", CEPMAN_OPTION_REAL, 1, 1e9, 1e5, NULL, "electrons a frame, 1 to 1e9"},
    {"voltage", CEPMAN_OPTION_REAL, 20, 1000, 200, NULL, "acceleration in kV, 20 to 1000"},
    {"convergence", CEPMAN_OPTION_REAL, 0, 20, 1.2, NULL, "convergence semi-angle in mrad, 0 to 20"},
    {"pixel", CEPMAN_OPTION_REAL, 0.001, 0.5, 0.032, NULL, "detector pixel in 1/angstrom, 0.001 to 0.5"},
    {"seed", CEPMAN_OPTION_INTEGER, 0, 9007199254740991.0, 42, NULL, "of the noise and the foil's bending"},
    {"crystal", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL,
     "of the domains or the particle's core: Al Ni Cu Rh Pd Ag Ir Pt Au Pb SnSe gamma-Al2O3 alpha-Al2O3, or "
     "a file "
     "(docs/formats.md); empty: the scene's"},
    {"zone", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL,
     "scene single-crystal: direction [uvw] along the beam, three numbers; empty: 0 0 1"},
    {"thickness", CEPMAN_OPTION_REAL, 1, 10000, (double)NAN, "auto",
     "nominal thickness in angstrom, 1 to 10000; auto: the scene's (80, 50, 400, 50, 80, 100)"},
    {"debye-waller", CEPMAN_OPTION_REAL, 0, 20, (double)NAN, "auto",
     "Debye-Waller factor B of all atoms in square angstrom, 0 to 20; auto: the crystal's own"},
    {"theory", CEPMAN_OPTION_CHOICE, 0, 2, 0, "auto|kinematical|bloch",
     "diffraction by single scattering or by Bloch waves; auto: Bloch waves in the particle's core alone"},
    {"absorption", CEPMAN_OPTION_REAL, 0, 0.5, 0.05, NULL,
     "Bloch waves: imaginary part of the potential over its real part, 0 to 0.5"},
    {"beams", CEPMAN_OPTION_INTEGER, 1, 1000, 60, NULL,
     "Bloch waves: strong beams that are diagonalised, at most, 1 to 1000; the others scatter once out of "
     "them"},
    {"directions", CEPMAN_OPTION_INTEGER, 0, CEP_MOST_RINGS, 1, NULL,
     "Bloch waves: rings of incident directions about the middle of the cone, 0 to 6 (1, 7, 19, ... "
     "directions)"},
    {"step", CEPMAN_OPTION_REAL, 0.01, 1000, (double)NAN, "auto",
     "nanometres between scan points, 0.01 to 1000; auto: the scene's (1.5 for twins, else 1)"},
    {"probe", CEPMAN_OPTION_REAL, 0.01, 1000, (double)NAN, "auto",
     "width of the probe in nanometres at half maximum, 0.01 to 1000; auto: the scene's (2.5, 1, 1.5, 1, "
     "2.5, 1)"},
    {"background", CEPMAN_OPTION_REAL, 0, 0.9, (double)NAN, "auto",
     "part of the electrons that a crystal scatters diffusely, 0 to 0.9; auto: the scene's"},
    {"amorphous", CEPMAN_OPTION_REAL, 0, 0.9, (double)NAN, "auto",
     "part of the electrons in the rings of an amorphous film on crystals, 0 to 0.9; auto: the scene's"},
    {"speckle", CEPMAN_OPTION_REAL, 0, 1, 1, NULL,
     "contrast of the speckle in amorphous rings, 0 (smooth) to 1 (three modes)"},
    {"descan", CEPMAN_OPTION_REAL, 0, 50, (double)NAN, "auto",
     "largest slow shift of the beam over the scan in pixels, 0 to 50; auto: the scene's (0.75, silver 0)"},
    {"jitter", CEPMAN_OPTION_REAL, 0, 10, (double)NAN, "auto",
     "shift of the beam from point to point, standard deviation in pixels, 0 to 10; auto: 0.5 in "
     "ag-tilt-hard, else 0"},
    {"read-noise", CEPMAN_OPTION_REAL, 0, 1000, 0, NULL,
     "standard deviation of the detector's Gaussian noise in counts, 0 to 1000"},
    {"dark-level", CEPMAN_OPTION_REAL, 0, 10000, 0, NULL,
     "counts that every pixel has in the dark, 0 to 10000"},
    {"hot-pixels", CEPMAN_OPTION_REAL, 0, 0.5, 0, NULL, "part of the pixels that are hot, 0 to 0.5"},
    {"dead-pixels", CEPMAN_OPTION_REAL, 0, 0.5, 0, NULL, "part of the pixels that are dead, 0 to 0.5"},
    {"saturation", CEPMAN_OPTION_INTEGER, 1, 65535, 65535, NULL, "counts that a pixel can hold, 1 to 65535"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL},
};

cepman_status cepman_simulate_options_create(cepman_options **out, cepman_context *ctx)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "simulation options: out is NULL");
    return cep_options_create(out, ctx, kind, table);
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

/* ---- the scan and its truth --------------------------------------------------------------------------------------- */

struct cepman_simulation {
    cep_refs refs;
    cep_memory *mem;
    cepman_dataset *dataset;
    cepman_labels *truth, *boundary;
    cepman_matrix *state;
    uint8_t *bad; /* NULL when all pixels are good */
};

cepman_simulation *cepman_simulation_ref(cepman_simulation *s)
{
    if (s) cep_refs_get(&s->refs);
    return s;
}

void cepman_simulation_unref(cepman_simulation *s)
{
    if (!s || !cep_refs_put(&s->refs)) return;
    cep_memory *mem = s->mem;
    cepman_dataset_unref(s->dataset);
    cepman_labels_unref(s->truth);
    cepman_labels_unref(s->boundary);
    cepman_matrix_unref(s->state);
    cep_free(mem, s->bad);
    cep_free(mem, s);
    cep_memory_unref(mem);
}

cepman_dataset *cepman_simulation_dataset(const cepman_simulation *s)
{
    return s ? s->dataset : NULL;
}

cepman_labels *cepman_simulation_truth(const cepman_simulation *s)
{
    return s ? s->truth : NULL;
}

cepman_labels *cepman_simulation_boundary(const cepman_simulation *s)
{
    return s ? s->boundary : NULL;
}

cepman_matrix *cepman_simulation_state(const cepman_simulation *s)
{
    return s ? s->state : NULL;
}

const uint8_t *cepman_simulation_bad_pixels(const cepman_simulation *s)
{
    return s ? s->bad : NULL;
}

/* ---- from the options ----------------------------------------------------------------------------------------------- */

/* Three numbers apart by blanks or commas. */
static cepman_status read_zone(cepman_context *ctx, const char *text, double zone[3])
{
    const double along_c[3] = {0, 0, 1};
    memcpy(zone, along_c, sizeof along_c);
    if (!*text) return CEPMAN_OK;
    const char *p = text;
    double size = 0;
    int n = 0;
    for (; *p && n < 4; n++) {
        char word[32];
        size_t length = strcspn(p, " ,");
        if (length == 0 || length >= sizeof word || n == 3) break;
        memcpy(word, p, length);
        word[length] = 0;
        if (!cep_parse_real(word, &zone[n]) || !(fabs(zone[n]) <= 1000)) break;
        size += fabs(zone[n]);
        p += length;
        p += strspn(p, " ,");
    }
    CEP_REQUIRE(ctx, n == 3 && !*p && size > 1e-3, CEPMAN_ERR_ARGUMENT,
                "zone '%.100s' must be three numbers, not all 0, like '1 1 0'", text);
    return CEPMAN_OK;
}

static cepman_status read_options(cep_scan *w, cepman_context *ctx, const cepman_options *o)
{
    cep_memory *mem = cep_context_memory(ctx);
    double zone[3];
    cepman_status status = read_zone(ctx, cep_options_text(o, "zone"), zone);
    if (status) return status;
    cep_optics_set(&w->optics, cep_options_real(o, "voltage"), cep_options_real(o, "convergence") * 1e-3,
                   cep_options_real(o, "pixel"), (size_t)cep_options_integer(o, "frame"));
    w->theory = cep_options_choice(o, "theory");
    w->absorption = cep_options_real(o, "absorption");
    w->background = cep_options_real(o, "background");
    w->amorphous = cep_options_real(o, "amorphous");
    w->beams = (size_t)cep_options_integer(o, "beams");
    w->rings = w->optics.convergence > 0 ? (size_t)cep_options_integer(o, "directions") : 0;
    w->detector = (cep_detector){.seed = (uint64_t)cep_options_integer(o, "seed"),
                                 .dose = cep_options_real(o, "dose"),
                                 .dark = cep_options_real(o, "dark-level"),
                                 .read_noise = cep_options_real(o, "read-noise"),
                                 .saturation = (double)cep_options_integer(o, "saturation"),
                                 .hot = cep_options_real(o, "hot-pixels"),
                                 .dead = cep_options_real(o, "dead-pixels"),
                                 .speckle = cep_options_real(o, "speckle")};
    w->scene = (cep_scene){.kind = cep_options_choice(o, "scene"),
                           .rows = (size_t)cep_options_integer(o, "scan-rows"),
                           .columns = (size_t)cep_options_integer(o, "scan-columns"),
                           .seed = w->detector.seed,
                           .tilt = cep_options_real(o, "tilt") * 3.141592653589793 / 180,
                           .probe = cep_options_real(o, "probe"),
                           .step = cep_options_real(o, "step"),
                           .thickness = cep_options_real(o, "thickness"),
                           .descan = cep_options_real(o, "descan"),
                           .jitter = cep_options_real(o, "jitter")};
    const char *name[CEP_MOST_CRYSTALS], *given = cep_options_text(o, "crystal");
    cep_scene_crystals(w->scene.kind, name);
    if (*given) name[0] = given;
    for (size_t c = 0; c < CEP_MOST_CRYSTALS && name[c]; c++) {
        cep_fault fault;
        if (cep_structure_open(&w->structure[c], mem, &fault, name[c])) return cep_fail_fault(ctx, &fault);
        double b = cep_options_real(o, "debye-waller");
        if (!isnan(b)) cep_structure_set_b(w->structure[c], b);
        w->scene.structure[c] = w->structure[c];
    }
    cep_scene_set(&w->scene, zone);
    /* What a scene has of an amorphous film on crystals is the option's to say. */
    for (size_t k = 0; k < w->scene.phases && w->amorphous > 0; k++)
        if (w->scene.phase[k].matter == CEP_IN_CRYSTAL) w->scene.phase[k].amorphous = w->amorphous;
    return CEPMAN_OK;
}

static cepman_status make_outputs(cepman_simulation *sim, cep_scan *w, counts **frames, cepman_context *ctx)
{
    size_t n = w->scene.rows * w->scene.columns, pixels = w->optics.frame * w->optics.frame;
    cepman_status s = counts_create(frames, ctx, n, pixels);
    if (!s) s = cep_labels_create(&sim->truth, ctx, n, &w->label);
    if (!s) s = cep_labels_create(&sim->boundary, ctx, n, &w->boundary);
    if (!s)
        s = cep_matrix_create(&sim->state, ctx, "state of the scan", n, CEP_STATES, &w->state, &w->stride);
    if (!s) w->counts = (*frames)->data;
    return s;
}

cepman_status cepman_simulate_scan(cepman_simulation **out, cepman_context *ctx,
                                   const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "simulation: out is NULL");
    cepman_options *o = NULL;
    s = cep_options_resolve(&o, ctx, options, kind, table);
    if (s) return s;
    cep_memory *mem = cep_context_memory(ctx);
    cep_scan w = {.ctx = ctx};
    counts *frames = NULL;
    cepman_simulation *sim = cep_alloc_zero(mem, 1, sizeof *sim);
    if (!sim) {
        cepman_options_unref(o);
        return cep_fail_memory(ctx, "simulation", 1, sizeof *sim);
    }
    cep_refs_init(&sim->refs);
    sim->mem = cep_memory_ref(mem);
    s = read_options(&w, ctx, o);
    cepman_options_unref(o);
    if (!s) s = make_outputs(sim, &w, &frames, ctx);
    if (!s) s = cep_scan_run(&w, ctx);
    if (!s) {
        cep_dataset_info info = {.format = "simulated",
                                 .type = CEPMAN_TYPE_U16,
                                 .scan_rows = w.scene.rows,
                                 .scan_columns = w.scene.columns,
                                 .height = w.optics.frame,
                                 .width = w.optics.frame,
                                 .has_scan = true,
                                 .scan_step = w.scene.step / 10,
                                 .reciprocal_pixel = w.optics.pixel};
        cep_source *source = &frames->source;
        frames = NULL; /* the dataset's, whether it is made or not */
        s = cep_dataset_create(&sim->dataset, ctx, source, &info);
    }
    if (!s && w.detector.bad_pixels) {
        sim->bad = w.detector.bad;
        w.detector.bad = NULL;
    }
    if (frames) counts_close(&frames->source);
    cep_scan_free(&w, mem);
    if (s) {
        cepman_simulation_unref(sim);
        return s;
    }
    cep_labels_seal(sim->truth);
    cep_labels_seal(sim->boundary);
    *out = sim;
    return CEPMAN_OK;
}

cepman_status cepman_simulate(cepman_dataset **out, cepman_labels **truth, cepman_context *ctx,
                              const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out, CEPMAN_ERR_ARGUMENT, "simulation: out is NULL");
    cepman_simulation *sim = NULL;
    s = cepman_simulate_scan(&sim, ctx, options);
    if (s) return s;
    *out = cepman_dataset_ref(sim->dataset);
    if (truth) *truth = cepman_labels_ref(sim->truth);
    cepman_simulation_unref(sim);
    return CEPMAN_OK;
}
