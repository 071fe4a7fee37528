/* Files of a command appear together at its end, or none does: each is written beside its target first.
 * A rename within a folder is atomic; folders made on the way are removed again when the command fails.
 * Must not: touch a target before the commit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

typedef struct item {
    char *target, *staged; /* staged NULL: a folder that was made */
} item;

struct outputs {
    item *items;
    size_t count;
};

outputs *outputs_create(void)
{
    return calloc(1, sizeof(outputs));
}

/* Takes both texts over, also when it fails. */
static int add(outputs *out, char *target, char *staged)
{
    item *more = target ? realloc(out->items, (out->count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(target);
        free(staged);
        return tool_no_memory();
    }
    out->items = more;
    out->items[out->count].target = target;
    out->items[out->count++].staged = staged;
    return 0;
}

/* Makes the folders of a path that are missing and remembers them. */
static int make_folders(outputs *out, const char *path)
{
    char *copy = strdup(path);
    if (!copy) return tool_no_memory();
    int rc = 0;
    for (char *p = copy + 1; *copy && *p && !rc; p++) {
        if (*p != '/' || p[-1] == '/') continue;
        *p = 0;
        if (mkdir(copy, 0777) == 0)
            rc = add(out, strdup(copy), NULL);
        else if (errno != EEXIST && access(copy, F_OK) != 0)
            rc = tool_fail("%s: cannot make the folder: %s", copy, strerror(errno));
        *p = '/';
    }
    free(copy);
    return rc;
}

/* Whether another output is this open file: two paths may lead to one place. */
static bool taken(const outputs *out, int fd)
{
    struct stat mine, other;
    if (fstat(fd, &mine) != 0) return false;
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i].staged && stat(out->items[i].staged, &other) == 0 && mine.st_dev == other.st_dev &&
            mine.st_ino == other.st_ino)
            return true;
    return false;
}

const char *outputs_add(tool *t, const char *path)
{
    outputs *out = t->out;
    struct stat st;
    size_t n = strlen(path), room = n + 40;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!*name || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
        tool_fail("%s: is a folder, a file name is expected", path);
        return NULL;
    }
    if (make_folders(out, path)) return NULL;
    char *staged = malloc(room), *target = strdup(path);
    if (!staged || !target) {
        free(staged);
        free(target);
        tool_no_memory();
        return NULL;
    }
    snprintf(staged, room, "%.*s.%s.%ld.new", (int)(name - path), path, name, (long)getpid());
    int fd = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || taken(out, fd)) {
        if (fd < 0)
            tool_fail("%s: cannot write: %s", path, strerror(errno));
        else
            tool_fail("%s: two outputs of the command have this name", path);
        if (fd >= 0) close(fd);
        free(staged);
        free(target);
        return NULL;
    }
    close(fd);
    if (add(out, target, staged)) return NULL;
    return staged;
}

const char *outputs_in(tool *t, const char *folder, const char *name)
{
    size_t room = strlen(folder) + strlen(name) + 2, n = strlen(folder);
    char *path = malloc(room);
    if (!path) {
        tool_no_memory();
        return NULL;
    }
    snprintf(path, room, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    const char *staged = outputs_add(t, path);
    free(path);
    return staged;
}

const char *outputs_staged(tool *t, const char *folder, const char *name)
{
    const size_t n = strlen(folder), skip = n && folder[n - 1] == '/' ? n : n + 1;
    for (size_t i = 0; i < t->out->count; i++) {
        const item *f = &t->out->items[i];
        if (f->staged && strlen(f->target) > skip && strncmp(f->target, folder, n) == 0 &&
            strcmp(f->target + skip, name) == 0)
            return f->staged;
    }
    return NULL;
}

int outputs_commit(outputs *out)
{
    for (size_t i = 0; i < out->count; i++) {
        item *f = &out->items[i];
        if (!f->staged) continue;
        if (rename(f->staged, f->target) != 0)
            return tool_fail("%s: cannot write: %s", f->target, strerror(errno));
        free(f->staged);
        free(f->target);
        f->staged = NULL;
        f->target = NULL;
    }
    for (size_t i = 0; i < out->count; i++) { /* the folders stay */
        free(out->items[i].target);
        out->items[i].target = NULL;
    }
    out->count = 0;
    return 0;
}

void outputs_free(outputs *out)
{
    if (!out) return;
    for (size_t i = out->count; i-- > 0;) {
        item *f = &out->items[i];
        if (f->staged)
            unlink(f->staged);
        else if (f->target)
            rmdir(f->target); /* fails, as it should, when something else is in it */
        free(f->staged);
        free(f->target);
    }
    free(out->items);
    free(out);
}
