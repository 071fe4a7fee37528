/* All eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations.
 * Golub and Van Loan, Matrix Computations, section 8.5; rotations in one fixed order, so that the bits depend on the
 * matrix alone and not on a library's threads.
 * Must not: be used for large matrices (n^3 a sweep, about eight sweeps). */
#include <float.h>
#include <math.h>

#include "jacobi.h"

/* Makes entry (p, q) zero; a holds both triangles. vectors: one row per eigenvector. */
static void rotate(size_t n, double *a, double *vectors, size_t p, size_t q)
{
    double apq = a[p * n + q];
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + hypot(theta, 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) { /* columns p and q */
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) { /* rows p and q */
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        x = vectors[p * n + k];
        y = vectors[q * n + k];
        vectors[p * n + k] = c * x - s * y;
        vectors[q * n + k] = s * x + c * y;
    }
    a[p * n + q] = a[q * n + p] = 0;
}

bool cep_jacobi(size_t n, double *a, double *vectors)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            vectors[i * n + j] = i == j;
            if (j > i) a[i * n + j] = a[j * n + i];
        }
    for (int sweep = 0; sweep < 60; sweep++) {
        bool changed = false;
        for (size_t p = 0; p + 1 < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                double small = DBL_EPSILON * sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));
                double off = fabs(a[p * n + q]);
                if (off <= DBL_MIN || off <= small * 0.5) continue;
                rotate(n, a, vectors, p, q);
                changed = true;
            }
        if (!changed) return true;
    }
    /* Singular matrices keep turning at the level of rounding: good enough when that is all that is left. */
    double off = 0, all = 0;
    for (size_t i = 0; i < n * n; i++) {
        all += a[i] * a[i];
        if (i % (n + 1)) off += a[i] * a[i];
    }
    return sqrt(off) <= 1e-13 * sqrt(all);
}
