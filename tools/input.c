/* The scan a command works on: opened by the options of stage "dataset", cut to what is there.
 * A file that is still being written, or was cut short, gives its whole scan rows.
 * Must not: read a frame. */
#include "tool.h"

int input_dataset(tool *t, size_t index, cepman_dataset **out)
{
    return tool_check(t, cepman_dataset_open(out, t->ctx, t->file[index], arg_stage(t, "dataset")));
}

int whole_frames(tool *t, cepman_dataset **dataset)
{
    cepman_dataset *d = *dataset, *view = NULL;
    size_t have = cepman_dataset_available(d), columns = cepman_dataset_scan_columns(d);
    if (have == cepman_dataset_frames(d)) return 0;
    size_t rows = cepman_dataset_has_scan(d) && columns ? have / columns : have > 0;
    if (cepman_dataset_has_scan(d) ? rows == 0 : have == 0)
        return tool_fail("%s: no whole scan row is there yet (%zu frames)", t->file[0], have);
    int rc = tool_check(t, cepman_dataset_view_scan(&view, t->ctx, d, 0, 0, rows,
                                                    cepman_dataset_has_scan(d) ? columns : have));
    if (rc) return rc;
    cepman_dataset_unref(d);
    *dataset = view;
    return 0;
}
