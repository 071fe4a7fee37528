/* Private to vae/: the network, its scaling of rows, and training. */
#ifndef CEP_VAE_CODER_H
#define CEP_VAE_CODER_H

#include "vae.h"

enum { CEP_VAE_LAYERS = 6 };

/* Stages of cep_random64. */
enum { CEP_VAE_WEIGHTS = 0x7661650, CEP_VAE_ORDER = 0x7661660, CEP_VAE_SAMPLE = 0x7661670 };

typedef enum cep_vae_scaling { CEP_VAE_STANDARD, CEP_VAE_GLOBAL, CEP_VAE_NONE } cep_vae_scaling;

/* A dense layer: in x out weights, row-major, then out biases, from `at` on in the parameters. */
typedef struct cep_vae_layer {
    size_t in, out, at;
    bool relu;
} cep_vae_layer;

/* The shape. Layers 0 .. latent - 1 encode (the last gives dims means and dims log variances), the others decode. */
typedef struct cep_vae_net {
    cep_vae_layer layer[CEP_VAE_LAYERS];
    size_t layers, latent, dims, features, parameters, widest;
} cep_vae_net;

/* What a batch of up to `rows` needs. */
typedef struct cep_vae_work {
    size_t rows;
    float *value[CEP_VAE_LAYERS]; /* output of each layer, rows x out */
    float *input;                 /* rows x features, scaled */
    float *sample, *normal;       /* rows x dims */
    float *slope, *spare;         /* rows x widest */
    double *errors;               /* rows */
} cep_vae_work;

/* Row to network: (x - mean) * inverse; back: y * scale + mean. */
typedef struct cep_vae_scale {
    double *mean, *scale, *inverse; /* features each */
} cep_vae_scale;

#define CEP_VAE_SLICE 5e8 /* multiplications between two polls: some ten milliseconds */
/* A part of a product's result that is made at a time. */
typedef struct cep_vae_part {
    size_t i, j, rows, columns;
} cep_vae_part;
/* The next part of an m x n result of k multiplications each, from {0} on; false after the last. They are square where
 * that is possible: what a product costs beside its multiplications goes with its sides. */
bool cep_vae_next_part(cep_vae_part *part, size_t m, size_t n, size_t k);

void cep_vae_net_shape(cep_vae_net *net, size_t features, size_t hidden_1, size_t hidden_2, size_t dims);
/* He's start (2015) where ReLU follows, 1 / in as the variance elsewhere, biases 0. */
cepman_status cep_vae_net_start(const cep_vae_net *net, cepman_context *ctx, uint64_t seed,
                                float *parameters);
/* training: also what cep_vae_loss() needs. cep_vae_work_free() after a failure too. */
cepman_status cep_vae_work_create(cep_vae_work *work, cepman_context *ctx, const cep_vae_net *net,
                                  size_t rows, bool training);
void cep_vae_work_free(cep_vae_work *work, cep_memory *mem);
/* Layers first .. last - 1 of count rows; *values: what the last of them gives. Polls cancel. */
cepman_status cep_vae_forward(const cep_vae_net *net, cepman_context *ctx, const float *parameters,
                              cep_vae_work *work, size_t first, size_t last, const float *input,
                              size_t count);
/* Of work->input and work->normal, count rows: sums over the rows of the mean square error and of the divergence, and the
 * gradient (as many as parameters) of their mean, the divergence times weight. */
cepman_status cep_vae_loss(const cep_vae_net *net, cepman_context *ctx, const float *parameters,
                           cep_vae_work *work, size_t count, double weight, float *gradient,
                           double *reconstruction, double *divergence);

/* Means and scales of the columns; CEPMAN_ERR_DATA names a row that is not finite. */
cepman_status cep_vae_scale_fit(cep_vae_scale *scale, cepman_context *ctx, const cepman_matrix *matrix,
                                cep_vae_scaling how);
void cep_vae_scale_free(cep_vae_scale *scale, cep_memory *mem);
/* count rows of the matrix, scaled, d floats apart: those from `first` on, or those that `rows` names. */
cepman_status cep_vae_scale_rows(const cep_vae_scale *scale, cepman_context *ctx, const cepman_matrix *matrix,
                                 const size_t *rows, size_t first, size_t count, float *to);
/* CEPMAN_ERR_DATA when one of d numbers is not finite. */
cepman_status cep_vae_check_row(cep_fault *fault, const float *row, size_t d, size_t number);

typedef struct cep_vae_plan {
    size_t epochs, batch;
    double beta, rate;
    uint64_t seed;
} cep_vae_plan;

/* Trains parameters in place; fills epochs numbers of both losses. */
cepman_status cep_vae_train(const cep_vae_net *net, cepman_context *ctx, const cep_vae_scale *scale,
                            const cepman_matrix *matrix, const cep_vae_plan *plan, float *parameters,
                            double *reconstruction, double *divergence);

#endif
