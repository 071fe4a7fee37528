/* The metadata of a Zarr array: the JSON object of .zarray.
 * Format: Zarr storage specification, version 2.
 * Must not: trust a size before it is checked: chunks are allocated by what this says. */
#include "zarr.h"

#include <math.h>

#include "matrix.h"

/* 1 to CEP_ZARR_AXES numbers of a list; 0: it is none. */
static size_t read_sizes(cep_text object, const char *name, uint64_t *sizes)
{
    cep_text list, rest, item;
    size_t n = 0;
    if (!cep_json_member(object, name, &list) || !cep_json_inside(list, '[', &rest)) return 0;
    while (cep_json_next(&rest, NULL, &item))
        if (n == CEP_ZARR_AXES || !cep_text_integer(item, &sizes[n++])) return 0;
    return rest.at ? n : 0;
}

/* What a list or an object begins with under "id"; null and [] have none. False: not understood. */
static bool read_id(cep_text value, char *id, size_t size)
{
    cep_text inside, first, name;
    id[0] = 0;
    if (cep_text_is(value, "null")) return true;
    if (cep_json_inside(value, '[', &inside)) {
        if (!cep_json_next(&inside, NULL, &first)) return inside.at != NULL;
        value = first;
    }
    return cep_json_member(value, "id", &name) && cep_json_string(name, id, size) && id[0];
}

static cepman_status read_codec(cep_zarr_array *a, cep_fault *fault, const char *path, cep_text text)
{
    static const struct {
        const char *id;
        cep_codec codec;
    } codecs[] = {{"", CEP_CODEC_NONE},     {"blosc", CEP_CODEC_BLOSC}, {"zlib", CEP_CODEC_ZLIB},
                  {"gzip", CEP_CODEC_ZLIB}, {"zstd", CEP_CODEC_ZSTD},   {"lz4", CEP_CODEC_LZ4}};
    cep_text value;
    char id[32];
    if (!cep_json_member(text, "compressor", &value) || !read_id(value, id, sizeof id))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: no compressor with an id, and not null", path);
    a->codec = CEP_CODEC_NONE;
    bool known = false;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (strcmp(id, codecs[i].id) == 0) {
            a->codec = codecs[i].codec;
            known = true;
        }
    if (!known)
        return cep_fault_set(
            fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: chunks are compressed with '%s'; expected none, blosc, zlib, gzip, zstd or lz4", path, id);
    if (!cep_codec_there(a->codec))
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: chunks are compressed with %s, which this library was built without", path,
                             cep_codec_name(a->codec));
    if (cep_json_member(text, "filters", &value) && !read_id(value, id, sizeof id))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: filters without an id, and not null", path);
    if (cep_json_member(text, "filters", &value) && id[0])
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: chunks go through a filter '%s'; expected none", path, id);
    return CEPMAN_OK;
}

