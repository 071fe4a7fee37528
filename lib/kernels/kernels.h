/* Door of kernels/: inner loops in a generic C form and, where they pay, AVX2 and AVX-512 forms.
 * A table per topic; the generic one is complete, the others replace entries. Each topic lives in
 * <topic>_generic.c, <topic>_avx2.c, <topic>_avx512.c and its own header, included here. */
#ifndef CEP_KERNELS_H
#define CEP_KERNELS_H

#include "base.h"

#include "centres.h"
#include "cepstral.h"
#include "columns.h"
#include "distance.h"
#include "half.h"
#include "layout.h"
#include "probe.h"
#include "reach.h"
#include "sparse.h"
#include "tile.h"

#endif
