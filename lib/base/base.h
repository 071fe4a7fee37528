/* Door of base/: memory, faults, logging, progress, option tables, files, small integer helpers.
 * Everything here is hidden (cep_*); rooms above see the context through these functions only. */
#ifndef CEP_BASE_H
#define CEP_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cepman/context.h>
#include <cepman/options.h>
#include <cepman/status.h>

#if defined(__GNUC__)
#define CEP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CEP_PRINTF(f, a)
#endif

#define CEP_ALIGNMENT 64

/* ---- memory ------------------------------------------------------------------------------------------------ */

/* Allocator, limit and accounting, shared by a context and all results made with it. Thread-safe. */
typedef struct cep_memory cep_memory;

cep_memory *cep_context_memory(const cepman_context *ctx);
cep_memory *cep_memory_ref(cep_memory *mem);
void cep_memory_unref(cep_memory *mem);

/* count * size bytes, 64-byte aligned, NULL on overflow, exhaustion or limit. count * size = 0 gives a valid
 * pointer. cep_fail_memory() and cep_fault_memory() tell which of the three it was. */
void *cep_alloc(cep_memory *mem, size_t count, size_t size);
void *cep_alloc_zero(cep_memory *mem, size_t count, size_t size);
/* NULL is allowed. */
void cep_free(cep_memory *mem, void *pointer);
char *cep_strdup(cep_memory *mem, const char *text);

/* Bytes that the limit leaves now; SIZE_MAX without a limit. For choosing the size of a block. */
size_t cep_memory_left(const cep_memory *mem);

/* *out = a * b or a + b; false on overflow. */
bool cep_mul(size_t a, size_t b, size_t *out);
bool cep_add(size_t a, size_t b, size_t *out);

/* ---- faults ------------------------------------------------------------------------------------------------ */

/* A status with its sentence. Workers fill one of their own; the calling thread hands it to the context. */
typedef struct cep_fault {
    cepman_status status;
    char text[1000];
} cep_fault;

/* Sets a fault and returns its status. fault may be NULL. */
cepman_status cep_fault_set(cep_fault *fault, cepman_status status, const char *format, ...) CEP_PRINTF(3, 4);
/* Keeps the sentence in the context and returns the status: `return cep_fail(ctx, CEPMAN_ERR_RANGE, "...")`.
 * ctx may be NULL. Only on the thread that called the library. */
cepman_status cep_fail(cepman_context *ctx, cepman_status status, const char *format, ...) CEP_PRINTF(3, 4);
cepman_status cep_fail_fault(cepman_context *ctx, const cep_fault *fault);
/* An allocation of count * size bytes failed: CEPMAN_ERR_LIMIT when the memory limit refused the last one that
 * failed, else CEPMAN_ERR_MEMORY. */
cepman_status cep_fail_memory(cepman_context *ctx, const char *what, size_t count, size_t size);
cepman_status cep_fault_memory(cep_fault *fault, cep_memory *mem, const char *what, size_t count,
                               size_t size);
/* First line of every public function: clears the old sentence; CEPMAN_ERR_ARGUMENT for a NULL context. */
cepman_status cep_enter(cepman_context *ctx);
/* `CEP_REQUIRE(ctx, k >= 1, CEPMAN_ERR_RANGE, "k is %d, must be at least 1", k);` */
#define CEP_REQUIRE(ctx, condition, status, ...)                                                             \
    do {                                                                                                     \
        if (!(condition)) return cep_fail((ctx), (status), __VA_ARGS__);                                     \
    } while (0)

/* ---- callback tables of the host ------------------------------------------------------------------------------ */

/* The tables grow at their end. What a caller must have is pinned to the last member of the first version; a member that
 * lies beyond the caller's struct_size is 0 in our copy. */
#define CEP_SIZE_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define CEP_TAKE_TABLE(ours, given) cep_take_table((ours), sizeof *(ours), (given), (given)->struct_size)
void cep_take_table(void *ours, size_t size, const void *given, size_t given_size);

/* ---- log, progress, cancel: on the calling thread only -------------------------------------------------------- */

void cep_log(cepman_context *ctx, cepman_log_level level, const char *format, ...) CEP_PRINTF(3, 4);
/* Reports at most every 100 ms, and always done == 0 and done == total. */
void cep_progress(cepman_context *ctx, const char *stage, uint64_t done, uint64_t total);
/* CEPMAN_OK or CEPMAN_ERR_CANCELLED (with its sentence). */
cepman_status cep_poll(cepman_context *ctx);
/* A clock that only runs forward. For pacing progress and polling, never for results. */
uint64_t cep_nanoseconds(void);
/* The cancel flag alone, from any thread: no callback, no sentence. */
bool cep_cancel_requested(const cepman_context *ctx);

