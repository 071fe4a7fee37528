/* EMPAD-G2 .raw: 32-bit words of 128 x 128 pixels without header or footer, and float32 frames that were calibrated
 * before. A name scan_xA_yB.raw whose size is A * B * 65536 is of this format. The words need the sensor's calibration
 * (an HDF5 file, or a folder of G1A.r32 and so on) and should have a background.
 * Must not: give the words out as counts. */
#include <stdio.h>
#include <string.h>

#include "empad2.h"
#include "reader.h"

enum { FRAME_BYTES = CEP_EMPAD2_PIXELS * 4 };

typedef struct empad2_source {
    cep_source base;
    cep_memory *mem;
    cep_file *file;
    cep_empad2 *sensor; /* NULL: the frames are float32 already */
} empad2_source;

/* A finite float32 of a calibrated frame that is 2 or more, or -2 or less, has bit 30, which no word has. */
static bool holds_floats(const cep_opening *o)
{
    for (size_t i = 0; i + 4 <= o->head_size; i += 4)
        if (o->head[i + 3] & 0x40) return true;
    return false;
}

static bool empad2_probe(const cep_opening *o)
{
    uint64_t rows, columns, series, size = cep_file_size(o->file);
    cep_empad_name(cep_base_name(o->path), &rows, &columns, &series);
    const char *dot = strrchr(cep_base_name(o->path), '.');
    if (!dot || strcmp(dot, ".raw") != 0 || size == 0 || size % FRAME_BYTES) return false;
    if (series) return size / FRAME_BYTES == series;
    return rows && columns && size / FRAME_BYTES % columns == 0 && size / FRAME_BYTES / columns == rows;
}

/* ---- calibration ------------------------------------------------------------------------------------------------- */

/* `count` floats called name, of an HDF5 file or of a folder of .r32 files. */
static cepman_status load(cep_opening *o, const char *from, bool folder, const char *name, float *to,
                          size_t count)
{
    if (!folder) return cep_hdf5_floats(o->fault, from, name, to, count);
    size_t room = strlen(from) + strlen(name) + 8;
    char *path = cep_alloc(o->mem, room, 1);
    cep_file *file = NULL;
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", room, 1);
    snprintf(path, room, "%s/%s.r32", from, name);
    cepman_status s = cep_file_open(&file, o->mem, o->fault, path);
    if (!s) s = cep_file_read(file, o->fault, 0, to, count * sizeof *to);
    if (!s && cep_swaps_little()) cep_swap_bytes(to, count, sizeof *to);
    cep_file_close(file);
    cep_free(o->mem, path);
    return s;
}

static cepman_status load_linear(cep_opening *o, cep_empad2 *e, const char *from, bool folder)
{
    static const char *const names[2][4] = {{"G1A", "G2A", "B2A", "FFA"}, {"G1B", "G2B", "B2B", "FFB"}};
    cepman_status s = CEPMAN_OK;
    for (size_t k = 0; !s && k < 2; k++) {
        cep_empad2_half *h = &e->half[k];
        float *const to[] = {h->gain, h->digital, h->base, h->flat};
        for (size_t i = 0; !s && i < 4; i++)
            s = load(o, from, folder, names[k][i], to[i], CEP_EMPAD2_PIXELS);
    }
    return s;
}

/* The arrays have a last axis of two: even frames, odd frames. */
static cepman_status load_quadratic(cep_opening *o, cep_empad2 *e, const char *from)
{
    static const char *const names[] = {"Ml", "alpha", "Md", "Oh", "Ot"};
    const size_t count = 2 * CEP_EMPAD2_PIXELS;
    float *both = cep_alloc(o->mem, count, sizeof *both);
    if (!both) return cep_fault_memory(o->fault, o->mem, "a calibration", count, sizeof *both);
    cepman_status s = CEPMAN_OK;
    for (size_t i = 0; !s && i < 5; i++) {
        s = load(o, from, false, names[i], both, count);
        for (size_t k = 0; !s && k < 2; k++) {
            cep_empad2_half *h = &e->half[k];
            float *const to[] = {h->gain, h->square, h->digital, h->high, h->base};
            for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++)
                to[i][p] = both[2 * p + k];
        }
    }
    if (!s) s = load(o, from, false, "FFA", e->half[0].flat, CEP_EMPAD2_PIXELS);
    if (!s) s = load(o, from, false, "FFB", e->half[1].flat, CEP_EMPAD2_PIXELS);
    e->quadratic = true;
    cep_free(o->mem, both);
    return s;
}

static cepman_status load_sensor(cep_opening *o, cep_empad2 *e)
{
    const char *from = cep_options_text(o->options, "calibration");
    cep_file *file = NULL;
    if (!from[0])
        return cep_fault_set(
            o->fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: the words of an EMPAD-G2 need its sensor's calibration: the option calibration names an "
            "HDF5 file or a folder with G1A, G2A, B2A, FFA, G1B, .. (frames that are float32 already: "
            "format raw)",
            o->path);
    bool folder = cep_file_open(&file, o->mem, o->fault, from) != CEPMAN_OK;
    cep_file_close(file);
    cepman_status s = load_linear(o, e, from, folder);
    if (s && s != CEPMAN_ERR_MEMORY && s != CEPMAN_ERR_LIMIT && !folder) {
        cep_fault first = *o->fault; /* what the linear ones lack is the better sentence */
        s = load_quadratic(o, e, from);
        if (s && s != CEPMAN_ERR_MEMORY && s != CEPMAN_ERR_LIMIT) {
            *o->fault = first;
            s = first.status;
        }
    }
    return s;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static cepman_status empad2_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    empad2_source *e = (empad2_source *)source;
    unsigned char *to = destination;
    cepman_status s = cep_file_read(e->file, fault, (uint64_t)first * FRAME_BYTES, destination,
                                    count * (size_t)FRAME_BYTES);
    if (!s && cep_swaps_little()) cep_swap_bytes(destination, count * CEP_EMPAD2_PIXELS, 4);
    for (size_t i = 0; !s && e->sensor && i < count; i++)
        cep_empad2_convert(e->sensor, (first + i) % 2, to + i * FRAME_BYTES);
    return s;
}

