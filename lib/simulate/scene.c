/* Scenes: ferroelastic twins of SnSe in two grains, tilted silver, an oxidised aluminium particle, a single crystal.
 * Regions have signed distances; the probe spreads over them as a Gaussian; foils bend, wedge and strain smoothly.
 * Orientations of silver: Fig. 2 of the method's paper has three zones tilted about axes whose paths keep apart.
 * Must not: draw from anything but (seed, stage, scan point). */
#include <math.h>

#include "exec.h"
#include "scene.h"

static const double pi = 3.141592653589793;

/* Stages of random numbers, beside those of the counts (detector.c). */
enum { STAGE_FIELD = 1000, STAGE_POINT = 2000, STAGE_SEED = 3000, STAGE_GRAIN = 3100 };

static double radians(double degrees)
{
    return degrees * pi / 180;
}

/* A smooth field within -1 .. 1 (standard deviation near 0.4): six plane waves of at most `waves` periods. */
static double field(const cep_scene *s, uint64_t which, double waves, double u, double v)
{
    double sum = 0;
    for (uint64_t i = 0; i < 6; i++) {
        double a = waves * (2 * cep_random_real(s->seed, STAGE_FIELD + which, 3 * i) - 1);
        double b = waves * (2 * cep_random_real(s->seed, STAGE_FIELD + which, 3 * i + 1) - 1);
        double phase = 2 * pi * cep_random_real(s->seed, STAGE_FIELD + which, 3 * i + 2);
        sum += cos(2 * pi * (a * u + b * v) + phase);
    }
    return tanh(sum / 4);
}

/* Part of the probe on the positive side of a boundary at a signed distance, in scan steps. */
static double inside(const cep_scene *s, double distance)
{
    return 0.5 * erfc(-distance / (sqrt(2.0) * s->probe));
}

/* Part of the probe on a wall of 5 angstrom at that distance. */
static double on_wall(const cep_scene *s, double distance)
{
    double half = 2.5 / s->step;
    return inside(s, distance + half) - inside(s, distance - half);
}

/* Signed distance into stripes: normal at `angle`, `period` apart, `width` wide. */
static double stripes(double x, double y, double angle, double period, double width, double shift)
{
    double along = x * cos(angle) + y * sin(angle) + shift;
    double place = along - period * floor(along / period);
    return width / 2 - fabs(place - period / 2);
}

static void set_zone(const cep_scene *s, cep_phase *p, const double zone[3], const double x[3])
{
    double z[3], along[3];
    cep_structure_direction(s->structure[p->crystal], zone, z);
    cep_structure_direction(s->structure[p->crystal], x, along);
    cep_orientation_zone(&p->orientation, z, along);
}

static void choose(double *value, double standard)
{
    if (isnan(*value)) *value = standard;
}

static void set_ring(cep_scene *s, double at, double width, double height)
{
    s->ring[s->rings] = at;
    s->width[s->rings] = width;
    s->height[s->rings++] = height;
}

/* Foils bend as a whole and in places: the sum stays within the tilt. */
static void bend(const cep_scene *s, double u, double v, cep_point *p)
{
    double most = s->tilt / sqrt(2.0);
    p->about_x = most * (0.4 * (2 * u - 1) + 0.6 * field(s, 0, 1.0, u, v));
    p->about_y = most * (0.4 * (2 * v - 1) + 0.6 * field(s, 1, 1.0, u, v));
}

/* ---- twin-domains ------------------------------------------------------------------------------------------------ */

