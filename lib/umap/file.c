/* The header of a model's file, and the sum over files.
 * Little-endian, fixed places (docs/formats.md); CRC-64 as in ECMA-182, by tables of eight bytes at a time.
 * Must not: believe a size before it is checked against the others. */
#include <math.h>
#include <string.h>

#include "file.h"

#define POLYNOMIAL 0xc96c5795d7870f42u /* ECMA-182, reflected */

uint64_t cep_umap_sum(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t table[8][256];
    sum = ~sum;
    if (size < 64) { /* too little to make tables for */
        for (; size; size--, p++) {
            sum ^= *p;
            for (int k = 0; k < 8; k++)
                sum = sum >> 1 ^ (POLYNOMIAL & (0 - (sum & 1)));
        }
        return ~sum;
    }
    for (uint64_t i = 0; i < 256; i++) {
        uint64_t r = i;
        for (int k = 0; k < 8; k++)
            r = r >> 1 ^ (POLYNOMIAL & (0 - (r & 1)));
        table[0][i] = r;
    }
    for (int t = 1; t < 8; t++)
        for (size_t i = 0; i < 256; i++)
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
    for (; size >= 8; size -= 8, p += 8) {
        for (int k = 0; k < 8; k++)
            sum ^= (uint64_t)p[k] << 8 * k;
        uint64_t next = 0;
        for (int k = 0; k < 8; k++)
            next ^= table[7 - k][sum >> 8 * k & 0xff];
        sum = next;
    }
    for (; size; size--, p++)
        sum = sum >> 8 ^ table[0][(sum ^ *p) & 0xff];
    return ~sum;
}

static void put(unsigned char *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++, value >>= 8)
        to[i] = (unsigned char)value;
}

static uint64_t get(const unsigned char *from, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static void put_real(unsigned char *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(to, bits, 8);
}

static double get_real(const unsigned char *from)
{
    const uint64_t bits = get(from, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* total += a * b * c */
static bool grow(uint64_t *total, uint64_t a, uint64_t b, uint64_t c)
{
    return !__builtin_mul_overflow(a, b, &a) && !__builtin_mul_overflow(a, c, &a) &&
           !__builtin_add_overflow(*total, a, total);
}

bool cep_umap_file_length(const cep_umap_header *h, uint64_t *length)
{
    *length = CEP_UMAP_FILE_HEADER + 8;
    return grow(length, h->n, h->columns, 4) && grow(length, h->n, h->dims, 4) &&
           grow(length, h->n, h->k, 8) && grow(length, h->n, 4, 1) && grow(length, h->entries, 8, 1) &&
           *length <= SIZE_MAX;
}

void cep_umap_header_write(const cep_umap_header *h, unsigned char bytes[CEP_UMAP_FILE_HEADER])
{
    const uint64_t numbers[] = {h->length,  h->n,      h->columns, h->dims, h->k,
                                h->entries, h->epochs, h->seed,    h->near};
    const double reals[] = {h->a,   h->b,   h->learning_rate, h->repulsion, h->local_connectivity,
                            h->cut, h->mean};
    memset(bytes, 0, CEP_UMAP_FILE_HEADER);
    memcpy(bytes, CEP_UMAP_FILE_MAGIC, 8);
    put(bytes + 8, CEP_UMAP_FILE_VERSION, 4);
    for (size_t i = 0; i < 9; i++)
        put(bytes + 16 + 8 * i, numbers[i], 8);
    put(bytes + 88, h->metric, 4);
    put(bytes + 92, h->method, 4);
    put(bytes + 96, h->negatives, 4);
    for (size_t i = 0; i < 7; i++)
        put_real(bytes + 104 + 8 * i, reals[i]);
    put(bytes + CEP_UMAP_FILE_HEADER - 8, cep_umap_sum(0, bytes, CEP_UMAP_FILE_HEADER - 8), 8);
}

static bool within(double value, double least, double most)
{
    return value >= least && value <= most;
}

/* The first thing that is out of bounds, NULL when all is well. */
static const char *implausible(const cep_umap_header *h)
{
    uint64_t length;
    if (h->n > INT32_MAX) return "the number of points";
    if (h->dims < 1 || h->dims > 64) return "the number of dimensions";
    if (h->k > 0 && h->k >= h->n) return "the number of neighbours";
    if (h->entries > h->n * h->n) return "the number of edges";
    if (!cep_umap_file_length(h, &length) || length != h->length) return "the length";
    if (h->epochs < 1 || h->epochs > 1000000) return "the number of epochs";
    if (h->seed > (uint64_t)1 << 53) return "the seed";
    if (h->near < 2 || h->near > 10000) return "the number of neighbours of new points";
    if (h->metric > CEP_UMAP_CORRELATION) return "the metric";
    if (h->method > CEP_UMAP_APPROXIMATE) return "the method";
    if (h->negatives > 1000) return "the number of negative samples";
    if (!within(h->a, 1e-12, 1e12) || !within(h->b, 1e-6, 1000)) return "the curve";
    if (!within(h->learning_rate, 1e-6, 1000)) return "the learning rate";
    if (!within(h->repulsion, 0, 1000)) return "the repulsion strength";
    if (!within(h->local_connectivity, 0, 10000)) return "the local connectivity";
    if (!within(h->cut, 0, INFINITY)) return "the disconnection distance";
    if (!within(h->mean, 0, 3.5e38)) return "the mean distance";
    return NULL;
}

cepman_status cep_umap_header_read(cep_umap_header *h, cep_fault *fault, const char *path,
                                   const unsigned char bytes[CEP_UMAP_FILE_HEADER])
{
    uint64_t numbers[9];
    double reals[7];
    if (memcmp(bytes, CEP_UMAP_FILE_MAGIC, 8) != 0)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT,
                             "%s: not a model of UMAP (no " CEP_UMAP_FILE_MAGIC " at offset 0)", path);
    if (get(bytes + 8, 4) != CEP_UMAP_FILE_VERSION)
        return cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED, "%s: version %u of the format, must be %d", path,
                             (unsigned)get(bytes + 8, 4), CEP_UMAP_FILE_VERSION);
    if (get(bytes + CEP_UMAP_FILE_HEADER - 8, 8) != cep_umap_sum(0, bytes, CEP_UMAP_FILE_HEADER - 8))
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: the header's sum does not match: it is damaged",
                             path);
    for (size_t i = 0; i < 9; i++)
        numbers[i] = get(bytes + 16 + 8 * i, 8);
    for (size_t i = 0; i < 7; i++)
        reals[i] = get_real(bytes + 104 + 8 * i);
    *h = (cep_umap_header){.length = numbers[0],
                           .n = numbers[1],
                           .columns = numbers[2],
                           .dims = numbers[3],
                           .k = numbers[4],
                           .entries = numbers[5],
                           .epochs = numbers[6],
                           .seed = numbers[7],
                           .near = numbers[8],
                           .metric = (uint32_t)get(bytes + 88, 4),
                           .method = (uint32_t)get(bytes + 92, 4),
                           .negatives = (uint32_t)get(bytes + 96, 4),
                           .a = reals[0],
                           .b = reals[1],
                           .learning_rate = reals[2],
                           .repulsion = reals[3],
                           .local_connectivity = reals[4],
                           .cut = reals[5],
                           .mean = reals[6]};
    const char *what = implausible(h);
    if (what) return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: %s in the header cannot be", path, what);
    return CEPMAN_OK;
}
