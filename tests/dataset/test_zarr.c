/* Zarr stores that the tests write: chunks of every shape, number, codec; HyperSpy's layout; metadata and chunks that lie.
 * Long because a store is written here file by file, in each of its compressions. */
#include <sys/stat.h>
#ifdef CEP_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef CEP_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef CEP_HAVE_ZSTD
#include <zstd.h>
#endif

#include "codec.h"
#include "files.h"
#include "json.h"

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void folder(const char *name)
{
    char part[200];
    for (size_t i = 1; name[i - 1]; i++)
        if (name[i] == '/' || name[i] == 0) {
            memcpy(part, name, i);
            part[i] = 0;
            mkdir(support_path(part), 0755);
        }
}

static void text(const char *in, const char *name, const char *what)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", in, name);
    support_write(support_path(path), what, strlen(what));
}

static const size_t shape[] = {3, 4, 5, 6};

/* Bytes of a chunk as the codec writes them. */
static size_t encode(const char *id, const unsigned char *raw, size_t size, unsigned char *to, size_t room)
{
    (void)room;                   /* no codec that needs it may be there */
    if (strcmp(id, "lz4") == 0) { /* one run of literals */
        unsigned char *p = to;
        for (size_t i = 0; i < 4; i++)
            *p++ = (unsigned char)(size >> 8 * i);
        *p++ = (unsigned char)((size < 15 ? size : 15) << 4);
        if (size >= 15) {
            size_t left = size - 15;
            for (; left >= 255; left -= 255)
                *p++ = 255;
            *p++ = (unsigned char)left;
        }
        memcpy(p, raw, size);
        return (size_t)(p - to) + size;
    }
#ifdef CEP_HAVE_ZLIB
    if (strcmp(id, "zlib") == 0 || strcmp(id, "gzip") == 0) {
        z_stream z = {0};
        ck_assert_int_eq(deflateInit2(&z, 5, Z_DEFLATED, id[0] == 'g' ? 31 : 15, 8, Z_DEFAULT_STRATEGY),
                         Z_OK);
        z.next_in = (Bytef *)(uintptr_t)raw;
        z.avail_in = (uInt)size;
        z.next_out = to;
        z.avail_out = (uInt)room;
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        return (size_t)z.total_out;
    }
#endif
#ifdef CEP_HAVE_ZSTD
    if (strcmp(id, "zstd") == 0) {
        size_t n = ZSTD_compress(to, room, raw, size, 3);
        ck_assert(!ZSTD_isError(n));
        return n;
    }
#endif
#ifdef CEP_HAVE_BLOSC
    if (strcmp(id, "blosc") == 0) {
        int n = blosc_compress_ctx(5, BLOSC_SHUFFLE, 2, size, raw, to, room, "lz4", 0, 1);
        ck_assert_int_gt(n, 0);
        return (size_t)n;
    }
#endif
    ck_assert_str_eq(id, "");
    memcpy(to, raw, size);
    return size;
}

typedef struct store {
    const char *in, *descr, *codec;
    size_t size; /* of a number */
    bool big;
    size_t chunk[4];
    char separator;
    size_t leave_out; /* every so many chunks, 0: none */
    const char *fill; /* as JSON */
} store;

static void describe(const store *s, char *json, size_t room)
{
    char compressor[60] = "null";
    if (s->codec[0]) snprintf(compressor, sizeof compressor, "{\"id\": \"%s\", \"level\": 1}", s->codec);
    snprintf(json, room,
             "{\n \"chunks\": [%zu, %zu, %zu, %zu],\n \"compressor\": %s, \"dimension_separator\": \"%c\",\n"
             " \"dtype\": \"%s\", \"fill_value\": %s, \"filters\": null, \"order\": \"C\",\n"
             " \"shape\": [3, 4, 5, 6], \"zarr_format\": 2\n}\n",
             s->chunk[0], s->chunk[1], s->chunk[2], s->chunk[3], compressor, s->separator, s->descr, s->fill);
}

