/* Features while the scan runs: frames arrive in a buffer of the acquisition program, each becomes a row of features
 * as soon as it is there, and when the last one has come the features are ready to be embedded.
 *
 *   cc live.c $(pkg-config --cflags --libs cepman) -pthread -o live && ./live
 *
 * The detector here is a thread that copies frames of a simulated scan into the buffer. The library sees the buffer
 * as a dataset whose frames come from callbacks; it never asks for a frame that is not available. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cepman/cepman.h>

enum { ROWS = 20, COLUMNS = 20, SIDE = 64, FRAMES = ROWS * COLUMNS, PIXELS = SIDE * SIDE };

/* The acquisition program's memory: frames are whole up to `ready`. */
typedef struct camera {
    cepman_dataset *crystal; /* what the beam would see */
    uint16_t *frames;
    atomic_size_t ready;
    atomic_int failed;
} camera;

static void pause_for(long microseconds)
{
    struct timespec t = {0, microseconds * 1000};
    nanosleep(&t, NULL);
}

/* The detector's thread. It has a context of its own: a context is used by one thread at a time. */
static void *expose(void *argument)
{
    camera *c = argument;
    cepman_context *context = NULL;
    cepman_status s = cepman_context_create(&context, NULL);
    for (size_t i = 0; !s && i < FRAMES; i++) {
        s = cepman_dataset_read(c->crystal, context, i, 1, c->frames + i * PIXELS,
                                PIXELS * sizeof *c->frames);
        if (!s) atomic_store_explicit(&c->ready, i + 1, memory_order_release);
        pause_for(200);
    }
    if (s) atomic_store(&c->failed, 1);
    cepman_context_unref(context);
    return NULL;
}

static size_t frames_ready(void *user)
{
    camera *c = user;
    return atomic_load_explicit(&c->ready, memory_order_acquire);
}

static int read_frames(void *user, size_t first, size_t count, void *destination)
{
    camera *c = user;
    memcpy(destination, c->frames + first * PIXELS, count * PIXELS * sizeof *c->frames);
    return 0;
}

static cepman_status simulate(camera *c, cepman_context *context)
{
    cepman_options *options = NULL;
    cepman_status s = cepman_simulate_options_create(&options, context);
    if (!s) s = cepman_options_set_integer(options, context, "scan-rows", ROWS);
    if (!s) s = cepman_options_set_integer(options, context, "scan-columns", COLUMNS);
    if (!s) s = cepman_options_set_integer(options, context, "frame", SIDE);
    if (!s) s = cepman_options_set_real(options, context, "pixel", 0.064);
    if (!s) s = cepman_simulate(&c->crystal, NULL, context, options);
    cepman_options_unref(options);
    return s;
}

/* Turns frames into rows of features as they come; the scan is not complete while this runs. */
static cepman_status follow(camera *c, cepman_context *context, cepman_dataset *live,
                            cepman_cepstrum *cepstrum, float *features)
{
    cepman_cepstrum_worker *worker = NULL;
    size_t d = cepman_cepstrum_features(cepstrum), done = 0, glances = 0;
    uint16_t frames[4 * PIXELS];
    cepman_status s = cepman_cepstrum_worker_create(&worker, context, cepstrum);
    while (!s && done < FRAMES && !atomic_load(&c->failed)) {
        size_t count = cepman_dataset_available(live) - done;
        if (count > 4) count = 4;
        if (count == 0) {
            pause_for(500);
            continue;
        }
        s = cepman_dataset_read(live, context, done, count, frames, sizeof frames);
        if (!s) {
            /* No allocation, no lock: this may run in the detector's own callback, one worker per thread. */
            s = cepman_cepstrum_run_frames(worker, frames, CEPMAN_TYPE_U16, count, 0, features + done * d, d);
            if (s) fprintf(stderr, "%s\n", cepman_cepstrum_worker_error(worker));
        }
        done += count;
        glances++;
    }
    printf("%zu frames became features in %zu glances while the scan ran\n", done, glances);
    cepman_cepstrum_worker_unref(worker);
    return s;
}

int main(void)
{
    camera c = {0};
    cepman_context *context = NULL;
    cepman_dataset *live = NULL;
    cepman_options *options = NULL;
    cepman_cepstrum *cepstrum = NULL;
    cepman_matrix *matrix = NULL;
    cepman_umap *umap = NULL;
    float *features = NULL;
    pthread_t detector;
    int exposing = 0;

    if (cepman_context_create(&context, NULL)) return 1;
    cepman_status s = simulate(&c, context);
    c.frames = calloc((size_t)FRAMES * PIXELS, sizeof *c.frames);
    if (!s && !c.frames) s = CEPMAN_ERR_MEMORY;

    const cepman_frame_source source = {.struct_size = sizeof source,
                                        .user = &c,
                                        .read = read_frames,
                                        .available = frames_ready,
                                        .concurrent = 1};
    if (!s)
        s = cepman_dataset_from_source(&live, context, &source, CEPMAN_TYPE_U16, ROWS, COLUMNS, SIDE, SIDE);
    /* No frame is there to measure anything on: what would be automatic is said. */
    if (!s) s = cepman_cepstrum_options_create(&options, context);
    if (!s) s = cepman_options_set_real(options, context, "offset", 1.0);
    if (!s) s = cepman_options_set_real(options, context, "ring-in", 3.0);
    if (!s) s = cepman_options_set_real(options, context, "ring-out", 20.0);
    if (!s) s = cepman_cepstrum_create_for(&cepstrum, context, SIDE, SIDE, NULL, 0.064, options);
    size_t d = s ? 0 : cepman_cepstrum_features(cepstrum);
    if (!s && !(features = calloc(FRAMES * d, sizeof *features))) s = CEPMAN_ERR_MEMORY;
    if (!s && pthread_create(&detector, NULL, expose, &c) != 0) s = CEPMAN_ERR_THREAD;
    exposing = !s;
    if (!s) s = follow(&c, context, live, cepstrum, features);
    if (exposing) pthread_join(detector, NULL);
    if (!s && atomic_load(&c.failed)) s = CEPMAN_ERR_CALLBACK;

    /* The rows are borrowed, not copied. */
    if (!s) s = cepman_matrix_wrap(&matrix, context, features, FRAMES, d, d, NULL, NULL);
    if (!s) s = cepman_umap_fit(&umap, context, matrix, NULL);
    if (!s)
        printf("embedded %zu rows of %zu features\n", cepman_matrix_rows(matrix),
               cepman_matrix_columns(matrix));
    if (s) fprintf(stderr, "%s: %s\n", cepman_status_text(s), cepman_context_error(context));

    cepman_umap_unref(umap);
    cepman_matrix_unref(matrix);
    cepman_cepstrum_unref(cepstrum);
    cepman_options_unref(options);
    cepman_dataset_unref(live);
    cepman_dataset_unref(c.crystal);
    cepman_context_unref(context);
    free(features);
    free(c.frames);
    return s ? 1 : 0;
}