static void set_twins(cep_scene *s)
{
    /* Seen along a, the long axis. A twin turns the lattice by 2 atan(b / c) about the beam, the other grain is turned
     * by 90 degrees: its domains differ from those of the first by 4 degrees alone. */
    static const double along_a[3] = {1, 0, 0}, along_b[3] = {0, 1, 0};
    double cell[3][3], reciprocal[3][3], b[3], c[3];
    cep_structure_lattice(s->structure[0], cell, reciprocal);
    for (int i = 0; i < 3; i++) {
        b[i] = cell[1][i];
        c[i] = cell[2][i];
    }
    double twin = 2 * atan(hypot(hypot(b[0], b[1]), b[2]) / hypot(hypot(c[0], c[1]), c[2]));
    const double spin[4] = {0, twin, pi / 2, pi / 2 - twin};
    s->phases = 5;
    s->defect = 4;
    for (size_t i = 0; i < 4; i++) {
        cep_phase *p = &s->phase[i];
        *p = (cep_phase){.matter = CEP_IN_CRYSTAL, .background = 0.10};
        set_zone(s, p, along_a, along_b);
        cep_orientation_turn(&p->orientation, spin[i], 0, 0);
    }
    s->phase[4] = (cep_phase){.matter = CEP_IN_GLASS, .background = 0.30, .amorphous = 0.15};
    set_ring(s, 0.33, 0.06, 1);
    set_ring(s, 0.56, 0.08, 0.5);
    choose(&s->tilt, radians(s->doubled ? 6 : 3));
    choose(&s->thickness, 80);
    choose(&s->probe, 2.5);
    choose(&s->step, 1.5);
    choose(&s->descan, 0.75);
    choose(&s->jitter, 0);
    s->spread = 0.08;
}

static void twin_point(const cep_scene *s, double x, double y, double u, double v, cep_point *p)
{
    double side = s->rows < s->columns ? (double)s->rows : (double)s->columns;
    double slope = 2 * pi * 0.9 * 0.09 * (double)s->rows / (double)s->columns * cos(2 * pi * 0.9 * u + 0.4);
    double boundary =
        (y - (double)s->rows * (0.52 + 0.09 * sin(2 * pi * 0.9 * u + 0.4))) / sqrt(1 + slope * slope);
    double first = stripes(x, y, radians(43), 0.62 * side, 0.30 * side, 0.1 * side);
    double second = stripes(x, y, radians(133), 0.55 * side, 0.26 * side, 0.2 * side);
    double lower = inside(s, boundary), a = inside(s, first), b = inside(s, second);
    /* A corner whose crystal is gone: what is left is amorphous. */
    double cx = (double)s->columns - x, r = hypot(cx, y);
    double gone = inside(s, side * (0.18 + 0.02 * sin(5 * atan2(y, cx))) - r);
    p->weight[0] = (1 - gone) * (1 - lower) * (1 - a);
    p->weight[1] = (1 - gone) * (1 - lower) * a;
    p->weight[2] = (1 - gone) * lower * (1 - b);
    p->weight[3] = (1 - gone) * lower * b;
    p->weight[4] = gone;
    p->wall =
        (1 - gone) * (on_wall(s, boundary) + (1 - lower) * on_wall(s, first) + lower * on_wall(s, second));
    bend(s, u, v, p);
    p->spin = radians(s->doubled ? 1.0 : 0.5) * field(s, 2, 1.5, u, v);
    p->strain = 0.004 * field(s, 3, 1.5, u, v);
    for (size_t i = 0; i < 4; i++)
        p->thickness[i] = s->thickness * (1 + 0.2 * field(s, 4, 1.2, u, v));
}

/* ---- ag-tilt ------------------------------------------------------------------------------------------------------ */

