/* Topic probe, plain C.
 * The same order of additions at every level; the body is in probe_body.h.
 * Must not: fuse a product with a sum. */
#include "probe_body.h"

const cep_probe_kernels cep_probe_generic = {apply};