static void write_store(const store *s)
{
    unsigned char raw[8 * 360 * 16], packed[sizeof raw + 4096];
    char json[600];
    folder(s->in);
    describe(s, json, sizeof json);
    text(s->in, ".zarray", json);
    size_t number = 0, at[4];
    for (at[0] = 0; at[0] < shape[0]; at[0] += s->chunk[0])
        for (at[1] = 0; at[1] < shape[1]; at[1] += s->chunk[1])
            for (at[2] = 0; at[2] < shape[2]; at[2] += s->chunk[2])
                for (at[3] = 0; at[3] < shape[3]; at[3] += s->chunk[3]) {
                    const size_t total = s->chunk[0] * s->chunk[1] * s->chunk[2] * s->chunk[3];
                    char name[200], *p = name + snprintf(name, sizeof name, "%s/", s->in);
                    for (size_t k = 0; k < 4; k++)
                        p += snprintf(p, 20,
                                      k && s->separator != '/' ? ".%zu"
                                      : k                      ? "/%zu"
                                                               : "%zu",
                                      at[k] / s->chunk[k]);
                    for (size_t i = 0; i < total; i++) {
                        size_t rest = i, place[4], index = 0;
                        bool inside = true;
                        for (size_t k = 4; k-- > 0; rest /= s->chunk[k]) {
                            place[k] = at[k] + rest % s->chunk[k];
                            inside = inside && place[k] < shape[k];
                        }
                        for (size_t k = 0; k < 4; k++)
                            index = index * shape[k] + place[k];
                        const uint64_t v = inside ? pixel_at(0, index) % 100 : 77;
                        for (size_t b = 0; b < s->size; b++)
                            raw[i * s->size + (s->big ? s->size - 1 - b : b)] = (unsigned char)(v >> 8 * b);
                    }
                    if (s->leave_out && number++ % s->leave_out == 0) {
                        remove(support_path(name));
                        continue;
                    }
                    if (s->separator == '/') {
                        char parent[200];
                        snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(name, '/') - name), name);
                        folder(parent);
                    }
                    size_t n = encode(s->codec, raw, total * s->size, packed, sizeof packed);
                    support_write(support_path(name), packed, n);
                }
}

static const store plain = {"plain.zarr", "<u2", "", 2, false, {1, 1, 5, 6}, '.', 0, "0"};

static cepman_status open_store(cepman_dataset **d, cepman_context *ctx, const char *name,
                                const char *const *pairs)
{
    cepman_options *o = options_of(ctx, pairs);
    cepman_status s = cepman_dataset_open(d, ctx, support_path(name), o);
    cepman_options_unref(o);
    return s;
}

/* fill: what chunks that were left out hold. */
static void check(cepman_context *ctx, cepman_dataset *d, const store *s, float fill)
{
    float x[360];
    ck_assert_uint_eq(cepman_dataset_frames(d), 12);
    ck_assert_uint_eq(cepman_dataset_height(d), 5);
    ck_assert_uint_eq(cepman_dataset_width(d), 6);
    ck_assert_uint_eq(cepman_dataset_scan_rows(d), 3);
    assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, 12, x, 360));
    size_t missing = 0;
    for (size_t i = 0; i < 360; i++) {
        if (s->leave_out && memcmp(&x[i], &fill, sizeof fill) == 0)
            missing++;
        else
            ck_assert_msg(x[i] == (float)(pixel_at(0, i) % 100), "pixel %zu: %g", i, (double)x[i]);
    }
    ck_assert(!s->leave_out == (missing == 0));
    for (size_t f = 12; f-- > 0;) {
        float one[30];
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, f, 1, one, 30));
        ck_assert_mem_eq(one, x + f * 30, sizeof one);
    }
}

/* ---- what is read ------------------------------------------------------------------------------------------------ */