static void set_silver(cep_scene *s)
{
    /* Tilted about the first axes the three paths keep apart; about the second ones [100] at 26.6 degrees is the
     * direction of [110] at 18.4. */
    static const double zone[3][3] = {{1, 0, 0}, {1, 1, 0}, {1, 1, 1}},
                        axis[2][3][3] = {{{0, 1, 0}, {1, -1, 0}, {1, 1, -2}},
                                         {{0, 0, 1}, {0, 0, 1}, {1, -1, 0}}};
    s->phases = 3;
    for (size_t i = 0; i < 3; i++) {
        s->phase[i] = (cep_phase){.matter = CEP_IN_CRYSTAL, .background = 0.08};
        set_zone(s, &s->phase[i], zone[i], axis[s->doubled][i]);
    }
    set_ring(s, 0.36, 0.06, 1);
    choose(&s->tilt, radians(s->doubled ? 20 : 10));
    choose(&s->thickness, 50);
    choose(&s->probe, 1);
    choose(&s->step, 1);
    choose(&s->descan, 0);
    choose(&s->jitter, s->doubled ? 0.5 : 0);
    s->spread = s->doubled ? 0.10 : 0.15;
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void silver_point(const cep_scene *s, size_t row, size_t column, cep_point *p)
{
    uint64_t at = (uint64_t)row * s->columns + column;
    size_t band = 3 * column / s->columns, from = (band * s->columns + 2) / 3,
           to = ((band + 1) * s->columns + 2) / 3;
    /* Each band has the tilts evenly from end to end, neighbours far apart. */
    size_t n = s->rows * (to - from), stride = (size_t)(0.618 * (double)n) + 1;
    while (common_divisor(stride, n) != 1)
        stride++;
    size_t k = row * (to - from) + column - from, place = (size_t)((uint64_t)k * stride % n);
    p->weight[band] = 1;
    p->about_x = n > 1 ? s->tilt * (2 * (double)place / (double)(n - 1) - 1) : 0;
    double relative = 1;
    if (s->doubled) {
        relative = 0.6 + 0.8 * cep_random_real(s->seed, STAGE_POINT + 2, at);
        p->turn = radians(1) * cep_random_normal(s->seed, STAGE_POINT + 1, at);
    }
    p->thickness[band] = s->thickness * relative;
}

/* ---- oxide-particle ----------------------------------------------------------------------------------------------- */

static void set_particle(cep_scene *s)
{
    static const double along_110[3] = {1, 1, 0}, along_100[3] = {1, 0, 0}, x_001[3] = {0, 0, 1},
                        x_010[3] = {0, 1, 0};
    /* 0 vacuum; 1, 2 metal twins about a shared [110]; 3, 4 oxide crystals; 5 polycrystal; 6 amorphous oxide. */
    const double spin[] = {0, radians(12), radians(12) + acos(1.0 / 3.0), radians(33), radians(20), 0, 0};
    s->phases = 7;
    for (size_t i = 0; i < 7; i++) {
        cep_phase *p = &s->phase[i];
        *p = (cep_phase){.matter = CEP_IN_CRYSTAL, .crystal = i >= 3, .background = 0.10, .amorphous = 0.04};
        set_zone(s, p, i == 4 ? along_100 : along_110, i == 4 ? x_010 : x_001);
        cep_orientation_turn(&p->orientation, spin[i], 0, 0);
    }
    s->phase[1].dynamical = s->phase[2].dynamical = true;
    s->phase[1].amorphous = s->phase[2].amorphous = 0.10;
    s->phase[1].background = s->phase[2].background = 0.20;
    s->phase[5].matter = CEP_IN_GRAINS;
    s->phase[5].amorphous = 0.02;
    s->phase[0] = (cep_phase){.matter = CEP_IN_VACUUM, .background = 0.005};
    s->phase[6] = (cep_phase){.matter = CEP_IN_GLASS, .background = 0.15, .amorphous = 0.30};
    set_ring(s, 0.36, 0.06, 1);
    set_ring(s, 0.70, 0.07, 0.45);
    set_ring(s, 1.15, 0.10, 0.1);
    choose(&s->tilt, radians(s->doubled ? 4 : 2));
    choose(&s->thickness, 400);
    choose(&s->probe, 1.5);
    choose(&s->step, 1);
    choose(&s->descan, 0.75);
    choose(&s->jitter, 0);
    s->spread = 0.05;
}

/* Any rotation with equal chance (Shoemake's quaternions). */
static void any_rotation(cep_orientation *o, uint64_t seed, uint64_t stage, uint64_t item)
{
    double a = cep_random_real(seed, stage, item), b = 2 * pi * cep_random_real(seed, stage + 1, item),
           c = 2 * pi * cep_random_real(seed, stage + 2, item);
    double x = sqrt(1 - a) * sin(b), y = sqrt(1 - a) * cos(b), z = sqrt(a) * sin(c), w = sqrt(a) * cos(c);
    *o = (cep_orientation){{{1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)},
                            {2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)},
                            {2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)}}};
}

