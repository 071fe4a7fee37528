/* Defaults of the pipeline `cepman run`, from the size of the scan.
 * A domain smaller than about 3 % of the scan is not looked for unless the user asks.
 * Must not: depend on anything but sizes, so that equal scans get equal pipelines. */
#include "defaults.h"

run_defaults run_defaults_for(size_t n, size_t d, size_t components)
{
    run_defaults r = {false, 0, 0};
    /* Distances among many noisy features are kept by their first components, at a fraction of the cost. */
    if (components == 0) components = 50;
    r.pca = d > 2 * components && n > 2 * components;
    r.min_cluster_size = n * 3 / 100;
    if (r.min_cluster_size < 10) r.min_cluster_size = 10;
    if (r.min_cluster_size > n / 4) r.min_cluster_size = n / 4;
    if (r.min_cluster_size < 2) r.min_cluster_size = 2;
    r.min_samples = r.min_cluster_size < 10 ? r.min_cluster_size : 10;
    return r;
}
