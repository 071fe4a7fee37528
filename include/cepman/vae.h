/* Variational auto-encoder: an embedding of rows by a small neural network, the control of the paper. */
#ifndef CEPMAN_VAE_H
#define CEPMAN_VAE_H

#include <cepman/matrix.h>
#include <cepman/options.h>

CEPMAN_BEGIN

/* A trained network, its losses and the embedding of its rows. Opaque, immutable, reference-counted. */
typedef struct cepman_vae cepman_vae;

/* Options, kind "vae":
 *   dims           integer 1 to 64, default 3: dimensions of the latent space
 *   hidden-1       integer 1 to 16384, default 512: units of the encoder's first hidden layer, the decoder's last
 *   hidden-2       integer 0 to 16384, default 128: units of the encoder's second, the decoder's first; 0: none
 *   beta           real 0 to 1e6, default 1: weight of the Kullback-Leibler divergence; 1 is the evidence lower bound
 *                  with a Gaussian decoder of unit variance in scaled features
 *   learning-rate  real 1e-8 to 1, default 0.001: step of Adam
 *   epochs         integer 0 to 100000 or auto, default auto (0): passes over the rows; auto: about 3200 batches, at
 *                  least 20 and at most 500 passes
 *   batch          integer 1 to 65536, default 256: rows of a mini-batch, at most; passes are cut evenly
 *   scaling        standard, global or none, default standard: every feature to mean 0 and deviation 1; means to 0 and
 *                  one common scale; as they are
 *   seed           integer 0 to 2^53, default 42: of weights, order of rows and sampling */
CEPMAN_API cepman_status cepman_vae_options_create(cepman_options **out, cepman_context *context);

/* Trains on n >= 2 finite rows of d features, float32 or float16, in memory or of a file (rows are then read as the
 * batches ask for them). Kingma and Welling, "Auto-encoding variational Bayes" (2014): dense layers d, hidden-1,
 * hidden-2, then mean and log variance of dims each; a sample mean + exp(log variance / 2) * normal; dense layers back
 * to d; ReLU between layers. Minimised by Adam (Kingma and Ba, 2015) over mini-batches in an order of rows that is drawn
 * anew for each pass: mean square of (row - reconstruction) in scaled features + 2 beta / d * divergence from a
 * standard normal. Features that are constant are left out of the scaling (they count 0 and are decoded as they were).
 * Memory: 16 bytes a weight (about 2 d * hidden-1 of them), 4 batch * (3 d + 6 (hidden-1 + hidden-2)), 8 n; the model
 * keeps 4 bytes a weight and n * dims floats. Cost: 6 n * weights operations a pass.
 * Deterministic by the seed as far as OpenBLAS is (docs/determinism.md). Cancelling: within a batch.
 * Errors: ARGUMENT, OPTION, DATA (a row that is not finite, named), SHAPE (fewer than 2 rows, no columns), MEMORY,
 * LIMIT, NUMERIC (the loss became infinite: lower learning-rate), CANCELLED, IO and TRUNCATED (rows of a file). */
CEPMAN_API cepman_status cepman_vae_fit(cepman_vae **out, cepman_context *context,
                                        const cepman_matrix *matrix, const cepman_options *options);
/* Shared by count; NULL is allowed. */
CEPMAN_API cepman_vae *cepman_vae_ref(cepman_vae *vae);
CEPMAN_API void cepman_vae_unref(cepman_vae *vae);

/* Latent dimensions, features of a row, passes that were made; 0 for NULL. */
CEPMAN_API size_t cepman_vae_dims(const cepman_vae *vae);
CEPMAN_API size_t cepman_vae_features(const cepman_vae *vae);
CEPMAN_API size_t cepman_vae_epochs(const cepman_vae *vae);
/* The two parts of the loss, means over the rows of each pass while it trained (epochs numbers each, valid as long as
 * the handle): mean square of the reconstruction's error a feature, in scaled features (1 is what the mean row reaches
 * where scaling is not none), and divergence in nats, before beta. */
CEPMAN_API const double *cepman_vae_reconstruction(const cepman_vae *vae);
CEPMAN_API const double *cepman_vae_divergence(const cepman_vae *vae);
/* Latent means of the fitted rows (n x dims): the handle's own, valid as long as it; cepman_matrix_ref() keeps it. */
CEPMAN_API cepman_matrix *cepman_vae_embedding(const cepman_vae *vae);

/* Latent means of other rows (n x dims), and rows back from latent ones (n x d), in the features' own units.
 * Errors: ARGUMENT, SHAPE (columns), DATA (a row that is not finite, named), MEMORY, LIMIT, CANCELLED, and IO and
 * TRUNCATED for rows of a file. */
CEPMAN_API cepman_status cepman_vae_apply(cepman_matrix **out, cepman_context *context, const cepman_vae *vae,
                                          const cepman_matrix *matrix);
CEPMAN_API cepman_status cepman_vae_decode(cepman_matrix **out, cepman_context *context,
                                           const cepman_vae *vae, const cepman_matrix *latent);

CEPMAN_END

#endif
