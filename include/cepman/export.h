/* Export macros. Internal to the headers; programs need nothing from here. */
#ifndef CEPMAN_EXPORT_H
#define CEPMAN_EXPORT_H

#if defined(__GNUC__) && defined(CEPMAN_BUILD)
#define CEPMAN_API __attribute__((visibility("default")))
#else
#define CEPMAN_API
#endif

#ifdef __cplusplus
#define CEPMAN_BEGIN extern "C" {
#define CEPMAN_END }
#else
#define CEPMAN_BEGIN
#define CEPMAN_END
#endif

#endif
