/* Acquisitions that Merlin split over several .mib files: name1.mib, name2.mib, .. or name_001.mib, name_002.mib, ..
 * The next number is tried until no file has it; a file belongs to the acquisition when its frames are of the same kind
 * and their numbers go on where the file before ended, so that separate acquisitions of one name stay separate.
 * Must not: join files by their names alone. */
#include <stdio.h>
#include <string.h>

#include "mib.h"

/* "run_009.mib" -> "run_010.mib", by `by` (1 or -1); false: no number at its end. room: bytes of path. */
static bool step_name(char *path, size_t room, int by)
{
    const char *base = cep_base_name(path), *dot = strrchr(base, '.');
    char ending[32];
    uint64_t number;
    if (!dot || strlen(dot) >= sizeof ending) return false;
    strcpy(ending, dot);
    size_t end = (size_t)(dot - path), start = end, least = (size_t)(base - path);
    while (start > least && path[start - 1] >= '0' && path[start - 1] <= '9')
        start--;
    const char *after;
    if (start == end || end - start > 15 || !cep_text_digits(path + start, &after, &number)) return false;
    if (by < 0 && number == 0) return false;
    number = by > 0 ? number + 1 : number - 1;
    return snprintf(path + start, room - start, "%0*llu%s", (int)(end - start), (unsigned long long)number,
                    ending) > 0;
}

static bool same_kind(const cep_mib_header *a, const cep_mib_header *b)
{
    return a->header_bytes == b->header_bytes && a->width == b->width && a->height == b->height &&
           a->pixel_bytes == b->pixel_bytes && a->depth == b->depth && a->chips == b->chips;
}

/* Whether a file is the acquisition's part that begins with that frame; not when it cannot be read as one. */
static cepman_status belongs(cep_opening *o, cep_file *file, const cep_mib_header *first, uint64_t sequence,
                             bool *yes)
{
    unsigned char head[1024];
    cep_mib_header h;
    size_t size = cep_file_size(file) < sizeof head ? (size_t)cep_file_size(file) : sizeof head;
    cepman_status s = cep_file_read(file, o->fault, 0, head, size);
    *yes = !s && cep_mib_parse(head, size, cep_file_path(file), o->fault, &h) == CEPMAN_OK &&
           same_kind(first, &h) && h.sequence == sequence;
    return s;
}

cepman_status cep_mib_series(cep_opening *o, const cep_mib_header *first, const cep_strides *strides,
                             cep_file **files, size_t room, size_t *count)
{
    const size_t length = strlen(cep_file_path(o->file)) + 24;
    char *path = cep_alloc(o->mem, length, 1);
    if (!path) return cep_fault_memory(o->fault, o->mem, "a path", length, 1);
    strcpy(path, cep_file_path(o->file));
    files[0] = o->file;
    o->file = NULL;
    *count = 1;
    uint64_t sequence = first->sequence;
    cepman_status s = CEPMAN_OK;
    bool yes = first->sequence > 0;
    if (first->sequence > 1 && step_name(path, length, -1)) {
        cep_file *before = NULL;
        s = cep_series_next(o, path, &before);
        if (before)
            cep_log(o->ctx, CEPMAN_LOG_WARNING,
                    "%s begins with frame %llu of its acquisition: the files before are left out",
                    cep_file_path(files[0]), (unsigned long long)first->sequence);
        cep_file_close(before);
        strcpy(path, cep_file_path(files[0]));
    }
    while (!s && yes && step_name(path, length, 1)) {
        uint64_t size = cep_file_size(files[*count - 1]);
        if (size % strides->stride) break; /* cut, or still being written: nothing goes on from here */
        sequence += size / strides->stride;
        s = cep_series_next(o, path, &files[*count]);
        if (s || !files[*count]) break;
        if (*count + 1 == room)
            s = cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED, "%s: more than %zu files of one acquisition",
                              cep_file_path(files[0]), room - 1);
        if (!s) s = belongs(o, files[*count], first, sequence, &yes);
        if (s || !yes) {
            cep_file_close(files[*count]);
            files[*count] = NULL;
            break;
        }
        ++*count;
    }
    cep_free(o->mem, path);
    return s;
}
