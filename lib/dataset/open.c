/* Opening a file: which reader it is for, by content, and what scan its frames make.
 * A reader says how many whole frames there are and what the file claims; the rules here are the same for
 * all. Must not: know the layout of any format. */
#include <math.h>
#include <string.h>

#include "reader.h"
#include "view.h"

/* In the order of the option's words. */
static const cep_reader *const readers[] = {&cep_reader_npy,   &cep_reader_blo,  &cep_reader_mib,
                                            &cep_reader_hdf5,  &cep_reader_zarr, &cep_reader_dm,
                                            &cep_reader_tvips, &cep_reader_seq,  &cep_reader_empad2,
                                            &cep_reader_empad, &cep_reader_raw};
enum { READERS = sizeof readers / sizeof *readers };

static const char kind[] = "dataset";
static const cep_option table[] = {
    {"format", CEPMAN_OPTION_CHOICE, 0, 11, 0, "auto|npy|blo|mib|hdf5|zarr|dm|tvips|seq|empad2|empad|raw",
     "layout of the file; auto: by its content"},
    {"scan-rows", CEPMAN_OPTION_INTEGER, 0, 1099511627776.0, 0, NULL,
     "rows of the scan (frames); 0: from the file, or from the columns"},
    {"scan-columns", CEPMAN_OPTION_INTEGER, 0, 1099511627776.0, 0, NULL,
     "columns of the scan (frames); 0: from the file, or from the rows"},
    {"flyback", CEPMAN_OPTION_INTEGER, 0, 1000000, 0, NULL,
     "frames at the end of each scan row that were taken during fly-back and are left out (frames)"},
    {"skip", CEPMAN_OPTION_INTEGER, 0, 1099511627776.0, 0, NULL,
     "frames at the beginning of the file that are left out: recordings that began before the scan (frames)"},
    {"flip", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL,
     "turn every frame upside down, as some readers of .mib files do"},
    {"dataset", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL,
     "name of the array inside the file, for formats that hold several"},
    {"salvage", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL, "accept a truncated file and keep its whole frames"},
    {"follow", CEPMAN_OPTION_FLAG, 0, 1, 0, NULL,
     "accept a file that is still being written: frames become available as it grows"},
    {"raw-type", CEPMAN_OPTION_CHOICE, 0, 9, 2, "u8|i8|u16|i16|u32|i32|i64|f32|f64|f16",
     "format raw: type of the numbers"},
    {"raw-order", CEPMAN_OPTION_CHOICE, 0, 1, 0, "little|big", "format raw: order of a number's bytes"},
    {"raw-height", CEPMAN_OPTION_INTEGER, 0, 1048576, 0, NULL,
     "format raw: rows of a frame (pixels); must be given"},
    {"raw-width", CEPMAN_OPTION_INTEGER, 0, 1048576, 0, NULL,
     "format raw: columns of a frame (pixels); must be given"},
    {"raw-offset", CEPMAN_OPTION_INTEGER, 0, 1099511627776.0, 0, NULL,
     "format raw: where the first frame begins (bytes)"},
    {"raw-gap", CEPMAN_OPTION_INTEGER, 0, 1099511627776.0, 0, NULL, "format raw: between two frames (bytes)"},
    {"chunk-cache", CEPMAN_OPTION_INTEGER, 0, 1048576, 256, NULL,
     "formats hdf5 and zarr: most memory for decoded chunks that hold several frames (MB)"},
    {"dm-order", CEPMAN_OPTION_CHOICE, 0, 2, 0, "auto|detector|scan",
     "format dm with four axes: which two run fastest; auto: by the file's tags"},
    {"calibration", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL,
     "format empad2: HDF5 file or folder with the sensor's calibration; must be given"},
    {"background", CEPMAN_OPTION_TEXT, 0, 0, 0, NULL,
     "format empad2: recording without beam that is subtracted, even and odd frames apart"},
    {NULL, CEPMAN_OPTION_FLAG, 0, 0, 0, NULL, NULL}};

cepman_status cepman_dataset_options_create(cepman_options **out, cepman_context *ctx)
{
    return cep_options_create(out, ctx, kind, table);
}

/* ---- the scan
 * ------------------------------------------------------------------------------------------------ */

