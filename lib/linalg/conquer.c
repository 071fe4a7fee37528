/* Many eigenvectors of a tridiagonal matrix by divide and conquer, in steps of some ten milliseconds: the matrix is torn in
 * halves, whose eigenpairs are joined by the roots of a secular equation.
 * Cuppen, Numer. Math. 36 (1981) 177; deflation: Dongarra and Sorensen, SIAM J. Sci. Stat. Comput. 8 (1987) s139; vectors of
 * the matrix whose roots are exact: Gu and Eisenstat, SIAM J. Matrix Anal. Appl. 16 (1995) 172.
 * Must not: take a difference of a root and a pole that is not relative to the pole beside the root. */
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "conquer.h"
#include "linalg.h"
#include "tridiagonal.h"

#define LEAF 32   /* rows that are left to the QL algorithm */
#define LANES 8   /* partial sums */
#define TURNS 200 /* of the search for a root; some five are usual */
#define NEAR 1e-3 /* of a bracket that touches a pole: where to look next */

/* A turn of the vectors p and i: p becomes c p + s i, i becomes c i - s p. */
typedef struct turn {
    size_t p, i;
    double c, s;
} turn;

/* D + rho z z', D of the two halves' values. What is deflated is an eigenpair already. */
typedef struct joint {
    cepman_context *ctx;
    size_t n, kept, dead;
    double rho;
    const double *d, *z;     /* n */
    double *poles, *weights; /* kept: d ascending, z; the weights become those of Gu and Eisenstat */
    double *roots, *beside;  /* kept: the root is poles[origin] + beside */
    size_t *origin;
    size_t *row, *dead_row; /* places in d */
    turn *turns;
    size_t turned;
} joint;

/* ---- the secular equation ---------------------------------------------------------------------------------------- */

typedef struct sums {
    double value, slope;
} sums;

/* Sum of z^2 / (pole - x) and its derivative, of poles from .. to - 1; x is relative to the pole `origin`. */
static sums add_poles(const joint *t, size_t from, size_t to, double origin, double x)
{
    double value[LANES] = {0}, slope[LANES] = {0};
    size_t i = from;
    for (; i + LANES <= to; i += LANES)
        for (size_t l = 0; l < LANES; l++) {
            const double z = t->weights[i + l], r = z / ((t->poles[i + l] - origin) - x);
            value[l] += z * r;
            slope[l] += r * r;
        }
    for (size_t l = 0; i < to; i++, l++) {
        const double z = t->weights[i], r = z / ((t->poles[i] - origin) - x);
        value[l] += z * r;
        slope[l] += r * r;
    }
    sums s = {0, 0};
    for (size_t l = 0; l < LANES; l++) {
        s.value += value[l];
        s.slope += slope[l];
    }
    return s;
}

/* Where c + q / (a - x) + s / (b - x) is 0 between a and b. */
static double rational_root(double c, double a, double q, double b, double s)
{
    const double half = (c * (a + b) + q + s) / 2, last = c * a * b + q * b + s * a;
    const double root = sqrt(fmax(half * half - c * last, 0));
    return half > 0 ? last / (half + root) : (half - root) / c;
}

/* Root j lies between poles j and j + 1, or beyond the last. The sums below and above it are each taken for one pole and a
 * constant (Bunch, Nielsen, Sorensen, Numer. Math. 31 (1978) 31); a step that leaves the bracket halves it. */
