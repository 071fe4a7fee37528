/* Several sources of the same frames as one, and frames at the beginning that are left out.
 * The sources follow one another: the parts of a recording that its camera split over files.
 * Must not: keep frames. */
#include <string.h>
#include <unistd.h>

#include "reader.h"

typedef struct series_source {
    cep_source base;
    cep_memory *mem;
    size_t frame_bytes, skip, parts;
    struct {
        cep_source *source;
        uint64_t first, count;
    } part[];
} series_source;

static cepman_status series_read(cep_source *source, cep_fault *fault, size_t first, size_t count,
                                 void *destination)
{
    series_source *s = (series_source *)source;
    unsigned char *to = destination;
    cepman_status status = CEPMAN_OK;
    size_t low = 0, high = s->parts;
    uint64_t at = (uint64_t)first + s->skip;
    while (high - low > 1) { /* the part that holds the first one */
        size_t middle = low + (high - low) / 2;
        if (s->part[middle].first <= at)
            low = middle;
        else
            high = middle;
    }
    for (; !status && count; low++) {
        bool last = low + 1 == s->parts; /* which may have grown */
        uint64_t inside = at - s->part[low].first, left = s->part[low].count - inside;
        size_t n = last || left > count ? count : (size_t)left;
        if (!n) continue;
        status = s->part[low].source->read(s->part[low].source, fault, (size_t)inside, n, to);
        at += n;
        count -= n;
        to += n * s->frame_bytes;
    }
    return status;
}

static size_t series_available(cep_source *source)
{
    series_source *s = (series_source *)source;
    cep_source *last = s->part[s->parts - 1].source;
    uint64_t n = s->part[s->parts - 1].first;
    n += last->available ? last->available(last) : s->part[s->parts - 1].count;
    n = n > s->skip ? n - s->skip : 0;
    return n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

static void series_close(cep_source *source)
{
    series_source *s = (series_source *)source;
    cep_memory *mem = s->mem;
    for (size_t i = 0; i < s->parts; i++)
        s->part[i].source->close(s->part[i].source);
    cep_free(mem, s);
    cep_memory_unref(mem);
}

cepman_status cep_series_open(cep_opening *o, cep_source **sources, const uint64_t *counts, size_t parts,
                              size_t frame_bytes, size_t skip)
{
    series_source *s = cep_alloc_zero(o->mem, 1, sizeof *s + parts * sizeof *s->part);
    if (!s) {
        for (size_t i = 0; i < parts; i++)
            sources[i]->close(sources[i]);
        return cep_fault_memory(o->fault, o->mem, "the parts of a recording", parts, sizeof *s->part);
    }
    uint64_t first = 0;
    bool concurrent = true;
    for (size_t i = 0; i < parts; i++) {
        s->part[i].source = sources[i];
        s->part[i].first = first;
        s->part[i].count = counts[i];
        first += counts[i];
        concurrent = concurrent && sources[i]->concurrent;
    }
    s->base = (cep_source){.read = series_read,
                           .available = sources[parts - 1]->available ? series_available : NULL,
                           .close = series_close,
                           .concurrent = concurrent};
    s->mem = cep_memory_ref(o->mem);
    s->frame_bytes = frame_bytes;
    s->skip = skip;
    s->parts = parts;
    o->source = &s->base;
    o->frames = first > skip ? first - skip : 0;
    return CEPMAN_OK;
}

cepman_status cep_series_of_files(cep_opening *o, cep_file **files, size_t parts, const cep_strides *first,
                                  const cep_strides *others)
{
    cepman_status s = CEPMAN_OK;
    size_t made = 0;
    cep_source **sources = cep_alloc(o->mem, parts, sizeof *sources);
    uint64_t *counts = cep_alloc(o->mem, parts, sizeof *counts);
    if (!sources || !counts)
        s = cep_fault_memory(o->fault, o->mem, "the parts of a recording", parts, sizeof *counts);
    for (; !s && made < parts; made++) {
        cep_file_close(o->file);
        o->file = files[made];
        files[made] = NULL;
        s = cep_strides_open(o, made ? others : first);
        if (s) break;
        sources[made] = o->source;
        counts[made] = o->frames;
        o->source = NULL;
    }
    if (!s) {
        s = cep_series_open(o, sources, counts, parts, first->frame_bytes, 0);
    } else {
        for (size_t i = 0; i < made; i++)
            sources[i]->close(sources[i]);
    }
    cep_free(o->mem, sources);
    cep_free(o->mem, counts);
    return s;
}

cepman_status cep_series_next(cep_opening *o, const char *path, cep_file **file)
{
    *file = NULL;
    cepman_status s = cep_file_open(file, o->mem, o->fault, path);
    return s == CEPMAN_ERR_IO && access(path, F_OK) != 0 ? CEPMAN_OK : s;
}
