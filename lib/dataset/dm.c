/* The tag tree of Gatan's .dm3 and .dm4: which arrays it holds, their sizes, calibrations and order.
 * Layout: a big-endian preamble (version, length, byte order), then groups of tags; a tag is a group (20) or data (21)
 * with "%%%%" and the encoding of its value; version 4 has 64-bit counts and the length of every tag.
 * Must not: recurse; read a value that is not looked for; trust a count further than the file reaches. */
#include "dm.h"

#include <math.h>
#include <string.h>

enum { DEPTH = 32, NAME = 64, MOST_TAGS = 4000000, MOST_WORDS = 256, WINDOW = 4096 };

/* What a group is, by its path. */
typedef enum role {
    OTHER,
    ROOT,
    IMAGE_LIST,
    IMAGE,
    IMAGE_DATA,
    DIMENSIONS,
    CALIBRATIONS,
    CALIBRATED, /* Calibrations/Dimension */
    AXIS,       /* one of its members */
    IMAGE_TAGS,
    META_DATA
} role;

typedef struct walk {
    cep_file *file;
    cep_fault *fault;
    uint64_t at, size;
    cep_dm *dm;
    cep_dm_image *image;
    size_t axis; /* of the group AXIS */
    /* A window of the file. */
    uint64_t from;
    size_t length;
    unsigned char bytes[WINDOW];
} walk;

typedef struct level {
    role is;
    uint64_t left; /* tags still to come */
    uint64_t index;
} level;

static cepman_status take(walk *w, void *to, size_t n)
{
    if (n > w->size - w->at)
        return cep_fault_set(w->fault, CEPMAN_ERR_TRUNCATED,
                             "%s: the file ends within its tags, at offset %llu", cep_file_path(w->file),
                             (unsigned long long)w->at);
    if (w->at < w->from || w->at + n > w->from + w->length) {
        w->from = w->at;
        w->length = w->size - w->at < WINDOW ? (size_t)(w->size - w->at) : WINDOW;
        cepman_status s = cep_file_read(w->file, w->fault, w->from, w->bytes, w->length);
        if (s) {
            w->length = 0;
            return s;
        }
    }
    memcpy(to, w->bytes + (w->at - w->from), n);
    w->at += n;
    return CEPMAN_OK;
}

/* A big-endian count: 4 bytes, or 8 in version 4. Negative ones come out huge. */
static cepman_status take_count(walk *w, uint64_t *value)
{
    unsigned char b[8];
    size_t n = w->dm->version == 4 ? 8 : 4;
    cepman_status s = take(w, b, n);
    uint64_t v = 0;
    for (size_t i = 0; !s && i < n; i++)
        v = v << 8 | b[i];
    *value = v;
    return s;
}

static cepman_status wrong(walk *w, const char *what)
{
    return cep_fault_set(w->fault, CEPMAN_ERR_FORMAT, "%s: %s before offset %llu", cep_file_path(w->file),
                         what, (unsigned long long)w->at);
}

