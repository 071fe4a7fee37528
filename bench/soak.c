/* A live acquisition for minutes: a camera pushes frames at a fixed rate into a bounded ring, workers turn them into
 * features, scores, places in a fitted manifold and labels. Counted: frames in and out, their order, refused pushes, how full
 * the ring was, and whether each frame got the bits that it gets in a whole run.
 * bench_soak [--seconds S] [--rate FRAMES/S] [--side PIXELS] [--workers N] [--ring FRAMES] [--label manifold|centres]
 * Ends with 1 when a frame was lost, delivered twice, out of order or with other bits, or when a push was refused.
 * Back-pressure: the library keeps no queue. A frame is the ring's until its label is delivered; a push into a full ring is
 * refused, and the camera keeps the frame and tries again. Must not: allocate a frame's memory while it runs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cepman/cepman.h>

enum {
    CHUNK = 128,
    UNIQUE = 4096
}; /* frames that a worker takes at a time; frames of the scan that is shown again and again */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_for(double seconds)
{
    if (seconds > 0)
        nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)},
                  NULL);
}

static _Noreturn void give_up(cepman_context *ctx, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, cepman_context_error(ctx));
    exit(2);
}

#define NEED(ctx, expression)                                                                                \
    do {                                                                                                     \
        if (expression) give_up(ctx, #expression);                                                           \
    } while (0)

/* ---- what was fitted before the scan began ---------------------------------------------------------------------- */

typedef struct model {
    cepman_cepstrum *cepstrum;
    cepman_pca *pca;
    cepman_umap *umap; /* NULL: labels are the nearest centres in the scores */
    cepman_hdbscan *clusters;
    cepman_kmeans *centres;
    size_t features, components;
} model;

/* One worker's own: contexts and cepstrum workers are for one thread at a time. */
typedef struct desk {
    cepman_context *ctx;
    cepman_cepstrum_worker *worker;
    float *features, *scores;
} desk;

static void desk_begin(desk *d, const model *m)
{
    if (cepman_context_create(&d->ctx, NULL)) exit(2);
    NEED(d->ctx, cepman_cepstrum_worker_create(&d->worker, d->ctx, m->cepstrum));
    d->features = malloc(CHUNK * m->features * sizeof *d->features);
    d->scores = malloc(CHUNK * m->components * sizeof *d->scores);
    if (!d->features || !d->scores) exit(2);
}

static void desk_end(desk *d)
{
    cepman_cepstrum_worker_unref(d->worker);
    cepman_context_unref(d->ctx);
    free(d->features);
    free(d->scores);
}

/* Labels and a sum over all bits on the way, for `count` frames that lie one after the other. */
static void label_frames(desk *d, const model *m, const uint16_t *frames, size_t count, int32_t *labels,
                         uint64_t *sums)
{
    cepman_context *ctx = d->ctx;
    cepman_matrix *scores = NULL, *places = NULL;
    cepman_labels *found = NULL;
    const size_t columns = m->components;
    if (cepman_cepstrum_run_frames(d->worker, frames, CEPMAN_TYPE_U16, count, 0, d->features, m->features)) {
        fprintf(stderr, "%s\n", cepman_cepstrum_worker_error(d->worker));
        exit(2);
    }
    NEED(ctx, cepman_pca_project(m->pca, ctx, d->features, count, m->features, d->scores, columns));
    NEED(ctx, cepman_matrix_wrap(&scores, ctx, d->scores, count, columns, columns, NULL, NULL));
    if (m->umap) {
        NEED(ctx, cepman_umap_apply(&places, ctx, m->umap, scores));
        NEED(ctx,
             cepman_hdbscan_apply(&found, NULL, ctx, m->clusters, cepman_umap_embedding(m->umap), places));
    } else {
        NEED(ctx, cepman_kmeans_apply(&found, ctx, m->centres, scores));
    }
    memcpy(labels, cepman_labels_data(found), count * sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = (const unsigned char *)cepman_matrix_row(places ? places : scores, i);
        sums[i] = 1469598103934665603u;
        for (size_t k = 0; k < 4 * cepman_matrix_columns(places ? places : scores); k++)
            sums[i] = (sums[i] ^ bytes[k]) * 1099511628211u;
    }
    cepman_labels_unref(found);
    cepman_matrix_unref(places);
    cepman_matrix_unref(scores);
}

/* ---- the ring ---------------------------------------------------------------------------------------------------- */

typedef struct ring {
    const model *model;
    size_t pixels, capacity; /* frames; a multiple of CHUNK */
    uint16_t *frames;
    double *when;             /* the push of each frame in the ring */
    _Atomic uint64_t pushed;  /* frames that came; written by the camera alone */
    _Atomic uint64_t removed; /* frames delivered, in their order: their places are free */
    atomic_bool over;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    uint64_t claimed;    /* under the mutex: the next chunk's first frame */
    unsigned char *done; /* under the mutex: chunks in the ring that wait for an earlier one */
    uint64_t delivered, wrong, unordered, expected_next;
    double slowest; /* seconds from a push to the delivery */
    const int32_t *expected_labels;
    const uint64_t *expected_sums;
    int32_t *labels; /* by place in the ring */
    uint64_t *sums;
} ring;

/* The camera's callback: never waits, never allocates. False: the ring is full, and the frame is the caller's still. */
static bool push(ring *r, const uint16_t *frame)
{
    const uint64_t at = atomic_load_explicit(&r->pushed, memory_order_relaxed);
    if (at - atomic_load_explicit(&r->removed, memory_order_acquire) >= r->capacity) return false;
    memcpy(r->frames + at % r->capacity * r->pixels, frame, r->pixels * sizeof *frame);
    r->when[at % r->capacity] = now();
    atomic_store_explicit(&r->pushed, at + 1, memory_order_release);
    if ((at + 1) % CHUNK == 0) {
        pthread_mutex_lock(&r->mutex);
        pthread_cond_signal(&r->news);
        pthread_mutex_unlock(&r->mutex);
    }
    return true;
}

/* What the microscope's program does with a label: here each is compared with that of a whole run. Under the mutex. */
static void deliver(ring *r, uint64_t first, size_t count)
{
    const double time = now();
    for (uint64_t i = first; i < first + count; i++) {
        const size_t place = i % r->capacity, which = i % UNIQUE;
        r->unordered += i != r->expected_next;
        r->expected_next = i + 1;
        r->wrong +=
            r->labels[place] != r->expected_labels[which] || r->sums[place] != r->expected_sums[which];
        if (time - r->when[place] > r->slowest) r->slowest = time - r->when[place];
        r->delivered++;
    }
}

/* Chunks that are ready leave in their order. Under the mutex. */
static void leave(ring *r, uint64_t first)
{
    r->done[first % r->capacity / CHUNK] = 1;
    uint64_t at = atomic_load_explicit(&r->removed, memory_order_relaxed);
    while (at < r->claimed && r->done[at % r->capacity / CHUNK]) {
        const size_t n =
            r->claimed - at < CHUNK ? (size_t)(r->claimed - at) : CHUNK; /* the last may be short */
        r->done[at % r->capacity / CHUNK] = 0;
        deliver(r, at, n);
        at += n;
    }
    atomic_store_explicit(&r->removed, at, memory_order_release);
}

static void *work(void *argument)
{
    ring *r = argument;
    desk d = {0};
    desk_begin(&d, r->model);
    pthread_mutex_lock(&r->mutex);
    for (;;) {
        const bool over = atomic_load(&r->over);
        const uint64_t there = atomic_load_explicit(&r->pushed, memory_order_acquire) - r->claimed;
        const size_t count = there >= CHUNK ? CHUNK : over ? (size_t)there : 0;
        if (count == 0 && over) break;
        if (count == 0) {
            pthread_cond_wait(&r->news, &r->mutex);
            continue;
        }
        const uint64_t first = r->claimed;
        const size_t place = first % r->capacity;
        r->claimed += count;
        pthread_mutex_unlock(&r->mutex);
        label_frames(&d, r->model, r->frames + place * r->pixels, count, r->labels + place, r->sums + place);
        pthread_mutex_lock(&r->mutex);
        leave(r, first);
    }
    pthread_mutex_unlock(&r->mutex);
    desk_end(&d);
    return NULL;
}

/* ---- before and after -------------------------------------------------------------------------------------------- */

static cepman_dataset *scan_of(cepman_context *ctx, size_t side, int seed)
{
    cepman_options *o = NULL;
    cepman_dataset *scan = NULL;
    NEED(ctx, cepman_simulate_options_create(&o, ctx));
    NEED(ctx, cepman_options_set_integer(o, ctx, "frame", (int64_t)side));
    NEED(ctx, cepman_options_set_real(o, ctx, "pixel", 0.032 * 128 / (double)side));
    NEED(ctx, cepman_options_set_integer(o, ctx, "seed", seed));
    NEED(ctx, cepman_simulate(&scan, NULL, ctx, o));
    cepman_options_unref(o);
    return scan;
}

static void fit(model *m, cepman_context *ctx, cepman_dataset *scan, bool manifold)
{
    cepman_matrix *features = NULL, *scores = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_options *o = NULL;
    NEED(ctx, cepman_cepstrum_create(&m->cepstrum, ctx, scan, NULL));
    NEED(ctx, cepman_cepstrum_run(&features, ctx, m->cepstrum, scan));
    NEED(ctx, cepman_pca_options_create(&o, ctx));
    NEED(ctx, cepman_options_set_integer(o, ctx, "components", 20));
    NEED(ctx, cepman_pca_fit(&m->pca, ctx, features, o));
    NEED(ctx, cepman_pca_apply(&scores, ctx, m->pca, features));
    m->features = cepman_matrix_columns(features);
    m->components = cepman_matrix_columns(scores);
    if (manifold) {
        NEED(ctx, cepman_umap_fit(&m->umap, ctx, scores, NULL));
        NEED(ctx, cepman_umap_prepare(m->umap, ctx)); /* the first frame must not wait for it */
        NEED(ctx, cepman_hdbscan_tree_build(&tree, ctx, cepman_umap_embedding(m->umap), NULL));
        NEED(ctx, cepman_hdbscan_extract(&m->clusters, ctx, tree, NULL));
    } else {
        NEED(ctx, cepman_kmeans_fit(&m->centres, ctx, scores, NULL, NULL, NULL));
    }
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(o);
    cepman_matrix_unref(scores);
    cepman_matrix_unref(features);
}

static void model_end(model *m)
{
    cepman_hdbscan_unref(m->clusters);
    cepman_umap_unref(m->umap);
    cepman_kmeans_unref(m->centres);
    cepman_pca_unref(m->pca);
    cepman_cepstrum_unref(m->cepstrum);
}

typedef struct settings {
    double seconds, rate;
    size_t side, workers, ring;
    bool manifold;
} settings;

static bool take_arguments(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        const double number = atof(value);
        if (!strcmp(name, "--label") && (!strcmp(value, "manifold") || !strcmp(value, "centres"))) {
            s->manifold = value[0] == 'm';
        } else if (!(number > 0)) {
            return false;
        } else if (!strcmp(name, "--seconds")) {
            s->seconds = number;
        } else if (!strcmp(name, "--rate")) {
            s->rate = number;
        } else if (!strcmp(name, "--side")) {
            s->side = (size_t)number;
        } else if (!strcmp(name, "--workers") && number <= 64) {
            s->workers = (size_t)number;
        } else if (!strcmp(name, "--ring")) {
            s->ring = ((size_t)number + CHUNK - 1) / CHUNK * CHUNK;
        } else {
            return false;
        }
    }
    return true;
}