static bool find_root(joint *t, size_t j)
{
    const bool final = j + 1 == t->kept;
    const double gap = final ? 0 : t->poles[j + 1] - t->poles[j];
    double low = 0, high = t->rho, x; /* z is of unit length: no root is further than rho */
    size_t o = j;
    if (!final) {
        const sums below = add_poles(t, 0, j + 1, t->poles[j], gap / 2),
                   above = add_poles(t, j + 1, t->kept, t->poles[j], gap / 2);
        high = gap / 2;
        if (1 / t->rho + below.value + above.value < 0) {
            o = j + 1;
            low = -gap / 2;
            high = 0;
        }
    }
    x = final ? high / 2 : (low + high) / 2;
    for (int turns = 0; turns < TURNS; turns++) {
        const double origin = t->poles[o], a = t->poles[j] - origin, b = final ? 0 : t->poles[j + 1] - origin;
        const sums below = add_poles(t, 0, j + 1, origin, x), above = add_poles(t, j + 1, t->kept, origin, x);
        const double f = 1 / t->rho + below.value + above.value;
        const double size = 1 / t->rho - below.value + above.value;
        if (f < 0)
            low = x;
        else
            high = x;
        if (fabs(f) <= 8 * DBL_EPSILON * size || high - low <= 2 * DBL_EPSILON * fabs(x)) {
            t->origin[j] = o;
            t->beside[j] = x;
            t->roots[j] = origin + x;
            return true;
        }
        const double q = below.slope * (a - x) * (a - x), s = above.slope * (b - x) * (b - x),
                     rest = f - below.slope * (a - x) - (final ? 0 : above.slope * (b - x));
        x = final ? a + q / rest : rational_root(rest, a, q, b, s);
        if (!(x > low && x < high))
            x = low == 0 ? high * NEAR : high == 0 ? low * NEAR : low + (high - low) / 2;
    }
    return false;
}

static double apart(const joint *t, size_t j, size_t i)
{
    return (t->poles[i] - t->poles[t->origin[j]]) - t->beside[j];
}

/* Roots, and the weights of which they are the exact roots. factors: kept. */
static cepman_status find_roots(joint *t, double *factors)
{
    const size_t k = t->kept, step = 400000 / (k + 1) + 1;
    for (size_t i = 0; i < k; i++)
        factors[i] = 1;
    for (size_t j = 0; j < k; j++) {
        if (!find_root(t, j))
            return cep_fail(t->ctx, CEPMAN_ERR_NUMERIC, "eigenvalue %zu of %zu did not converge", j, k);
        const double *p = t->poles, origin = p[t->origin[j]], x = t->beside[j];
        for (size_t i = 0; i <= j && j + 1 < k; i++)
            factors[i] *= ((p[i] - origin) - x) / (p[i] - p[j + 1]);
        for (size_t i = 0; i <= j && j + 1 == k; i++)
            factors[i] *= x - (p[i] - origin);
        for (size_t i = j + 1; i < k; i++)
            factors[i] *= ((p[i] - origin) - x) / (p[i] - p[j]);
        if (j % step == 0) {
            cepman_status s = cep_poll(t->ctx);
            if (s) return s;
        }
    }
    for (size_t i = 0; i < k; i++)
        t->weights[i] = copysign(sqrt(factors[i]), t->weights[i]);
    return CEPMAN_OK;
}

/* ---- deflation ---------------------------------------------------------------------------------------------------- */

static void keep(joint *t, const double *d, const double *z, size_t i)
{
    t->poles[t->kept] = d[i];
    t->weights[t->kept] = z[i];
    t->row[t->kept++] = i;
}

/* Leaves poles that are apart and weights that count. order: of d, ascending. */
static void deflate(joint *t, double *d, double *z, const size_t *order)
{
    double most = 0;
    size_t p = SIZE_MAX;
    for (size_t i = 0; i < t->n; i++)
        most = fmax(most, fmax(fabs(d[i]), fabs(z[i])));
    const double tolerance = 8 * DBL_EPSILON * most;
    for (size_t at = 0; at < t->n; at++) {
        const size_t i = order[at];
        if (t->rho * fabs(z[i]) <= tolerance) {
            t->dead_row[t->dead++] = i;
            continue;
        }
        if (p != SIZE_MAX) {
            const double length = hypot(z[p], z[i]), c = z[i] / length, s = -z[p] / length;
            if (fabs((d[i] - d[p]) * c * s) <= tolerance) {
                const double old = d[p];
                z[i] = length;
                z[p] = 0;
                d[p] = old * c * c + d[i] * s * s;
                d[i] = old * s * s + d[i] * c * c;
                t->turns[t->turned++] = (turn){p, i, c, s};
                t->dead_row[t->dead++] = p;
            } else {
                keep(t, d, z, p);
            }
        }
        p = i;
    }
    if (p != SIZE_MAX) keep(t, d, z, p);
    for (size_t i = 1; i < t->dead; i++) { /* by value; they nearly are */
        const size_t x = t->dead_row[i];
        size_t at = i;
        for (; at > 0 && d[t->dead_row[at - 1]] > d[x]; at--)
            t->dead_row[at] = t->dead_row[at - 1];
        t->dead_row[at] = x;
    }
}