START_TEST(numbers_and_chunks)
{
    static const struct {
        const char *descr;
        size_t size;
        bool big;
    } types[] = {{"|u1", 1, false}, {"<u2", 2, false}, {">u2", 2, true}, {"<i4", 4, false},
                 {">u4", 4, true},  {"<i8", 8, false}, {">i8", 8, true}, {"|i1", 1, false}};
    static const size_t chunks[][4] = {{1, 1, 5, 6}, {2, 3, 5, 6}, {1, 1, 2, 4},
                                       {3, 4, 5, 6}, {2, 2, 3, 4}, {5, 7, 6, 8}};
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < 48; k++) {
        store s = plain;
        s.descr = types[k % 8].descr;
        s.size = types[k % 8].size;
        s.big = types[k % 8].big;
        memcpy(s.chunk, chunks[k % 6], sizeof s.chunk);
        s.separator = k % 2 ? '/' : '.';
        char name[20];
        snprintf(name, sizeof name, "n%zu.zarr", k);
        s.in = name;
        write_store(&s);
        cepman_dataset *d = NULL;
        assert_good(
            ctx, open_store(&d, ctx, name, k % 3 ? NULL : (const char *const[]){"chunk-cache", "0", NULL}));
        ck_assert_str_eq(cepman_dataset_format(d), "zarr");
        check(ctx, d, &s, 0);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

START_TEST(codecs)
{
    static const struct {
        const char *id;
        cep_codec codec;
    } all[] = {{"", CEP_CODEC_NONE},     {"zlib", CEP_CODEC_ZLIB},   {"gzip", CEP_CODEC_ZLIB},
               {"zstd", CEP_CODEC_ZSTD}, {"blosc", CEP_CODEC_BLOSC}, {"lz4", CEP_CODEC_LZ4}};
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < 6; k++) {
        store s = plain;
        char chunk[40], name[20];
        snprintf(name, sizeof name, "c%zu.zarr", k);
        s.in = name;
        s.codec = cep_codec_there(all[k].codec) ? all[k].id : "";
        s.chunk[0] = 2;
        s.chunk[2] = 3;
        write_store(&s);
        if (!cep_codec_there(all[k].codec)) { /* built without: a sentence */
            char json[600];
            s.codec = all[k].id;
            describe(&s, json, sizeof json);
            text(name, ".zarray", json);
            cepman_dataset *none = NULL;
            assert_fails(ctx, open_store(&none, ctx, name, NULL), CEPMAN_ERR_UNSUPPORTED,
                         "was built without");
            continue;
        }
        cepman_dataset *d = NULL;
        assert_good(ctx, open_store(&d, ctx, name, NULL));
        check(ctx, d, &s, 0);
        cepman_dataset_unref(d);
        /* The last chunk cut at every byte, one too long, and one byte of it changed: refused, or other numbers. */
        snprintf(chunk, sizeof chunk, "%s/1.3.1.0", name);
        size_t size;
        char kept[4096];
        unsigned char *good = support_read(support_path(chunk), &size);
        ck_assert_uint_lt(size, sizeof kept);
        for (size_t cut = 0; cut <= 2 * size; cut++) {
            uint16_t frame[30];
            memcpy(kept, good, size);
            if (cut >= size && cut < 2 * size) kept[cut - size] ^= 0x55;
            size_t n = cut < size ? cut : cut == 2 * size ? 4000 : size;
            if (n > size) memset(kept + size, 1, n - size);
            support_write(support_path(chunk), kept, n);
            d = NULL;
            assert_good(ctx, open_store(&d, ctx, name, NULL));
            cepman_status st = cepman_dataset_read(d, ctx, 11, 1, frame, sizeof frame);
            if (st) ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 20);
            if (cut < size) /* a cut stream of zlib has no end, a cut chunk of numbers not all of them */
                ck_assert_msg(st == CEPMAN_ERR_FORMAT || st == CEPMAN_ERR_TRUNCATED, "%s: %zu of %zu",
                              s.codec, cut, size);
            else
                ck_assert(st == CEPMAN_OK || st == CEPMAN_ERR_FORMAT);
            if (cut == 2 * size && k == 0) ck_assert_int_eq(st, CEPMAN_ERR_FORMAT);
            cepman_dataset_unref(d);
        }
        free(good);
    }
    support_end(ctx);
}
END_TEST

