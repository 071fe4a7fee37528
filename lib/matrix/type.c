/* Number types of files and frames: sizes, names, conversion to float32, byte order.
 * Source: NumPy's type codes and the detectors' manuals.
 * Must not: assume alignment of what it reads. */
#include <string.h>

#include "matrix.h"

/* X(constant, C type, name); halves, which C has no type for, stand beside it. */
#define TYPES(X)                                                                                             \
    X(CEPMAN_TYPE_U8, uint8_t, "u8")                                                                         \
    X(CEPMAN_TYPE_I8, int8_t, "i8")                                                                          \
    X(CEPMAN_TYPE_U16, uint16_t, "u16")                                                                      \
    X(CEPMAN_TYPE_I16, int16_t, "i16")                                                                       \
    X(CEPMAN_TYPE_U32, uint32_t, "u32")                                                                      \
    X(CEPMAN_TYPE_I32, int32_t, "i32")                                                                       \
    X(CEPMAN_TYPE_F32, float, "f32")                                                                         \
    X(CEPMAN_TYPE_F64, double, "f64")                                                                        \
    X(CEPMAN_TYPE_BOOL, uint8_t, "bool")                                                                     \
    X(CEPMAN_TYPE_I64, int64_t, "i64")

size_t cepman_type_size(cepman_type type)
{
    switch ((int)type) {
#define CASE(constant, ctype, name)                                                                          \
    case constant:                                                                                           \
        return sizeof(ctype);
        TYPES(CASE)
#undef CASE
    case CEPMAN_TYPE_F16:
        return 2;
    default:
        return 0;
    }
}

const char *cepman_type_name(cepman_type type)
{
    switch ((int)type) {
#define CASE(constant, ctype, name)                                                                          \
    case constant:                                                                                           \
        return name;
        TYPES(CASE)
#undef CASE
    case CEPMAN_TYPE_F16:
        return "f16";
    default:
        return NULL;
    }
}

bool cep_type_is_real(cepman_type type)
{
    return type == CEPMAN_TYPE_F16 || type == CEPMAN_TYPE_F32 || type == CEPMAN_TYPE_F64;
}

void cep_type_to_f32(cepman_type type, const void *src, float *dst, size_t count)
{
    const unsigned char *p = src;
    switch ((int)type) {
#define CASE(constant, ctype, name)                                                                          \
    case constant:                                                                                           \
        for (size_t i = 0; i < count; i++) {                                                                 \
            ctype v;                                                                                         \
            memcpy(&v, p + i * sizeof v, sizeof v);                                                          \
            dst[i] = (float)v;                                                                               \
        }                                                                                                    \
        break;
        TYPES(CASE)
#undef CASE
    case CEPMAN_TYPE_F16:
        for (size_t i = 0; i < count; i++) {
            uint16_t v;
            memcpy(&v, p + 2 * i, sizeof v);
            dst[i] = cep_half_value(v);
        }
        break;
    default:
        break;
    }
}

void cep_swap_bytes(void *data, size_t count, size_t size)
{
    unsigned char *p = data;
    if (size == 2) {
        size_t done = 0;
        for (; done + 4 <= count; done += 4) { /* four at once: one by one they are not put into vectors */
            const uint64_t low = 0x00ff00ff00ff00ff;
            uint64_t v;
            memcpy(&v, p + 2 * done, 8);
            v = (v & low) << 8 | (v >> 8 & low);
            memcpy(p + 2 * done, &v, 8);
        }
        for (size_t i = done; i < count; i++) {
            uint16_t v;
            memcpy(&v, p + 2 * i, 2);
            v = (uint16_t)(v << 8 | v >> 8);
            memcpy(p + 2 * i, &v, 2);
        }
    } else if (size == 4) {
        for (size_t i = 0; i < count; i++) {
            uint32_t v;
            memcpy(&v, p + 4 * i, 4);
            v = __builtin_bswap32(v);
            memcpy(p + 4 * i, &v, 4);
        }
    } else if (size == 8) {
        for (size_t i = 0; i < count; i++) {
            uint64_t v;
            memcpy(&v, p + 8 * i, 8);
            v = __builtin_bswap64(v);
            memcpy(p + 8 * i, &v, 8);
        }
    }
}