/* ---- what upper floors keep in or read from a context ---------------------------------------------------------- */

/* Constant while a call runs. */
unsigned cep_cpu_count(void);                            /* CPUs this process may use, 1 to 1024 */
unsigned cep_context_threads(const cepman_context *ctx); /* 0 resolved to the number of CPUs */
const cepman_executor *cep_context_executor(const cepman_context *ctx); /* NULL: the pool */
const cepman_planner_lock *cep_context_planner_lock(const cepman_context *ctx);
/* A place for exec/ to keep its pool: destroyed with the context, or when the thread count changes. */
typedef struct cep_slot {
    void *value;
    void (*destroy)(void *value);
} cep_slot;
cep_slot *cep_context_pool_slot(cepman_context *ctx);

typedef enum cep_cpu_level { CEP_CPU_GENERIC = 0, CEP_CPU_AVX2 = 1, CEP_CPU_AVX512 = 2 } cep_cpu_level;
/* What this machine has (with the operating system's support). */
cep_cpu_level cep_cpu_detect(void);
/* What the context allows: never above cep_cpu_detect(). */
cep_cpu_level cep_context_cpu(const cepman_context *ctx);

/* ---- options ------------------------------------------------------------------------------------------------- */

/* A row of a stage's table; the table ends with a row whose name is NULL.
 * FLAG, INTEGER, REAL: minimum, maximum, standard (the default). An `automatic` word ("auto") on an INTEGER or
 * REAL makes NaN its "not set" value, which is then the default if standard is NaN.
 * CHOICE: choices "a|b|c", standard is the index of the default. TEXT: default "". */
typedef struct cep_option {
    const char *name;
    cepman_option_type type;
    double minimum, maximum, standard;
    const char *choices;
    const char *help;
} cep_option;

cepman_status cep_options_create(cepman_options **out, cepman_context *ctx, const char *kind,
                                 const cep_option *table);
/* For a stage reading its own options; a name that is not in the table gives 0, NaN or "". NULL options are not
 * allowed here: cep_options_resolve() makes defaults. Reading changes nothing: any thread may do it. */
bool cep_options_flag(const cepman_options *options, const char *name);
int64_t cep_options_integer(const cepman_options *options, const char *name);
double cep_options_real(const cepman_options *options, const char *name); /* NaN when automatic */
bool cep_options_auto(const cepman_options *options, const char *name);   /* holds the automatic word */
int cep_options_choice(const cepman_options *options, const char *name);  /* index of the word */
const char *cep_options_text(const cepman_options *options,
                             const char *name); /* "" when empty; a CHOICE's word */
bool cep_options_given(const cepman_options *options, const char *name);
/* The caller's options if they are of this kind, or fresh defaults when NULL; *out is a new reference. */
cepman_status cep_options_resolve(cepman_options **out, cepman_context *ctx, const cepman_options *options,
                                  const char *kind, const cep_option *table);

/* ---- text ---------------------------------------------------------------------------------------------------- */

/* Locale-independent. Whole text must be one number (surrounding blanks allowed). */
bool cep_parse_real(const char *text, double *value);
bool cep_parse_integer(const char *text, int64_t *value);
/* Shortest form that reads back the same, always with '.', "nan", "inf". Returns the length. */
size_t cep_format_real(char *text, size_t size, double value);

/* ---- files --------------------------------------------------------------------------------------------------- */

/* Reads. Thread-safe: every read names its offset. */
typedef struct cep_file cep_file;
cepman_status cep_file_open(cep_file **out, cep_memory *mem, cep_fault *fault, const char *path);
void cep_file_close(cep_file *file);
uint64_t cep_file_size(const cep_file *file); /* at opening */
/* The size now: a file that is still being written grows. */
cepman_status cep_file_size_now(cep_file *file, cep_fault *fault, uint64_t *size);
const char *cep_file_path(const cep_file *file);
/* Exactly size bytes at offset, or CEPMAN_ERR_TRUNCATED / CEPMAN_ERR_IO with path and offset. EINTR and short
 * reads are handled. */
cepman_status cep_file_read(cep_file *file, cep_fault *fault, uint64_t offset, void *buffer, size_t size);
/* The same of count pieces of size bytes, which lie `apart` (>= size) bytes from one to the next in the file and side by side
 * in the buffer. Many at a time where little lies between them. */
