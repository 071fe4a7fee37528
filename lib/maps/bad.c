/* Which pixels are hot, dead, stuck or flickering: each is compared with the ones around it, over the frames of a scan.
 * Order statistics of the 5 x 5 surroundings, so that lines and pairs of bad pixels do not vouch for each other; margins of
 * six standard errors from the variances over the frames, which hold the counting noise of any detector; docs/method.md,
 * "Bad pixels". Must not: take a spot for a hot pixel: spots are as broad as the direct beam. */
#include "bad.h"

#include <math.h>

enum { REACH = 2, RANKS = 5 };
/* Standard errors, and values that a deviation must rest on: an event that comes once is no property of a pixel. */
static const double errors = 6, events = 12;
/* A dead pixel has less than that of what is around it. */
static const double dead_part = 0.1;

/* How far the surroundings of a pixel go, and which of them it is compared with. */
typedef struct look {
    size_t reach, rank;
} look;
static const look around_pixel = {REACH, 5};
/* A line of hot pixels has three in the 3 x 3 beside it. */
static const look around_beam = {1, 4};

/* The pixel of that rank from above (from = 1) or below (-1) among those around (y, x) that are good; false when there are
 * too few to tell. The rank falls with their number, at edges. */
static bool ranked(const float *values, const uint8_t *bad, size_t height, size_t width, size_t y, size_t x,
                   look l, float from, size_t *at)
{
    size_t best[RANKS], kept = 0, n = 0;
    const size_t top = y > l.reach ? y - l.reach : 0, left = x > l.reach ? x - l.reach : 0;
    const size_t whole = (2 * l.reach + 1) * (2 * l.reach + 1) - 1;
    for (size_t r = top; r <= y + l.reach && r < height; r++)
        for (size_t c = left; c <= x + l.reach && c < width; c++) {
            const size_t i = r * width + c;
            if ((r == y && c == x) || (bad && bad[i]) || !cep_is_finite(values[i])) continue;
            n++;
            if (kept == l.rank && !(from * values[i] > from * values[best[l.rank - 1]])) continue;
            size_t k = kept < l.rank ? kept++ : l.rank - 1;
            for (; k > 0 && from * values[i] > from * values[best[k - 1]]; k--)
                best[k] = best[k - 1];
            best[k] = i;
        }
    if (n < 3) return false;
    *at = best[(l.rank * n + whole - 1) / whole - 1];
    return true;
}

/* The brightest of the finite, unmasked pixels around (y, x) and itself. */
static size_t brightest_at(const float *values, const uint8_t *mask, size_t height, size_t width, size_t y,
                           size_t x)
{
    size_t at = y * width + x;
    for (size_t r = y > REACH ? y - REACH : 0; r <= y + REACH && r < height; r++)
        for (size_t c = x > REACH ? x - REACH : 0; c <= x + REACH && c < width; c++) {
            const size_t i = r * width + c;
            if ((mask && mask[i]) || !cep_is_finite(values[i])) continue;
            if (!cep_is_finite(values[at]) || (mask && mask[at]) || values[i] > values[at]) at = i;
        }
    return at;
}

bool cep_beam_peak(const float *values, const uint8_t *mask, size_t height, size_t width, double *brightest,
                   double *around)
{
    float peak = 0;
    size_t at = height * width, place;
    for (size_t i = 0; i < height * width; i++)
        if (ranked(values, mask, height, width, i / width, i % width, around_beam, 1, &place) &&
            values[place] > peak) {
            peak = values[place];
            at = i;
        }
    if (at == height * width) return false;
    at = brightest_at(values, mask, height, width, at / width, at % width);
    if (!ranked(values, mask, height, width, at / width, at % width, around_pixel, 1, &place)) return false;
    *brightest = (double)values[at];
    *around = (double)values[place];
    return true;
}

/* ---- one pixel -------------------------------------------------------------------------------------------------- */

static double square(double v)
{
    return v * v;
}

/* The largest squared difference of a value from the pixel's mean. */
static double farthest(const cep_pixel_facts *f, size_t i)
{
    const double mean = (double)f->mean[i];
    return square(fmax((double)f->most[i] - mean, mean - (double)f->least[i]));
}

/* How many values as far from the mean as the farthest would make the variance. */
static double carried_by(const cep_pixel_facts *f, size_t i)
{
    const double one = farthest(f, i);
    return one > 0 ? (double)f->frames * square((double)f->deviation[i]) / one : 0;
}

/* The size of the pixel's counting steps: variance over mean, 1 for single electrons; no more than it ever strayed. What
 * surrounds it may have counted nothing so far and yet be one step from something. */
