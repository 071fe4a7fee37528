/* A scan's whole cepstra as a dataset: frames are transformed when they are read.
 * Formulas: docs/method.md, "The cepstrum"; centre at (h / 2, w / 2), both halves.
 * Must not: scale or cut to the ring, which are for features. */
#include <math.h>
#include <pthread.h>

#include "internal.h"

/* Scratch of one reader at a time; kept for the next one. */
typedef struct reader {
    struct reader *next;
    cepman_cepstrum_worker *worker;
    unsigned char *frame;
} reader;

typedef struct planes {
    cep_source source; /* first: the dataset sees this */
    cep_memory *mem;
    cepman_cepstrum *cepstrum;
    cepman_dataset *base;
    cep_fft *fft; /* all columns */
    pthread_mutex_t mutex;
    reader *idle;
} planes;

static void free_reader(planes *p, reader *r)
{
    cepman_cepstrum_worker_unref(r->worker);
    cep_free(p->mem, r->frame);
    cep_free(p->mem, r);
}

static cepman_status take_reader(planes *p, cep_fault *fault, reader **out)
{
    pthread_mutex_lock(&p->mutex);
    reader *r = p->idle;
    if (r) p->idle = r->next;
    pthread_mutex_unlock(&p->mutex);
    if (!r) {
        const size_t bytes = cep_dataset_frame_bytes(p->base);
        r = cep_alloc_zero(p->mem, 1, sizeof *r);
        if (!r) return cep_fault_memory(fault, p->mem, "cepstrum reader", 1, sizeof *r);
        r->frame = cep_alloc(p->mem, 1, bytes);
        cepman_status s = r->frame ? cep_worker_create(&r->worker, p->mem, fault, p->cepstrum, p->fft)
                                   : cep_fault_memory(fault, p->mem, "cepstrum reader", 1, bytes);
        if (s) {
            free_reader(p, r);
            return s;
        }
    }
    *out = r;
    return CEPMAN_OK;
}

static void put_reader(planes *p, reader *r)
{
    pthread_mutex_lock(&p->mutex);
    r->next = p->idle;
    p->idle = r;
    pthread_mutex_unlock(&p->mutex);
}

/* Of frames that the caller has read, or (given NULL) of frames read here. */
static cepman_status transform_planes(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                      const void *given, void *destination)
{
    planes *p = (planes *)source;
    const size_t pixels = p->cepstrum->rows * p->cepstrum->columns, bytes = cep_dataset_frame_bytes(p->base);
    const cepman_type type = cepman_dataset_type(p->base);
    reader *r = NULL;
    cepman_status s = take_reader(p, fault, &r);
    for (size_t i = 0; i < count && !s; i++) {
        const unsigned char *frame = given ? (const unsigned char *)given + i * bytes : r->frame;
        if (!given) s = cep_dataset_read(p->base, fault, first + i, 1, r->frame);
        if (!s && !cep_worker_plane(r->worker, frame, type, (float *)destination + i * pixels))
            s = cep_fault_set(fault, CEPMAN_ERR_DATA,
                              "frame %zu has no valid pixel (all are NaN, infinite or masked)", first + i);
    }
    if (r) put_reader(p, r);
    return s;
}

static cepman_status read_planes(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    return transform_planes(source, fault, first, count, NULL, destination);
}

static size_t available_planes(cep_source *source)
{
    return cepman_dataset_available(((planes *)source)->base);
}

static void close_planes(cep_source *source)
{
    planes *p = (planes *)source;
    cep_memory *mem = p->mem;
    while (p->idle) {
        reader *r = p->idle;
        p->idle = r->next;
        free_reader(p, r);
    }
    cep_fft_unref(p->fft);
    cepman_cepstrum_unref(p->cepstrum);
    cepman_dataset_unref(p->base);
    pthread_mutex_destroy(&p->mutex);
    cep_free(mem, p);
    cep_memory_unref(mem);
}

cepman_status cepman_cepstrum_dataset(cepman_dataset **out, cepman_context *ctx, cepman_cepstrum *c,
                                      cepman_dataset *dataset)
{
    cepman_status s = cep_enter(ctx);
    if (s) return s;
    CEP_REQUIRE(ctx, out && c && dataset, CEPMAN_ERR_ARGUMENT, "cepstra: an argument is NULL");
    const size_t h = cepman_dataset_height(dataset), w = cepman_dataset_width(dataset);
    CEP_REQUIRE(ctx, h == c->height && w == c->width, CEPMAN_ERR_SHAPE,
                "the transform is for frames of %zu x %zu pixels, the dataset's have %zu x %zu", c->height,
                c->width, h, w);
    cep_memory *mem = cep_context_memory(ctx);
    cep_fft *fft = NULL;
    s = cep_fft_create(&fft, ctx, c->rows, c->columns, c->columns / 2 + 1);
    if (s) return s;
    planes *p = cep_alloc_zero(mem, 1, sizeof *p);
    if (!p) {
        cep_fft_unref(fft);
        return cep_fail_memory(ctx, "cepstra", 1, sizeof *p);
    }
    p->source = (cep_source){.read = read_planes,
                             .available = available_planes,
                             .close = close_planes,
                             .concurrent = cep_dataset_concurrent(dataset),
                             .derive = transform_planes,
                             .parent = dataset};
    p->mem = cep_memory_ref(mem);
    p->cepstrum = cepman_cepstrum_ref(c);
    p->base = cepman_dataset_ref(dataset);
    p->fft = fft;
    pthread_mutex_init(&p->mutex, NULL);
    const cep_dataset_info info = {
        .format = "cepstrum",
        .type = CEPMAN_TYPE_F32,
        .scan_rows = cepman_dataset_scan_rows(dataset),
        .scan_columns = cepman_dataset_scan_columns(dataset),
        .height = c->rows,
        .width = c->columns,
        .has_scan = cepman_dataset_has_scan(dataset) != 0,
        .scan_step = cepman_dataset_scan_step(dataset),
        .reciprocal_pixel = (double)NAN,
    };
    return cep_dataset_create(out, ctx, &p->source, &info);
}
