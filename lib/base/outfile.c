/* Writing files whole or not at all: beside the target, flushed, then renamed over it.
 * POSIX rename is atomic within one folder, so a reader sees the old file or the new one.
 * Must not: leave the temporary file behind after a failure. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

struct cep_outfile {
    cep_memory *mem;
    int fd;
    char *path, *temporary;
};

static const char *reason(int error, char *buffer, size_t size)
{
    if (strerror_r(error, buffer, size) != 0) return "unknown error";
    return buffer;
}

/* Opens "<path>.<pid>.<attempt>.part", which no other writer has: O_EXCL sees to that. */
static int open_unique(char *name, size_t size, const char *path)
{
    for (int attempt = 0; attempt < 10000; attempt++) {
        snprintf(name, size, "%s.%ld.%d.part", path, (long)getpid(), attempt);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || (errno != EEXIST && errno != EINTR)) return fd;
    }
    return -1;
}

/* A rename would put a plain file in the place of a device, and fail on a folder only when all work is done. */
static bool may_replace(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

cepman_status cep_outfile_create(cep_outfile **out, cep_memory *mem, cep_fault *fault, const char *path)
{
    char why[128];
    size_t room = strlen(path) + 48;
    cep_outfile *file = cep_alloc_zero(mem, 1, sizeof *file);
    char *copy = cep_strdup(mem, path);
    char *temporary = cep_alloc(mem, room, 1);
    cepman_status s = CEPMAN_OK;
    int fd = -1;
    if (!file || !copy || !temporary) {
        s = cep_fault_memory(fault, mem, "opening a file for writing", 1, room);
    } else if (!may_replace(path)) {
        s = cep_fault_set(fault, CEPMAN_ERR_IO, "%s: cannot write: it exists and is not a regular file",
                          path);
    } else if ((fd = open_unique(temporary, room, path)) < 0) {
        s = cep_fault_set(fault, CEPMAN_ERR_IO, "%s: cannot write: %s", path, reason(errno, why, sizeof why));
    }
    if (s) {
        cep_free(mem, file);
        cep_free(mem, copy);
        cep_free(mem, temporary);
        return s;
    }
    file->mem = cep_memory_ref(mem);
    file->fd = fd;
    file->path = copy;
    file->temporary = temporary;
    *out = file;
    return CEPMAN_OK;
}

cepman_status cep_outfile_write(cep_outfile *file, cep_fault *fault, const void *data, size_t size)
{
    const unsigned char *p = data;
    char why[128];
    while (size > 0) {
        ssize_t n = write(file->fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: writing failed: %s", file->path,
                                 n < 0 ? reason(errno, why, sizeof why) : "nothing was written");
        p += n;
        size -= (size_t)n;
    }
    return CEPMAN_OK;
}

cepman_status cep_outfile_reserve(cep_outfile *file, cep_fault *fault, uint64_t size)
{
    char why[128];
    int error = size > INT64_MAX ? EFBIG : 0;
    if (size > 0 && !error) {
        do {
            error = posix_fallocate(file->fd, 0, (off_t)size);
        } while (error == EINTR);
        if (error == EOPNOTSUPP || error == EINVAL) /* a file system that keeps no room beforehand */
            error = ftruncate(file->fd, (off_t)size) == 0 ? 0 : errno;
    }
    if (error)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: no room for %llu bytes: %s", file->path,
                             (unsigned long long)size, reason(error, why, sizeof why));
    return CEPMAN_OK;
}

cepman_status cep_outfile_write_at(cep_outfile *file, cep_fault *fault, uint64_t offset, const void *data,
                                   size_t size)
{
    const unsigned char *p = data;
    char why[128];
    while (size > 0) {
        ssize_t n = pwrite(file->fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: writing at offset %llu failed: %s", file->path,
                                 (unsigned long long)offset,
                                 n < 0 ? reason(errno, why, sizeof why) : "nothing was written");
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return CEPMAN_OK;
}

cepman_status cep_outfile_read_at(cep_outfile *file, cep_fault *fault, uint64_t offset, void *data,
                                  size_t size)
{
    unsigned char *p = data;
    char why[128];
    while (size > 0) {
        ssize_t n = pread(file->fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: reading back at offset %llu failed: %s",
                                 file->path, (unsigned long long)offset,
                                 n < 0 ? reason(errno, why, sizeof why) : "nothing is there");
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return CEPMAN_OK;
}

cepman_status cep_outfile_commit(cep_outfile *file, cep_fault *fault)
{
    char why[128];
    int fd = file->fd;
    file->fd = -1;
    int bad = fsync(fd) != 0 && errno != EINVAL && errno != EROFS;
    int error = errno;
    if (close(fd) != 0 && !bad) {
        bad = 1;
        error = errno;
    }
    if (!bad && rename(file->temporary, file->path) != 0) {
        bad = 1;
        error = errno;
    }
    if (bad)
        return cep_fault_set(fault, CEPMAN_ERR_IO, "%s: cannot finish the file: %s", file->path,
                             reason(error, why, sizeof why));
    file->temporary[0] = 0;
    return CEPMAN_OK;
}

void cep_outfile_close(cep_outfile *file)
{
    if (!file) return;
    if (file->fd >= 0) close(file->fd);
    if (file->temporary[0]) unlink(file->temporary);
    cep_memory *mem = file->mem;
    cep_free(mem, file->temporary);
    cep_free(mem, file->path);
    cep_free(mem, file);
    cep_memory_unref(mem);
}

const char *cep_outfile_path(const cep_outfile *file)
{
    return file->path;
}

const char *cep_outfile_temporary(const cep_outfile *file)
{
    return file->temporary;
}
