/* Poisson numbers from counters. Inversion by sequential search for small means; for large ones the transformed
 * rejection PTRS of Hormann, Insurance: Mathematics and Economics 12 (1993) 39.
 * Must not: keep state: a number depends on (mean, seed, stage, item) alone. */
#define _DEFAULT_SOURCE /* lgamma_r: lgamma writes the global signgam */
#include <math.h>

#include "exec.h"
#include "simulate.h"

uint64_t cep_poisson(double mean, uint64_t seed, uint64_t stage, uint64_t item)
{
    if (!(mean > 0)) return 0;
    if (mean < 15) {
        double u = cep_random_real(seed, stage, item), p = exp(-mean), sum = p;
        uint64_t k = 0;
        /* Past 200 the rest of the distribution is below the resolution of u. */
        while (u >= sum && k < 200) {
            k++;
            p *= mean / (double)k;
            sum += p;
        }
        return k;
    }
    double log_mean = log(mean), b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
    int sign; /* of gamma: always positive here */
    for (uint64_t attempt = 0;; attempt++) {
        /* Two fresh uniforms per attempt, from stages of their own. */
        double u = cep_random_real(seed, stage + ((2 * attempt + 1) << 32), item) - 0.5;
        double v = cep_random_real(seed, stage + ((2 * attempt + 2) << 32), item);
        double us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= v_r) return (uint64_t)k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_mean - mean - lgamma_r(k + 1, &sign))
            return (uint64_t)k;
    }
}
