/* Status codes. Every function that can fail returns one; the sentence is in cepman_context_error(). */
#ifndef CEPMAN_STATUS_H
#define CEPMAN_STATUS_H

#include <cepman/export.h>

CEPMAN_BEGIN

/* X(name, value, text). The values are pinned: new codes are appended, none is renumbered. */
#define CEPMAN_STATUS_LIST(X)                                                                                \
    X(CEPMAN_OK, 0, "success")                                                                               \
    X(CEPMAN_ERR_ARGUMENT, -1, "invalid argument")                                                           \
    X(CEPMAN_ERR_RANGE, -2, "value out of range")                                                            \
    X(CEPMAN_ERR_OPTION, -3, "unknown option or wrong option type")                                          \
    X(CEPMAN_ERR_MEMORY, -4, "out of memory")                                                                \
    X(CEPMAN_ERR_LIMIT, -5, "memory limit exceeded")                                                         \
    X(CEPMAN_ERR_IO, -6, "input or output failed")                                                           \
    X(CEPMAN_ERR_FORMAT, -7, "malformed file")                                                               \
    X(CEPMAN_ERR_TRUNCATED, -8, "truncated file")                                                            \
    X(CEPMAN_ERR_UNSUPPORTED, -9, "not supported")                                                           \
    X(CEPMAN_ERR_CANCELLED, -10, "cancelled")                                                                \
    X(CEPMAN_ERR_DATA, -11, "unusable data")                                                                 \
    X(CEPMAN_ERR_NUMERIC, -12, "numerical failure")                                                          \
    X(CEPMAN_ERR_SHAPE, -13, "shapes do not match")                                                          \
    X(CEPMAN_ERR_CALLBACK, -14, "a callback of the host failed")                                             \
    X(CEPMAN_ERR_THREAD, -15, "a thread could not be started")                                               \
    X(CEPMAN_ERR_INTERNAL, -16, "internal error")

/* What a call came to: 0 is success, every failure is negative. */
typedef enum cepman_status {
#define CEPMAN_STATUS_ENUM(name, value, text) name = value,
    CEPMAN_STATUS_LIST(CEPMAN_STATUS_ENUM)
#undef CEPMAN_STATUS_ENUM
} cepman_status;

/* A short static text for a status, "unknown status" for any other number. Never NULL. */
CEPMAN_API const char *cepman_status_text(cepman_status status);

CEPMAN_END

#endif
