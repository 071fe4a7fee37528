/* What the files of the program share. */
#ifndef RUN_H
#define RUN_H

#include <cepman-mpi/cepman_mpi.h>

#include "tool.h"

/* The tool comes first: a command gets its address. */
typedef struct run {
    tool tool;
    cepman_mpi *group;
} run;

extern const command command_run_mpi;

/* What every rank's own step came to (an exit status of tools/), told to all; rank 0 prints it. */
int run_agree(run *r, int rc);
/* The same for a collective function of the library, which has told it already. */
int run_check(run *r, cepman_status s);

#endif
