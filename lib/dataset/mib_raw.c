/* Packed frames of Merlin (R64): counters of 1, 6, 12 and twice 12 bits, and four chips side by side.
 * Layout: groups of eight bytes come last number first; a row of four chips holds [4|3|2|1], of which 3 and 4 are the
 * lower half, turned by 180 degrees; 24 bits are a whole plane of the high 12 and then one of the low 12.
 * Must not: read beyond the bytes that cep_mib_raw() counts. */
#include <string.h>

#include "mib.h"
#include "reader.h"

cepman_status cep_mib_raw(const cep_mib_header *h, const char *name, cep_fault *fault, cep_strides *s,
                          cepman_type *type, size_t *height, size_t *width)
{
    size_t columns = h->depth == 24 ? h->width / 2 : h->width, bits = columns * h->height;
    bool four = h->chips == 4 && strncmp(h->layout, "2x2", 3) == 0;
    if (h->depth != 1 && h->depth != 6 && h->depth != 12 && h->depth != 24)
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: packed frames (R64) of %zu bits, expected 1, 6, 12 or 24 (after MQ1A)",
                             name, h->depth);
    if (h->chips != 1 && !(four && columns % 4 == 0))
        return cep_fault_set(
            fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: packed frames (R64) of %zu chips as '%s' and %zu x %zu, expected one chip or four as 2x2",
            name, h->chips, h->layout, h->width, h->height);
    bits *= h->depth == 1 ? 1 : h->depth == 6 ? 8 : 16;
    if (columns == 0 || bits % 64 != 0 || (h->depth == 24 && h->width % 2))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                             "%s: packed frames (R64) of %zu x %zu are no whole groups of 8 bytes", name,
                             h->width, h->height);
    s->bytes = bits / 8 * (h->depth == 24 ? 2 : 1);
    s->height = h->height;
    s->width = columns;
    s->chips = h->chips;
    s->depth = h->depth;
    *type = h->depth <= 6 ? CEPMAN_TYPE_U8 : h->depth == 12 ? CEPMAN_TYPE_U16 : CEPMAN_TYPE_U32;
    *height = four ? 2 * h->height : h->height;
    *width = four ? columns / 2 : columns;
    s->frame_bytes = *height * *width * cepman_type_size(*type);
    s->swap = 0;
    s->unpack = cep_mib_unpack;
    return CEPMAN_OK;
}

/* Number i of a plane. */
static uint32_t number_at(const unsigned char *p, size_t i, size_t depth)
{
    if (depth == 1) return p[i / 64 * 8 + 7 - i % 64 / 8] >> i % 8 & 1;
    if (depth == 6) return p[i / 8 * 8 + 7 - i % 8];
    p += 2 * (i / 4 * 4 + 3 - i % 4);
    return (uint32_t)p[0] << 8 | p[1];
}

void cep_mib_unpack(const cep_strides *s, const unsigned char *from, unsigned char *to)
{
    size_t count = s->height * s->width, chip = s->width / 4;
    for (size_t y = 0, i = 0; y < s->height; y++)
        for (size_t x = 0; x < s->width; x++, i++) {
            uint32_t v = number_at(from, i, s->depth);
            if (s->depth == 24) v = v * 4096 + number_at(from + 2 * count, i, s->depth);
            size_t at = i;
            if (s->chips == 4) {
                size_t inside = x % chip, row = y, column = inside;
                switch (x / chip) {
                case 3: /* chip 1 */
                    break;
                case 2:
                    column = chip + inside;
                    break;
                case 1:
                    row = 2 * s->height - 1 - y;
                    column = chip - 1 - inside;
                    break;
                default: /* chip 4 */
                    row = 2 * s->height - 1 - y;
                    column = 2 * chip - 1 - inside;
                }
                at = row * 2 * chip + column;
            }
            if (s->depth <= 6) {
                to[at] = (unsigned char)v;
            } else if (s->depth == 12) {
                uint16_t word = (uint16_t)v;
                memcpy(to + 2 * at, &word, 2);
            } else {
                memcpy(to + 4 * at, &v, 4);
            }
        }
}
