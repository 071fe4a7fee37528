/* Writes where domains meet: the mixing of every scan point, by the library, and what of it counts as a wall.
 * Numbers as those of `cepman simulate` in DATA.boundary.npy.
 * Must not: find domains. */
#include "walls.h"

#include <stdlib.h>

#include "virtual.h"

int walls_promise(tool *t, const char *folder, walls *w)
{
    w->npy = outputs_in(t, folder, "boundaries.npy");
    w->png = w->npy ? outputs_in(t, folder, "boundaries.png") : NULL;
    return w->png ? 0 : 1;
}

int walls_write(tool *t, const cepman_dataset *frames, const cepman_labels *labels,
                const cepman_matrix *features, walls *w)
{
    const size_t shape[2] = {cepman_dataset_scan_rows(frames), cepman_dataset_scan_columns(frames)};
    const size_t n = cepman_labels_count(labels);
    const cepman_options *how = arg_stage(t, "domains");
    double least = 0;
    float *mixing = w->mixing = array_zero(n, 1, sizeof *mixing);
    uint8_t *kind = array_zero(n, 1, sizeof *kind);
    int rc = mixing && kind ? 0 : 1;
    if (!rc) rc = tool_check(t, cepman_options_get_real(how, t->ctx, "mixing", &least));
    if (!rc)
        rc = tool_check(t, cepman_domains_mixing(mixing, t->ctx, labels, features, shape[0], shape[1], how));
    w->points = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        bool wall = (double)mixing[i] > least, nowhere = cepman_labels_data(labels)[i] < 0;
        kind[i] = nowhere ? 2 : wall;
        w->points += kind[i] == 1;
    }
    if (!rc) rc = array_save(t, w->npy, CEPMAN_TYPE_U8, 2, shape, kind);
    if (!rc) rc = picture_scan(frames, mixing, w->png);
    free(kind);
    return rc;
}
