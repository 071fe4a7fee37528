/* What a Merlin file says of itself. Private to dataset/; functions of bytes alone. */
#ifndef CEP_MIB_H
#define CEP_MIB_H

#include "reader.h"
#include "text.h"

typedef struct cep_mib_header {
    uint64_t sequence; /* number of the frame, from 1; 0: not said */
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

/* The files of an acquisition that was split: files[0] is opening->file (which is taken), the others have the numbers
 * that follow in their names, frames of the same kind, and go on where the one before ended. At most `room`. */
cepman_status cep_mib_series(cep_opening *opening, const cep_mib_header *first, const cep_strides *strides,
                             cep_file **files, size_t room, size_t *count);

/* Packed frames (R64): fills in how they lie and are unpacked, and what they become. */
cepman_status cep_mib_raw(const cep_mib_header *header, const char *name, cep_fault *fault,
                          cep_strides *strides, cepman_type *type, size_t *height, size_t *width);
void cep_mib_unpack(const cep_strides *strides, const unsigned char *from, unsigned char *to);

#endif