/* ---- joining ------------------------------------------------------------------------------------------------------- */

/* The pair's vector in terms of the halves' vectors: of a root, or of what was deflated. */
static void combine(const joint *t, size_t root, size_t dead, double *c)
{
    memset(c, 0, t->n * sizeof *c);
    if (root < t->kept) {
        double squares = 0;
        for (size_t i = 0; i < t->kept; i++) {
            const double u = t->weights[i] / apart(t, root, i);
            c[t->row[i]] = u;
            squares += u * u;
        }
        const double unit = 1 / sqrt(squares);
        for (size_t i = 0; i < t->kept; i++)
            c[t->row[i]] *= unit;
    } else {
        c[t->dead_row[dead]] = 1;
    }
    for (size_t k = t->turned; k-- > 0;) { /* what was turned last is turned back first */
        const turn *g = &t->turns[k];
        const double p = c[g->p], i = c[g->i];
        c[g->p] = p * g->c - i * g->s;
        c[g->i] = p * g->s + i * g->c;
    }
}

/* Pairs first .. last in order of their values: combinations into c, a row of n each. */
static cepman_status choose(const joint *t, size_t first, size_t last, double *values, double *c)
{
    size_t root = 0, dead = 0;
    for (size_t at = 0; at <= last; at++) {
        const bool is_root = root < t->kept && (dead == t->dead || t->roots[root] <= t->d[t->dead_row[dead]]);
        if (at >= first) {
            values[at - first] = is_root ? t->roots[root] : t->d[t->dead_row[dead]];
            combine(t, is_root ? root : t->kept, dead, c + (at - first) * t->n);
            if (at % 256 == 0) {
                cepman_status s = cep_poll(t->ctx);
                if (s) return s;
            }
        }
        root += is_root;
        dead += !is_root;
    }
    return CEPMAN_OK;
}

/* Pairs first .. last of the n rows whose upper m have values d[0 .. m - 1] and vectors q1, the others q2; beside: the
 * number that joined them. out: rows of n. */
static cepman_status join(cepman_context *ctx, size_t n, size_t m, double *d, double beside, const double *q1,
                          const double *q2, size_t first, size_t last, double *values, double *out)
{
    cep_memory *mem = cep_context_memory(ctx);
    const size_t rest = n - m, count = last - first + 1;
    double *room = cep_alloc(mem, 6, n * sizeof *room), *c = cep_alloc(mem, count, n * sizeof *c);
    size_t *places = cep_alloc(mem, 4, n * sizeof *places);
    turn *turns = cep_alloc(mem, n, sizeof *turns);
    cepman_status s = CEPMAN_OK;
    if (!room || !c || !places || !turns) {
        s = cep_fail_memory(ctx, "eigenvectors", count + 6, n * sizeof *c);
    } else {
        double *z = room, *factors = room + 5 * n;
        size_t *order = places;
        joint t = {.ctx = ctx,
                   .n = n,
                   .rho = 2 * fabs(beside),
                   .d = d,
                   .z = z,
                   .poles = room + n,
                   .weights = room + 2 * n,
                   .roots = room + 3 * n,
                   .beside = room + 4 * n,
                   .origin = places + n,
                   .row = places + 2 * n,
                   .dead_row = places + 3 * n,
                   .turns = turns};
        for (size_t i = 0; i < m; i++)
            z[i] = q1[i * m + m - 1] * sqrt(0.5);
        for (size_t i = 0; i < rest; i++)
            z[m + i] = copysign(sqrt(0.5), beside) * q2[i * rest];
        for (size_t at = 0, i = 0, j = m; at < n; at++)
            order[at] = j == n || (i < m && d[i] <= d[j]) ? i++ : j++;
        deflate(&t, d, z, order);
        s = find_roots(&t, factors);
        if (!s) s = choose(&t, first, last, values, c);
        if (!s) s = cep_linalg_gemm_f64(ctx, count, m, m, 1.0, c, n, q1, m, false, 0.0, out, n);
        if (!s)
            s = cep_linalg_gemm_f64(ctx, count, rest, rest, 1.0, c + m, n, q2, rest, false, 0.0, out + m, n);
    }
    cep_free(mem, turns);
    cep_free(mem, places);
    cep_free(mem, c);
    cep_free(mem, room);
    return s;
}