/* Grains of about 4 steps in three layers: in each the two nearest seeds of a jittered grid share the probe. */
static void grains_of(const cep_scene *s, double x, double y, cep_point *p)
{
    const double side = 4;
    for (uint64_t layer = 0; layer < 3; layer++) {
        double best[2] = {HUGE_VAL, HUGE_VAL};
        uint64_t owner[2] = {0, 0};
        int64_t cx = (int64_t)floor(x / side), cy = (int64_t)floor(y / side);
        for (int64_t i = cy - 2; i <= cy + 2; i++)
            for (int64_t j = cx - 2; j <= cx + 2; j++) {
                uint64_t cell = (uint64_t)(i + 16) * 4096 + (uint64_t)(j + 16);
                double dx = ((double)j + cep_random_real(s->seed, STAGE_SEED + 2 * layer, cell)) * side - x;
                double dy =
                    ((double)i + cep_random_real(s->seed, STAGE_SEED + 2 * layer + 1, cell)) * side - y;
                double d = hypot(dx, dy);
                if (d >= best[1]) continue;
                size_t at = d < best[0] ? 0 : 1;
                if (at == 0) {
                    best[1] = best[0];
                    owner[1] = owner[0];
                }
                best[at] = d;
                owner[at] = cell;
            }
        double second = 1 / (1 + exp(best[1] - best[0]));
        for (size_t k = 0; k < 2; k++) {
            double share = k ? second : 1 - second;
            if (share < 0.03) continue;
            any_rotation(&p->grain[p->grains], s->seed, STAGE_GRAIN + 3 * layer, owner[k]);
            p->share[p->grains++] = share / 3;
        }
    }
}

static void particle_point(const cep_scene *s, double x, double y, double u, double v, cep_point *p)
{
    double side = s->rows < s->columns ? (double)s->rows : (double)s->columns;
    double cx = x - (double)s->columns / 2, cy = y - (double)s->rows / 2, r = hypot(cx, cy),
           at = atan2(cy, cx);
    double outer = side * (0.43 + 0.025 * cos(3 * at + 0.6) + 0.012 * sin(7 * at)) - r;
    double core = side * (0.27 + 0.02 * cos(4 * at + 0.3)) - r;
    double twin = cx * cos(0.5) + cy * sin(0.5) - 0.02 * side;
    double in_outer = inside(s, outer), in_core = inside(s, core), in_twin = inside(s, twin),
           shell = in_outer * (1 - in_core);
    /* The shell is cut by four rays: a point's distance to a ray is measured along the circle. */
    static const double from[5] = {-130, -45, 45, 140, 230};
    double share[4], all = 0;
    for (int i = 0; i < 4; i++) {
        double length = radians(from[i + 1] - from[i]), angle = at - radians(from[i]);
        angle -= 2 * pi * floor(angle / (2 * pi));
        double middle = fabs(angle - length / 2);
        if (middle > pi) middle = 2 * pi - middle;
        share[i] = inside(s, r * (length / 2 - middle));
        all += share[i];
    }
    p->weight[0] = 1 - in_outer;
    p->weight[1] = in_outer * in_core * (1 - in_twin);
    p->weight[2] = in_outer * in_core * in_twin;
    for (int i = 0; i < 4; i++)
        p->weight[3 + i] = all > 0 ? shell * share[i] / all : shell / 4;
    bend(s, u, v, p);
    p->spin = radians(s->doubled ? 1.0 : 0.5) * field(s, 2, 1.5, u, v);
    double part = r / (0.33 * side), dome = part < 1 ? sqrt(1 - part * part) : 0;
    double thin = 0.06 * field(s, 4, 1.2, u, v), wedge = outer / (0.13 * side);
    wedge = wedge < 0 ? 0 : wedge > 1 ? 1 : wedge;
    for (size_t i = 1; i < 7; i++)
        p->thickness[i] =
            s->thickness * (i < 3 ? 0.375 + 0.625 * dome + thin : 0.225 + 0.1 * wedge + thin / 2);
    if (p->weight[5] > 0) grains_of(s, x, y, p);
}

/* ---- a single crystal ---------------------------------------------------------------------------------------------- */

static void set_single(cep_scene *s, const double zone[3])
{
    /* x near the edge of the cell that is most nearly across the beam. */
    double z[3], least = HUGE_VAL, best[3] = {1, 0, 0}, length;
    cep_structure_direction(s->structure[0], zone, z);
    length = sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2]);
    for (int i = 0; i < 3; i++) {
        double edge[3] = {i == 0, i == 1, i == 2}, e[3];
        cep_structure_direction(s->structure[0], edge, e);
        double along = fabs(e[0] * z[0] + e[1] * z[1] + e[2] * z[2]) / length /
                       sqrt(e[0] * e[0] + e[1] * e[1] + e[2] * e[2]);
        if (along < least - 1e-9) {
            least = along;
            for (int k = 0; k < 3; k++)
                best[k] = edge[k];
        }
    }
    s->phases = 1;
    s->phase[0] = (cep_phase){.matter = CEP_IN_CRYSTAL, .background = 0.08};
    set_zone(s, &s->phase[0], zone, best);
    set_ring(s, 0.36, 0.06, 1);
    choose(&s->tilt, radians(1));
    choose(&s->thickness, 100);
    choose(&s->probe, 1);
    choose(&s->step, 1);
    choose(&s->descan, 0);
    choose(&s->jitter, 0);
    s->spread = 0.05;
}