/* Pushes as many frames as the clock asks for, a millisecond's worth at a time. Returns refused pushes. */
static uint64_t expose(ring *r, const settings *s, const uint16_t *shown, size_t *fullest)
{
    const uint64_t frames = (uint64_t)(s->seconds * s->rate);
    const double start = now();
    uint64_t refused = 0;
    for (uint64_t i = 0; i < frames;) {
        const double due = (now() - start) * s->rate;
        while (i < frames && (double)i < due) {
            if (!push(r, shown + i % UNIQUE * r->pixels)) {
                refused++;
                break;
            }
            i++;
        }
        const size_t held = (size_t)(i - atomic_load(&r->removed));
        if (held > *fullest) *fullest = held;
        pause_for(0.001);
    }
    return refused;
}

int main(int argc, char **argv)
{
    settings s = {.seconds = 10, .rate = 10000, .side = 128, .workers = 2, .ring = 8192, .manifold = true};
    cepman_context *ctx = NULL;
    model m = {0};
    if (!take_arguments(&s, argc, argv)) {
        fprintf(stderr,
                "bench_soak [--seconds S] [--rate FRAMES/S] [--side PIXELS] [--workers N] [--ring FRAMES] "
                "[--label manifold|centres]\n");
        return 2;
    }
    if (cepman_context_create(&ctx, NULL)) return 2;
    NEED(ctx, cepman_context_set_threads(ctx, 0));
    cepman_dataset *first = scan_of(ctx, s.side, 42), *second = scan_of(ctx, s.side, 43);
    fit(&m, ctx, first, s.manifold);

    /* What each of the frames to come must give. */
    ring r = {.model = &m, .pixels = s.side * s.side, .capacity = s.ring};
    uint16_t *shown = malloc(UNIQUE * r.pixels * sizeof *shown);
    int32_t *labels = malloc(UNIQUE * sizeof *labels);
    uint64_t *sums = malloc(UNIQUE * sizeof *sums);
    r.frames = calloc(r.capacity * r.pixels, sizeof *r.frames);
    r.when = calloc(r.capacity, sizeof *r.when);
    r.done = calloc(r.capacity / CHUNK, 1);
    r.labels = calloc(r.capacity, sizeof *r.labels);
    r.sums = calloc(r.capacity, sizeof *r.sums);
    if (!shown || !labels || !sums || !r.frames || !r.when || !r.done || !r.labels || !r.sums) return 2;
    NEED(ctx, cepman_dataset_read(second, ctx, 0, UNIQUE, shown, UNIQUE * r.pixels * sizeof *shown));
    desk d = {0};
    desk_begin(&d, &m);
    const double begin = cpu_time();
    for (size_t i = 0; i < UNIQUE; i += CHUNK)
        label_frames(&d, &m, shown + i * r.pixels, CHUNK, labels + i, sums + i);
    const double one = (cpu_time() - begin) / UNIQUE;
    desk_end(&d);
    r.expected_labels = labels;
    r.expected_sums = sums;
    pthread_mutex_init(&r.mutex, NULL);
    pthread_cond_init(&r.news, NULL);
    printf("%zu x %zu u16, %zu features, %zu scores, %s; %.1f us of one CPU a frame\n", s.side, s.side,
           m.features, m.components,
           s.manifold ? "places in a manifold of 4096 frames, HDBSCAN's labels" : "nearest centres",
           one * 1e6);
    fflush(stdout);

    pthread_t threads[64];
    for (size_t i = 0; i < s.workers; i++)
        if (pthread_create(&threads[i], NULL, work, &r)) return 2;
    struct rusage usage_before, usage;
    getrusage(RUSAGE_SELF, &usage_before);
    const double start = now();
    size_t fullest = 0;
    const uint64_t refused = expose(&r, &s, shown, &fullest);
    const double exposed = now() - start;
    pthread_mutex_lock(&r.mutex);
    atomic_store(&r.over, true);
    pthread_cond_broadcast(&r.news);
    pthread_mutex_unlock(&r.mutex);
    for (size_t i = 0; i < s.workers; i++)
        pthread_join(threads[i], NULL);
    const double all = now() - start;
    getrusage(RUSAGE_SELF, &usage);
    const uint64_t pushed = atomic_load(&r.pushed);
    printf("pushed %llu frames in %.1f s (%.0f a second), refused %llu times\n", (unsigned long long)pushed,
           exposed, (double)pushed / exposed, (unsigned long long)refused);
    printf("delivered %llu, lost %lld, out of order %llu, with other bits %llu\n",
           (unsigned long long)r.delivered, (long long)(pushed - r.delivered),
           (unsigned long long)r.unordered, (unsigned long long)r.wrong);
    printf("ring: at most %zu of %zu frames; slowest delivery %.1f ms after the push; %.2f CPUs; %ld KB more "
           "resident\n",
           fullest, r.capacity, r.slowest * 1e3,
           ((double)(usage.ru_utime.tv_sec - usage_before.ru_utime.tv_sec) +
            1e-6 * (double)(usage.ru_utime.tv_usec - usage_before.ru_utime.tv_usec)) /
               all,
           usage.ru_maxrss - usage_before.ru_maxrss);
    const bool good =
        r.delivered == pushed && pushed == (uint64_t)(s.seconds * s.rate) && !r.wrong && !r.unordered;
    free(shown);
    free(labels);
    free(sums);
    free(r.frames);
    free(r.when);
    free(r.done);
    free(r.labels);
    free(r.sums);
    cepman_dataset_unref(first);
    cepman_dataset_unref(second);
    model_end(&m);
    cepman_context_unref(ctx);
    return good && !refused ? 0 : 1;
}
