/* Door of vae/: the public functions. */
#ifndef CEP_VAE_H
#define CEP_VAE_H

#include <cepman/vae.h>

#include "base.h"
#include "matrix.h"

#endif
