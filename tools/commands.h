/* The commands, one file each (cmd_NAME.c). */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "tool.h"

extern const command command_info, command_convert, command_simulate, command_transform, command_images,
    command_pca, command_vae, command_knn, command_embed, command_place, command_cluster, command_choose,
    command_split, command_map, command_score, command_run, command_experiment;

/* In the order of the pipeline; ends with NULL. */
extern const command *const commands[];

#endif
