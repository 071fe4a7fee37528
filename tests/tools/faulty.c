/* A shim for LD_PRELOAD that makes the system misbehave as it may: counts that fall short, EINTR, a disk that is full, a
 * file that ends early, a read that fails, an allocation that gives nothing. The environment says which:
 *   FAULTY_SHORT=SEED   every other read and write moves fewer bytes than it was asked for, every third fails with EINTR first
 *   FAULTY_ROOM=BYTES   files may grow by so many bytes in all, then ENOSPC
 *   FAULTY_END=BYTES    every file that is read with pread ends there
 *   FAULTY_EIO=N        pread number N (from 0) fails with EIO
 *   FAULTY_ALLOC=N      aligned allocation number N gives nothing, with FAULTY_ALLOC_ON=1 every later one neither
 *   FAULTY_COUNT=PATH   at the end: calls cut short, calls interrupted, bytes written, preads, aligned allocations
 * Must not: touch what is no regular file on a disk. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* both names of each call are defined here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long long seed = -1, room = -1, end = -1, broken = -1, refused = -1;
static bool go_on;
static atomic_llong calls, cut_short, interrupted, written, kept, preads, allocations;

static long long number(const char *name)
{
    const char *value = getenv(name);
    return value ? atoll(value) : -1;
}

__attribute__((constructor)) static void begin(void)
{
    seed = number("FAULTY_SHORT");
    room = number("FAULTY_ROOM");
    end = number("FAULTY_END");
    broken = number("FAULTY_EIO");
    refused = number("FAULTY_ALLOC");
    go_on = number("FAULTY_ALLOC_ON") > 0;
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("FAULTY_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%lld %lld %lld %lld %lld\n", (long long)cut_short, (long long)interrupted, (long long)written,
            (long long)preads, (long long)allocations);
    fclose(f);
}

/* Not memory that looks like a file: it has no name. */
static bool regular(int fd)
{
    struct stat st;
    return fd > 2 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 0;
}

/* How many bytes a call moves; -1: it is interrupted. */
static ssize_t fewer(int fd, size_t size)
{
    if (seed < 0 || !regular(fd)) return (ssize_t)size;
    uint64_t x = (uint64_t)(atomic_fetch_add(&calls, 1) + seed) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    x ^= x >> 32;
    if (x % 3 == 0) {
        atomic_fetch_add(&interrupted, 1);
        errno = EINTR;
        return -1;
    }
    if (x % 2 == 0 && size > 1) {
        atomic_fetch_add(&cut_short, 1);
        return (ssize_t)(1 + x / 7 % (size - 1));
    }
    return (ssize_t)size;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    const ssize_t n = fewer(fd, size);
    return n < 0 ? -1 : syscall(SYS_read, fd, buffer, (size_t)n);
}

static ssize_t any_pread(int fd, void *buffer, size_t size, off_t offset)
{
    if (!regular(fd)) return syscall(SYS_pread64, fd, buffer, size, offset);
    if (atomic_fetch_add(&preads, 1) == broken) {
        errno = EIO;
        return -1;
    }
    if (end >= 0 && offset >= end) return 0;
    if (end >= 0 && (long long)size > end - offset) size = (size_t)(end - offset);
    const ssize_t n = fewer(fd, size);
    return n < 0 ? -1 : syscall(SYS_pread64, fd, buffer, (size_t)n, offset);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    return any_pread(fd, buffer, size, offset);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
    return any_pread(fd, buffer, size, offset);
}

/* Whether the disk has room for the file to end at `to`; only growth counts, and what was kept beforehand is free. */
static bool grow(int fd, long long to)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || to <= st.st_size) return true;
    long long more = to - st.st_size;
    const long long use = more < atomic_load(&kept) ? more : atomic_load(&kept);
    atomic_fetch_sub(&kept, use);
    more -= use;
    if (room >= 0 && atomic_load(&written) + more > room) return false;
    atomic_fetch_add(&written, more);
    return true;
}

/* How many bytes a write moves; -1: it fails. */
static ssize_t fits(int fd, size_t size, off_t offset)
{
    if (!regular(fd)) return (ssize_t)size;
    const ssize_t n = fewer(fd, size);
    if (n < 0 || grow(fd, offset + n)) return n;
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    const ssize_t n = fits(fd, size, lseek(fd, 0, SEEK_CUR));
    return n < 0 ? -1 : syscall(SYS_write, fd, buffer, (size_t)n);
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    const ssize_t n = fits(fd, size, offset);
    return n < 0 ? -1 : syscall(SYS_pwrite64, fd, buffer, (size_t)n, offset);
}

ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t offset)
{
    return pwrite(fd, buffer, size, offset);
}

static int keep(int fd, off_t offset, off_t size)
{
    struct stat st;
    if (!regular(fd) || fstat(fd, &st) != 0 || offset + size <= st.st_size) return 0;
    if (!grow(fd, offset + size)) return ENOSPC;
    atomic_fetch_add(&kept, offset + size - st.st_size);
    return 0;
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    const int error = keep(fd, offset, size);
    return error ? error : syscall(SYS_fallocate, fd, 0, offset, size) ? errno : 0;
}

int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    return posix_fallocate(fd, offset, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    const int error = keep(fd, offset, size);
    if (error) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
    return fallocate(fd, mode, offset, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    static int (*next)(void **, size_t, size_t);
    if (!next) *(void **)(&next) = dlsym(RTLD_NEXT, "posix_memalign");
    if (alignment >= 64) {
        const long long at = atomic_fetch_add(&allocations, 1);
        if (refused >= 0 && (at == refused || (go_on && at > refused))) return ENOMEM;
    }
    return next(out, alignment, size);
}
