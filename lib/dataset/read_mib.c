/* Quantum Detectors Merlin .mib: big-endian frames, each behind an ASCII header of its own.
 * The scan: the .hdr record (ScanX and ScanY, else frames per trigger), else gaps between the frames' time
 * stamps. Must not: flip frames (an option does), or take the header's numbers for more than the file holds.
 */
#include <string.h>

#include "mib.h"
#include "reader.h"

static bool starts(const cep_opening *o, const char *word)
{
    return o->head_size >= strlen(word) && memcmp(o->head, word, strlen(word)) == 0;
}

static bool mib_probe(const cep_opening *o)
{
    return starts(o, "MQ1,") || starts(o, "HDR,");
}

/* The record of a .mib, when there is one; that of a series has its name without the number. */
static cepman_status read_record(cep_opening *o, cep_mib_record *record)
{
    char *path = cep_with_extension(o->mem, cep_file_path(o->file), ".hdr"), *text = NULL;
    size_t size;
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + 5, 1);
    cepman_status s = cep_file_slurp(&text, &size, o->mem, o->fault, path, (size_t)1 << 20);
    size_t end = strlen(path) - 4, start = end;
    while (start > 0 && path[start - 1] >= '0' && path[start - 1] <= '9')
        start--;
    if (s == CEPMAN_ERR_IO && start < end && start > 0 && path[start - 1] != '/') {
        memmove(path + start, path + end, 5);
        s = cep_file_slurp(&text, &size, o->mem, o->fault, path, (size_t)1 << 20);
    }
    cep_free(o->mem, path);
    if (s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_LIMIT) return s;
    *record = (cep_mib_record){0};
    if (s) return CEPMAN_OK; /* none, or not one */
    if (size >= 4 && memcmp(text, "HDR,", 4) == 0)
        cep_mib_parse_record((cep_text){text, text + size}, record);
    cep_free(o->mem, text);
    return CEPMAN_OK;
}

/* Rows by the time stamps of the first frames. A file of millions of frames would take long to look through
 * on a disk; more than this many columns no scan has. */
static cepman_status columns_by_time(cep_opening *o, const cep_strides *strides, size_t count,
                                     size_t *columns)
{
    enum { MOST = 16384 };
    size_t n = count < MOST ? count : MOST;
    unsigned char bytes[1024];
    size_t size = strides->skip < sizeof bytes ? (size_t)strides->skip : sizeof bytes;
    int64_t *times = cep_alloc(o->mem, n, 2 * sizeof *times);
    if (!times) return cep_fault_memory(o->fault, o->mem, "time stamps", n, 2 * sizeof *times);
    cepman_status s = CEPMAN_OK;
    bool good = true;
    for (size_t i = 0; !s && good && i < n; i++) {
        cep_mib_header h;
        if (i % 64 == 0 && cep_poll(o->ctx)) {
            s = cep_fault_set(o->fault, CEPMAN_ERR_CANCELLED, "%s: cancelled", o->path);
            break;
        }
        s = cep_file_read(o->file, o->fault, i * strides->stride, bytes, size);
        if (s) break;
        good = cep_mib_parse(bytes, size, o->path, o->fault, &h) == CEPMAN_OK && h.time >= 0;
        times[i] = h.time;
    }
    *columns = !s && good ? cep_mib_columns(times, n, times + n) : 0;
    cep_free(o->mem, times);
    return s;
}

/* count: whole frames there are, begun: those of which a part is there, in all files. */
static cepman_status find_scan(cep_opening *o, const cep_strides *strides, uint64_t count, uint64_t begun)
{
    cep_mib_record record;
    cepman_status s = read_record(o, &record);
    if (s) return s;
    uint64_t total = record.frames, here = cep_file_size(o->file) / strides->stride;
    if (!total) total = record.rows * record.columns;
    o->promised = begun;
    if (total > o->promised) o->promised = total;
    if (!total || total < count) total = count;
    if (record.rows) {
        o->rows = record.rows;
        o->columns = record.columns;
    } else if (record.per_trigger > 1 && record.per_trigger < total && total % record.per_trigger == 0) {
        o->rows = total / record.per_trigger;
        o->columns = record.per_trigger;
    } else if (!cep_options_integer(o->options, "scan-rows") &&
               !cep_options_integer(o->options, "scan-columns")) {
        size_t columns = 0;
        s = columns_by_time(o, strides, (size_t)here, &columns);
        if (!s && columns && total % columns == 0) {
            o->rows = total / columns;
            o->columns = columns;
        }
    }
    return s;
}

