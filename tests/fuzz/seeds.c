/* Small good files of each format, after one byte of options. */
#include "seeds.h"

#include <stdio.h>
#include <string.h>

#include "../dataset/writers.h"

static const uint8_t options[] = {0, 1, 2, 5, 8, 0x10};

static size_t put_little(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++, value >>= 8)
        to[i] = (uint8_t)value;
    return size;
}

static size_t npy(unsigned index, uint8_t *to)
{
    static const char *const dicts[] = {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3, 4, 5), }",
                                        "{'descr': '>f4', 'fortran_order': False, 'shape': (3, 4, 5), }",
                                        "{'descr': '|u1', 'fortran_order': True, 'shape': (7, 9), }",
                                        "{'descr': '<f8', 'fortran_order': False, 'shape': (6, 2), }",
                                        "{'descr': '<i4', 'fortran_order': False, 'shape': (30,), }"};
    size_t n = strlen(dicts[index % 5]), start = index % 2 ? 12 : 10;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = index % 2 ? 2 : 1;
    to[7] = 0;
    put_little(to + 8, n, start - 8);
    memcpy(to + start, dicts[index % 5], n);
    for (size_t i = 0; i < 240; i++)
        to[start + n + i] = (uint8_t)(i * 7);
    return start + n + 240;
}

static size_t blo(uint8_t *to)
{
    memset(to, 0, 100);
    memcpy(to, "IMGBLO", 6);
    put_little(to + 6, 0x0102, 2);
    put_little(to + 8, 64, 4);
    put_little(to + 12, 70, 4);
    put_little(to + 20, 4, 2);
    put_little(to + 24, 3, 2);
    put_little(to + 26, 2, 2);
    put_little(to + 46, 200000, 4);
    put_little(to + 50, 6226, 2);
    put_little(to + 52, 2000, 4);
    size_t n = 70;
    for (unsigned i = 0; i < 6; i++) {
        to[n] = 0xaa;
        to[n + 1] = 0x55;
        put_little(to + n + 2, i, 4);
        for (unsigned k = 0; k < 16; k++)
            to[n + 6 + k] = (uint8_t)(i + k);
        n += 22;
    }
    return n;
}

static size_t mib(unsigned index, uint8_t *to)
{
    static const struct {
        const char *type;
        unsigned width, height, bytes, depth;
    } kinds[] = {{"U08", 5, 3, 15, 6},  {"U16", 4, 3, 24, 12}, {"U32", 3, 3, 36, 24},
                 {"R64", 64, 2, 16, 1}, {"R64", 8, 2, 16, 6},  {"R64", 4, 2, 16, 12}};
    size_t n = 0;
    for (unsigned i = 0; i < 6; i++) {
        memset(to + n, 0, 320);
        snprintf((char *)to + n, 320,
                 "MQ1,%06u,00320,01,%04u,%04u,%s,   1x1,01,2021-05-07 "
                 "18:51:10.%06u,0.1,0,MQ1A,2021-05-07T16:51:10.%06u000Z,1000ns,%u,",
                 i + 1, kinds[index % 6].width, kinds[index % 6].height, kinds[index % 6].type,
                 i * 1000 + i / 3 * 50, i * 1000 + i / 3 * 50, kinds[index % 6].depth);
        n += 320;
        for (unsigned k = 0; k < kinds[index % 6].bytes; k++)
            to[n++] = (uint8_t)(i * 31 + k);
    }
    return n;
}

static size_t empad(uint8_t *to)
{
    static const char record[] =
        "<?xml version=\"1.0\"?><root name=\"b\"><software_version>1.2.2</software_version><raw_file "
        "filename=\"scan_x3_y2.raw\"/>"
        "<pix_x>3</pix_x><pix_y>2</pix_y><scan_parameters "
        "mode=\"acquire\"><scan_resolution_x>3</scan_resolution_x>"
        "<scan_resolution_y>2</scan_resolution_y></"
        "scan_parameters><optics.get_full_scan_field_of_view>[4.5e-06, 4.5e-06]"
        "</optics.get_full_scan_field_of_view><calibrated_pixelsize>1.8e-10</calibrated_pixelsize></root>";
    memcpy(to, record, sizeof record - 1);
    return sizeof record - 1;
}

static uint64_t value(size_t i)
{
    return i * 2654435761u;
}

static size_t dm(unsigned index, uint8_t *to, size_t room)
{
    static const dm_shape shapes[] = {
        {4, 0, 10, 4, 2, 4, {5, 4, 3, 2, 0}, 1, "Diffraction image", "nm", "1/nm", 1, 0},
        {3, 1, 10, 4, 2, 4, {3, 2, 5, 4, 0}, -1, NULL, "nm", "1/nm", 0, 3},
        {4, 1, 2, 6, 4, 3, {5, 4, 3, 0, 0}, -1, "Image", "nm", "1/nm", 0, 2},
        {3, 0, 6, 10, 1, 2, {5, 4, 0, 0, 0}, 2, NULL, "nm", "1/nm", 0, 0},
        {4, 0, 11, 5, 4, 4, {40, 3, 2, 2, 0}, 0, NULL, "", "", 0, 0},
        {3, 0, 1, 2, 2, 3, {5, 4, 3, 0, 0}, -1, "Spectrum image", "nm", "eV", 0, 0}};
    out o = {to, room, 0};
    dm_file(&o, &shapes[index], value);
    return o.n;
}

static size_t tvips(unsigned index, uint8_t *to, size_t room)
{
    static const unsigned bits[] = {8, 16, 32};
    out o = {to, room, 0};
    tvips_file(&o, 1 + index % 2, 5, 3, bits[index % 3], 60, 0, 4, value);
    return o.n;
}

static size_t seq(unsigned index, uint8_t *to, size_t room)
{
    static const unsigned bits[] = {8, 16, 32};
    out o = {to, room, 0};
    seq_file(&o, index % 2 ? 5 : 3, 5, 3, bits[index % 3], index % 3 ? 4 : 0, 4, 8, value);
    return o.n;
}

size_t seed_of(const char *format, unsigned index, uint8_t *data, size_t room)
{
    if (room < 65536 || index >= 6) return 0;
    data[0] = options[index];
    if (strcmp(format, "npy") == 0) return 1 + npy(index, data + 1);
    if (strcmp(format, "blo") == 0) return 1 + blo(data + 1);
    if (strcmp(format, "mib") == 0) return 1 + mib(index, data + 1);
    if (strcmp(format, "dm") == 0) return 1 + dm(index, data + 1, room - 1);
    if (strcmp(format, "tvips") == 0) return 1 + tvips(index, data + 1, room - 1);
    if (strcmp(format, "seq") == 0) return 1 + seq(index, data + 1, room - 1);
    if (strcmp(format, "raw") == 0) {
        static const uint8_t heads[][4] = {{0, 3, 4, 0},    {0x82, 3, 4, 5}, {4, 2, 5, 0x20},
                                           {0x88, 1, 3, 3}, {7, 9, 1, 0},    {6, 2, 2, 0x11}};
        memcpy(data + 1, heads[index], 4);
        for (size_t i = 5; i < 400; i++)
            data[i] = (uint8_t)(i * 11);
        return 400;
    }
    if (strcmp(format, "empad") == 0 && index == 0) return 1 + empad(data + 1);
    if (strcmp(format, "empad") == 0 && index == 1) {
        memset(data + 1, 0, 65535); /* a frame that has been cut */
        return 65536;
    }
    return 0;
}
