/* Topic cepstral, plain C: the compiler's own vectors of four floats.
 * cepstral_body.h is the algorithm; tables of logarithms win here.
 * Must not: use an instruction set beyond the build's baseline. */
#define WIDTH 4
#include "cepstral_body.h"

const cep_cepstral_kernels cep_cepstral_generic = CEPSTRAL_KERNELS(true);