static void single_point(const cep_scene *s, size_t row, size_t column, cep_point *p)
{
    p->weight[0] = 1;
    p->thickness[0] = s->thickness;
    if (s->rows > 1) p->about_x = s->tilt * (2 * (double)row / (double)(s->rows - 1) - 1);
    if (s->columns > 1) p->about_y = s->tilt * (2 * (double)column / (double)(s->columns - 1) - 1);
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

void cep_scene_crystals(int kind, const char *name[CEP_MOST_CRYSTALS])
{
    bool twins = kind == CEP_SCENE_TWIN_DOMAINS || kind == CEP_SCENE_TWIN_DOMAINS_HARD;
    name[0] = twins ? "SnSe" : kind == CEP_SCENE_OXIDE_PARTICLE ? "Al" : "Ag";
    name[1] = kind == CEP_SCENE_OXIDE_PARTICLE ? "gamma-Al2O3" : NULL;
}

void cep_scene_set(cep_scene *s, const double zone[3])
{
    s->doubled = s->kind == CEP_SCENE_AG_TILT_HARD || s->kind == CEP_SCENE_TWIN_DOMAINS_HARD;
    s->phases = s->rings = 0;
    s->defect = CEP_MOST_PHASES;
    if (s->kind == CEP_SCENE_TWIN_DOMAINS || s->kind == CEP_SCENE_TWIN_DOMAINS_HARD) set_twins(s);
    if (s->kind == CEP_SCENE_AG_TILT || s->kind == CEP_SCENE_AG_TILT_HARD) set_silver(s);
    if (s->kind == CEP_SCENE_OXIDE_PARTICLE) set_particle(s);
    if (s->kind == CEP_SCENE_SINGLE_CRYSTAL) set_single(s, zone);
    s->step *= 10;
    s->probe = s->probe * 10 / 2.354820045 / s->step;
}

void cep_scene_point(const cep_scene *s, size_t row, size_t column, cep_point *p)
{
    double x = (double)column + 0.5, y = (double)row + 0.5, u = x / (double)s->columns,
           v = y / (double)s->rows;
    uint64_t at = (uint64_t)row * s->columns + column;
    *p = (cep_point){.grains = 0};
    if (s->kind == CEP_SCENE_TWIN_DOMAINS || s->kind == CEP_SCENE_TWIN_DOMAINS_HARD)
        twin_point(s, x, y, u, v, p);
    if (s->kind == CEP_SCENE_AG_TILT || s->kind == CEP_SCENE_AG_TILT_HARD) silver_point(s, row, column, p);
    if (s->kind == CEP_SCENE_OXIDE_PARTICLE) particle_point(s, x, y, u, v, p);
    if (s->kind == CEP_SCENE_SINGLE_CRYSTAL) single_point(s, row, column, p);
    for (uint64_t i = 0; i < 2; i++) {
        if (s->descan > 0) p->shift[i] = s->descan * field(s, 5 + i, 1.0, u, v);
        if (s->jitter > 0) p->shift[i] += s->jitter * cep_random_normal(s->seed, STAGE_POINT + 3 + i, at);
    }
}

int32_t cep_scene_label(const cep_scene *s, const cep_point *p)
{
    for (size_t i = 0; i < s->phases; i++)
        if (p->weight[i] >= 0.95) return i == s->defect ? -1 : (int32_t)i;
    return -1;
}

int32_t cep_scene_boundary(const cep_scene *s, const cep_point *p)
{
    for (size_t i = 0; i < s->phases; i++)
        if (p->weight[i] >= 0.95) return i == s->defect ? 2 : 0;
    return 1;
}
