/* Tiles of frames: the same numbers as without them, each tile made once in a pass, whatever the chunks, the memory and the
 * threads; and chunks put together. */
#include <pthread.h>
#include <stdatomic.h>

#include "files.h"
#include "tiles.h"

enum { PIXELS = 6, HEIGHT = 2, WIDTH = 3 };

typedef struct scan {
    cep_tiling t;
    size_t chunk_height, chunk_width;
    atomic_size_t loads;
    size_t fails; /* the tile whose loading fails, by its first frame; SIZE_MAX: none */
    cep_memory *mem;
} scan;

static cepman_status load(void *user, cep_fault *fault, const cep_area *a, unsigned char *to)
{
    scan *s = user;
    s->loads++;
    ck_assert_uint_le(a->row % s->t.tile_rows + a->rows, s->t.tile_rows);
    ck_assert_uint_le(a->column % s->t.tile_columns + a->columns, s->t.tile_columns);
    ck_assert(a->row + a->rows <= s->t.rows && a->column + a->columns <= s->t.columns);
    if (a->row * s->t.columns + a->column == s->fails)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "this tile is damaged");
    for (size_t r = 0; r < a->rows; r++)
        for (size_t c = 0; c < a->columns; c++)
            for (size_t p = 0; p < PIXELS; p++)
                *to++ = (unsigned char)pixel_at((a->row + r) * s->t.columns + a->column + c, p);
    return CEPMAN_OK;
}

static cep_tiles *make(cepman_context *ctx, scan *s, size_t most)
{
    cep_fault fault;
    cep_tiles *tiles = NULL;
    s->t.frame_bytes = PIXELS;
    s->t.most = most;
    s->t.load = load;
    s->t.user = s;
    s->loads = 0;
    ck_assert_int_eq(cep_tiles_create(&tiles, cep_context_memory(ctx), &fault, &s->t), CEPMAN_OK);
    return tiles;
}

static void check(cep_tiles *tiles, size_t first, size_t count)
{
    unsigned char *x = malloc(count * PIXELS + 1);
    cep_fault fault;
    ck_assert_int_eq(cep_tiles_read(tiles, &fault, first, count, x), CEPMAN_OK);
    for (size_t i = 0; i < count * PIXELS; i++)
        ck_assert_uint_eq(x[i], (unsigned char)pixel_at(first + i / PIXELS, i % PIXELS));
    free(x);
}

/* Every shape of scan and tile, in order and not. */
START_TEST(same_frames)
{
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < 400; k++) {
        scan s = {.t = {.rows = 1 + k % 7,
                        .columns = 1 + k / 7 % 5,
                        .tile_rows = 1 + k % 3,
                        .tile_columns = 1 + k % 4},
                  .fails = SIZE_MAX};
        const size_t frames = s.t.rows * s.t.columns, tile = s.t.tile_rows * s.t.tile_columns * PIXELS;
        cep_tiles *tiles = make(ctx, &s, k % 5 * tile);
        for (size_t first = 0; first < frames; first += 3)
            check(tiles, first, frames - first < 3 ? frames - first : 3);
        check(tiles, 0, frames);
        for (size_t i = 0; i < 20; i++)
            check(tiles, i * 7 % frames, 1);
        check(tiles, 0, 0);
        cep_tiles_free(tiles);
    }
    cep_tiles_free(NULL);
    support_end(ctx);
}
END_TEST

/* Where a row of tiles fits, a pass makes each tile once, in pieces of any length; where it does not, most are kept. */
START_TEST(once)
{
    cepman_context *ctx = support_begin(1);
    const size_t tile = (size_t)8 * 8 * PIXELS, tiles_in_all = 5 * 6;
    for (size_t piece = 1; piece < 100; piece += 13) {
        scan s = {.t = {.rows = 37, .columns = 47, .tile_rows = 8, .tile_columns = 8}, .fails = SIZE_MAX};
        cep_tiles *tiles = make(ctx, &s, 6 * tile);
        ck_assert_uint_eq(cep_tiles_passes(&s.t), 1);
        for (size_t first = 0; first < 37 * 47; first += piece)
            check(tiles, first, 37 * 47 - first < piece ? 37 * 47 - first : piece);
        ck_assert_uint_eq(s.loads, tiles_in_all);
        cep_tiles_free(tiles);
        /* Four of the six: those are made once in each row of tiles, two again for each row of frames or so. */
        tiles = make(ctx, &s, 4 * tile);
        ck_assert_uint_eq(cep_tiles_passes(&s.t), 8);
        for (size_t first = 0; first < 37 * 47; first += piece)
            check(tiles, first, 37 * 47 - first < piece ? 37 * 47 - first : piece);
        ck_assert_uint_le(s.loads, tiles_in_all + 5 * 7 * 3);
        ck_assert_uint_le(cepman_context_memory_used(ctx), 65536);
        cep_tiles_free(tiles);
    }
    /* Tiles of one row need no more than what is being read; of one frame nothing. */
    scan s = {.t = {.rows = 3, .columns = 1000, .tile_rows = 1, .tile_columns = 10}, .fails = SIZE_MAX};
    cep_tiles *tiles = make(ctx, &s, 3 * 10 * PIXELS);
    ck_assert_uint_eq(cep_tiles_passes(&s.t), 1);
    for (size_t first = 0; first < 3000; first++)
        check(tiles, first, 1);
    ck_assert_uint_eq(s.loads, 300);
    cep_tiles_free(tiles);
    support_end(ctx);
}
END_TEST

