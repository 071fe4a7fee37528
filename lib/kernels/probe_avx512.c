/* Topic probe, compiled for AVX-512.
 * The same order of additions at every level; the body is in probe_body.h.
 * Must not: be called below CEP_CPU_AVX512. */
#include "probe.h"

#if defined(__x86_64__)
#include "probe_body.h"

const cep_probe_kernels cep_probe_avx512 = {apply};
#endif
