/* A clustering against a truth: accuracy by best matching, adjusted Rand index (Hubert and Arabie 1985),
 * adjusted mutual information (Vinh, Epps, Bailey 2010) with the arithmetic mean. Must not: count points
 * whose truth is unknown. */
#include <math.h>

#include <cepman/validity.h>

#include "contingency.h"

static cepman_status start(cep_contingency *c, cepman_context *ctx, const double *out,
                           const cepman_labels *labels, const cepman_labels *truth, const char *what)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && labels && truth, CEPMAN_ERR_ARGUMENT, "%s: an argument is NULL", what);
    return cep_contingency_count(c, ctx, labels, truth, what);
}

cepman_status cepman_validity_accuracy(double *out, cepman_context *ctx, const cepman_labels *labels,
                                       const cepman_labels *truth)
{
    cep_contingency c;
    cepman_status s = start(&c, ctx, out, labels, truth, "accuracy");
    if (s) return s;
    size_t rows = c.first - c.noise, cells;
    double right = 0, value = (double)NAN;
    if (rows && c.second) {
        double *gain = cep_mul(rows, c.second, &cells) ? cep_alloc_zero(c.mem, cells, sizeof *gain) : NULL;
        for (size_t i = 0; gain && i < c.cells; i++)
            if (!c.noise || c.cell[i].a)
                gain[((size_t)c.cell[i].a - c.noise) * c.second + (size_t)c.cell[i].b] =
                    (double)c.cell[i].count;
        s = gain ? cep_assignment(ctx, gain, rows, c.second, &right)
                 : cep_fail_memory(ctx, "matching of clusters", rows, c.second * sizeof *gain);
        cep_free(c.mem, gain);
    }
    if (c.points) value = right / (double)c.points;
    cep_contingency_clear(&c);
    if (s) return s;
    *out = value;
    return CEPMAN_OK;
}

cepman_status cepman_validity_ari(double *out, cepman_context *ctx, const cepman_labels *labels,
                                  const cepman_labels *truth)
{
    cep_contingency c;
    cepman_status s = start(&c, ctx, out, labels, truth, "adjusted Rand index");
    if (s) return s;
    double n = (double)c.points, same = 0, a = 0, b = 0;
    for (size_t i = 0; i < c.cells; i++)
        same += (double)c.cell[i].count * (double)c.cell[i].count;
    for (size_t i = 0; i < c.first; i++)
        a += (double)c.size_a[i] * (double)c.size_a[i];
    for (size_t i = 0; i < c.second; i++)
        b += (double)c.size_b[i] * (double)c.size_b[i];
    /* Ordered pairs: together in both, in the labels alone, in the truth alone, in neither. */
    double tp = same - n, fp = a - same, fn = b - same, tn = n * n - a - b + same;
    bool any = c.points > 0;
    cep_contingency_clear(&c);
    *out = !any                 ? (double)NAN
           : fp == 0 && fn == 0 ? 1
                                : 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
    return CEPMAN_OK;
}

static double entropy(const size_t *sizes, size_t count, double n)
{
    double h = 0;
    for (size_t i = 0; i < count; i++)
        h -= (double)sizes[i] / n * log((double)sizes[i] / n);
    return h;
}

/* Expected mutual information of two random labellings with these sizes; lf[i] = log(i!). */
static cepman_status expected(const cep_contingency *c, cepman_context *ctx, const double *lf, double *out)
{
    size_t n = c->points;
    double sum = 0, all = (double)n;
    for (size_t i = 0; i < c->first; i++) {
        for (size_t j = 0; j < c->second; j++) {
            size_t a = c->size_a[i], b = c->size_b[j], low = a + b > n ? a + b - n : 1, high = a < b ? a : b;
            double fixed = lf[a] + lf[b] + lf[n - a] + lf[n - b] - lf[n];
            for (size_t x = low ? low : 1; x <= high; x++) {
                double p = exp(fixed - lf[x] - lf[a - x] - lf[b - x] - lf[n + x - a - b]);
                sum += (double)x / all * log(all * (double)x / ((double)a * (double)b)) * p;
            }
        }
        cepman_status s = cep_poll(ctx);
        if (s) return s;
    }
    *out = sum;
    return CEPMAN_OK;
}

cepman_status cepman_validity_ami(double *out, cepman_context *ctx, const cepman_labels *labels,
                                  const cepman_labels *truth)
{
    cep_contingency c;
    cepman_status s = start(&c, ctx, out, labels, truth, "adjusted mutual information");
    if (s) return s;
    double value = (double)NAN, n = (double)c.points;
    if (c.points && c.first == 1 && c.second == 1) {
        value = 1;
    } else if (c.points) {
        double *lf = cep_alloc(c.mem, c.points + 1, sizeof *lf), chance = 0, mi = 0;
        if (lf) {
            double rest = 0; /* compensated: the sums reach n log n */
            lf[0] = 0;
            for (size_t i = 1; i <= c.points; i++) {
                double add = log((double)i) - rest, sum = lf[i - 1] + add;
                rest = (sum - lf[i - 1]) - add;
                lf[i] = sum;
            }
        }
        s = lf ? expected(&c, ctx, lf, &chance)
               : cep_fail_memory(ctx, "adjusted mutual information", c.points + 1, sizeof *lf);
        cep_free(c.mem, lf);
        for (size_t i = 0; i < c.cells; i++) {
            double x = (double)c.cell[i].count;
            mi += x / n * log(n * x / ((double)c.size_a[c.cell[i].a] * (double)c.size_b[c.cell[i].b]));
        }
        double mean = (entropy(c.size_a, c.first, n) + entropy(c.size_b, c.second, n)) / 2,
               span = mean - chance;
        span = span < 0 ? fmin(span, -0x1p-52) : fmax(span, 0x1p-52);
        value = (mi - chance) / span;
    }
    cep_contingency_clear(&c);
    if (s) return s;
    *out = value;
    return CEPMAN_OK;
}