cepman_status cep_file_read_pieces(cep_file *file, cep_fault *fault, uint64_t offset, void *buffer,
                                   size_t size, size_t count, uint64_t apart);
/* The file's first `size` bytes (within its size at opening), read-only. When the file is made shorter afterwards,
 * touching what is gone ends the program: only for callers who told theirs. NULL, 0 may be unmapped. */
cepman_status cep_file_map(cep_file *file, cep_fault *fault, size_t size, void **map);
void cep_file_unmap(void *map, size_t size);
/* A whole small file (at most limit bytes) with an end mark; *text is freed with cep_free(). */
cepman_status cep_file_slurp(char **text, size_t *length, cep_memory *mem, cep_fault *fault, const char *path,
                             size_t limit);

/* Writes beside the target and renames; until the commit the target is as it was. */
typedef struct cep_outfile cep_outfile;
cepman_status cep_outfile_create(cep_outfile **out, cep_memory *mem, cep_fault *fault, const char *path);
cepman_status cep_outfile_write(cep_outfile *file, cep_fault *fault, const void *data, size_t size);
/* Sets the file's size and has the disk keep room for it: a full disk fails here. */
cepman_status cep_outfile_reserve(cep_outfile *file, cep_fault *fault, uint64_t size);
/* At an offset, from any thread; places may come in any order. */
cepman_status cep_outfile_write_at(cep_outfile *file, cep_fault *fault, uint64_t offset, const void *data,
                                   size_t size);
cepman_status cep_outfile_read_at(cep_outfile *file, cep_fault *fault, uint64_t offset, void *data,
                                  size_t size);
cepman_status cep_outfile_commit(cep_outfile *file, cep_fault *fault); /* flushes to disk, renames */
void cep_outfile_close(cep_outfile *file); /* NULL allowed; removes what was not committed */
const char *cep_outfile_path(const cep_outfile *file);
/* Where the data are until the commit, for a library that writes by path; the file exists. */
const char *cep_outfile_temporary(const cep_outfile *file);

/* ---- half precision (IEEE 754-2008 binary16) ----------------------------------------------------------------- */

#define CEP_HALF_BEYOND 0x477ff000 /* bits of 65520: from here on the nearest half is infinite */

/* The nearest half, ties to even; a NaN keeps its sign and leading bits and becomes quiet. */
static inline uint16_t cep_half_of(float x)
{
    uint32_t bits, small;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff;
    /* Below 2^-14 adding 0.5 leaves the subnormal half, rounded, in the last bits. */
    float magnitude;
    memcpy(&magnitude, &a, sizeof magnitude);
    magnitude += 0.5f;
    memcpy(&small, &magnitude, sizeof small);
    const uint32_t normal = (a + 0xfff + (a >> 13 & 1) - 0x38000000) >> 13, nan = 0x7e00 | (a >> 13 & 0x3ff);
    const uint32_t finite = a < 0x38800000 ? small - 0x3f000000 : normal;
    const uint32_t large = a > 0x7f800000 ? nan : 0x7c00;
    return (uint16_t)(sign | (a < CEP_HALF_BEYOND ? finite : large));
}

/* The same number as a float; NaN becomes quiet. */
static inline float cep_half_value(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, a = (uint32_t)(h & 0x7fff) << 13;
    /* Subnormal ones by a subtraction of normal floats: 2^-14 + v - 2^-14. */
    const uint32_t raised = a + 0x38800000;
    float v;
    uint32_t small, value;
    memcpy(&v, &raised, sizeof v);
    v -= 0x1p-14f;
    memcpy(&small, &v, sizeof small);
    const uint32_t special = a + 0x70000000, quiet = a > 0x0f800000 ? 0x400000 : 0;
    const uint32_t normal = a >= 0x0f800000 ? special | quiet : a + 0x38000000;
    value = sign | (a < 0x00800000 ? small : normal);
    memcpy(&v, &value, sizeof v);
    return v;
}

/* ---- reference counts -------------------------------------------------------------------------------------- */

#include <stdatomic.h>
typedef atomic_size_t cep_refs;
static inline void cep_refs_init(cep_refs *refs)
{
    atomic_init(refs, 1);
}
static inline void cep_refs_get(cep_refs *refs)
{
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}
/* True when that was the last one. */
static inline bool cep_refs_put(cep_refs *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

#endif