static size_t empad2_available(cep_source *source)
{
    empad2_source *e = (empad2_source *)source;
    uint64_t size;
    if (cep_file_size_now(e->file, NULL, &size)) return 0;
    return size / FRAME_BYTES < SIZE_MAX ? (size_t)(size / FRAME_BYTES) : SIZE_MAX;
}

static void empad2_close(cep_source *source)
{
    empad2_source *e = (empad2_source *)source;
    cep_memory *mem = e->mem;
    cep_file_close(e->file);
    cep_free(mem, e->sensor);
    cep_free(mem, e);
    cep_memory_unref(mem);
}

/* Means of the even and of the odd frames of the recording without beam. */
static cepman_status load_background(cep_opening *o, cep_empad2 *e)
{
    const char *path = cep_options_text(o->options, "background");
    if (!path[0]) return CEPMAN_OK;
    cep_file *file = NULL;
    cepman_status s = cep_file_open(&file, o->mem, o->fault, path);
    if (s) return s;
    uint64_t frames = cep_file_size(file) / FRAME_BYTES;
    double *sum = cep_alloc_zero(o->mem, 2 * CEP_EMPAD2_PIXELS, sizeof *sum);
    float *frame = cep_alloc(o->mem, CEP_EMPAD2_PIXELS, sizeof *frame);
    if (!sum || !frame)
        s = cep_fault_memory(o->fault, o->mem, "a background", 2 * CEP_EMPAD2_PIXELS, sizeof *sum);
    else if (frames < 2)
        s = cep_fault_set(o->fault, CEPMAN_ERR_TRUNCATED,
                          "%s: a background of %llu whole frames, at least 2 are needed", path,
                          (unsigned long long)frames);
    for (uint64_t i = 0; !s && i < frames; i++) {
        if (cep_poll(o->ctx)) {
            s = cep_fault_set(o->fault, CEPMAN_ERR_CANCELLED, "%s: cancelled", o->path);
            break;
        }
        s = cep_file_read(file, o->fault, i * FRAME_BYTES, frame, FRAME_BYTES);
        if (s) break;
        if (cep_swaps_little()) cep_swap_bytes(frame, CEP_EMPAD2_PIXELS, 4);
        cep_empad2_convert(e, (size_t)(i % 2), (unsigned char *)frame);
        for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++)
            sum[i % 2 * CEP_EMPAD2_PIXELS + p] += (double)frame[p];
    }
    for (size_t k = 0; !s && k < 2; k++)
        for (size_t p = 0; p < CEP_EMPAD2_PIXELS; p++)
            e->half[k].background[p] =
                (float)(sum[k * CEP_EMPAD2_PIXELS + p] / (double)((frames + 1 - k) / 2));
    e->background = !s;
    cep_free(o->mem, frame);
    cep_free(o->mem, sum);
    cep_file_close(file);
    return s;
}

static cepman_status empad2_open(cep_opening *o)
{
    uint64_t rows, columns, series, size = cep_file_size(o->file);
    cep_empad_name(cep_base_name(o->path), &rows, &columns, &series);
    cep_empad2 *sensor = NULL;
    cepman_status s = CEPMAN_OK;
    if (!holds_floats(o)) {
        sensor = cep_alloc_zero(o->mem, 1, sizeof *sensor);
        s = sensor ? load_sensor(o, sensor)
                   : cep_fault_memory(o->fault, o->mem, "a calibration", 1, sizeof *sensor);
        if (!s) s = load_background(o, sensor);
    }
    empad2_source *e = s ? NULL : cep_alloc_zero(o->mem, 1, sizeof *e);
    if (!s && !e) s = cep_fault_memory(o->fault, o->mem, "opening a file", 1, sizeof *e);
    if (s) {
        cep_free(o->mem, sensor);
        return s;
    }
    if (sensor && !sensor->background)
        cep_log(o->ctx, CEPMAN_LOG_WARNING,
                "%s: without a background (option background) nothing is subtracted", o->path);
    e->base = (cep_source){.read = empad2_read,
                           .available = o->follow ? empad2_available : NULL,
                           .close = empad2_close,
                           .concurrent = true};
    e->mem = cep_memory_ref(o->mem);
    e->file = o->file;
    e->sensor = sensor;
    o->file = NULL;
    o->source = &e->base;
    o->info.type = CEPMAN_TYPE_F32;
    o->info.height = o->info.width = 128;
    o->frames = size / FRAME_BYTES;
    o->promised = o->frames + (size % FRAME_BYTES > 0);
    if (rows && columns && rows < ((uint64_t)1 << 40) / columns) {
        o->rows = rows;
        o->columns = columns;
        if (rows * columns > o->promised) o->promised = rows * columns;
    }
    return CEPMAN_OK;
}

const cep_reader cep_reader_empad2 = {"empad2", empad2_probe, empad2_open};
