/* Chunks of HDF5 filter 32001 and of Zarr's compressor "blosc": the Blosc library decodes them, on the calling thread.
 * The header is checked against the chunk's length first (blosc_cbuffer_validate), then decoded without global state.
 * Must not: call blosc_init or anything that starts threads.
 */
#include "blosc_chunk.h"

#ifdef CEP_HAVE_BLOSC

#include <blosc.h>

bool cep_blosc_there(void)
{
    return true;
}

bool cep_blosc_chunk(const unsigned char *from, size_t bytes, unsigned char *to, size_t total)
{
    size_t inside = 0;
    if (bytes < BLOSC_MIN_HEADER_LENGTH || blosc_cbuffer_validate(from, bytes, &inside) < 0 ||
        inside != total || total > BLOSC_MAX_BUFFERSIZE)
        return false;
    return blosc_decompress_ctx(from, to, total, 1) == (int)total;
}

#else

bool cep_blosc_there(void)
{
    return false;
}

bool cep_blosc_chunk(const unsigned char *from, size_t bytes, unsigned char *to, size_t total)
{
    (void)from, (void)bytes, (void)to, (void)total;
    return false;
}

#endif