/* The value of missing chunks: a number, a truth value, or a word for what JSON has no number for; null: 0. */
static bool read_fill(cep_zarr_array *a, cep_text text)
{
    cep_text value;
    double v = 0;
    int64_t integer = 0;
    char word[40];
    memset(a->fill, 0, sizeof a->fill);
    if (!cep_json_member(text, "fill_value", &value) || cep_text_is(value, "null")) return true;
    if (cep_json_string(value, word, sizeof word)) {
        v = strcmp(word, "NaN") == 0 ? (double)NAN : (double)INFINITY;
        if (strcmp(word, "-Infinity") == 0)
            v = -v;
        else if (strcmp(word, "NaN") != 0 && strcmp(word, "Infinity") != 0)
            return false;
        if (!cep_type_is_real(a->type)) return false;
    } else if (cep_text_is(value, "true") || cep_text_is(value, "false")) {
        integer = cep_text_is(value, "true");
        v = (double)integer;
    } else {
        cep_text_copy(value, word, sizeof word);
        if (!cep_parse_real(word, &v)) return false;
        if (!cep_parse_integer(word, &integer)) {
            if (!cep_type_is_real(a->type) && (!(fabs(v) < 9e15) || v != floor(v))) return false;
            if (fabs(v) < 9e15) integer = (int64_t)v;
        }
    }
    const float single = (float)v;
    const uint16_t half = cep_half_of(single);
    const uint8_t u8 = (uint8_t)integer;
    const uint16_t u16 = (uint16_t)integer;
    const uint32_t u32 = (uint32_t)integer;
    switch (a->type) {
    case CEPMAN_TYPE_F64:
        memcpy(a->fill, &v, sizeof v);
        break;
    case CEPMAN_TYPE_F32:
        memcpy(a->fill, &single, sizeof single);
        break;
    case CEPMAN_TYPE_F16:
        memcpy(a->fill, &half, sizeof half);
        break;
    case CEPMAN_TYPE_I64:
        memcpy(a->fill, &integer, sizeof integer);
        break;
    case CEPMAN_TYPE_I32:
    case CEPMAN_TYPE_U32:
        memcpy(a->fill, &u32, sizeof u32);
        break;
    case CEPMAN_TYPE_I16:
    case CEPMAN_TYPE_U16:
        memcpy(a->fill, &u16, sizeof u16);
        break;
    default:
        memcpy(a->fill, &u8, sizeof u8);
        break;
    }
    return true;
}

static cepman_status read_layout(cep_zarr_array *a, cep_fault *fault, const char *path, cep_text text)
{
    cep_text value;
    char word[32];
    size_t bytes = cepman_type_size(a->type);
    a->dims = read_sizes(text, "shape", a->shape);
    if (a->dims == 0 || read_sizes(text, "chunks", a->chunk) != a->dims)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                             "%s: shape and chunks are not lists of the same 1 to %d sizes", path,
                             (int)CEP_ZARR_AXES);
    for (size_t i = 0; i < a->dims; i++)
        if (a->chunk[i] == 0 || a->chunk[i] > ((uint64_t)1 << 30) ||
            !cep_mul(bytes, (size_t)a->chunk[i], &bytes) || bytes > (size_t)1 << 30)
            return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: chunks of nothing, or of more than 1 GB",
                                 path);
    if (!cep_json_member(text, "order", &value) || !cep_json_string(value, word, sizeof word) ||
        strcmp(word, "C") != 0)
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: the order of the numbers is not C's", path);
    a->separator = '.';
    if (cep_json_member(text, "dimension_separator", &value)) {
        if (!cep_json_string(value, word, sizeof word) || (strcmp(word, ".") != 0 && strcmp(word, "/") != 0))
            return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                                 "%s: a dimension_separator that is neither . nor /", path);
        a->separator = word[0];
    }
    if (!read_fill(a, text))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: a fill_value that is no number of the array",
                             path);
    return CEPMAN_OK;
}

cepman_status cep_zarr_parse(cep_zarr_array *a, cep_fault *fault, const char *path, cep_text text,
                             bool frames)
{
    cep_text value;
    uint64_t version = 0;
    char descr[32];
    if (!cep_json_member(text, "zarr_format", &value) || !cep_text_integer(value, &version) || version != 2)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: not the metadata of a Zarr array of version 2",
                             path);
    if (!cep_json_member(text, "dtype", &value) || !cep_json_string(value, descr, sizeof descr))
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: the dtype is not one word", path);
    cepman_status s = cep_npy_descr(descr, path, fault, &a->type, &a->swapped);
    if (!s) s = read_layout(a, fault, path, text);
    if (s || !frames) return s;
    if (!cep_axes_of(&a->axes, a->shape, a->dims))
        return cep_fault_set(
            fault, CEPMAN_ERR_SHAPE,
            "%s: an array of %zu axes; expected two of a frame after those of a stack or scan, none "
            "empty",
            path, a->dims);
    return read_codec(a, fault, path, text);
}
