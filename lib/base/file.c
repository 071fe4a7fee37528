/* Reading files by offset: whole reads or a sentence with path and offset.
 * POSIX pread: no shared position, so that several threads may read one file.
 * Must not: map files but for callers who ask for it (a file that shrinks would then kill the host). */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* preadv */
#endif
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base.h"

struct cep_file {
    cep_memory *mem;
    int fd;
    uint64_t size;
    char *path;
};

/* strerror is not thread-safe; strerror_r of POSIX (not GNU) is. */
static const char *reason(int error, char *buffer, size_t size)
{
    if (strerror_r(error, buffer, size) != 0) return "unknown error";
    return buffer;
}

cepman_status cep_file_open(cep_file **out, cep_memory *mem, cep_fault *fault, const char *path)
{
    char why[128];
    int fd;
    /* O_NONBLOCK: opening a pipe nobody writes to would wait for ever. Regular files ignore it. */
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: cannot open: %s", path,
                             reason(errno, why, sizeof why));
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: not a regular file", path);
    }
    cep_file *file = cep_alloc_zero(mem, 1, sizeof *file);
    char *copy = cep_strdup(mem, path);
    if (!file || !copy) {
        close(fd);
        cep_free(mem, file);
        cep_free(mem, copy);
        return cep_fault_memory(fault, mem, "opening a file", 1, sizeof *file);
    }
    file->mem = cep_memory_ref(mem);
    file->fd = fd;
    file->size = (uint64_t)st.st_size;
    file->path = copy;
    *out = file;
    return CEPMAN_OK;
}

void cep_file_close(cep_file *file)
{
    if (!file) return;
    close(file->fd);
    cep_memory *mem = file->mem;
    cep_free(mem, file->path);
    cep_free(mem, file);
    cep_memory_unref(mem);
}

uint64_t cep_file_size(const cep_file *file)
{
    return file->size;
}

cepman_status cep_file_size_now(cep_file *file, cep_fault *fault, uint64_t *size)
{
    struct stat st;
    char why[128];
    if (fstat(file->fd, &st) != 0)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: %s", file->path, reason(errno, why, sizeof why));
    *size = (uint64_t)st.st_size;
    return CEPMAN_OK;
}

const char *cep_file_path(const cep_file *file)
{
    return file->path;
}

cepman_status cep_file_read(cep_file *file, cep_fault *fault, uint64_t offset, void *buffer, size_t size)
{
    unsigned char *p = buffer;
    size_t done = 0;
    char why[128];
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: offset %llu is beyond any file", file->path,
                             (unsigned long long)offset);
    while (done < size) {
        ssize_t n = pread(file->fd, p + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: reading %zu bytes at offset %llu: %s", file->path,
                                 size, (unsigned long long)offset, reason(errno, why, sizeof why));
        if (n == 0)
            return cep_fault_set(fault, CEPMAN_ERR_TRUNCATED,
                                 "%s: the file ends at byte %llu, %zu bytes were expected at offset %llu",
                                 file->path, (unsigned long long)(offset + done), size,
                                 (unsigned long long)offset);
        done += (size_t)n;
    }
    return CEPMAN_OK;
}

/* Pieces of one call, and the most that may lie between two of them: it is read into a place that nobody looks at. */
enum { PIECES = 32, BETWEEN = 4096 };

/* How many pieces, of at most PIECES, one call of the system read whole: 0 when it failed or has no such call. */
static size_t read_some_pieces(const cep_file *file, uint64_t offset, unsigned char *to, size_t size,
                               size_t count, size_t between)
{
#if defined(__linux__)
    struct iovec parts[2 * PIECES];
    unsigned char rest[BETWEEN];
    for (size_t i = 0; i < count; i++) {
        parts[2 * i] = (struct iovec){to + i * size, size};
        parts[2 * i + 1] = (struct iovec){rest, between};
    }
    ssize_t n = preadv(file->fd, parts, (int)(2 * count - 1), (off_t)offset);
    return n < 0 ? 0 : ((size_t)n + between) / (size + between);
#else
    (void)file, (void)offset, (void)to, (void)size, (void)count, (void)between;
    return 0;
#endif
}

cepman_status cep_file_read_pieces(cep_file *file, cep_fault *fault, uint64_t offset, void *buffer,
                                   size_t size, size_t count, uint64_t apart)
{
    unsigned char *to = buffer;
    size_t done = 0;
    while (done < count) {
        const size_t n = count - done < PIECES ? count - done : PIECES;
        const uint64_t at = offset + done * apart, between = apart - size;
        size_t whole = n > 1 && between <= BETWEEN && between <= size
                           ? read_some_pieces(file, at, to + done * size, size, n, (size_t)between)
                           : 0;
        if (whole < n) { /* the next one alone: it is read to its end, or what stops it is told */
            cepman_status s =
                cep_file_read(file, fault, at + whole * apart, to + (done + whole) * size, size);
            if (s) return s;
            whole++;
        }
        done += whole;
    }
    return CEPMAN_OK;
}

cepman_status cep_file_map(cep_file *file, cep_fault *fault, size_t size, void **map)
{
    char why[128];
    void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, 0);
    if (p == MAP_FAILED)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: cannot map %zu bytes: %s", file->path, size,
                             reason(errno, why, sizeof why));
    *map = p;
    return CEPMAN_OK;
}

void cep_file_unmap(void *map, size_t size)
{
    if (map) munmap(map, size);
}

cepman_status cep_file_slurp(char **text, size_t *length, cep_memory *mem, cep_fault *fault, const char *path,
                             size_t limit)
{
    cep_file *file;
    cepman_status s = cep_file_open(&file, mem, fault, path);
    if (s) return s;
    if (file->size > limit) {
        s = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: %llu bytes, at most %zu were expected", path,
                          (unsigned long long)file->size, limit);
    } else {
        size_t n = (size_t)file->size;
        char *t = cep_alloc(mem, n + 1, 1);
        s = t ? cep_file_read(file, fault, 0, t, n) : cep_fault_memory(fault, mem, path, n + 1, 1);
        if (s) {
            cep_free(mem, t);
        } else {
            t[n] = 0;
            *text = t;
            if (length) *length = n;
        }
    }
    cep_file_close(file);
    return s;
}
