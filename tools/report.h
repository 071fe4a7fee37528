/* report.html of cepman run: the folder's own arrays as one page for a browser. */
#ifndef REPORT_H
#define REPORT_H

#include "tool.h"

/* Each cluster's neighbour as run.json tells it: the one with the longest common border on the scan, or the nearest in
 * the manifold when it has no border. The first ATLAS_TILES clusters alone have one. */
void report_neighbours_json(json *j, const char *key, const cepman_dataset *frames,
                            const cepman_labels *labels, const cepman_matrix *embedding);
/* Writes `path` (of outputs_add()) from what was written into `folder` before: run.json, means, probabilities and dark
 * field where they are. before: labels that a later round joined, or NULL. */
int report_write(tool *t, const char *folder, const char *path, const cepman_dataset *frames,
                 const cepman_labels *labels, const cepman_labels *before, const cepman_matrix *embedding);

#endif
