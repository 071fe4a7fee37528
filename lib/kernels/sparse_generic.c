/* Topic sparse: the compiler's own vectors of four floats.
 * The same order of additions at every level; the body is in sparse_body.h.
 * Must not: use an instruction set beyond the build's baseline. */
#define WIDTH 4
#include "sparse_body.h"

const cep_sparse_kernels cep_sparse_generic = {product, gram, rotate};