/* ---- the tree ------------------------------------------------------------------------------------------------------ */

static cepman_status solve(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                           double *values, double *out);

/* All pairs of n rows: values in place, vectors in a block of their own. */
static cepman_status solve_whole(cepman_context *ctx, size_t n, double *d, double *e, double **q)
{
    cep_memory *mem = cep_context_memory(ctx);
    double *values = cep_alloc(mem, n, sizeof *values);
    *q = cep_alloc(mem, n, n * sizeof **q);
    cepman_status s = values && *q ? solve(ctx, n, d, e, 0, n - 1, values, *q)
                                   : cep_fail_memory(ctx, "eigenvectors", n, n * sizeof **q);
    if (!s) memcpy(d, values, n * sizeof *d);
    cep_free(mem, values);
    return s;
}

static cepman_status leaf(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                          double *values, double *out)
{
    double v[LEAF * LEAF], work[2 * LEAF];
    if (LAPACKE_dsteqr_work(LAPACK_COL_MAJOR, 'I', (int)n, d, e, v, (int)n, work) != 0)
        return cep_fail(ctx, CEPMAN_ERR_NUMERIC, "eigenvalues of a %zu x %zu matrix did not converge", n, n);
    memcpy(values, d + first, (last - first + 1) * sizeof *values);
    memcpy(out, v + first * n, (last - first + 1) * n * sizeof *out);
    return CEPMAN_OK;
}

static cepman_status solve(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                           double *values, double *out)
{
    if (n <= LEAF) return leaf(ctx, n, d, e, first, last, values, out);
    cep_memory *mem = cep_context_memory(ctx);
    const size_t m = n / 2;
    const double beside = e[m - 1];
    double *q1 = NULL, *q2 = NULL;
    d[m - 1] -= fabs(beside);
    d[m] -= fabs(beside);
    cepman_status s = solve_whole(ctx, m, d, e, &q1);
    if (!s) s = solve_whole(ctx, n - m, d + m, e + m, &q2);
    if (!s) s = join(ctx, n, m, d, beside, q1, q2, first, last, values, out);
    cep_free(mem, q2);
    cep_free(mem, q1);
    return s ? s : cep_poll(ctx);
}

cepman_status cep_conquer(cepman_context *ctx, size_t n, double *d, double *e, size_t first, size_t last,
                          double *values, double *vectors)
{
    double most = 0;
    int exponent = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fmax(fabs(d[i]), i + 1 < n ? fabs(e[i]) : 0));
    (void)frexp(most, &exponent);
    for (size_t i = 0; i < n; i++) {
        d[i] = ldexp(d[i], -exponent);
        if (i + 1 < n) e[i] = ldexp(e[i], -exponent);
    }
    cepman_status s = solve(ctx, n, d, e, first, last, values, vectors);
    for (size_t i = first; !s && i <= last; i++)
        values[i - first] = ldexp(values[i - first], exponent);
    return s;
}