typedef struct extent {
    uint64_t rows, columns, step; /* step: frames of a row in the file, fly-back frames among them */
    bool known;
} extent;

/* The caller's shape for `count` frames; the last row's fly-back frames may be missing. */
static cepman_status asked_scan(const cep_opening *o, uint64_t count, uint64_t rows, uint64_t columns,
                                uint64_t flyback, extent *scan)
{
    if (!columns) {
        uint64_t row = rows <= count + flyback ? (count + flyback) / rows : 0;
        columns = row > flyback ? row - flyback : 0;
    }
    if (!rows && columns) rows = (count + flyback) / (columns + flyback);
    uint64_t whole = rows * (columns + flyback); /* at most 2^40 * 2^41: may wrap */
    bool wraps = columns && rows > UINT64_MAX / (columns + flyback);
    if (o->salvage && !wraps && rows && columns && whole > count + flyback) {
        rows = (count + flyback) / (columns + flyback);
        whole = rows * (columns + flyback);
    }
    bool fits = rows && columns && !wraps &&
                (whole == count || whole - flyback == count || (o->salvage && whole <= count));
    if (!fits && o->follow && rows && columns && !wraps && whole >= count) fits = true;
    if (!fits)
        return cep_fault_set(o->fault, CEPMAN_ERR_SHAPE,
                             "%s: a scan of %llu x %llu frames%s does not fit the %llu frames of the file",
                             o->path, (unsigned long long)rows, (unsigned long long)columns,
                             flyback ? " with fly-back frames after each row" : "",
                             (unsigned long long)count);
    *scan = (extent){rows, columns, columns + flyback, true};
    return CEPMAN_OK;
}

/* What the file says, for `count` frames of it. */
static cepman_status own_scan(const cep_opening *o, uint64_t count, uint64_t flyback, extent *scan)
{
    uint64_t rows = o->rows, columns = o->columns;
    *scan = (extent){1, count, count, false};
    if (rows && columns) {
        /* The columns may or may not count the fly-back frames. */
        if (flyback && count / rows > columns) columns += flyback;
        if (count / rows < columns && !o->follow) rows = count % columns == 0 ? count / columns : 0;
        if (rows && columns > flyback) *scan = (extent){rows, columns - flyback, columns, true};
    }
    if (flyback && !scan->known)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_SHAPE,
            "%s: the file does not say what scan it is: the option flyback needs scan-columns too", o->path);
    if (scan->known && scan->rows * scan->step < count)
        cep_log(o->ctx, CEPMAN_LOG_WARNING, "%s: %llu frames after the scan of %llu x %llu are left out",
                o->path, (unsigned long long)(count - scan->rows * scan->step),
                (unsigned long long)scan->rows, (unsigned long long)scan->columns);
    return CEPMAN_OK;
}

static cepman_status resolve_scan(cep_opening *o, extent *scan)
{
    uint64_t rows = (uint64_t)cep_options_integer(o->options, "scan-rows");
    uint64_t columns = (uint64_t)cep_options_integer(o->options, "scan-columns");
    uint64_t flyback = (uint64_t)cep_options_integer(o->options, "flyback");
    uint64_t count = o->frames;
    if (count < o->promised) {
        if (o->follow)
            count = o->promised;
        else if (!o->salvage)
            return cep_fault_set(o->fault, CEPMAN_ERR_TRUNCATED,
                                 "%s: %llu whole frames of %llu are there (the option salvage keeps them)",
                                 o->path, (unsigned long long)count, (unsigned long long)o->promised);
    }
    if (count == 0 && !(o->follow && rows && columns))
        return cep_fault_set(o->fault, CEPMAN_ERR_TRUNCATED, "%s: not one whole frame is there", o->path);
    if (rows || columns) return asked_scan(o, count, rows, columns, flyback, scan);
    return own_scan(o, count, flyback, scan);
}

/* ---- from the source to the dataset
 * ---------------------------------------------------------------------------- */

/* Replaces *d by the view that `s` made of it. */
static cepman_status put_view(cepman_dataset **d, cepman_dataset *view, cepman_status s)
{
    cepman_dataset_unref(*d);
    *d = s ? NULL : view;
    return s;
}

