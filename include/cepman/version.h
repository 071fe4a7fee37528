/* The library's version, at compile time (macros) and at run time (functions). */
#ifndef CEPMAN_VERSION_H
#define CEPMAN_VERSION_H

#include <cepman/export.h>

CEPMAN_BEGIN

/* The version of these headers. A test holds them to the build's project version. */
#define CEPMAN_VERSION_MAJOR 1
#define CEPMAN_VERSION_MINOR 0
#define CEPMAN_VERSION_PATCH 0
#define CEPMAN_VERSION_STRING "1.0.0"

/* The version of the library that is loaded, as "major.minor.patch". Static text. */
CEPMAN_API const char *cepman_version(void);

/* The same as one number: major * 1000000 + minor * 1000 + patch. */
CEPMAN_API int cepman_version_number(void);

/* The FFTW and the OpenBLAS that are loaded, in their own words ("fftw-3.3.10-sse2-avx", "OpenBLAS 0.3.21 .. Haswell
 * .."). On one machine the results of another version may differ in their last bits, so a record of a run wants them.
 * Text of those libraries, which OpenBLAS composes anew at every call: from one thread at a time. */
CEPMAN_API const char *cepman_fftw_version(void);
CEPMAN_API const char *cepman_openblas_version(void);

CEPMAN_END

#endif
