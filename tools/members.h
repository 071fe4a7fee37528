/* Some frames of a scan as a dataset of their own. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "tool.h"

/* A stack of the frames with these numbers, in their order. members (by malloc) becomes the dataset's, also on failure. */
int members_dataset(tool *t, cepman_dataset *frames, size_t *members, size_t count, cepman_dataset **out);

#endif
