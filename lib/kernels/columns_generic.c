/* Topic columns, plain C: vectors of four, which every 64-bit machine has in some form.
 * columns_body.h is the algorithm.
 * Must not: use an instruction set beyond the build's baseline. */
#define LANES 4
#include "columns_body.h"

const cep_columns_kernels cep_columns_generic = {transform, separate, magnitude};
