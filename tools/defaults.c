/* Defaults of the pipeline `cepman run`, from the size of the scan.
 * Measured on simulated scans with ground truth (docs/method.md, section The pipeline's defaults).
 * Must not: depend on anything but sizes, so that equal scans get equal pipelines. */
#include "defaults.h"

static size_t at_least(size_t value, size_t least)
{
    return value < least ? least : value;
}

static size_t at_most(size_t value, size_t most)
{
    return value > most ? most : value;
}

run_defaults run_defaults_for(size_t n, size_t d, size_t rows, size_t columns)
{
    /* Few components keep the domains and drop the noise and slow changes that would split them. */
    run_defaults r = {.components = 10, .coarse_components = 8, .coarse_min_samples = 5, .coherence = 0.5};
    r.pca = d > 10 * r.components && n > 5 * r.components;
    /* More neighbours tear a smooth range of tilts less often; about the square root of n, 15 to 100. */
    for (r.neighbors = 15; r.neighbors < 100 && (r.neighbors + 1) * (r.neighbors + 1) <= n;)
        r.neighbors++;
    r.domains = r.pca && rows >= 12 && columns >= 12;
    /* In a small scan most points are near walls, and a coarse clustering of them says little. */
    r.consensus = r.pca && rows >= 12 && columns >= 12 && n >= 4000;
    /* A smaller domain than this is not looked for; larger where no consensus mends what was split too far. */
    size_t least = r.consensus ? n * 3 / 100 : rows ? at_least(n / 20, 10) : at_least(n * 3 / 100, 50);
    r.min_cluster_size = at_least(at_most(least, n / 6), 2);
    r.min_samples = at_most(10, r.min_cluster_size);
    r.coarse_size = at_least(n / 25, 2);
    return r;
}
