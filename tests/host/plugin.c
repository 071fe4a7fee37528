/* A host that loads the library as a plug-in, uses every stage, and unloads it, over and over: nothing stays behind.
 * Usage: plugin LIBRARY [ROUNDS]
 * Must not: link libcepman. */
#include <dirent.h>
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

/* Entries of a folder of /proc: threads in task, open files in fd. -1 where there is no /proc. */
static int entries(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return -1;
    int n = 0;
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* Threads that have been told to end leave /proc a little later. */
static int threads_settled(int expected)
{
    int n = entries("/proc/self/task");
    for (int i = 0; i < 200 && n > expected; i++) {
        nanosleep(&(struct timespec){0, 10000000}, NULL);
        n = entries("/proc/self/task");
    }
    return n;
}

/* Mappings of this process. */
static int mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    if (!f) return -1;
    int n = 0;
    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(f);
    return resident;
}

static int load(const char *path, void **library, host_api *c)
{
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*library) {
        printf("# %s\n", dlerror());
        return 1;
    }
    int bad = 0;
#define HOST_FIND(name)                                                                                      \
    {                                                                                                        \
        void *found = dlsym(*library, #name);                                                                \
        bad += !found;                                                                                       \
        memcpy(&c->name, &found, sizeof found);                                                              \
    }
    HOST_CALLS(HOST_FIND)
#undef HOST_FIND
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) return 2;
    const int rounds = argc > 2 ? atoi(argv[2]) : 12;
    host_result first = {0}, again = {0};
    int good = 1, same = 1, threads = 0, files = 0, maps = 0;
    long pages = 0;
    for (int i = 0; i < rounds; i++) {
        void *library = NULL;
        host_api c;
        if (load(argv[1], &library, &c)) {
            host_check(0, "the library loads and has every call");
            return host_end();
        }
        good = good && host_whole(&c, 3, 32, i ? &again : &first) == 0;
        same = same && (!i || memcmp(&first, &again, sizeof first) == 0);
        good = good && dlclose(library) == 0;
        if (i == 1) { /* the first rounds fill caches of the loader and the C library */
            threads = threads_settled(1);
            files = entries("/proc/self/fd");
            pages = resident_pages();
            maps = mappings();
        }
    }
    host_check(good, "loaded, used and unloaded again and again");
    host_check(same, "the same bits each time");
    host_check(threads_settled(threads) <= threads, "no thread stays behind");
    host_check(entries("/proc/self/fd") <= files, "no open file stays behind");
    const long grown = resident_pages() - pages;
    const int mapped = mappings() - maps;
    printf("# after %d rounds: %ld pages and %d mappings more, %d threads\n", rounds, grown, mapped, threads);
    host_check(mapped < 12, "mappings do not grow with every round");
    host_check(grown < 2000, "memory does not grow with every round");
    return host_end();
}