static void *read_all_frames(void *user)
{
    for (size_t first = 0; first < 37 * 47; first += 5)
        check(user, first, 37 * 47 - first < 5 ? 37 * 47 - first : 5);
    return NULL;
}

START_TEST(threads)
{
    cepman_context *ctx = support_begin(1);
    static const size_t kept[] = {0, 1, 2, 6, 10, 1000};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        scan s = {.t = {.rows = 37, .columns = 47, .tile_rows = 8, .tile_columns = 8}, .fails = SIZE_MAX};
        cep_tiles *tiles = make(ctx, &s, kept[k] * 64 * PIXELS);
        pthread_t thread[4];
        for (size_t i = 0; i < 4; i++)
            ck_assert_int_eq(pthread_create(&thread[i], NULL, read_all_frames, tiles), 0);
        for (size_t i = 0; i < 4; i++)
            pthread_join(thread[i], NULL);
        if (kept[k] == 1000) ck_assert_uint_le(s.loads, 4 * 30);
        cep_tiles_free(tiles);
    }
    support_end(ctx);
}
END_TEST

/* A tile that cannot be made is an error each time, and the others are as they were; so is want of memory. */
START_TEST(faults)
{
    cepman_context *ctx = support_begin(1);
    scan s = {.t = {.rows = 4, .columns = 4, .tile_rows = 2, .tile_columns = 2}, .fails = 2};
    cep_tiles *tiles = make(ctx, &s, 1000);
    unsigned char x[16 * PIXELS];
    cep_fault fault;
    for (size_t k = 0; k < 3; k++) {
        check(tiles, 0, 2);
        ck_assert_int_eq(cep_tiles_read(tiles, &fault, 1, 2, x), CEPMAN_ERR_FORMAT);
        ck_assert_str_eq(fault.text, "this tile is damaged");
        check(tiles, 8, 8);
    }
    support_fail_at(0);
    s.fails = SIZE_MAX;
    check(tiles, 0, 16); /* in the place of others */
    support_fail_at(-1);
    cep_tiles_free(tiles);
    tiles = make(ctx, &s, 1000);
    support_fail_at(0);
    ck_assert_int_eq(cep_tiles_read(tiles, &fault, 0, 1, x), CEPMAN_ERR_MEMORY);
    cep_tiles *none = NULL;
    ck_assert_int_eq(cep_tiles_create(&none, cep_context_memory(ctx), &fault, &s.t), CEPMAN_ERR_MEMORY);
    ck_assert_ptr_null(none);
    support_fail_at(-1);
    check(tiles, 0, 16);
    cep_tiles_free(tiles);
    support_end(ctx);
}
END_TEST

/* A chunk of the array pixel_at(frame, pixel) in u16; what sticks out is 77. */
static cepman_status load_chunk(void *user, cep_fault *fault, size_t row, size_t column, size_t y, size_t x,
                                unsigned char *to)
{
    const cep_grid *g = user;
    (void)fault;
    for (size_t r = 0; r < g->chunk_rows; r++)
        for (size_t c = 0; c < g->chunk_columns; c++)
            for (size_t i = 0; i < g->chunk_height; i++)
                for (size_t j = 0; j < g->chunk_width; j++, to += 2) {
                    const bool inside = row + r < 3 && column + c < 4 && y + i < HEIGHT && x + j < WIDTH;
                    const uint16_t v =
                        inside ? (uint16_t)pixel_at((row + r) * 4 + column + c, (y + i) * WIDTH + x + j) : 77;
                    memcpy(to, &v, 2);
                }
    return CEPMAN_OK;
}

START_TEST(chunks)
{
    cepman_context *ctx = support_begin(1);
    cep_fault fault;
    for (size_t k = 0; k < 3 * 4 * 2 * 3; k++) {
        cep_grid g = {HEIGHT, WIDTH, 2, 1 + k % 3, 1 + k / 3 % 4, 1 + k / 12 % 2, 1 + k / 24};
        for (size_t row = 0; row < 3; row++)
            for (size_t column = 0; column < 4; column++) {
                cep_area a = {row, column, g.chunk_rows - row % g.chunk_rows,
                              g.chunk_columns - column % g.chunk_columns};
                if (a.rows > 3 - row) a.rows = 3 - row;
                if (a.columns > 4 - column) a.columns = 4 - column;
                uint16_t x[12 * PIXELS];
                ck_assert_int_eq(cep_grid_load(&g, cep_context_memory(ctx), &fault, &a, load_chunk, &g,
                                               (unsigned char *)x),
                                 CEPMAN_OK);
                for (size_t f = 0; f < a.rows * a.columns; f++)
                    for (size_t p = 0; p < PIXELS; p++) {
                        const size_t frame = (row + f / a.columns) * 4 + column + f % a.columns;
                        ck_assert_uint_eq(x[f * PIXELS + p], (uint16_t)pixel_at(frame, p));
                    }
            }
    }
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tiles");
    TCase *t = tcase_create("tiles");
    tcase_add_test(t, same_frames);
    tcase_add_test(t, once);
    tcase_add_test(t, threads);
    tcase_add_test(t, faults);
    tcase_add_test(t, chunks);
    suite_add_tcase(s, t);
    return s;
}
