/* Small good files of each format, after one byte of options. */
#ifndef SEEDS_H
#define SEEDS_H

#include <stddef.h>
#include <stdint.h>

/* Seed number index of a format; 0 when there is none. room is at least 65536. */
size_t seed_of(const char *format, unsigned index, uint8_t *data, size_t room);

#endif