START_TEST(missing_chunks)
{
    static const struct {
        const char *descr, *fill;
        size_t size;
        float value;
    } fills[] = {{"<u2", "0", 2, 0},   {"<u2", "null", 2, 0},    {"<u2", "1000", 2, 1000},
                 {"<i4", "-7", 4, -7}, {">i8", "-123", 8, -123}, {"|u1", "200", 1, 200}};
    cepman_context *ctx = support_begin(1);
    for (size_t k = 0; k < sizeof fills / sizeof *fills; k++) {
        store s = plain;
        char name[20];
        snprintf(name, sizeof name, "m%zu.zarr", k);
        s.in = name;
        s.descr = fills[k].descr;
        s.big = fills[k].descr[0] == '>';
        s.size = fills[k].size;
        s.fill = fills[k].fill;
        s.leave_out = 3;
        s.chunk[0] = 1 + k % 3;
        write_store(&s);
        cepman_dataset *d = NULL;
        assert_good(ctx, open_store(&d, ctx, name, NULL));
        check(ctx, d, &s, fills[k].value);
        cepman_dataset_unref(d);
    }
    /* No chunk at all, in the words for what JSON has no number for. */
    static const char *const words[] = {"\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "2.5", "null"};
    const float values[] = {(float)NAN, INFINITY, -INFINITY, 2.5f, 0};
    for (size_t k = 0; k < 10; k++) {
        char json[600];
        store s = plain;
        s.descr = k < 5 ? "<f4" : ">f8";
        s.fill = words[k % 5];
        folder("empty.zarr");
        describe(&s, json, sizeof json);
        text("empty.zarr", ".zarray", json);
        cepman_dataset *d = NULL;
        float x[360];
        assert_good(ctx, open_store(&d, ctx, "empty.zarr", NULL));
        assert_good(ctx, cepman_dataset_read_f32(d, ctx, 0, 12, x, 360));
        for (size_t i = 0; i < 360; i++)
            ck_assert(k % 5 == 0 ? isnan(x[i]) : x[i] == values[k % 5]);
        cepman_dataset_unref(d);
    }
    support_end(ctx);
}
END_TEST

static void axis(const char *in, size_t number, const char *navigate, const char *scale, const char *units)
{
    char name[200], json[300];
    snprintf(name, sizeof name, "%s/axis-%zu", in, number);
    folder(name);
    snprintf(json, sizeof json,
             "{\"_type\": \"UniformDataAxis\", \"navigate\": %s, \"scale\": %s, \"units\": \"%s\"}", navigate,
             scale, units);
    text(name, ".zattrs", json);
}

START_TEST(hyperspy)
{
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    store s = plain;
    s.in = "h.zspy/Experiments/scan/data";
    write_store(&s);
    text("h.zspy", ".zgroup", "{\"zarr_format\": 2}");
    axis("h.zspy/Experiments/scan", 0, "true", "2.5", "nm");
    axis("h.zspy/Experiments/scan", 1, "true", "2.5", "\\u00c5");
    axis("h.zspy/Experiments/scan", 2, "false", "0.02", "1/nm");
    axis("h.zspy/Experiments/scan", 3, "false", "0.02", "1/nm");
    static const char *const ways[] = {"h.zspy", "h.zspy/", "h.zspy/.zgroup", "h.zspy/Experiments/scan/data"};
    for (size_t k = 0; k < 4; k++) {
        assert_good(ctx, open_store(&d, ctx, ways[k], NULL));
        check(ctx, d, &s, 0);
        ck_assert_double_eq_tol(cepman_dataset_scan_step(d), 0.25, 1e-12);
        ck_assert_double_eq_tol(cepman_dataset_reciprocal_pixel(d), 0.002, 1e-12);
        cepman_dataset_unref(d);
    }
    /* By name; a wrong name lists what there is; a second array of the same rank is told about. */
    assert_good(ctx,
                open_store(&d, ctx, "h.zspy", (const char *const[]){"dataset", "/Experiments/scan", NULL}));
    cepman_dataset_unref(d);
    d = NULL;
    assert_fails(ctx, open_store(&d, ctx, "h.zspy", (const char *const[]){"dataset", "nothing", NULL}),
                 CEPMAN_ERR_UNSUPPORTED, "Experiments/scan/data (4 axes)");
    assert_fails(ctx, open_store(&d, ctx, "h.zspy", (const char *const[]){"dataset", "../plain.zarr", NULL}),
                 CEPMAN_ERR_UNSUPPORTED, "no name of an array");
    s.in = "h.zspy/Experiments/another/data";
    write_store(&s);
    assert_good(ctx, open_store(&d, ctx, "h.zspy", NULL));
    check(ctx, d, &s, 0);
    cepman_dataset_unref(d);
    d = NULL;
    /* The last axes navigate: no frames. */
    axis("h.zspy/Experiments/another", 3, "true", "1", "");
    axis("h.zspy/Experiments/scan", 2, "true", "1", "");
    assert_fails(ctx, open_store(&d, ctx, "h.zspy", NULL), CEPMAN_ERR_UNSUPPORTED,
                 "no array is known to hold frames");
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

/* ---- what is refused --------------------------------------------------------------------------------------------- */

START_TEST(refused)
{
    static const struct {
        const char *from, *to;
        cepman_status status;
        const char *word;
    } cases[] = {
        {"\"zarr_format\": 2", "\"zarr_format\": 3", CEPMAN_ERR_FORMAT, "version 2"},
        {"\"<u2\"", "\"<u8\"", CEPMAN_ERR_UNSUPPORTED, "<u8"},
        {"\"<u2\"", "\"<c8\"", CEPMAN_ERR_UNSUPPORTED, "<c8"},
        {"\"<u2\"", "[[\"a\", \"<u2\"]]", CEPMAN_ERR_UNSUPPORTED, "not one word"},
        {"[3, 4, 5, 6]", "[3, 4, 5]", CEPMAN_ERR_FORMAT, "lists of the same"},
        {"[3, 4, 5, 6]", "[3, 4, 5, -6]", CEPMAN_ERR_FORMAT, "lists of the same"},
        {"[3, 4, 5, 6]", "[3, 4, 5, 0]", CEPMAN_ERR_SHAPE, "none empty"},
        {"[3, 4, 5, 6]", "[1099511627776, 1099511627776, 5, 6]", CEPMAN_ERR_SHAPE, "4 axes"},
        {"[3, 4, 5, 6]", "[3, 4, 1048577, 6]", CEPMAN_ERR_SHAPE, "4 axes"},
        {"[1, 1, 5, 6]", "[1, 1, 0, 6]", CEPMAN_ERR_UNSUPPORTED, "chunks of nothing"},
        {"[1, 1, 5, 6]", "[1024, 1024, 1024, 6]", CEPMAN_ERR_UNSUPPORTED, "more than 1 GB"},
        {"[1, 1, 5, 6]", "[4611686018427387904, 4611686018427387904, 4, 4]", CEPMAN_ERR_UNSUPPORTED, "1 GB"},
        {"\"compressor\": null", "\"compressor\": {\"id\": \"bz2\"}", CEPMAN_ERR_UNSUPPORTED, "bz2"},
        {"\"compressor\": null", "\"compressor\": {}", CEPMAN_ERR_FORMAT, "compressor"},
        {"\"filters\": null", "\"filters\": [{\"id\": \"delta\"}]", CEPMAN_ERR_UNSUPPORTED, "delta"},
        {"\"order\": \"C\"", "\"order\": \"F\"", CEPMAN_ERR_UNSUPPORTED, "order"},
        {"\"fill_value\": 0", "\"fill_value\": \"NaN\"", CEPMAN_ERR_FORMAT, "fill_value"},
        {"\"fill_value\": 0", "\"fill_value\": {}", CEPMAN_ERR_FORMAT, "fill_value"},
        {"\".\"", "\"..\"", CEPMAN_ERR_FORMAT, "dimension_separator"}};
    cepman_context *ctx = support_begin(1);
    cepman_dataset *d = NULL;
    char json[600], changed[900];
    folder("bad.zarr");
    describe(&plain, json, sizeof json);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *at = strstr(json, cases[k].from);
        ck_assert_ptr_nonnull(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - json), json, cases[k].to,
                 at + strlen(cases[k].from));
        text("bad.zarr", ".zarray", changed);
        assert_fails(ctx, open_store(&d, ctx, "bad.zarr", NULL), cases[k].status, cases[k].word);
    }
    /* Cut at every byte, and every byte another: a sentence, or an array. */
    for (size_t at = 0; at < strlen(json); at++)
        for (int what = 0; what < 5; what++) {
            static const char values[] = {0, '{', '9', '"'};
            memcpy(changed, json, sizeof json);
            if (what < 4) changed[at] = values[what];
            char path[40] = "bad.zarr/.zarray";
            support_write(support_path(path), changed, what == 4 ? at : strlen(json));
            cepman_status s = open_store(&d, ctx, "bad.zarr", NULL);
            if (s)
                ck_assert_uint_gt(strlen(cepman_context_error(ctx)), 15);
            else
                cepman_dataset_unref(d);
            d = NULL;
        }
    folder("none.zarr");
    assert_fails(ctx, open_store(&d, ctx, "none.zarr", NULL), CEPMAN_ERR_IO, "a folder; expected");
    text("none.zarr", "zarr.json", "{\"zarr_format\": 3, \"node_type\": \"array\"}");
    assert_fails(ctx, open_store(&d, ctx, "none.zarr", NULL), CEPMAN_ERR_UNSUPPORTED, "version 3");
    ck_assert_ptr_null(d);
    support_end(ctx);
}
END_TEST

