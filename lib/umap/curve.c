/* Fits the curve of the layout to min-dist and spread.
 * McInnes, Healy, Melville 2018, definition 11: least squares at 300 distances up to 3 * spread, by Levenberg and
 * Marquardt (Marquardt, SIAM J. Appl. Math. 11 (1963) 431).
 * Must not: depend on anything but its two numbers. */
#include <math.h>

#include "umap.h"

#define SAMPLES 300

/* Sum of squares, normal matrix (aa, ab, bb) and gradient of the residuals. */
static double residuals(double spread, double min_dist, double a, double b, double normal[3],
                        double gradient[2])
{
    double sum = 0;
    normal[0] = normal[1] = normal[2] = gradient[0] = gradient[1] = 0;
    for (int i = 0; i < SAMPLES; i++) {
        double x = 3 * spread * i / (SAMPLES - 1);
        double y = x < min_dist ? 1.0 : exp(-(x - min_dist) / spread);
        double p = x > 0 ? pow(x, 2 * b) : 0, f = 1 / (1 + a * p), r = y - f;
        double da = -p * f * f, db = x > 0 ? -2 * a * p * log(x) * f * f : 0;
        sum += r * r;
        normal[0] += da * da;
        normal[1] += da * db;
        normal[2] += db * db;
        gradient[0] += da * r;
        gradient[1] += db * r;
    }
    return sum;
}

void cep_umap_fit_curve(double spread, double min_dist, double *a, double *b)
{
    /* In units of the spread, so that any scale converges alike; a then takes the scale back. */
    const double reach = min_dist / spread;
    double p = 1, q = 1, damping = 1e-3;
    double normal[3] = {0}, gradient[2] = {0}, trial_normal[3] = {0}, trial_gradient[2] = {0};
    double sum = residuals(1, reach, p, q, normal, gradient);
    for (int i = 0; i < 500; i++) {
        double m0 = normal[0] * (1 + damping), m2 = normal[2] * (1 + damping),
               det = m0 * m2 - normal[1] * normal[1];
        double dp = (m2 * gradient[0] - normal[1] * gradient[1]) / det;
        double dq = (m0 * gradient[1] - normal[1] * gradient[0]) / det;
        double trial = INFINITY;
        if (p + dp > 0 && q + dq > 0)
            trial = residuals(1, reach, p + dp, q + dq, trial_normal, trial_gradient);
        if (trial <= sum) {
            bool still = fabs(dp) <= 1e-13 * p && fabs(dq) <= 1e-13 * q;
            p += dp;
            q += dq;
            sum = trial;
            for (int k = 0; k < 3; k++)
                normal[k] = trial_normal[k];
            gradient[0] = trial_gradient[0];
            gradient[1] = trial_gradient[1];
            damping = damping > 1e-12 ? damping / 10 : damping;
            if (still) break;
        } else {
            damping *= 10;
            if (damping > 1e12) break; /* no step lowers the sum: rounding has been reached */
        }
    }
    *b = q;
    *a = p * pow(spread, -2 * q);
}
