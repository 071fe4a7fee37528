/* Topic layout, the compiler's own vectors of four floats.
 * McInnes, Healy, Melville 2018, appendix C; the body is in layout_body.h.
 * Must not: use an instruction set beyond the build's baseline. */
#define WIDTH 4
#include "layout_body.h"

const cep_layout_kernels cep_layout_generic = {meet, visit};
