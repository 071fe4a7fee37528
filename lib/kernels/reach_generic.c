/* Topic reach in plain C: the body over lanes.h, which knows what the level has.
 * Neighbours and edges between blocks of sixteen points.
 * Must not: be called on a CPU below its level. */
#include "reach_body.h"

const cep_reach_kernels cep_reach_generic = {distances, nearest, smallest, gather, narrow, keep, pairs};
