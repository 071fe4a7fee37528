/* Frames of arrays whose chunks hold several frames: tiles of whole frames in a cache, so that a pass in the order of the
 * frames makes each tile once, and chunks put together to tiles.
 * A row of tiles is kept where it fits; where it does not, as much of it as fits.
 * Must not: know any file format; keep more than it was told. */
#include "tiles.h"

#include <pthread.h>

#define NONE SIZE_MAX /* no tile */

typedef struct slot {
    unsigned char *data;
    size_t tile;   /* NONE: nothing in it */
    size_t users;  /* who copy from it now */
    uint64_t used; /* when last */
    bool loading;
} slot;

struct cep_tiles {
    cep_memory *mem;
    cep_tiling t;
    size_t across; /* tiles in a row of them */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t clock;
    size_t made, room;
    slot slots[];
};

static size_t tile_bytes(const cep_tiling *t)
{
    size_t frames, bytes;
    return cep_mul(t->tile_rows, t->tile_columns, &frames) && cep_mul(frames, t->frame_bytes, &bytes)
               ? bytes
               : SIZE_MAX;
}

static size_t parts(size_t whole, size_t part)
{
    return whole / part + (whole % part != 0);
}

size_t cep_tiles_passes(const cep_tiling *t)
{
    if (t->tile_rows == 1 && tile_bytes(t) <= t->most) return 1;
    size_t kept = t->most / tile_bytes(t);
    if (kept >= parts(t->columns, t->tile_columns)) return 1;
    size_t rows = t->tile_rows < t->rows ? t->tile_rows : t->rows;
    return kept ? rows : rows * t->tile_columns;
}

cepman_status cep_tiles_create(cep_tiles **out, cep_memory *mem, cep_fault *fault, const cep_tiling *t)
{
    /* A row of tiles, and some for threads that are still in the row before. */
    size_t across = parts(t->columns, t->tile_columns), room = (t->tile_rows > 1 ? across : 0) + 16;
    if (room > t->most / tile_bytes(t)) room = t->most / tile_bytes(t);
    if (t->tile_rows * t->tile_columns == 1) room = 0;
    cep_tiles *c = cep_alloc_zero(mem, 1, sizeof *c + room * sizeof *c->slots);
    if (!c) return cep_fault_memory(fault, mem, "a cache of chunks", room, sizeof *c->slots);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->mem = cep_memory_ref(mem);
    c->t = *t;
    c->across = across;
    c->room = room;
    *out = c;
    return CEPMAN_OK;
}

cepman_status cep_tiles_open(cep_tiles **out, cep_opening *o, const cep_tiling *tiling)
{
    cep_tiling t = *tiling;
    const uint64_t most = (uint64_t)cep_options_integer(o->options, "chunk-cache") << 20;
    t.most = most < SIZE_MAX ? (size_t)most : SIZE_MAX;
    const size_t passes = cep_tiles_passes(&t), row = tile_bytes(&t) >> 20;
    if (passes > 1)
        cep_log(
            o->ctx, CEPMAN_LOG_WARNING,
            "%s: chunks of %zu x %zu frames will be decoded up to %zu times; a chunk-cache of %zu MB holds a "
            "row of them, and convert to .npy makes an end of it",
            o->path, t.tile_rows, t.tile_columns, passes, (row + 1) * parts(t.columns, t.tile_columns));
    return cep_tiles_create(out, o->mem, o->fault, &t);
}

void cep_tiles_free(cep_tiles *c)
{
    if (!c) return;
    cep_memory *mem = c->mem;
    for (size_t i = 0; i < c->made; i++)
        cep_free(mem, c->slots[i].data);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    cep_free(mem, c);
    cep_memory_unref(mem);
}

/* A slot for a tile: a new one while there is room and memory, else one that nobody uses: of another row of tiles the
 * oldest; of the same row, when not all of it fits, the youngest, so that the others are there for the next row of frames.
 * NULL: all are in use. */
static slot *spare(cep_tiles *c, size_t tile)
{
    if (c->made < c->room) {
        slot *s = &c->slots[c->made];
        s->data = cep_alloc(c->mem, tile_bytes(&c->t), 1);
        if (s->data) {
            c->made++;
            return s;
        }
    }
    slot *best = NULL;
    bool best_other = false;
    for (size_t i = 0; i < c->made; i++) {
        slot *s = &c->slots[i];
        if (s->loading || s->users) continue;
        bool other = s->tile == NONE || s->tile / c->across != tile / c->across;
        if (!best || (other && !best_other) ||
            (other == best_other && (other ? s->used < best->used : s->used > best->used))) {
            best = s;
            best_other = other;
        }
    }
    return best;
}

static slot *find(cep_tiles *c, size_t tile)
{
    for (size_t i = 0; i < c->made; i++)
        if (c->slots[i].tile == tile) return &c->slots[i];
    return NULL;
}

/* What of a tile lies in the scan. */
static cep_area area_of(const cep_tiles *c, size_t tile)
{
    const cep_tiling *t = &c->t;
    cep_area a = {tile / c->across * t->tile_rows, tile % c->across * t->tile_columns, t->tile_rows,
                  t->tile_columns};
    if (a.rows > t->rows - a.row) a.rows = t->rows - a.row;
    if (a.columns > t->columns - a.column) a.columns = t->columns - a.column;
    return a;
}

