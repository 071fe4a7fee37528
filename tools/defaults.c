/* Defaults of the pipeline `cepman run`, from the size of the scan.
 * Few components keep the domains and drop the noise and slow changes that would split them; a domain smaller than 5 %
 * of the scan is not looked for unless the user asks (docs/commands.md).
 * Must not: depend on anything but sizes, so that equal scans get equal pipelines. */
#include "defaults.h"

run_defaults run_defaults_for(size_t n, size_t d)
{
    run_defaults r = {.components = 10};
    r.pca = d > 10 * r.components && n > 5 * r.components;
    r.min_cluster_size = n / 20;
    if (r.min_cluster_size < 10) r.min_cluster_size = 10;
    if (r.min_cluster_size > n / 4) r.min_cluster_size = n / 4;
    if (r.min_cluster_size < 2) r.min_cluster_size = 2;
    r.min_samples = r.min_cluster_size < 10 ? r.min_cluster_size : 10;
    return r;
}
