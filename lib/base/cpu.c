/* Which instruction sets this machine and its operating system offer.
 * AVX2 means AVX2 + FMA + F16C; AVX-512 means F, BW, DQ and VL.
 * Must not: be decided at compile time, or differ between calls. */
#include "base.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

cep_cpu_level cep_cpu_detect(void)
{
    __builtin_cpu_init();
    /* These look at the saved registers (XCR0) too; F16C needs no state of its own beyond AVX. */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c())
        return CEP_CPU_GENERIC;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return CEP_CPU_AVX512;
    return CEP_CPU_AVX2;
}
#else
cep_cpu_level cep_cpu_detect(void)
{
    return CEP_CPU_GENERIC;
}
#endif
