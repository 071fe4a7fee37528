/* Door of cluster/. Nothing lives above this floor: tests come in through here. */
#ifndef CEP_CLUSTER_H
#define CEP_CLUSTER_H

#include <cepman/hdbscan.h>
#include <cepman/hierarchy.h>
#include <cepman/kmeans.h>
#include <cepman/mixture.h>
#include <cepman/consensus.h>
#include <cepman/domains.h>
#include <cepman/validity.h>

#include "condense.h"
#include "contingency.h"
#include "hierarchy_tree.h"
#include "linkage.h"

#endif
