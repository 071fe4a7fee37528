/* Gatan's DigitalMicrograph .dm3 and .dm4: images, stacks and 4-D scans, with their calibrations.
 * The ImageList's array of most axes is read (or the one the option `dataset` numbers). Four axes: with the tag "Data
 * Order Swapped" the detector's come first (a frame in one piece), else the scan's (a frame in as many pieces as pixels).
 * Must not: take a spectrum image for a scan of frames. */
#include <math.h>
#include <string.h>

#include "dm.h"

static bool dm_probe(const cep_opening *o)
{
    const unsigned char *h = o->head;
    if (o->head_size < 16 || h[0] || h[1] || h[2] || (h[3] != 3 && h[3] != 4)) return false;
    size_t at = h[3] == 4 ? 12 : 8; /* the byte order, then the root group's two flags */
    return h[at] == 0 && h[at + 1] == 0 && h[at + 2] == 0 && h[at + 3] <= 1 && o->head_size > at + 5 &&
           h[at + 4] <= 1 && h[at + 5] <= 1;
}

/* By DigitalMicrograph's own number of a type; 0: none of ours. */
static cepman_type type_of(uint64_t dm)
{
    switch (dm) {
    case 1:
        return CEPMAN_TYPE_I16;
    case 2:
        return CEPMAN_TYPE_F32;
    case 6:
        return CEPMAN_TYPE_U8;
    case 7:
        return CEPMAN_TYPE_I32;
    case 9:
        return CEPMAN_TYPE_I8;
    case 10:
        return CEPMAN_TYPE_U16;
    case 11:
        return CEPMAN_TYPE_U32;
    case 12:
        return CEPMAN_TYPE_F64;
    case 14:
        return CEPMAN_TYPE_BOOL;
    default:
        return (cepman_type)0;
    }
}

static const cep_dm_image *choose(const cep_opening *o, const cep_dm *dm, uint64_t *number)
{
    const cep_dm_image *best = NULL;
    const char *name = cep_options_text(o->options, "dataset");
    int64_t asked;
    if (name[0]) {
        bool good = cep_parse_integer(name, &asked) && asked >= 0 && (uint64_t)asked < dm->count;
        *number = good ? (uint64_t)asked : 0;
        return good ? &dm->image[asked] : NULL;
    }
    for (size_t i = 0; i < dm->count; i++) {
        const cep_dm_image *image = &dm->image[i];
        if (!image->bytes || !type_of(image->data_type) || image->axes < 2 || image->axes > 4) continue;
        if (!best || image->axes > best->axes || (image->axes == best->axes && image->bytes > best->bytes)) {
            best = image;
            *number = i;
        }
    }
    return best;
}

/* nm, or 1/angstrom; NaN where the unit is neither. */
static double step(const cep_dm_image *image, size_t axis, bool reciprocal)
{
    if (axis >= CEP_DM_AXES) return (double)NAN;
    return cep_calibration(fabs(image->scale[axis]), image->unit[axis], reciprocal);
}

static cepman_status check_image(cep_opening *o, const cep_dm_image *image, uint64_t number, uint64_t *count)
{
    const char *path = cep_file_path(o->file);
    *count = 1;
    if (image->bytes && image->axes == 0)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_TRUNCATED,
            "%s: the file ends within its array, before the size of it; format raw with raw-offset "
            "%llu reads what is there",
            path, (unsigned long long)image->offset);
    if (!type_of(image->data_type))
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: image %llu has numbers of type %llu; expected one of 1 2 6 7 9 10 11 12 14 "
                             "(integers and reals)",
                             path, (unsigned long long)number, (unsigned long long)image->data_type);
    if (image->axes < 2 || image->axes > 4)
        return cep_fault_set(o->fault, CEPMAN_ERR_SHAPE,
                             "%s: image %llu has %zu axes; expected 2 (one frame), 3 (a stack) or 4 (a scan)",
                             path, (unsigned long long)number, image->axes);
    for (size_t i = 0; i < image->axes; i++) {
        if (image->size[i] == 0 || image->size[i] > ((uint64_t)1 << 48) / *count)
            return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT, "%s: image %llu has %llu pixels along axis %zu",
                                 path, (unsigned long long)number, (unsigned long long)image->size[i], i);
        *count *= image->size[i];
    }
    if (image->bytes != *count * cepman_type_size(type_of(image->data_type)))
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: image %llu has an array of %llu bytes, its sizes and type make %llu", path,
                             (unsigned long long)number, (unsigned long long)image->bytes,
                             (unsigned long long)(*count * cepman_type_size(type_of(image->data_type))));
    if (image->axes == 3 && strcmp(image->format, "Spectrum image") == 0)
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: image %llu is a spectrum image: a scan of spectra, not of frames", path,
                             (unsigned long long)number);
    return CEPMAN_OK;
}

