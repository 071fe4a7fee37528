/* Private to pca/: rows on their way into a scatter matrix. */
#ifndef CEP_PCA_GATHER_H
#define CEP_PCA_GATHER_H

#include "linalg.h"
#include "pca.h"

typedef struct cep_gather {
    cep_memory *mem;
    size_t d, n;       /* n: rows that are in the sums */
    size_t rows, held; /* of a block: room, and filled */
    float *block;      /* rows x d */
    float *part;       /* d x d, the block's product */
    double *scatter;   /* d x d, lower triangle: sums of products about the mean */
    double *mean;      /* d */
    double *of_block, *sums;
} cep_gather;

cepman_status cep_gather_create(cep_gather **out, cepman_context *ctx, size_t d);
void cep_gather_free(cep_gather *gather); /* NULL is allowed */
void cep_gather_reset(cep_gather *gather);
/* Adds rows. CEPMAN_ERR_DATA names the first one (of all) that is not finite. */
cepman_status cep_gather_rows(cep_gather *gather, cepman_context *ctx, const float *rows, size_t count,
                              size_t stride);
cepman_status cep_gather_matrix(cep_gather *gather, cepman_context *ctx, const cepman_matrix *matrix);
/* Brings the rows of a block that is not full into the sums. */
cepman_status cep_gather_flush(cep_gather *gather, cepman_context *ctx);
double cep_gather_trace(const cep_gather *gather);

/* The sums as numbers: rows, d means, the scatter matrix's lower triangle by rows. */
size_t cep_gather_numbers(size_t d);
cepman_status cep_gather_export(cep_gather *gather, cepman_context *ctx, double *to);
/* Adds those of another. CEPMAN_ERR_DATA for numbers that are no sums: nothing was added then. */
cepman_status cep_gather_merge(cep_gather *gather, cepman_context *ctx, const double *numbers);

#endif
