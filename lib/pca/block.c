/* Principal axes without any Gram matrix, for many points of many features: Chebyshev-filtered subspace
 * iteration. Zhou, Saad, Tiago, Chelikowsky, J. Comput. Phys. 219 (2006) 172, on X'X, with a residual test.
 * Must not: return pairs that fail the test; it gives up when a Gram matrix would have been cheaper. */
#include <math.h>
#include <string.h>

#include "exec.h"
#include "internal.h"

enum { most_degree = 10 };

/* v becomes p(X'X) v up to scale, where p is small on [0, low] and grows beyond; z is v X'X and is destroyed,
 * as is spare. Afterwards the result is in *v (the three blocks may have changed places). */
static cepman_status filter(const cep_pca_data *x, size_t k, double high, double low, int degree, double **v,
                            double **z, double **spare)
{
    size_t count = k * x->d;
    double e = low / 2, c = low / 2, sigma = e / (high - c), first = sigma;
    cepman_status s = CEPMAN_OK;
    double *before = *v, *now = *z, *product = *spare;
    for (size_t i = 0; i < count; i++)
        now[i] = (now[i] - c * before[i]) * (sigma / e);
    for (int m = 2; !s && m <= degree; m++) {
        double next = 1 / (2 / first - sigma);
        s = cep_pca_multiply(x, k, now, product, NULL);
        for (size_t i = 0; !s && i < count; i++)
            product[i] = 2 * (next / e) * (product[i] - c * now[i]) - sigma * next * before[i];
        double *free_now = before;
        before = now;
        now = product;
        product = free_now;
        sigma = next;
    }
    *v = now;
    *z = before;
    *spare = product;
    return s;
}

/* The `count` largest pairs; size: vectors in the block. */
static cepman_status iterate(cep_pca_axes *axes, const cep_pca_data *x, size_t count, size_t size,
                             double budget, bool *accurate)
{
    size_t d = x->d;
    double *z = cep_alloc(x->mem, size, d * sizeof *z), *spare = cep_alloc(x->mem, size, d * sizeof *spare);
    double spent = 0, step = 4.0 * (double)x->n * (double)d * (double)size;
    int degree = 0, late = 0;
    cepman_status s = cep_pca_axes_create(axes, x, size);
    if (!s && (!z || !spare)) s = cep_fail_memory(x->ctx, "block of vectors", size, 2 * d * sizeof *z);
    *accurate = false;
    for (size_t i = 0; !s && i < size * d; i++)
        axes->vectors[i] = cep_random_real(1, i / d, i % d) - 0.5;
    while (!s) {
        s = cep_linalg_orthonormalise_rows(x->ctx, size, d, axes->vectors, d);
        if (!s) s = cep_pca_ritz(x, size, axes->vectors, z, axes->values);
        if (s) break;
        *accurate = cep_pca_converged(x, count, axes->vectors, z, axes->values);
        spent += step * (degree + 1);
        if (*accurate || (spent > budget && ++late > 10)) break;
        double high = axes->values[0], low = axes->values[size - 1];
        if (!(low > 1e-12 * high)) low = 1e-12 * high;
        /* The filter grows like (4 high / low)^degree / 2: beyond 1e10, rounding would drown the smaller
         * vectors. */
        degree = (int)(10 / log10(4 * high / low));
        degree = degree < 1 ? 1 : degree > most_degree ? most_degree : degree;
        s = filter(x, size, high, low, degree, &axes->vectors, &z, &spare);
    }
    cep_free(x->mem, z);
    cep_free(x->mem, spare);
    axes->count = axes->values ? size : 0;
    if (s || !*accurate) cep_pca_axes_free(axes, x);
    return s;
}

cepman_status cep_pca_block(cep_pca_axes *axes, const cep_pca_data *x, size_t count, double budget,
                            bool *accurate)
{
    size_t most = x->n < x->d ? x->n : x->d;
    bool automatic = count == 0;
    if (automatic) count = most < 32 ? most : 32;
    for (;;) {
        size_t size = count + (count < 20 ? 10 : count / 2);
        if (size > most) size = most;
        cepman_status s = iterate(axes, x, count, size, budget, accurate);
        if (s || !*accurate) return s;
        size_t above = automatic ? cep_pca_count_partial(x, axes->values, size) : count;
        if (above <= count || count == most) {
            axes->count = above < count ? above : count;
            return CEPMAN_OK;
        }
        cep_pca_axes_free(axes, x);
        count = count * 2 < most ? count * 2 : most;
    }
}