static double step(const cep_pixel_facts *f, size_t i)
{
    const double above = (double)f->mean[i] - f->dark, most = sqrt(farthest(f, i));
    return above > 0 ? fmin(square((double)f->deviation[i]) / above, most) : most;
}

/* Brighter than `contrast` times what is around it. */
static bool is_hot(const cep_pixel_facts *f, size_t i, size_t bright)
{
    const double n = (double)f->frames, excess = (double)f->mean[i] - f->dark;
    const double around = fmax((double)f->mean[bright] - f->dark, step(f, i) / n);
    const double error = hypot((double)f->deviation[i], f->contrast * (double)f->deviation[bright]) / sqrt(n);
    return excess > f->contrast * around + errors * error;
}

/* Varies `contrast` times as much as what is around it, its farthest value apart; and by more than what moves over it could
 * bring: the rim of a wandering beam varies, but by no more than the beam beside it is bright. */
static bool flickers(const cep_pixel_facts *f, size_t i, size_t restless, size_t bright)
{
    const double n = (double)f->frames, rest = square((double)f->deviation[i]) - farthest(f, i) / n;
    double around = fmax((double)f->deviation[restless], (double)f->mean[bright] - f->dark);
    if (!(f->deviation[restless] > 0)) around = fmax(around, step(f, i) / sqrt(n));
    return carried_by(f, i) >= events && rest > square(f->contrast * around);
}

static bool is_dead(const cep_pixel_facts *f, size_t i, size_t dim)
{
    const double around = (double)f->mean[dim] - f->dark, own = fmax((double)f->mean[i] - f->dark, 0);
    const double error = hypot((double)f->deviation[i], (double)f->deviation[dim]) / sqrt((double)f->frames);
    return own < dead_part * around && (double)f->mean[dim] - (double)f->mean[i] > errors * error;
}

/* One value all the time where those around it vary. The middle of a saturated beam does so too, beside bright pixels. */
static bool is_stuck(const cep_pixel_facts *f, size_t i, size_t quiet, size_t bright)
{
    const bool full = (double)f->most[i] >= f->level &&
                      (double)f->mean[i] - f->dark <= f->contrast * ((double)f->mean[bright] - f->dark);
    return !full && f->most[i] == f->least[i] && carried_by(f, quiet) >= events;
}

static cepman_pixel_kind judge(const cep_pixel_facts *f, const uint8_t *bad, size_t i)
{
    const size_t h = f->height, w = f->width, y = i / w, x = i % w;
    size_t bright, dim, restless, quiet;
    if (!ranked(f->mean, bad, h, w, y, x, around_pixel, 1, &bright) ||
        !ranked(f->mean, bad, h, w, y, x, around_pixel, -1, &dim) ||
        !ranked(f->deviation, bad, h, w, y, x, around_pixel, 1, &restless) ||
        !ranked(f->deviation, bad, h, w, y, x, around_pixel, -1, &quiet))
        return CEPMAN_PIXEL_GOOD;
    if (is_hot(f, i, bright)) return CEPMAN_PIXEL_HOT;
    if (flickers(f, i, restless, bright)) return CEPMAN_PIXEL_FLICKERING;
    /* At the frame's edge a hole cannot be told from a slope. */
    if (y < REACH || x < REACH || y + REACH >= h || x + REACH >= w) return CEPMAN_PIXEL_GOOD;
    if (is_dead(f, i, dim)) return CEPMAN_PIXEL_DEAD;
    return is_stuck(f, i, quiet, bright) ? CEPMAN_PIXEL_STUCK : CEPMAN_PIXEL_GOOD;
}

/* ---- all pixels -------------------------------------------------------------------------------------------------- */

void cep_judge_pixels(const cep_pixel_facts *f, uint8_t *kinds, uint8_t *scratch)
{
    enum { ROUNDS = 8 };
    const size_t pixels = f->height * f->width;
    memset(kinds, CEPMAN_PIXEL_GOOD, pixels);
    /* What was found no longer vouches for its neighbours: clusters are found from their rims. */
    for (int round = 0; round < ROUNDS; round++) {
        size_t found = 0;
        for (size_t i = 0; i < pixels; i++)
            scratch[i] = kinds[i] || !f->valid[i];
        for (size_t i = 0; i < pixels; i++) {
            if (scratch[i]) continue;
            kinds[i] = (uint8_t)judge(f, scratch, i);
            found += kinds[i] != CEPMAN_PIXEL_GOOD;
        }
        if (!found) break;
    }
}
