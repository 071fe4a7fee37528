/* What a Merlin file says of itself. Private to dataset/; pure functions of bytes. */
#ifndef CEP_MIB_H
#define CEP_MIB_H

#include "base.h"
#include "text.h"

typedef struct cep_mib_header {
    size_t header_bytes, chips, width, height;
    size_t pixel_bytes; /* 1, 2, 4; 0: packed (R64) */
    size_t depth;       /* counter depth in bits, 0: not said */
    char layout[16];    /* "1x1", "2x2", ... */
    int64_t time;       /* nanoseconds, -1: not said */
} cep_mib_header;

/* A frame's header from its first bytes; header_bytes of them need not all be there. */
cepman_status cep_mib_parse(const unsigned char *bytes, size_t size, const char *name, cep_fault *fault,
                            cep_mib_header *header);

typedef struct cep_mib_record {
    uint64_t frames, per_trigger, rows, columns; /* 0: not said */
} cep_mib_record;

/* The .hdr beside the .mib. */
void cep_mib_parse_record(cep_text text, cep_mib_record *record);

/* Frames a row by the gaps between time stamps: at the end of every row one interval is longer than all
 * intervals within rows. 0: no such pattern. Reorders nothing; scratch holds count numbers. */
size_t cep_mib_columns(const int64_t *times, size_t count, int64_t *scratch);

#endif
