/* The body of every level of topic probe: plain loops of eight doubles, which each level's compiler flags turn into its
 * own vectors. */
#include "probe.h"

enum { WIDE = 8 };

static void apply(const float *row, const double *mean, const double *w, size_t n, double *y)
{
    double sum[CEP_PROBES][WIDE] = {{0}}, t[CEP_PROBES];
    const size_t whole = n - n % WIDE;
    for (size_t j = 0; j < whole; j += WIDE)
        for (size_t k = 0; k < CEP_PROBES; k++)
            for (size_t i = 0; i < WIDE; i++)
                sum[k][i] += ((double)row[j + i] - mean[j + i]) * w[k * n + j + i];
    for (size_t j = whole; j < n; j++)
        for (size_t k = 0; k < CEP_PROBES; k++)
            sum[k][j - whole] += ((double)row[j] - mean[j]) * w[k * n + j];
    for (size_t k = 0; k < CEP_PROBES; k++)
        t[k] = ((sum[k][0] + sum[k][4]) + (sum[k][2] + sum[k][6])) +
               ((sum[k][1] + sum[k][5]) + (sum[k][3] + sum[k][7]));
    for (size_t j = 0; j < whole; j += WIDE)
        for (size_t k = 0; k < CEP_PROBES; k++)
            for (size_t i = 0; i < WIDE; i++)
                y[k * n + j + i] += t[k] * ((double)row[j + i] - mean[j + i]);
    for (size_t j = whole; j < n; j++)
        for (size_t k = 0; k < CEP_PROBES; k++)
            y[k * n + j] += t[k] * ((double)row[j] - mean[j]);
}
