/* Files of models: the header and its sum, for save.c, load.c and their tests. docs/formats.md describes them. */
#ifndef CEP_UMAP_FILE_H
#define CEP_UMAP_FILE_H

#include "model.h"

#define CEP_UMAP_FILE_MAGIC "CEPMUMAP"
#define CEP_UMAP_FILE_VERSION 1
#define CEP_UMAP_FILE_HEADER 192 /* bytes; the last 8 are the sum of those before */

/* CRC-64 (ECMA-182, reflected, inverted before and after) of what `sum` is of, followed by size bytes. Begin with 0. */
uint64_t cep_umap_sum(uint64_t sum, const void *data, size_t size);

/* The numbers of a header. */
typedef struct cep_umap_header {
    uint64_t length; /* of the file */
    uint64_t n, columns, dims, k, entries, epochs, seed, near;
    uint32_t metric, method, negatives;
    double a, b, learning_rate, repulsion, local_connectivity, cut, mean;
} cep_umap_header;

/* Length of the file that these sizes make; false on overflow. */
bool cep_umap_file_length(const cep_umap_header *h, uint64_t *length);
void cep_umap_header_write(const cep_umap_header *h, unsigned char bytes[CEP_UMAP_FILE_HEADER]);
/* Checks everything that the header alone can tell. path: for the sentence. */
cepman_status cep_umap_header_read(cep_umap_header *h, cep_fault *fault, const char *path,
                                   const unsigned char bytes[CEP_UMAP_FILE_HEADER]);

#endif
