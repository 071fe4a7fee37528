/* The list of commands, in the order of the pipeline.
 * Each is described in its own file.
 * Must not: hold anything else. */
#include "commands.h"

const command *const commands[] = {&command_info,      &command_convert,    &command_simulate,
                                   &command_transform, &command_images,     &command_pca,
                                   &command_vae,       &command_knn,        &command_embed,
                                   &command_place,     &command_cluster,    &command_choose,
                                   &command_split,     &command_map,        &command_score,
                                   &command_run,       &command_experiment, NULL};
