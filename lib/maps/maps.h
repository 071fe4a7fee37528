/* Door of maps/: the public functions alone. */
#ifndef CEP_MAPS_H
#define CEP_MAPS_H

#include <cepman/maps.h>

#endif