START_TEST(allocation_failures)
{
    bool done = false;
    store s = plain;
    s.in = "f.zspy/Experiments/scan/data";
    s.codec = cep_codec_there(CEP_CODEC_ZLIB) ? "zlib" : "";
    s.chunk[0] = s.chunk[2] = 2;
    write_store(&s);
    text("f.zspy", ".zgroup", "{\"zarr_format\": 2}");
    axis("f.zspy/Experiments/scan", 3, "false", "0.02", "1/nm");
    for (long at = 0; !done; at++) {
        cepman_context *ctx = support_begin(1);
        cepman_dataset *d = NULL;
        uint16_t frame[30];
        support_fail_at(at);
        cepman_status st = cepman_dataset_open(&d, ctx, support_path("f.zspy"), NULL);
        if (st) ck_assert_ptr_null(d);
        if (!st) st = cepman_dataset_read(d, ctx, 7, 1, frame, sizeof frame);
        support_fail_at(-1);
        ck_assert_msg(st == CEPMAN_OK || st == CEPMAN_ERR_MEMORY, "%ld: %s", at, cepman_context_error(ctx));
        done = !st;
        cepman_dataset_unref(d);
        support_end(ctx);
        ck_assert_int_lt(at, 300);
    }
}
END_TEST

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static cep_text piece(const char *text)
{
    return (cep_text){text, text + strlen(text)};
}

