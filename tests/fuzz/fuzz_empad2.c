/* EMPAD-G2's arithmetic on any bits of words, calibrations and backgrounds. The first byte: quadratic, background. */
#include <stdlib.h>
#include <string.h>

#include "empad2.h"
#include "fuzz.h"

/* The input over and over. */
static void spread(const uint8_t *data, size_t size, void *to, size_t bytes)
{
    uint8_t *p = to;
    size_t done = size < bytes ? size : bytes;
    memcpy(p, data, done);
    for (size_t n; done < bytes; done += n) {
        n = done < bytes - done ? done : bytes - done;
        memcpy(p + done, p, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    cep_empad2 *e = malloc(sizeof *e);
    unsigned char *frame = malloc(CEP_EMPAD2_PIXELS * 4);
    if (!e || !frame) abort();
    spread(data + 1, size - 1, e->half, sizeof e->half);
    spread(data + 1, size - 1, frame, CEP_EMPAD2_PIXELS * 4);
    e->quadratic = data[0] & 1;
    e->background = data[0] >> 1 & 1;
    for (size_t which = 0; which < 2; which++)
        cep_empad2_convert(e, which, frame);
    double level = cep_empad2_level(frame);
    if (!(level >= -205 && level <= 215)) abort();
    free(frame);
    free(e);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    if (index >= 4 || room < 2000) return 0;
    data[0] = (uint8_t)index;
    for (size_t i = 1; i < 2000; i++)
        data[i] = index & 1 ? (uint8_t)(i * 7) : (uint8_t)(i % 4 == 0 ? 0x41 : i % 4 == 3 ? i : 0);
    return 40;
}
