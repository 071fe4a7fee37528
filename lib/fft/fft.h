/* Door of fft/: single-precision real transforms. The only room that sees fftw3.h. */
#ifndef CEP_FFT_H
#define CEP_FFT_H

#include "base.h"

/* A plan for real h x w frames, rows first, then only the first `columns` of the w/2+1 complex columns
 * (columns <= w/2+1). Immutable after creation; execute is thread-safe on distinct buffers. Any h, w >= 1. */
typedef struct cep_fft cep_fft;

/* Planned under one process-wide mutex and the host's planner lock; the host's wisdom neither changes our
 * plans nor is changed by them. FFTW aborts when memory runs out, so sizes are bounded (h, w <= 16384). */
cepman_status cep_fft_create(cep_fft **out, cepman_context *ctx, size_t height, size_t width, size_t columns);
cep_fft *cep_fft_ref(cep_fft *fft);
void cep_fft_unref(cep_fft *fft);

/* Floats from row to row of the real input, and complex numbers from row to row of the output (both padded so
 * that rows are 64-byte aligned). */
size_t cep_fft_real_stride(const cep_fft *fft);
size_t cep_fft_complex_stride(const cep_fft *fft);

/* Forward, unnormalised. real: height rows, destroyed. spectrum: height rows of interleaved (re, im) floats of
 * which the first `columns` are the result, in FFT order; the others are undefined. Both 64-byte aligned and
 * distinct. */
void cep_fft_execute(const cep_fft *fft, float *real, float *spectrum);

#endif
