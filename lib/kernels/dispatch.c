/* Chooses the table of a topic for a CPU level; the only place that knows which forms exist.
 * After dav1d's cpu-dependent tables: C first, then each instruction set.
 * Must not: look at the machine itself; the context has done that. */
#include "kernels.h"

#if defined(__x86_64__)
#define CEP_PICK(topic, level)                                                                               \
    ((level) >= CEP_CPU_AVX512 ? &cep_##topic##_avx512                                                       \
     : (level) >= CEP_CPU_AVX2 ? &cep_##topic##_avx2                                                         \
                               : &cep_##topic##_generic)
#else
#define CEP_PICK(topic, level) ((void)(level), &cep_##topic##_generic)
#endif

const cep_cepstral_kernels *cep_cepstral_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(cepstral, level);
}

const cep_columns_kernels *cep_columns_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(columns, level);
}

const cep_distance_kernels *cep_distance_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(distance, level);
}

const cep_half_kernels *cep_half_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(half, level);
}

const cep_tile_kernels *cep_tile_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(tile, level);
}

const cep_centres_kernels *cep_centres_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(centres, level);
}

const cep_layout_kernels *cep_layout_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(layout, level);
}

const cep_sparse_kernels *cep_sparse_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(sparse, level);
}

const cep_probe_kernels *cep_probe_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(probe, level);
}

const cep_reach_kernels *cep_reach_kernels_get(cep_cpu_level level)
{
    return CEP_PICK(reach, level);
}