START_TEST(json)
{
    char word[16];
    cep_text v, rest, name;
    ck_assert(cep_json_member(piece(" {\"a\": [1, {\"b\": \"}\"}], \"b\": \"x,y\", \"c\":-1.5} "), "b", &v));
    ck_assert(cep_json_string(v, word, sizeof word));
    ck_assert_str_eq(word, "x,y");
    ck_assert(!cep_json_member(piece("{\"a\": 1}"), "b", &v));
    ck_assert(!cep_json_member(piece("[1]"), "b", &v));
    static const struct {
        const char *json, *text;
    } strings[] = {{"\"\"", ""},
                   {"\"\\u00c5\"", "\xc3\x85"},
                   {"\"\\\\n\"", "\\n"},
                   {"\"\\n\\/\\\"\"", "\n/\""},
                   {"\"\\u20aC\"", "\xe2\x82\xac"},
                   {"\"\\ud800\"", NULL},
                   {"\"\\u12\"", NULL},
                   {"\"a", NULL},
                   {"\"\\\"", NULL},
                   {"\"0123456789abcdef\"", NULL},
                   {"\"0123456789abcde\"", "0123456789abcde"},
                   {"\"\\u0000\"", NULL},
                   {"1", NULL},
                   {"\"a\" \"b\"", NULL}};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        bool good = cep_json_string(piece(strings[i].json), word, sizeof word);
        ck_assert_msg(good == (strings[i].text != NULL), "%s", strings[i].json);
        ck_assert_str_eq(word, good ? strings[i].text : "");
    }
    static const char *const wrong[] = {"{\"a\" 1}",  "{a: 1}",     "{\"a\": }",
                                        "{\"a\": [}", "{\"a\": ]}", "{\"a\": \"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(cep_json_inside(piece(wrong[i]), '{', &rest), "%s", wrong[i]);
        while (cep_json_next(&rest, &name, &v)) {
        }
        ck_assert_msg(rest.at == NULL, "%s", wrong[i]);
        ck_assert(!cep_json_next(&rest, &name, &v));
    }
    ck_assert(cep_json_inside(piece("[ ]"), '[', &rest));
    ck_assert(!cep_json_next(&rest, NULL, &v));
    ck_assert_ptr_nonnull(rest.at);
    ck_assert(!cep_json_inside(piece("["), '[', &rest));
    ck_assert(!cep_json_inside((cep_text){NULL, NULL}, '[', &rest));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("zarr");
    TCase *t = tcase_create("zarr");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, numbers_and_chunks);
    tcase_add_test(t, codecs);
    tcase_add_test(t, missing_chunks);
    tcase_add_test(t, hyperspy);
    tcase_add_test(t, refused);
    tcase_add_test(t, allocation_failures);
    tcase_add_test(t, json);
    suite_add_tcase(s, t);
    return s;
}
