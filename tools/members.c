/* Some frames of a scan as a dataset of their own, for what is measured on them alone: offset, beam, standardised features.
 * A host's source (cepman_dataset_from_source()) reads them where they are, with the scan's mask and calibrations.
 * Must not: copy frames before they are asked for. */
#include "members.h"

#include <stdlib.h>

typedef struct source {
    cepman_context *ctx; /* reads happen within another context's call */
    cepman_dataset *frames;
    size_t *members, frame; /* frame: bytes */
} source;

static int read_members(void *user, size_t first, size_t count, void *destination)
{
    const source *s = user;
    char *to = destination;
    for (size_t i = 0; i < count; i++)
        if (cepman_dataset_read(s->frames, s->ctx, s->members[first + i], 1, to + i * s->frame, s->frame))
            return 1;
    return 0;
}

static void give_back(void *user)
{
    source *s = user;
    cepman_dataset_unref(s->frames);
    cepman_context_unref(s->ctx);
    free(s->members);
    free(s);
}

static int open_source(tool *t, cepman_dataset *frames, size_t *members, size_t count, cepman_dataset **out)
{
    const size_t height = cepman_dataset_height(frames), width = cepman_dataset_width(frames);
    const cepman_type type = cepman_dataset_type(frames);
    source *s = calloc(1, sizeof *s);
    if (!s || cepman_context_create(&s->ctx, NULL)) {
        free(s);
        free(members);
        return tool_no_memory();
    }
    s->frames = cepman_dataset_ref(frames);
    s->members = members;
    s->frame = height * width * cepman_type_size(type);
    const cepman_frame_source host = {sizeof host, s, read_members, NULL, give_back, 0};
    int rc = tool_check(t, cepman_dataset_from_source(out, t->ctx, &host, type, 0, count, height, width));
    if (rc) give_back(s);
    return rc;
}

int members_dataset(tool *t, cepman_dataset *frames, size_t *members, size_t count, cepman_dataset **out)
{
    cepman_dataset *plain = NULL, *masked = NULL;
    const uint8_t *mask = cepman_dataset_mask(frames);
    int rc = open_source(t, frames, members, count, &plain);
    if (!rc && mask) rc = tool_check(t, cepman_dataset_view_masked(&masked, t->ctx, plain, mask));
    if (!rc && !mask) masked = cepman_dataset_ref(plain);
    if (!rc)
        rc = tool_check(t,
                        cepman_dataset_view_calibrated(out, t->ctx, masked, cepman_dataset_scan_step(frames),
                                                       cepman_dataset_reciprocal_pixel(frames)));
    cepman_dataset_unref(masked);
    cepman_dataset_unref(plain);
    return rc;
}
