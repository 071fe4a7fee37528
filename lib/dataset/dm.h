/* The tags of Gatan's DigitalMicrograph files. Private to dataset/. */
#ifndef CEP_DM_H
#define CEP_DM_H

#include "reader.h"

enum { CEP_DM_IMAGES = 16, CEP_DM_AXES = 5 };

/* One entry of the ImageList. */
typedef struct cep_dm_image {
    uint64_t offset, bytes; /* of the array; bytes 0: none was seen */
    uint64_t data_type;     /* DigitalMicrograph's own number, 0: not said */
    uint64_t size[CEP_DM_AXES];
    double scale[CEP_DM_AXES]; /* NaN: not said */
    char unit[CEP_DM_AXES][16];
    size_t axes;
    char format[40]; /* "Diffraction image", "Spectrum image", ... */
    int swapped;     /* the tag Data Order Swapped; -1: not there */
} cep_dm_image;

typedef struct cep_dm {
    int version; /* 3 or 4 */
    bool little; /* order of the bytes of numbers */
    size_t count;
    cep_dm_image image[CEP_DM_IMAGES];
} cep_dm;

/* Walks through all tags. TRUNCATED where the file ends within them: *dm then has what came before. */
cepman_status cep_dm_parse(cep_dm *dm, cep_file *file, cep_fault *fault);

#endif
