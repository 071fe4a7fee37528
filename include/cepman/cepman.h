/* libcepman: finds structure in nanobeam 4D-STEM scans by manifold learning in cepstrum space.
 *
 * This header includes all others, in the order of the pipeline. docs/examples/pipeline.c is the shortest whole
 * program. The method: Shi, Yu et al., "Advancing Nanobeam 4D-STEM Through Manifold Learning in Cepstrum Space". */
#ifndef CEPMAN_CEPMAN_H
#define CEPMAN_CEPMAN_H

#include <cepman/export.h>
#include <cepman/version.h>
#include <cepman/status.h>
#include <cepman/context.h>
#include <cepman/options.h>
#include <cepman/matrix.h>
#include <cepman/dataset.h>
#include <cepman/simulate.h>
#include <cepman/cepstrum.h>
#include <cepman/pca.h>
#include <cepman/neighbors.h>
#include <cepman/umap.h>
#include <cepman/vae.h>
#include <cepman/kmeans.h>
#include <cepman/mixture.h>
#include <cepman/hdbscan.h>
#include <cepman/consensus.h>
#include <cepman/domains.h>
#include <cepman/hierarchy.h>
#include <cepman/validity.h>
#include <cepman/maps.h>

#endif
