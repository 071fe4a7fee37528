/* Random numbers that are a function of (seed, stage, item): any thread can draw any of them.
 * Box and Muller, Ann. Math. Stat. 29 (1958) 610.
 * Must not: keep state. */
#include <math.h>

#include "exec.h"

double cep_random_normal(uint64_t seed, uint64_t stage, uint64_t item)
{
    double u = 1.0 - cep_random_real(seed, stage, 2 * item); /* in (0, 1] */
    double v = cep_random_real(seed, stage, 2 * item + 1);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
