/* k-th smallest number of an array by quickselect with a median of three (Hoare 1961), worst cases by
 * sorting. One text for float and double. Must not: see NaN. */
#include "linkage.h"

#define SIFT(name, type)                                                                                     \
    static void name(type *x, size_t at, size_t count)                                                       \
    {                                                                                                        \
        type v = x[at];                                                                                      \
        for (size_t child; (child = 2 * at + 1) < count; at = child) {                                       \
            if (child + 1 < count && x[child + 1] > x[child]) child++;                                       \
            if (!(x[child] > v)) break;                                                                      \
            x[at] = x[child];                                                                                \
        }                                                                                                    \
        x[at] = v;                                                                                           \
    }

#define SELECT(name, sift, type)                                                                             \
    type name(type *x, size_t count, size_t k)                                                               \
    {                                                                                                        \
        size_t low = 0, high = count - 1;                                                                    \
        for (int rounds = 0; high - low > 16 && rounds < 96; rounds++) {                                     \
            type a = x[low], b = x[low + (high - low) / 2], c = x[high];                                     \
            type pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);                  \
            size_t i = low, j = high;                                                                        \
            for (;;) {                                                                                       \
                while (x[i] < pivot)                                                                         \
                    i++;                                                                                     \
                while (x[j] > pivot)                                                                         \
                    j--;                                                                                     \
                if (i >= j) break;                                                                           \
                type t = x[i];                                                                               \
                x[i++] = x[j];                                                                               \
                x[j--] = t;                                                                                  \
            }                                                                                                \
            size_t right = i > j ? i : i + 1; /* x[low .. j] <= pivot <= x[right .. high] */                 \
            size_t left = i > j ? j : i;                                                                     \
            if (k <= left && left < high)                                                                    \
                high = left;                                                                                 \
            else if (k >= right)                                                                             \
                low = right;                                                                                 \
            else                                                                                             \
                return pivot;                                                                                \
        }                                                                                                    \
        size_t n = high - low + 1;                                                                           \
        type *y = x + low;                                                                                   \
        for (size_t at = n / 2; at-- > 0;)                                                                   \
            sift(y, at, n);                                                                                  \
        for (size_t end = n; end-- > 1;) {                                                                   \
            type t = y[0];                                                                                   \
            y[0] = y[end];                                                                                   \
            y[end] = t;                                                                                      \
            sift(y, 0, end);                                                                                 \
        }                                                                                                    \
        return x[k];                                                                                         \
    }

SIFT(sift_f32, float)
SIFT(sift_f64, double)
SELECT(cep_select_f32, sift_f32, float)
SELECT(cep_select_f64, sift_f64, double)