/* From a .hdr to its .mib, or to the first of a series. */
static cepman_status open_mib_of_record(cep_opening *o, unsigned char *head, size_t room)
{
    static const char *const endings[] = {"1.mib",      "01.mib",     "001.mib", "0001.mib", "00001.mib",
                                          "000001.mib", "0.mib",      "00.mib",  "000.mib",  "0000.mib",
                                          "00000.mib",  "000000.mib", "_1.mib",  "_01.mib",  "_001.mib",
                                          "_0001.mib",  "_0.mib",     "_00.mib", "_000.mib", "_0000.mib"};
    cep_file *file = NULL;
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && !file && i <= sizeof endings / sizeof *endings; i++) {
        char *path = cep_with_extension(o->mem, o->path, i ? endings[i - 1] : ".mib");
        if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + 12, 1);
        s = cep_series_next(o, path, &file);
        cep_free(o->mem, path);
    }
    if (!s && !file)
        s = cep_fault_set(o->fault, CEPMAN_ERR_IO, "%s: there is no .mib beside this record", o->path);
    if (s) return s;
    cep_file_close(o->file);
    o->file = file;
    o->head = head;
    o->head_size = cep_file_size(file) < room ? (size_t)cep_file_size(file) : room;
    return cep_file_read(file, o->fault, 0, head, o->head_size);
}

static cepman_status open_files(cep_opening *o, const cep_mib_header *h, const cep_strides *strides)
{
    enum { MOST_FILES = 4096 };
    cep_file **files = cep_alloc_zero(o->mem, MOST_FILES, sizeof *files);
    if (!files)
        return cep_fault_memory(o->fault, o->mem, "the files of an acquisition", MOST_FILES, sizeof *files);
    size_t count = 0;
    uint64_t whole = 0, rest = 0;
    cepman_status s = cep_mib_series(o, h, strides, files, MOST_FILES, &count);
    for (size_t i = 0; i < count; i++) {
        whole += cep_file_size(files[i]) / strides->stride;
        rest = cep_file_size(files[i]) % strides->stride;
    }
    if (!s) {
        o->file = files[0];
        files[0] = NULL;
        s = find_scan(o, strides, whole, whole + (rest > 0));
    }
    if (!s && count == 1) {
        s = cep_strides_open(o, strides);
    } else if (!s) {
        files[0] = o->file;
        o->file = NULL;
        s = cep_series_of_files(o, files, count, strides, strides);
    }
    for (size_t i = 0; i < count; i++)
        cep_file_close(files[i]);
    cep_free(o->mem, files);
    return s;
}

static cepman_status mib_open(cep_opening *o)
{
    static const cepman_type types[] = {0, CEPMAN_TYPE_U8, CEPMAN_TYPE_U16, 0, CEPMAN_TYPE_U32};
    unsigned char head[2048];
    cep_mib_header h;
    cepman_status s = starts(o, "HDR,") ? open_mib_of_record(o, head, sizeof head) : CEPMAN_OK;
    if (!s) s = cep_mib_parse(o->head, o->head_size, cep_file_path(o->file), o->fault, &h);
    if (s) return s;
    cep_strides strides = {.skip = h.header_bytes, .mark = {'M', 'Q', '1', ','}, .mark_size = 4};
    if (h.pixel_bytes) {
        o->info.type = types[h.pixel_bytes];
        o->info.height = h.height;
        o->info.width = h.width;
        strides.bytes = strides.frame_bytes = h.width * h.height * h.pixel_bytes;
        strides.swap = h.pixel_bytes > 1 && cep_swaps_big() ? h.pixel_bytes : 0;
    } else {
        s = cep_mib_raw(&h, cep_file_path(o->file), o->fault, &strides, &o->info.type, &o->info.height,
                        &o->info.width);
        if (s) return s;
    }
    strides.stride = strides.skip + strides.bytes;
    if (o->salvage) strides.mark_size = 0;
    if (h.depth > 1) o->info.saturation = (double)(((uint64_t)1 << h.depth) - 1);
    return open_files(o, &h, &strides);
}

const cep_reader cep_reader_mib = {"mib", mib_probe, mib_open};
