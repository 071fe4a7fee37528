/* Three scenes: ferroelastic twins of SnSe in two grains, tilted silver, an oxidised aluminium particle.
 * Regions have signed distances; the probe spreads over them as a Gaussian; foils bend, wedge and strain smoothly.
 * Must not: draw from anything but (seed, stage, scan point). */
#include <math.h>

#include "exec.h"
#include "scene.h"

static const double pi = 3.141592653589793;
static const double probe = 0.7; /* standard deviation of the probe in scan steps */

/* Stages of random numbers, beside those of the counts (simulate.c). */
enum { STAGE_FIELD = 1000, STAGE_POINT = 2000 };

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
static double inside(double distance)
{
    return 0.5 * erfc(-distance / (sqrt(2.0) * probe));
}

/* Signed distance into stripes: normal at `angle`, `period` apart, `width` wide. */
static double stripes(double x, double y, double angle, double period, double width, double shift)
{
    double along = x * cos(angle) + y * sin(angle) + shift;
    double place = along - period * floor(along / period);
    return width / 2 - fabs(place - period / 2);
}

/* ---- twin-domains ------------------------------------------------------------------------------------------------ */

static void set_twins(cep_scene *s)
{
    /* Seen along a, the long axis. A twin turns the lattice by 2 atan(b / c) about the beam; a grain boundary turns
     * both variants by 30 degrees. */
    static const double along_a[3] = {1, 0, 0}, along_b[3] = {0, 1, 0};
    double edges[3];
    cep_crystal_cell(CEP_TIN_SELENIDE, edges);
    double twin = 2 * atan(edges[1] / edges[2]);
    s->phases = 4;
    for (size_t i = 0; i < 4; i++) {
        cep_phase *p = &s->phase[i];
        *p = (cep_phase){.matter = CEP_IN_CRYSTAL, .crystal = CEP_TIN_SELENIDE, .background = 0.10};
        cep_orientation_zone(&p->orientation, along_a, along_b);
        cep_orientation_turn(&p->orientation, (i & 1 ? twin : 0) + (i & 2 ? radians(30) : 0), 0, 0);
    }
    s->mean_thickness = 80;
    if (isnan(s->tilt)) s->tilt = radians(1.5);
}

static void twin_point(const cep_scene *s, double x, double y, double u, double v, cep_point *p)
{
    double side = s->rows < s->columns ? (double)s->rows : (double)s->columns;
    double boundary = y - (double)s->rows * (0.52 + 0.09 * sin(2 * pi * 0.9 * u + 0.4));
    double first = stripes(x, y, radians(43), 0.62 * side, 0.30 * side, 0.1 * side);
    double second = stripes(x, y, radians(103), 0.55 * side, 0.26 * side, 0.2 * side);
    double lower = inside(boundary), a = inside(first), b = inside(second);
    p->weight[0] = (1 - lower) * (1 - a);
    p->weight[1] = (1 - lower) * a;
    p->weight[2] = lower * (1 - b);
    p->weight[3] = lower * b;
    p->about_x = s->tilt * field(s, 0, 1.0, u, v) / sqrt(2.0);
    p->about_y = s->tilt * field(s, 1, 1.0, u, v) / sqrt(2.0);
    p->spin = radians(0.5) * field(s, 2, 1.5, u, v);
    p->strain = 0.003 * field(s, 3, 1.5, u, v);
    p->thickness = s->mean_thickness * (1 + 0.15 * field(s, 4, 1.2, u, v));
}

/* ---- ag-tilt ------------------------------------------------------------------------------------------------------ */

static void set_silver(cep_scene *s)
{
    /* The tilt axes keep the three paths of orientations apart. */
    static const double zone[3][3] = {{1, 0, 0}, {1, 1, 0}, {1, 1, 1}},
                        axis[3][3] = {{0, 1, 0}, {1, -1, 0}, {1, 1, -2}};
    s->phases = 3;
    for (size_t i = 0; i < 3; i++) {
        s->phase[i] = (cep_phase){.matter = CEP_IN_CRYSTAL, .crystal = CEP_SILVER, .background = 0.08};
        cep_orientation_zone(&s->phase[i].orientation, zone[i], axis[i]);
    }
    s->mean_thickness = 50;
    if (isnan(s->tilt)) s->tilt = radians(10);
}

static void silver_point(const cep_scene *s, size_t row, size_t column, cep_point *p)
{
    uint64_t at = (uint64_t)row * s->columns + column;
    for (size_t i = 0; i < 3; i++)
        p->weight[i] = 3 * column / s->columns == i;
    p->about_x = s->tilt * (2 * cep_random_real(s->seed, STAGE_POINT, at) - 1);
    p->spin = radians(0.5) * cep_random_normal(s->seed, STAGE_POINT + 1, at);
    p->thickness = s->mean_thickness * (1 + 0.2 * (2 * cep_random_real(s->seed, STAGE_POINT + 2, at) - 1));
}