/* Which axes come first in an array of four: 1 the detector's, 0 the scan's, -1: cannot be told. */
static int detector_first(const cep_opening *o, const cep_dm_image *image, bool whole)
{
    int asked = cep_options_choice(o->options, "dm-order");
    if (asked) return asked == 1;
    if (image->swapped >= 0) return image->swapped;
    return whole ? 0 : -1;
}

static cepman_status open_image(cep_opening *o, const cep_dm *dm, const cep_dm_image *image, bool whole)
{
    cepman_type type = type_of(image->data_type);
    size_t size = cepman_type_size(type);
    int order = image->axes == 4 ? detector_first(o, image, whole) : 1;
    size_t frame = order ? 0 : 2, scan = order ? 2 : 0; /* first axis of each */
    if (order < 0)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_TRUNCATED,
            "%s: the file ends before the tags that tell the order of its axes; the option dm-order "
            "gives it",
            cep_file_path(o->file));
    if (image->size[frame] > (size_t)1 << 20 || image->size[frame + 1] > (size_t)1 << 20)
        return cep_fault_set(o->fault, CEPMAN_ERR_SHAPE, "%s: frames of %llu x %llu pixels",
                             cep_file_path(o->file), (unsigned long long)image->size[frame + 1],
                             (unsigned long long)image->size[frame]);
    o->info.type = type;
    o->info.width = (size_t)image->size[frame];
    o->info.height = (size_t)image->size[frame + 1];
    o->promised = 1;
    if (image->axes == 3) o->promised = image->size[2];
    if (image->axes == 4) {
        o->columns = image->size[scan];
        o->rows = image->size[scan + 1];
        o->promised = o->rows * o->columns;
        o->info.scan_step = step(image, scan, false);
    }
    o->info.reciprocal_pixel = step(image, frame, true);
    cep_strides strides = {.offset = image->offset};
    strides.bytes = strides.frame_bytes = o->info.width * o->info.height * size;
    strides.stride = strides.bytes;
    strides.swap = size > 1 && (dm->little ? cep_swaps_little() : cep_swaps_big()) ? size : 0;
    cepman_status s = order ? cep_strides_open(o, &strides) : cep_scatter_open(o, &strides, o->promised);
    if (!s && o->frames > o->promised) o->frames = o->promised; /* what follows the array is not of it */
    return s;
}

static cepman_status dm_open(cep_opening *o)
{
    uint64_t count, number = 0;
    cep_dm *dm = cep_alloc_zero(o->mem, 1, sizeof *dm);
    if (!dm) return cep_fault_memory(o->fault, o->mem, "the tags of a file", 1, sizeof *dm);
    cepman_status s = cep_dm_parse(dm, o->file, o->fault);
    bool whole = s == CEPMAN_OK;
    if (s == CEPMAN_ERR_TRUNCATED && o->salvage && dm->count) s = CEPMAN_OK;
    const cep_dm_image *image = s ? NULL : choose(o, dm, &number);
    if (!s && !image && dm->count) { /* why there is none: by the last, the first is a preview */
        number = dm->count - 1;
        image = &dm->image[number];
        if (cep_options_text(o->options, "dataset")[0])
            s = cep_fault_set(o->fault, CEPMAN_ERR_ARGUMENT,
                              "%s: the option dataset is '%s', expected the number of an image, 0 to %zu",
                              cep_file_path(o->file), cep_options_text(o->options, "dataset"), dm->count - 1);
    }
    if (!s && !image)
        s = cep_fault_set(o->fault, CEPMAN_ERR_FORMAT, "%s: no images in the file's ImageList",
                          cep_file_path(o->file));
    if (!s) s = check_image(o, image, number, &count);
    if (!s) s = open_image(o, dm, image, whole);
    cep_free(o->mem, dm);
    return s;
}

const cep_reader cep_reader_dm = {"dm", dm_probe, dm_open};
