/* Clustering as the commands cluster and run share it. */
#ifndef GROUPING_H
#define GROUPING_H

#include "defaults.h"
#include "tool.h"

typedef struct grouping {
    const char *method;
    cepman_labels *labels;
    bool one_domain;     /* by grouping_one_domain() */
    bool merged;         /* by grouping_consensus(): */
    size_t fine, coarse; /* clusters that went in */
    cepman_kmeans *kmeans;
    cepman_mixture *mixture;
    cepman_hdbscan_tree *tree;
    cepman_hdbscan *hdbscan;
    cepman_options *tree_options, *options; /* in force */
} grouping;

/* Refuses options of the method that is not used. */
int grouping_check(tool *t, const char *method);
/* What of the stage "kmeans" is a mixture's too: k, n-init, max-iterations and tol, when the user gave them. Commands hide
 * these four of the stage "mixture", so that their names on the line stay what they are. */
int grouping_mixture_options(tool *t, cepman_options **out);
#define GROUPING_HIDDEN "mixture.k", "mixture.n-init", "mixture.max-iterations", "mixture.tol"
/* Clusters by the stages "kmeans", "mixture", or "hdbscan-tree" and "hdbscan", of the command. centres: start of K-means or
 * NULL. least, samples: --min-cluster-size and --min-samples when the user gave none, 0: the library's default and
 * min-samples = min-cluster-size. */
int grouping_run(tool *t, const cepman_matrix *points, const char *method, const cepman_matrix *centres,
                 size_t least, size_t samples, grouping *out);
/* The options of HDBSCAN in force, into tree_options and options, as grouping_run() uses them. */
int grouping_hdbscan_options(tool *t, size_t least, size_t samples, grouping *g);
/* When HDBSCAN found nothing to split: the points are one cluster, 0, instead of all noise. */
int grouping_one_domain(tool *t, grouping *g);
/* Joins islands with the help of a clustering of the first columns of `scores` and of the scan
 * (cepman_consensus_merge()), by the stage "consensus". */
int grouping_consensus(tool *t, grouping *g, const cepman_matrix *scores, const run_defaults *standard,
                       size_t rows, size_t columns);
/* The method in force. auto: domains of the scan where it tells of them, else "one" where frames differ by less than domains do,
 * else hdbscan; that, too, when its options are given. scores: principal components of pca, NULL without. *coherence: of the scan, negative when it was not asked for. */
int grouping_method(tool *t, const cepman_dataset *frames, const cepman_matrix *scores, const cepman_pca *pca,
                    const cepman_options *cepstrum, const run_defaults *standard, const char **method,
                    double *coherence);
/* All n points are one domain. */
int grouping_one(tool *t, size_t n, grouping *out);
/* Domains of a scan (cepman_domains_sharpen(), cepman_domains_find()), by the stage "domains". scores: principal components
 * of features of unit length, and what gave them. */
int grouping_domains(tool *t, const cepman_matrix *scores, const cepman_pca *pca, size_t rows, size_t columns,
                     grouping *out);
/* Whether domains are areas of the scan. Where tilts jump from point to point they are a pattern of dots and stripes. */
bool grouping_is_areas(const grouping *g, size_t rows, size_t columns);
void grouping_free(grouping *g);
/* Facts of the result: clusters, noise, sizes, inertia, ... */
void grouping_json(json *j, const char *key, const grouping *g);

#endif
