/* The header of a NumPy .npy file: magic, version, a Python dict literal of descr, fortran_order and shape.
 * Format: NumPy enhancement proposal 1 (versions 1.0, 2.0 and 3.0).
 * Must not: trust any number in the file before it is checked against the file's length. */
#include <string.h>

#include "matrix.h"

static const struct {
    const char *code; /* after the byte-order mark */
    cepman_type type;
} codes[] = {{"u1", CEPMAN_TYPE_U8},  {"i1", CEPMAN_TYPE_I8},  {"u2", CEPMAN_TYPE_U16},
             {"i2", CEPMAN_TYPE_I16}, {"u4", CEPMAN_TYPE_U32}, {"i4", CEPMAN_TYPE_I32},
             {"f4", CEPMAN_TYPE_F32}, {"f8", CEPMAN_TYPE_F64}, {"b1", CEPMAN_TYPE_BOOL},
             {"i8", CEPMAN_TYPE_I64}, {"f2", CEPMAN_TYPE_F16}};

typedef struct scanner {
    const char *at, *end;
} scanner;

static void blanks(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        s->at++;
}

static bool take(scanner *s, char c)
{
    blanks(s);
    if (s->at >= s->end || *s->at != c) return false;
    s->at++;
    return true;
}

/* A quoted string without escapes. */
static bool quoted(scanner *s, char *text, size_t size)
{
    blanks(s);
    if (s->at >= s->end || (*s->at != '\'' && *s->at != '"')) return false;
    char quote = *s->at++;
    size_t n = 0;
    while (s->at < s->end && *s->at != quote) {
        if (n + 1 >= size) return false;
        text[n++] = *s->at++;
    }
    text[n] = 0;
    return take(s, quote);
}

static bool word(scanner *s, const char *w)
{
    size_t n = strlen(w);
    blanks(s);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, w, n) != 0) return false;
    s->at += n;
    return true;
}

static bool number(scanner *s, size_t *value)
{
    size_t v = 0, digits = 0;
    blanks(s);
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, digits++)
        if (!cep_mul(v, 10, &v) || !cep_add(v, (size_t)(*s->at - '0'), &v)) return false;
    if (s->at < s->end && *s->at == 'L') s->at++; /* written by Python 2 */
    *value = v;
    return digits > 0;
}

static bool shape(scanner *s, cep_npy_header *h)
{
    if (!take(s, '(')) return false;
    while (!take(s, ')')) {
        if (h->dims == CEP_NPY_DIMS || !number(s, &h->shape[h->dims++])) return false;
        if (!take(s, ',')) return take(s, ')');
    }
    return true;
}

cepman_status cep_npy_descr(const char *descr, const char *name, cep_fault *fault, cepman_type *type,
                            bool *swapped)
{
    const uint16_t probe = 1;
    const bool little = *(const unsigned char *)&probe == 1;
    const char *code = descr;
    char order = '=';
    if (*code && strchr("<>|=", *code)) order = *code++;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(code, codes[i].code) == 0) {
            *type = codes[i].type;
            *swapped = cepman_type_size(*type) > 1 && ((order == '<' && !little) || (order == '>' && little));
            return CEPMAN_OK;
        }
    return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                         "%s: numbers of type '%.20s', expected one of u1 u2 u4 i1 i2 i4 i8 f2 f4 f8 b1",
                         name, descr);
}

cepman_status cep_npy_parse(const unsigned char *bytes, size_t size, const char *name, cep_fault *fault,
                            cep_npy_header *header)
{
    cep_npy_header h = {0};
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: not a .npy file (no \\x93NUMPY at offset 0)",
                             name);
    size_t length, start;
    if (bytes[6] == 1) {
        length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
        start = 10;
    } else if (bytes[6] == 2 || bytes[6] == 3) {
        if (size < 12)
            return cep_fault_set(fault, CEPMAN_ERR_TRUNCATED, "%s: %zu bytes, the header alone has more",
                                 name, size);
        length = (size_t)bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        start = 12;
    } else {
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                             "%s: .npy version %u.%u at offset 6, expected 1, 2 or 3", name, bytes[6],
                             bytes[7]);
    }
    if (length > size - start)
        return cep_fault_set(fault, CEPMAN_ERR_TRUNCATED,
                             "%s: the header at offset %zu has %zu bytes, only %zu are there", name, start,
                             length, size - start);
    h.offset = start + length;
    scanner s = {(const char *)bytes + start, (const char *)bytes + start + length};
    bool seen_descr = false, seen_order = false, seen_shape = false, good = take(&s, '{');
    char descr[32] = "";
    while (good && !take(&s, '}')) {
        char key[32];
        good = quoted(&s, key, sizeof key) && take(&s, ':');
        if (!good) break;
        if (strcmp(key, "descr") == 0 && !seen_descr) {
            good = seen_descr = quoted(&s, descr, sizeof descr);
        } else if (strcmp(key, "fortran_order") == 0 && !seen_order) {
            h.fortran = word(&s, "True");
            good = seen_order = h.fortran || word(&s, "False");
        } else if (strcmp(key, "shape") == 0 && !seen_shape) {
            good = seen_shape = shape(&s, &h);
        } else {
            good = false;
        }
        if (good && !take(&s, ',')) {
            good = take(&s, '}');
            break;
        }
    }
    if (!good || !seen_descr || !seen_order || !seen_shape)
        return cep_fault_set(
            fault, CEPMAN_ERR_FORMAT,
            "%s: the header at offset %zu is not a dict of descr, fortran_order and shape (structured "
            "types and more than %d axes are not read)",
            name, start, CEP_NPY_DIMS);
    cepman_status status = cep_npy_descr(descr, name, fault, &h.type, &h.swapped);
    if (status) return status;
    size_t bytes_needed;
    h.count = 1;
    bool fits = true;
    for (size_t i = 0; i < h.dims; i++)
        fits = fits && cep_mul(h.count, h.shape[i], &h.count);
    if (!fits || !cep_mul(h.count, cepman_type_size(h.type), &bytes_needed))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                             "%s: the shape in the header is more than memory can address", name);
    *header = h;
    return CEPMAN_OK;
}

bool cep_npy_scrambled(const cep_npy_header *h)
{
    size_t wide = 0;
    for (size_t i = 0; i < h->dims; i++)
        wide += h->shape[i] > 1;
    return h->fortran && wide > 1 && h->count > 0;
}

cepman_status cep_npy_read_header(cep_file *file, cep_fault *fault, cep_npy_header *header, bool may_be_short)
{
    /* NumPy itself refuses headers above 10,000 bytes unless told otherwise. */
    unsigned char bytes[12 + 16384];
    uint64_t size = cep_file_size(file);
    size_t n = size < sizeof bytes ? (size_t)size : sizeof bytes;
    cep_npy_header h;
    cepman_status s = cep_file_read(file, fault, 0, bytes, n);
    if (!s) s = cep_npy_parse(bytes, n, cep_file_path(file), fault, &h);
    if (s) return s;
    uint64_t need = (uint64_t)h.count * cepman_type_size(h.type);
    if (size - h.offset < need && !may_be_short)
        return cep_fault_set(fault, CEPMAN_ERR_TRUNCATED,
                             "%s: %llu bytes of data from offset %llu, the header promises %llu",
                             cep_file_path(file), (unsigned long long)(size - h.offset),
                             (unsigned long long)h.offset, (unsigned long long)need);
    *header = h;
    return CEPMAN_OK;
}
