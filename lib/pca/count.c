/* How many components stand above the noise: the hard threshold on singular values that is optimal for white
 * noise. Gavish and Donoho, IEEE Trans. Inf. Theory 60 (2014) 5040: equations 4, 5 and 11; Marchenko and
 * Pastur (1967). Must not: return 0, or count directions of no variance. */
#include <math.h>

#include "internal.h"

static const double pi = 3.141592653589793;

/* Median of the Marchenko-Pastur law for ratio beta and unit variance. With t = middle + half * sin(a) the
 * density becomes smooth on -pi/2 .. pi/2, also where it has a pole (beta = 1). */
static double law_median(double beta)
{
    enum { steps = 20000 };
    double root = sqrt(beta), half = 2 * root, middle = 1 + beta, sum = 0;
    for (int i = 0; i < steps; i++) {
        double a = pi * ((i + 0.5) / steps - 0.5), t = middle + half * sin(a), w = half * cos(a);
        double part = w * w / (2 * pi * beta * t) * (pi / steps);
        if (sum + part >= 0.5) {
            double at = a + pi * ((0.5 - sum) / part - 0.5) / steps;
            return middle + half * sin(at);
        }
        sum += part;
    }
    return middle;
}

/* Threshold over sqrt(n) sigma when the noise level sigma is known; n the longer side. */
static double known_noise(double beta)
{
    return sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + sqrt(beta * beta + 14 * beta + 1)));
}

double cep_pca_threshold_factor(double beta)
{
    return known_noise(beta) / sqrt(law_median(beta));
}

/* Short and long side of the data; centring takes one degree of freedom from the points. */
static void sides(const cep_pca_data *x, double *shorter, double *longer)
{
    double n = (double)(x->n - 1), d = (double)x->d;
    *shorter = n < d ? n : d;
    *longer = n < d ? d : n;
}

static size_t count_above(const double *values, size_t count, double threshold)
{
    size_t above = 0;
    while (above < count && values[above] > threshold)
        above++;
    return above ? above : 1;
}

size_t cep_pca_count_dense(const cep_pca_data *x, const double *values, size_t n_values)
{
    double shorter, longer, rounding = 1e-12 * values[0];
    sides(x, &shorter, &longer);
    double median = n_values % 2
                        ? sqrt(fmax(values[n_values / 2], 0))
                        : (sqrt(fmax(values[n_values / 2], 0)) + sqrt(fmax(values[n_values / 2 - 1], 0))) / 2;
    double cut = cep_pca_threshold_factor(shorter / longer) * median;
    return count_above(values, n_values, fmax(cut * cut, rounding));
}

size_t cep_pca_count_partial(const cep_pca_data *x, const double *values, size_t known)
{
    double shorter, longer, left = x->squares;
    sides(x, &shorter, &longer);
    /* The largest count whose last member stands above the noise that is left when all of them are taken out.
     */
    size_t above = 1;
    for (size_t j = 0; j < known; j++) {
        left -= values[j];
        double others = shorter - (double)(j + 1);
        double variance = others > 0 && left > 0 ? left / others / longer : 0;
        double cut = known_noise(shorter / longer);
        if (values[j] > fmax(cut * cut * variance * longer, 1e-12 * values[0])) above = j + 1;
    }
    return above;
}
