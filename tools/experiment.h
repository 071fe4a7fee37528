/* What the files of `cepman experiment` share: methods, results, and where they go. */
#ifndef EXPERIMENT_H
#define EXPERIMENT_H

#include "tool.h"

typedef enum pattern_space { SPACE_CEPSTRUM, SPACE_DIFFRACTION, SPACE_LOG_DIFFRACTION } pattern_space;
typedef enum row_scale { SCALE_NONE, SCALE_L2, SCALE_STANDARD } row_scale;
typedef enum embedding_kind { EMBED_NOTHING, EMBED_UMAP, EMBED_VAE } embedding_kind;

/* SPACE/SCALE/EMBEDDING/CLUSTERING. */
typedef struct method {
    char name[80];
    size_t stem; /* length of SPACE/SCALE/EMBEDDING in it */
    pattern_space space;
    row_scale scale;
    size_t components; /* principal components before the embedding, 0: none */
    embedding_kind embedding;
    bool density;  /* HDBSCAN, else K-means with as many clusters as the truth has classes */
    int64_t least; /* of HDBSCAN: points of a cluster, 0: the option's */
} method;

/* A scene under a theory, a setup: a column of the table, a panel of the picture. */
typedef struct setup {
    char scene[24], theory[16];
} setup;

typedef struct result {
    double accuracy, ari, ami, noise; /* noise: part of all points */
    size_t clusters, points;
} result;

typedef struct experiment {
    const char *name;
    method *methods;
    setup *setups;
    double *tilts; /* degrees, ascending */
    size_t method_count, setup_count, tilt_count, seed_count;
    int64_t seed;    /* the first */
    result *results; /* by setup, tilt, seed, method */
} experiment;

/* "A,B/C/D,E/F G/..." -> all combinations of each word. */
int methods_parse(const char *text, method **out, size_t *count);

/* One simulated scan: its features and points of the method before are kept for the next one. */
typedef struct trial {
    cepman_dataset *frames;
    cepman_labels *truth;
    int64_t classes, seed;
    method last;
    cepman_matrix *features, *points;
} trial;

int trial_run(tool *t, trial *w, const method *m, result *out);
void trial_free(trial *w);

const result *experiment_result(const experiment *e, size_t at, size_t tilt, size_t seed, size_t m);
/* Accuracies over the tilts, a mean for each seed: their mean, standard deviation (0 for a single seed) and range. */
typedef struct summary {
    double mean, deviation, least, most;
} summary;
summary experiment_summary(const experiment *e, size_t at, size_t m);
int experiment_csv(const experiment *e, const char *path);
void experiment_json(const tool *t, const experiment *e, json *j);
void experiment_print(const experiment *e);
/* Accuracy against tilt: a panel for each clustering and setup. */
int experiment_plot(const experiment *e, const char *path);

#endif