/* ---- oxide-particle ----------------------------------------------------------------------------------------------- */

static void set_particle(cep_scene *s)
{
    static const double along_110[3] = {1, 1, 0}, along_100[3] = {1, 0, 0}, x_001[3] = {0, 0, 1},
                        x_010[3] = {0, 1, 0};
    /* 0 vacuum; 1, 2 aluminium twins about a shared [110]; 3, 4 oxide crystals; 5 amorphous oxide. */
    const double spin[] = {0, radians(12), radians(12) + acos(1.0 / 3.0), radians(33), radians(20), 0};
    s->phases = 6;
    for (size_t i = 0; i < 6; i++) {
        cep_phase *p = &s->phase[i];
        *p = (cep_phase){
            .matter = CEP_IN_CRYSTAL, .crystal = i < 3 ? CEP_ALUMINIUM : CEP_ALUMINA, .background = 0.12};
        cep_orientation_zone(&p->orientation, i == 4 ? along_100 : along_110, i == 4 ? x_010 : x_001);
        cep_orientation_turn(&p->orientation, spin[i], 0, 0);
    }
    s->phase[0].matter = CEP_IN_VACUUM;
    s->phase[0].background = 0.005;
    s->phase[5].matter = CEP_IN_GLASS;
    s->phase[5].background = 0.15;
    s->mean_thickness = 100;
    if (isnan(s->tilt)) s->tilt = radians(1);
}

static void particle_point(const cep_scene *s, double x, double y, double u, double v, cep_point *p)
{
    double side = s->rows < s->columns ? (double)s->rows : (double)s->columns;
    double cx = x - (double)s->columns / 2, cy = y - (double)s->rows / 2, r = hypot(cx, cy),
           at = atan2(cy, cx);
    double outer = side * (0.43 + 0.025 * cos(3 * at + 0.6) + 0.012 * sin(7 * at)) - r;
    double core = side * (0.27 + 0.02 * cos(4 * at + 0.3)) - r;
    double twin = cx * cos(0.5) + cy * sin(0.5) - 0.02 * side;
    double in_outer = inside(outer), in_core = inside(core), in_twin = inside(twin),
           shell = in_outer * (1 - in_core);
    /* The shell is cut by three rays: a point's distance to a ray is measured along the circle. */
    static const double from[3] = {-130, 0, 110};
    double share[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        double length = radians(i == 2 ? 120 : from[i + 1] - from[i]);
        double angle = at - radians(from[i]);
        angle -= 2 * pi * floor(angle / (2 * pi));
        double middle = fabs(angle - length / 2);
        if (middle > pi) middle = 2 * pi - middle;
        share[i] = inside(r * (length / 2 - middle));
    }
    double all = share[0] + share[1] + share[2];
    p->weight[0] = 1 - in_outer;
    p->weight[1] = in_outer * in_core * (1 - in_twin);
    p->weight[2] = in_outer * in_core * in_twin;
    for (int i = 0; i < 3; i++)
        p->weight[3 + i] = all > 0 ? shell * share[i] / all : shell / 3;
    p->about_x = s->tilt * field(s, 0, 1.0, u, v) / sqrt(2.0);
    p->about_y = s->tilt * field(s, 1, 1.0, u, v) / sqrt(2.0);
    p->spin = radians(0.5) * field(s, 2, 1.5, u, v);
    p->thickness =
        s->mean_thickness * (0.6 + 0.6 * (core > 0 ? 1 - r / side : 0.5) + 0.1 * field(s, 4, 1.2, u, v));
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

void cep_scene_set(cep_scene *s, int kind, size_t rows, size_t columns, double tilt, uint64_t seed)
{
    *s = (cep_scene){.kind = kind, .rows = rows, .columns = columns, .seed = seed, .tilt = tilt};
    if (kind == CEP_SCENE_TWIN_DOMAINS) set_twins(s);
    if (kind == CEP_SCENE_AG_TILT) set_silver(s);
    if (kind == CEP_SCENE_OXIDE_PARTICLE) set_particle(s);
}

void cep_scene_point(const cep_scene *s, size_t row, size_t column, cep_point *p)
{
    double x = (double)column + 0.5, y = (double)row + 0.5, u = x / (double)s->columns,
           v = y / (double)s->rows;
    *p = (cep_point){{0}, 0, 0, 0, 0, s->mean_thickness};
    if (s->kind == CEP_SCENE_TWIN_DOMAINS) twin_point(s, x, y, u, v, p);
    if (s->kind == CEP_SCENE_AG_TILT) silver_point(s, row, column, p);
    if (s->kind == CEP_SCENE_OXIDE_PARTICLE) particle_point(s, x, y, u, v, p);
}

int32_t cep_scene_label(const cep_scene *s, const cep_point *p)
{
    for (size_t i = 0; i < s->phases; i++)
        if (p->weight[i] >= 0.95) return (int32_t)i;
    return -1;
}