/* The slot that holds the tile, counted as in use; loads it unless another thread does. */
static cepman_status take(cep_tiles *c, cep_fault *fault, size_t tile, slot **out)
{
    cepman_status status = CEPMAN_OK;
    pthread_mutex_lock(&c->lock);
    slot *s;
    for (;;) {
        s = find(c, tile);
        if (s && !s->loading) break;
        if (!s && (s = spare(c, tile))) {
            cep_area area = area_of(c, tile);
            s->tile = tile;
            s->loading = true;
            pthread_mutex_unlock(&c->lock);
            status = c->t.load(c->t.user, fault, &area, s->data);
            pthread_mutex_lock(&c->lock);
            s->loading = false;
            if (status) s->tile = NONE;
            pthread_cond_broadcast(&c->changed);
            break;
        }
        if (!s && c->made == 0) {
            status = cep_fault_memory(fault, c->mem, "chunks of frames", tile_bytes(&c->t), 1);
            break;
        }
        pthread_cond_wait(&c->changed, &c->lock);
    }
    if (!status) {
        s->users++;
        s->used = ++c->clock;
        *out = s;
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

static void give_back(cep_tiles *c, slot *s)
{
    pthread_mutex_lock(&c->lock);
    if (--s->users == 0) pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static bool is_kept(cep_tiles *c, size_t tile)
{
    pthread_mutex_lock(&c->lock);
    const bool kept = find(c, tile) != NULL;
    pthread_mutex_unlock(&c->lock);
    return kept;
}

cepman_status cep_tiles_read(cep_tiles *c, cep_fault *fault, size_t first, size_t count, unsigned char *to)
{
    const cep_tiling *t = &c->t;
    cepman_status status = CEPMAN_OK;
    while (!status && count) {
        const size_t row = first / t->columns, column = first % t->columns;
        const size_t tile = row / t->tile_rows * c->across + column / t->tile_columns;
        const cep_area whole = area_of(c, tile);
        size_t n = whole.column + whole.columns - column;
        if (n > count) n = count;
        /* A tile of one row that is wanted whole is not wanted again. */
        if (c->room && !(whole.rows == 1 && n == whole.columns && !is_kept(c, tile))) {
            slot *s;
            status = take(c, fault, tile, &s);
            if (status) break;
            size_t frame = (row - whole.row) * whole.columns + column - whole.column;
            memcpy(to, s->data + frame * t->frame_bytes, n * t->frame_bytes);
            give_back(c, s);
        } else {
            const cep_area run = {row, column, 1, n};
            status = t->load(t->user, fault, &run, to);
        }
        first += n;
        count -= n;
        to += n * t->frame_bytes;
    }
    return status;
}

/* ---- chunks -------------------------------------------------------------------------------------------------------- */

void cep_fill_numbers(unsigned char *to, size_t count, const unsigned char *fill, size_t size)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * size, fill, size);
}

size_t cep_grid_bytes(const cep_grid *g)
{
    return g->chunk_rows * g->chunk_columns * g->chunk_height * g->chunk_width * g->size;
}

/* The part of a decoded chunk that lies in the area and in the frames. */
static void cut_out(const cep_grid *g, const cep_area *a, size_t y, size_t x, const unsigned char *chunk,
                    unsigned char *to)
{
    const size_t frame_bytes = g->height * g->width * g->size;
    const size_t lines = g->height - y < g->chunk_height ? g->height - y : g->chunk_height;
    const size_t pixels = g->width - x < g->chunk_width ? g->width - x : g->chunk_width;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->columns; c++) {
            const size_t frame =
                (a->row + r) % g->chunk_rows * g->chunk_columns + (a->column + c) % g->chunk_columns;
            const unsigned char *from = chunk + frame * g->chunk_height * g->chunk_width * g->size;
            unsigned char *p = to + (r * a->columns + c) * frame_bytes + (y * g->width + x) * g->size;
            for (size_t i = 0; i < lines; i++)
                memcpy(p + i * g->width * g->size, from + i * g->chunk_width * g->size, pixels * g->size);
        }
}

cepman_status cep_grid_load(const cep_grid *g, cep_memory *mem, cep_fault *fault, const cep_area *a,
                            cep_chunk_load *load, void *user, unsigned char *to)
{
    const size_t row = a->row - a->row % g->chunk_rows, column = a->column - a->column % g->chunk_columns;
    if (cep_grid_bytes(g) == g->height * g->width * g->size && g->chunk_height == g->height &&
        g->chunk_width == g->width)
        return load(user, fault, row, column, 0, 0, to);
    unsigned char *chunk = cep_alloc(mem, cep_grid_bytes(g), 1);
    if (!chunk) return cep_fault_memory(fault, mem, "a chunk", cep_grid_bytes(g), 1);
    cepman_status s = CEPMAN_OK;
    for (size_t y = 0; !s && y < g->height; y += g->chunk_height)
        for (size_t x = 0; !s && x < g->width; x += g->chunk_width) {
            s = load(user, fault, row, column, y, x, chunk);
            if (!s) cut_out(g, a, y, x, chunk, to);
        }
    cep_free(mem, chunk);
    return s;
}
