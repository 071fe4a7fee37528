/* Status texts, versions, and the sentences behind a failure.
 * Source: the one macro list of status.h.
 * Must not: print, exit, or keep anything outside the context. */
#include <stdio.h>
#include <string.h>

#include <cepman/version.h>

#include "base.h"

const char *cepman_status_text(cepman_status status)
{
    switch ((int)status) {
#define CEP_STATUS_TEXT(name, value, text)                                                                   \
    case value:                                                                                              \
        return text;
        CEPMAN_STATUS_LIST(CEP_STATUS_TEXT)
#undef CEP_STATUS_TEXT
    default:
        return "unknown status";
    }
}

const char *cepman_version(void)
{
    return CEPMAN_VERSION_STRING;
}

int cepman_version_number(void)
{
    return CEPMAN_VERSION_MAJOR * 1000000 + CEPMAN_VERSION_MINOR * 1000 + CEPMAN_VERSION_PATCH;
}

cepman_status cep_fault_set(cep_fault *fault, cepman_status status, const char *format, ...)
{
    if (fault) {
        /* By way of a copy: the old sentence may be among the arguments. */
        char text[sizeof fault->text];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fault->status = status;
        memcpy(fault->text, text, sizeof text);
    }
    return status;
}
