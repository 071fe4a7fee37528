/* What a scan tells of its detector, as info, images and run say it. */
#ifndef PIXELS_H
#define PIXELS_H

#include "tool.h"

/* Bad pixels of a sample of the scan, by the options of stage "pixels". */
int pixels_find(tool *t, cepman_dataset *dataset, cepman_pixels **out);
size_t pixels_bad(const cepman_pixels *pixels);
/* "12 bad pixels: 8 hot, 4 dead"; what is 0 is left out. */
void pixels_sentence(const cepman_pixels *pixels, char *text, size_t size);
/* "3 NaN, 10 saturated (at 4095)"; "" when all values are counts. */
void values_sentence(const cepman_pixels *pixels, char *text, size_t size);
/* The kinds as (height, width) bytes: a file for --mask. */
int pixels_save(tool *t, const cepman_pixels *pixels, const char *path);
/* An object: counts of pixels by kind, the bad ones themselves (the first 1000), and how they were found. */
void pixels_json(json *j, const char *key, const cepman_pixels *pixels);
/* An object: counts of values by kind, and of the frames they are of. */
void values_json(json *j, const char *key, const cepman_pixels *pixels);

#endif