static size_t size_of(uint64_t type)
{
    static const unsigned char sizes[] = {0, 0, 2, 4, 2, 4, 4, 8, 1, 1, 1, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

/* A simple value as a number. */
static double number(const walk *w, uint64_t type, const unsigned char *b)
{
    size_t n = size_of(type);
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)b[w->dm->little ? i : n - 1 - i] << 8 * i;
    uint32_t low = (uint32_t)bits;
    float single;
    double real;
    switch (type) {
    case 2:
        return (int16_t)low;
    case 3:
        return (int32_t)low;
    case 6:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    case 7:
        memcpy(&real, &bits, sizeof real);
        return real;
    case 9:
        return (int8_t)low;
    case 11:
        return (double)(int64_t)bits;
    default:
        return (double)bits;
    }
}

static bool is(const char *name, const char *word)
{
    return strcmp(name, word) == 0;
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static uint64_t whole_number(double v)
{
    return v >= 0 && v < 0x1p62 ? (uint64_t)v : UINT64_MAX;
}

static void keep_number(walk *w, const level *in, const char *name, double v)
{
    cep_dm_image *i = w->image;
    if (!i) return;
    if (in->is == IMAGE_DATA && is(name, "DataType")) i->data_type = whole_number(v);
    if (in->is == DIMENSIONS && in->index < CEP_DM_AXES) {
        i->size[in->index] = whole_number(v);
        i->axes = (size_t)in->index + 1;
    }
    if (in->is == DIMENSIONS && in->index >= CEP_DM_AXES) i->axes = CEP_DM_AXES + 1;
    if (in->is == AXIS && w->axis < CEP_DM_AXES && is(name, "Scale")) i->scale[w->axis] = v;
    if (in->is == META_DATA && is(name, "Data Order Swapped")) i->swapped = v != 0;
}

/* UTF-16 of the file's order, as UTF-8; what does not fit is left out. */
static void keep_text(walk *w, const level *in, const char *name, const unsigned char *b, size_t units)
{
    char text[40] = "";
    size_t n = 0;
    for (size_t i = 0; i < units; i++) {
        unsigned u =
            w->dm->little ? b[2 * i] | (unsigned)b[2 * i + 1] << 8 : b[2 * i + 1] | (unsigned)b[2 * i] << 8;
        if (u == 0 || n + 4 > sizeof text) break;
        if (u < 0x80) {
            text[n++] = (char)u;
        } else if (u < 0x800) {
            text[n++] = (char)(0xc0 | u >> 6);
            text[n++] = (char)(0x80 | (u & 63));
        } else {
            text[n++] = (char)(0xe0 | u >> 12);
            text[n++] = (char)(0x80 | (u >> 6 & 63));
            text[n++] = (char)(0x80 | (u & 63));
        }
    }
    text[n] = 0;
    cep_dm_image *i = w->image;
    if (!i) return;
    if (in->is == META_DATA && is(name, "Format")) memcpy(i->format, text, sizeof i->format);
    if (in->is == META_DATA && is(name, "Data Order Swapped")) i->swapped = is(text, "true") || is(text, "1");
    if (in->is == AXIS && w->axis < CEP_DM_AXES && is(name, "Units")) {
        text[sizeof *i->unit - 1] = 0;
        memcpy(i->unit[w->axis], text, sizeof *i->unit);
    }
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

static role role_of(role parent, const char *name)
{
    switch (parent) {
    case ROOT:
        return is(name, "ImageList") ? IMAGE_LIST : OTHER;
    case IMAGE_LIST:
        return IMAGE;
    case IMAGE:
        return is(name, "ImageData") ? IMAGE_DATA : is(name, "ImageTags") ? IMAGE_TAGS : OTHER;
    case IMAGE_DATA:
        return is(name, "Dimensions") ? DIMENSIONS : is(name, "Calibrations") ? CALIBRATIONS : OTHER;
    case CALIBRATIONS:
        return is(name, "Dimension") ? CALIBRATED : OTHER;
    case CALIBRATED:
        return AXIS;
    case IMAGE_TAGS:
        return is(name, "Meta Data") ? META_DATA : OTHER;
    default:
        return OTHER;
    }
}

static cepman_status skip(walk *w, uint64_t bytes)
{
    if (bytes > w->size - w->at)
        return cep_fault_set(w->fault, CEPMAN_ERR_TRUNCATED,
                             "%s: the file ends within its tags, at offset %llu", cep_file_path(w->file),
                             (unsigned long long)w->at);
    w->at += bytes;
    return CEPMAN_OK;
}

/* The length of an array's elements by the words of its encoding from `first` on; *words is what was used. */
static bool element(const uint64_t *word, size_t count, size_t first, uint64_t *bytes, size_t *words)
{
    *words = 1;
    if (first >= count) return false;
    *bytes = size_of(word[first]);
    if (word[first] != 15) return *bytes > 0;
    /* A structure: length of its name, fields, and for each the length of its name and its type. */
    if (first + 3 > count || word[first + 2] > MOST_WORDS || first + 3 + 2 * word[first + 2] > count)
        return false;
    for (uint64_t i = 0; i < word[first + 2]; i++) {
        size_t n = size_of(word[first + 4 + 2 * i]);
        if (!n) return false;
        *bytes += n;
    }
    *words = (size_t)(3 + 2 * word[first + 2]);
    return true;
}

static cepman_status take_array(walk *w, const level *in, const char *name, const uint64_t *word,
                                size_t count)
{
    uint64_t bytes = 0, length;
    size_t words;
    if (!element(word, count, 1, &bytes, &words) || 1 + words >= count)
        return wrong(w, "an array of unknown numbers");
    length = word[1 + words];
    if (bytes && length > ((uint64_t)1 << 62) / bytes) return wrong(w, "an array of more than 2^62 bytes");
    bytes *= length;
    if (in->is == IMAGE_DATA && is(name, "Data") && w->image) {
        w->image->offset = w->at;
        w->image->bytes = bytes;
        if (bytes > w->size - w->at)
            return cep_fault_set(w->fault, CEPMAN_ERR_TRUNCATED,
                                 "%s: an array of %llu bytes at offset %llu, the file has %llu",
                                 cep_file_path(w->file), (unsigned long long)bytes, (unsigned long long)w->at,
                                 (unsigned long long)w->size);
    } else if (word[1] == 4 && length <= 40 && (in->is == META_DATA || in->is == AXIS)) {
        unsigned char text[80];
        cepman_status s = take(w, text, (size_t)bytes);
        if (!s) keep_text(w, in, name, text, (size_t)length);
        return s;
    }
    return skip(w, bytes);
}

static cepman_status take_value(walk *w, const level *in, const char *name)
{
    unsigned char b[8];
    uint64_t count, word[MOST_WORDS], bytes;
    size_t words;
    cepman_status s = take(w, b, 4);
    if (s) return s;
    if (memcmp(b, "%%%%", 4) != 0) return wrong(w, "no mark %%%% of a value");
    if ((s = take_count(w, &count))) return s;
    if (count == 0 || count > MOST_WORDS) return wrong(w, "a value of unknown encoding");
    for (uint64_t i = 0; i < count; i++)
        if ((s = take_count(w, &word[i]))) return s;
    if (word[0] == 20) return take_array(w, in, name, word, (size_t)count);
    if (word[0] == 18) { /* a text of 16-bit units */
        if (count < 2 || word[1] > (uint64_t)1 << 60) return wrong(w, "a text of unknown length");
        return skip(w, 2 * word[1]);
    }
    if (word[0] == 15) {
        if (!element(word, (size_t)count, 0, &bytes, &words))
            return wrong(w, "a structure of unknown fields");
        return skip(w, bytes);
    }
    size_t n = size_of(word[0]);
    if (!n) return wrong(w, "a value of unknown type");
    if (!(s = take(w, b, n))) keep_number(w, in, name, number(w, word[0], b));
    return s;
}

/* The head of a group: two flags and how many tags follow. */
static cepman_status enter(walk *w, level *to, role as)
{
    unsigned char flags[2];
    *to = (level){.is = as};
    cepman_status s = take(w, flags, 2);
    return s ? s : take_count(w, &to->left);
}

static cepman_status take_group(walk *w, level *stack, size_t *depth, const char *name)
{
    const level *in = &stack[*depth];
    role as = role_of(in->is, name);
    if (*depth + 1 == DEPTH) return wrong(w, "groups within groups, more than 32 deep,");
    if (as == IMAGE) {
        w->image = NULL;
        if (w->dm->count < CEP_DM_IMAGES) {
            w->image = &w->dm->image[w->dm->count++];
            *w->image = (cep_dm_image){.swapped = -1};
            for (size_t i = 0; i < CEP_DM_AXES; i++)
                w->image->scale[i] = (double)NAN;
        }
    }
    if (as == AXIS) w->axis = in->index < CEP_DM_AXES ? (size_t)in->index : CEP_DM_AXES;
    return enter(w, &stack[++*depth], as);
}

static cepman_status take_tag(walk *w, level *stack, size_t *depth)
{
    unsigned char head[3];
    char name[NAME];
    uint64_t length;
    level *in = &stack[*depth];
    cepman_status s = take(w, head, 3);
    if (s) return s;
    size_t n = (size_t)head[1] << 8 | head[2], kept = n < NAME ? n : 0; /* no name looked for is that long */
    if (n > w->size - w->at) return skip(w, n);
    if ((s = take(w, name, kept)) || (s = skip(w, n - kept))) return s;
    name[kept] = 0;
    if (memchr(name, 0, kept)) name[0] = 0;
    if (w->dm->version == 4 && (s = take_count(w, &length))) return s;
    in->left--;
    if (head[0] == 20)
        s = take_group(w, stack, depth, name);
    else if (head[0] == 21)
        s = take_value(w, in, name);
    else
        return wrong(w, "a tag that is neither group nor value");
    in->index++;
    return s;
}

cepman_status cep_dm_parse(cep_dm *dm, cep_file *file, cep_fault *fault)
{
    walk w = {.file = file, .fault = fault, .size = cep_file_size(file), .dm = dm};
    level stack[DEPTH];
    size_t depth = 0;
    unsigned char b[8];
    uint64_t root;
    *dm = (cep_dm){.version = 0};
    cepman_status s = take(&w, b, 4);
    if (s) return s;
    dm->version = b[0] || b[1] || b[2] ? 0 : b[3];
    if (dm->version != 3 && dm->version != 4)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: version %d at offset 0, expected 3 or 4",
                             cep_file_path(file), dm->version);
    if ((s = take_count(&w, &root)) || (s = take(&w, b, 4)) || (s = enter(&w, &stack[0], ROOT))) return s;
    dm->little = b[3] == 1;
    for (size_t tags = 0;; tags++) {
        while (depth && stack[depth].left == 0)
            depth--;
        if (stack[depth].left == 0) return CEPMAN_OK;
        if (tags == MOST_TAGS) return wrong(&w, "more than 4,000,000 tags");
        if ((s = take_tag(&w, stack, &depth))) return s;
    }
}