static cepman_status finish(cepman_dataset **out, cep_opening *o, const extent *scan)
{
    cepman_context *ctx = o->ctx;
    if (scan->rows > SIZE_MAX || scan->step > SIZE_MAX) {
        o->source->close(o->source);
        return cep_fail(ctx, CEPMAN_ERR_UNSUPPORTED, "%s: more frames than this machine can count", o->path);
    }
    o->info.scan_rows = (size_t)scan->rows;
    o->info.scan_columns = (size_t)scan->step;
    o->info.has_scan = scan->known;
    cepman_dataset *d = NULL, *view = NULL;
    cepman_status s = cep_dataset_create(&d, ctx, o->source, &o->info);
    if (!s && scan->step != scan->columns) {
        s = cepman_dataset_view_scan(&view, ctx, d, 0, 0, (size_t)scan->rows, (size_t)scan->columns);
        s = put_view(&d, view, s);
    }
    if (!s && cep_options_flag(o->options, "flip")) {
        s = cep_view_flipped(&view, ctx, d);
        s = put_view(&d, view, s);
    }
    if (!s) *out = d;
    return s;
}

/* The frames before the scan. */
static cepman_status leave_out(cep_opening *o)
{
    uint64_t skip = (uint64_t)cep_options_integer(o->options, "skip"), count = o->frames;
    if (!skip) return CEPMAN_OK;
    if (skip > SIZE_MAX)
        return cep_fault_set(o->fault, CEPMAN_ERR_RANGE, "%s: skip is more than memory", o->path);
    cep_source *source = o->source;
    o->source = NULL;
    if (o->promised) o->promised = o->promised > skip ? o->promised - skip : 0;
    return cep_series_open(o, &source, &count, 1,
                           o->info.height * o->info.width * cepman_type_size(o->info.type), (size_t)skip);
}

static const cep_reader *choose(cep_opening *o)
{
    int format = cep_options_choice(o->options, "format");
    if (format > 0) return readers[format - 1];
    for (size_t i = 0; i < READERS; i++)
        if (readers[i]->probe(o)) return readers[i];
    return NULL;
}

static cepman_status open_file(cepman_dataset **out, cep_opening *o, const char *path, unsigned char *head,
                               size_t room)
{
    char *inside = NULL;
    cepman_status s = cep_zarr_metadata(o, &inside);
    if (!s) s = cep_file_open(&o->file, o->mem, o->fault, inside ? inside : path);
    cep_free(o->mem, inside);
    if (s) return cep_fail_fault(o->ctx, o->fault);
    uint64_t size = cep_file_size(o->file);
    o->head = head;
    o->head_size = size < room ? (size_t)size : room;
    s = cep_file_read(o->file, o->fault, 0, head, o->head_size);
    if (s) return cep_fail_fault(o->ctx, o->fault);
    const cep_reader *reader = choose(o);
    if (!reader)
        return cep_fail(
            o->ctx, CEPMAN_ERR_UNSUPPORTED,
            "%s: not a file of a known format (npy, blo, mib, hdf5, zarr, dm, tvips, seq, empad2, "
            "empad); the option format names one",
            path);
    o->info.format = reader->name;
    o->info.scan_step = o->info.reciprocal_pixel = (double)NAN;
    s = reader->open(o);
    extent scan = {0};
    if (!s) s = leave_out(o);
    if (!s) s = resolve_scan(o, &scan);
    if (s) {
        if (o->source) o->source->close(o->source);
        return cep_fail_fault(o->ctx, o->fault);
    }
    return finish(out, o, &scan);
}

cepman_status cepman_dataset_open(cepman_dataset **out, cepman_context *ctx, const char *path,
                                  const cepman_options *options)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && path, CEPMAN_ERR_ARGUMENT, "dataset open: out or path is NULL");
    cep_fault fault = {CEPMAN_OK, ""};
    cepman_options *resolved = NULL;
    s = cep_options_resolve(&resolved, ctx, options, kind, table);
    if (s) return s;
    unsigned char head[4096];
    cep_opening o = {
        .ctx = ctx, .mem = cep_context_memory(ctx), .fault = &fault, .options = resolved, .path = path};
    o.salvage = cep_options_flag(resolved, "salvage");
    o.follow = cep_options_flag(resolved, "follow");
    s = open_file(out, &o, path, head, sizeof head);
    cep_file_close(o.file);
    cepman_options_unref(resolved);
    return s;
}
