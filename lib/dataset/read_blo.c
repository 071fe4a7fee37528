/* NanoMEGAS block files (.blo): u8 patterns of a scan, each behind a mark and an index.
 * Layout: little-endian header "IMGBLO"; offset of the patterns at 12, frame size at 20, scan size at 24
 * and 26. Must not: trust the header's offset of the patterns further than the file reaches. */
#include <math.h>
#include <string.h>

#include "reader.h"

enum { HEADER_BYTES = 64 };

static bool blo_probe(const cep_opening *o)
{
    return o->head_size >= 6 && memcmp(o->head, "IMGBLO", 6) == 0;
}

/* 1/angstrom per pixel from what the header calls voltage (V), pixels per cm (x 100) and camera length (0.1
 * mm): nominal values. The wavelength is the relativistic one. */
static double reciprocal_pixel(const unsigned char *h)
{
    double volts = cep_little32(h + 46), per_cm = cep_little16(h + 50) / 100.0,
           mm = cep_little32(h + 52) / 10.0;
    if (!(volts > 0 && per_cm > 0 && mm > 0)) return (double)NAN;
    double wavelength = 12.2642596 / sqrt(volts * (1 + 0.97847595e-6 * volts)); /* angstrom */
    return 10 / per_cm / mm / wavelength;
}

static cepman_status blo_open(cep_opening *o)
{
    const char *path = cep_file_path(o->file);
    const unsigned char *h = o->head;
    if (o->head_size < HEADER_BYTES)
        return cep_fault_set(o->fault, blo_probe(o) ? CEPMAN_ERR_TRUNCATED : CEPMAN_ERR_FORMAT,
                             "%s: %zu bytes, the header of a block file has %d", path, o->head_size,
                             HEADER_BYTES);
    if (!blo_probe(o)) return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT, "%s: no IMGBLO at offset 0", path);
    unsigned version = cep_little16(h + 6);
    if (version != 0x0102 && version != 0x0103)
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: version 0x%04x at offset 6, expected 0x0102 or 0x0103", path, version);
    uint64_t patterns = cep_little32(h + 12);
    size_t side = cep_little16(h + 20), columns = cep_little16(h + 24), rows = cep_little16(h + 26);
    if (side == 0 || columns == 0 || rows == 0)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_FORMAT,
            "%s: frames of %zu pixels (offset 20) in a scan of %zu x %zu (offsets 26, 24); none may be 0",
            path, side, rows, columns);
    if (patterns < HEADER_BYTES)
        return cep_fault_set(o->fault, CEPMAN_ERR_FORMAT,
                             "%s: patterns at %llu (offset 12), inside the header", path,
                             (unsigned long long)patterns);
    o->info.type = CEPMAN_TYPE_U8;
    o->info.height = o->info.width = side;
    double step = cep_little_f64(h + 30);
    if (step > 0 && isfinite(step)) o->info.scan_step = step;
    o->info.reciprocal_pixel = reciprocal_pixel(h);
    o->rows = rows;
    o->columns = columns;
    o->promised = (uint64_t)rows * columns;
    cep_strides strides = {
        .offset = patterns, .stride = 6 + side * side, .skip = 6, .mark = {0xaa, 0x55}, .mark_size = 2};
    strides.bytes = strides.frame_bytes = side * side;
    if (o->salvage) strides.mark_size = 0;
    cepman_status s = cep_strides_open(o, &strides);
    if (!s && o->frames > o->promised) o->frames = o->promised;
    return s;
}

const cep_reader cep_reader_blo = {"blo", blo_probe, blo_open};
