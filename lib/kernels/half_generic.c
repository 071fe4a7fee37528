/* Topic half, plain C: the form that says what the others compute.
 * IEEE 754-2008 binary16; the conversions of one number are in base.h.
 * Must not: depend on the processor's treatment of subnormal numbers. */
#include "half.h"

static bool shorten(const float *x, uint16_t *out, size_t n)
{
    uint32_t large = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        large |= (uint32_t)(bits >= CEP_HALF_BEYOND) & (uint32_t)(bits < 0x7f800000);
        out[i] = cep_half_of(x[i]);
    }
    return large != 0;
}

static void widen(const uint16_t *x, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = cep_half_value(x[i]);
}

const cep_half_kernels cep_half_generic = {shorten, widen};
