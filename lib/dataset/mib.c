/* Headers of Merlin .mib frames, the .hdr record, and scan rows from time stamps.
 * Layout: comma-separated ASCII; fields 0 MQ1, 2 header bytes, 3 chips, 4 width, 5 height, 6 pixel type, 7
 * layout, 9 time; after MQ1A: time with zone, exposure, counter depth. Must not: read a file. */
#include "mib.h"

#include <stdlib.h>
#include <string.h>

/* Days since 1970-01-01 of a Gregorian date (proleptic): counts days of 400-year eras that begin in March. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static bool fixed_digits(cep_text *t, size_t n, int64_t *value)
{
    int64_t v = 0;
    if ((size_t)(t->end - t->at) < n) return false;
    for (size_t i = 0; i < n; i++, t->at++) {
        if (*t->at < '0' || *t->at > '9') return false;
        v = v * 10 + (*t->at - '0');
    }
    *value = v;
    return true;
}

static bool one_of(cep_text *t, const char *set)
{
    if (t->at >= t->end || !*t->at || !strchr(set, *t->at)) return false;
    t->at++;
    return true;
}

/* "2021-05-07T16:51:10.905800928Z" or "2021-05-07 18:51:10.905800": nanoseconds, zone ignored; -1 if neither.
 */
static int64_t parse_time(cep_text t)
{
    int64_t year, month, day, hour, minute, second, nano = 0, scale = 100000000;
    t = cep_text_trim(t);
    if (!fixed_digits(&t, 4, &year) || !one_of(&t, "-") || !fixed_digits(&t, 2, &month) || !one_of(&t, "-") ||
        !fixed_digits(&t, 2, &day) || !one_of(&t, "T ") || !fixed_digits(&t, 2, &hour) || !one_of(&t, ":") ||
        !fixed_digits(&t, 2, &minute) || !one_of(&t, ":") || !fixed_digits(&t, 2, &second) || year < 1970 ||
        year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
        return -1;
    if (one_of(&t, "."))
        for (; t.at < t.end && *t.at >= '0' && *t.at <= '9'; t.at++, scale /= 10)
            nano += (*t.at - '0') * scale;
    return (((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000000000 + nano;
}

static bool field_size(cep_text t, size_t least, size_t most, size_t *value)
{
    uint64_t v;
    if (!cep_text_integer(t, &v) || v < least || v > most) return false;
    *value = (size_t)v;
    return true;
}

cepman_status cep_mib_parse(const unsigned char *bytes, size_t size, const char *name, cep_fault *fault,
                            cep_mib_header *header)
{
    enum { FIELDS = 10 };
    cep_mib_header h = {.time = -1};
    cep_text fields[FIELDS], rest = {(const char *)bytes, (const char *)bytes + size};
    size_t n = 0;
    if (size < 4 || memcmp(bytes, "MQ1,", 4) != 0)
        return cep_fault_set(fault, size < 4 ? CEPMAN_ERR_TRUNCATED : CEPMAN_ERR_FORMAT,
                             "%s: a frame's header does not begin with MQ1", name);
    while (n < FIELDS && rest.at)
        fields[n++] = cep_text_split(rest, ',', &rest);
    if (n < FIELDS || !rest.at)
        return cep_fault_set(fault, CEPMAN_ERR_TRUNCATED,
                             "%s: the header of the first frame has %zu fields, expected more", name, n);
    if (!cep_text_integer(fields[1], &h.sequence)) h.sequence = 0;
    if (!field_size(fields[2], 64, 65536, &h.header_bytes))
        return cep_fault_set(
            fault, CEPMAN_ERR_FORMAT, "%s: header size '%.*s' (field 2), expected 64 to 65536 bytes", name,
            (int)(fields[2].end - fields[2].at < 20 ? fields[2].end - fields[2].at : 20), fields[2].at);
    if (!field_size(fields[3], 1, 64, &h.chips) || !field_size(fields[4], 1, 16384, &h.width) ||
        !field_size(fields[5], 1, 16384, &h.height))
        return cep_fault_set(
            fault, CEPMAN_ERR_FORMAT,
            "%s: chips, width or height (fields 3 to 5) is no number of 1 to 64, 16384, 16384", name);
    cep_text pixel = cep_text_trim(fields[6]);
    h.pixel_bytes = cep_text_is(pixel, "U08")   ? 1
                    : cep_text_is(pixel, "U16") ? 2
                    : cep_text_is(pixel, "U32") ? 4
                                                : 0;
    if (!h.pixel_bytes && !cep_text_is(pixel, "R64"))
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: pixel type '%.*s' (field 6), expected U08, U16, U32 or R64", name,
                             (int)(pixel.end - pixel.at < 20 ? pixel.end - pixel.at : 20), pixel.at);
    cep_text_copy(cep_text_trim(fields[7]), h.layout, sizeof h.layout);
    h.time = parse_time(fields[9]);
    /* The tail, within the header. */
    cep_text tail = {(const char *)bytes,
                     (const char *)bytes + (h.header_bytes < size ? h.header_bytes : size)};
    tail = cep_text_find(tail, ",MQ1A,");
    if (tail.at) {
        tail.at += strlen(",MQ1A,");
        cep_text time = cep_text_split(tail, ',', &rest);
        int64_t exact = parse_time(time);
        if (exact >= 0) h.time = exact;
        if (rest.at) cep_text_split(rest, ',', &rest); /* exposure */
        if (rest.at) field_size(cep_text_split(rest, ',', &rest), 1, 32, &h.depth);
    }
    *header = h;
    return CEPMAN_OK;
}

void cep_mib_parse_record(cep_text text, cep_mib_record *record)
{
    cep_mib_record r = {0};
    while (text.at) {
        cep_text value, line = cep_text_split(text, '\n', &text);
        cep_text key = cep_text_trim(cep_text_split(line, '\t', &value));
        uint64_t v;
        if (!value.at || !cep_text_integer(value, &v)) continue;
        if (cep_text_is(key, "Frames in Acquisition (Number):")) r.frames = v;
        if (cep_text_is(key, "Frames per Trigger (Number):")) r.per_trigger = v;
        if (cep_text_is(key, "ScanX:")) r.columns = v;
        if (cep_text_is(key, "ScanY:")) r.rows = v;
    }
    const uint64_t most = (uint64_t)1 << 40;
    if (r.frames > most) r.frames = 0;
    if (r.per_trigger > most) r.per_trigger = 0;
    if (!r.rows || !r.columns || r.rows > most / r.columns) r.rows = r.columns = 0;
    *record = r;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

size_t cep_mib_columns(const int64_t *times, size_t count, int64_t *scratch)
{
    if (count < 4) return 0;
    size_t n = count - 1;
    for (size_t i = 0; i < n; i++) {
        if (times[i] < 0 || times[i + 1] < 0) return 0;
        scratch[i] = times[i + 1] - times[i];
    }
    qsort(scratch, n, sizeof *scratch, ascending);
    /* At least half of the intervals lie within rows. Upwards from there the first step that stands out, by a
     * microsecond and by eight times the spread below it, parts them from the ends of rows. */
    int64_t limit = 0;
    for (size_t i = (n - 1) / 2; i + 1 < n && !limit; i++) {
        int64_t step = scratch[i + 1] - scratch[i];
        if (step > 1000 && step / 8 > scratch[i] - scratch[(n - 1) / 4]) limit = scratch[i] + step / 2;
    }
    if (!limit) return 0;
    size_t columns = 0;
    for (size_t i = 0; i < n; i++) {
        bool row_ends = times[i + 1] - times[i] > limit;
        if (row_ends && !columns) columns = i + 1;
        if (row_ends != (columns && (i + 1) % columns == 0)) return 0;
    }
    return columns;
}
