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

/* The record of a .mib, when there is one. */
static cepman_status read_record(cep_opening *o, cep_mib_record *record)
{
    char *path = cep_with_extension(o->mem, cep_file_path(o->file), ".hdr"), *text = NULL;
    size_t size;
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + 5, 1);
    cepman_status s = cep_file_slurp(&text, &size, o->mem, o->fault, path, (size_t)1 << 20);
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

static cepman_status find_scan(cep_opening *o, const cep_strides *strides)
{
    cep_mib_record record;
    cepman_status s = read_record(o, &record);
    if (s) return s;
    uint64_t size = cep_file_size(o->file), count = size / strides->stride, total = record.frames;
    if (!total) total = record.rows * record.columns;
    o->promised = (size + strides->stride - 1) / strides->stride;
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
        s = columns_by_time(o, strides, (size_t)count, &columns);
        if (!s && columns && total % columns == 0) {
            o->rows = total / columns;
            o->columns = columns;
        }
    }
    return s;
}

/* From a .hdr to its .mib. */
static cepman_status open_mib_of_record(cep_opening *o, unsigned char *head, size_t room)
{
    char *path = cep_with_extension(o->mem, o->path, ".mib");
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", strlen(o->path) + 5, 1);
    cep_file *file = NULL;
    cepman_status s = cep_file_open(&file, o->mem, o->fault, path);
    cep_free(o->mem, path);
    if (s) return s;
    cep_file_close(o->file);
    o->file = file;
    o->head = head;
    o->head_size = cep_file_size(file) < room ? (size_t)cep_file_size(file) : room;
    return cep_file_read(file, o->fault, 0, head, o->head_size);
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
    s = find_scan(o, &strides);
    return s ? s : cep_strides_open(o, &strides);
}

const cep_reader cep_reader_mib = {"mib", mib_probe, mib_open};
