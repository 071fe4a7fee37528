/* Door of cepstrum/: rooms above use the public header alone. */
#ifndef CEP_CEPSTRUM_H
#define CEP_CEPSTRUM_H

#include <cepman/cepstrum.h>

#endif
