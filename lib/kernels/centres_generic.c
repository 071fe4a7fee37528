/* Topic centres in plain C: the body over lanes.h, which knows what the level has.
 * Lloyd's assignment step and the potentials of k-means++ (Arthur and Vassilvitskii 2007).
 * Must not: be called on a CPU below its level. */
#include "centres_body.h"

const cep_centres_kernels cep_centres_generic = {assign,  approach, potential, dots,
                                                 squared, add,      subtract,  spread};
