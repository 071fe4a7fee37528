/* Choosing among the arrays of a file, and telling the scan's axes from the frame's.
 * The same for all containers; how sure one is of an array is for the readers to say.
 * Must not: choose between arrays in silence. */
#include "candidates.h"

#include <stdio.h>
#include <string.h>

bool cep_name_like(const char *name, const char *pattern)
{
    while (*pattern) {
        if (*pattern == '*') {
            size_t n = strcspn(name, "/");
            if (!n) return false;
            name += n;
            pattern++;
        } else if (*name++ != *pattern++) {
            return false;
        }
    }
    return !*name;
}

void cep_candidates_add(cep_candidates *all, const char *name, const uint64_t *shape, size_t dims, int rank)
{
    size_t axes = dims; /* but those of 1 above four, before the frame's */
    for (size_t i = 0; i + 2 < dims && axes > 4; i++)
        axes -= shape[i] == 1;
    if (axes < 3 || axes > 4 || all->count == CEP_MOST_FOUND || strlen(name) >= CEP_NAME) return;
    cep_candidate *f = &all->found[all->count++];
    strcpy(f->name, name);
    f->axes = axes;
    f->rank = rank;
}

cepman_status cep_candidates_none(const cep_opening *o, const cep_candidates *s, const char *why)
{
    char list[600] = "";
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        int more = snprintf(list + n, sizeof list - n, "%s%s (%zu axes)", i ? ", " : "", s->found[i].name,
                            s->found[i].axes);
        if (more < 0 || (size_t)more >= sizeof list - n) {
            list[n] = 0;
            break;
        }
        n += (size_t)more;
    }
    return cep_fault_set(
        o->fault, CEPMAN_ERR_UNSUPPORTED, "%s: %s; the option dataset names an array%s%s", o->path, why,
        s->count ? ". Arrays of three and four axes: " : "; there is none of three or four axes", list);
}

cepman_status cep_candidates_choose(const cep_opening *o, const cep_candidates *s, const char **name)
{
    const cep_candidate *best = NULL;
    size_t ties = 0, fours = 0;
    for (size_t i = 0; i < s->count; i++)
        fours += s->found[i].axes == 4;
    for (size_t i = 0; i < s->count; i++) {
        const cep_candidate *f = &s->found[i];
        if (f->rank == 0 && !(f->axes == 4 && fours == 1)) continue;
        if (best && f->rank == best->rank) ties++;
        if (!best || f->rank > best->rank) {
            best = f;
            ties = 0;
        }
    }
    if (!best) return cep_candidates_none(o, s, "no array is known to hold frames");
    if (ties)
        cep_log(o->ctx, CEPMAN_LOG_WARNING, "%s: %zu more arrays like %s; the option dataset chooses",
                o->path, ties, best->name);
    *name = best->name;
    return CEPMAN_OK;
}

bool cep_axes_of(cep_axes *a, const uint64_t *shape, size_t dims)
{
    size_t scan[CEP_MOST_AXES], n = 0;
    if (dims < 2 || dims > CEP_MOST_AXES) return false;
    for (size_t i = 0; i < dims; i++)
        if (shape[i] == 0 || shape[i] > (uint64_t)1 << 40) return false;
    for (size_t i = 0; i + 2 < dims; i++)
        scan[n++] = i;
    while (n > 2) {
        size_t drop = n;
        for (size_t i = n; i-- > 0;)
            if (shape[scan[i]] == 1 && (drop == n || i == 2)) drop = i;
        if (drop == n) return false;
        memmove(scan + drop, scan + drop + 1, (n - drop - 1) * sizeof *scan);
        n--;
    }
    a->row = n == 2 ? (int)scan[0] : -1;
    a->column = n >= 1 ? (int)scan[n - 1] : -1;
    a->rows = n == 2 ? (size_t)shape[scan[0]] : 1;
    a->columns = n >= 1 ? (size_t)shape[scan[n - 1]] : 1;
    a->height = (size_t)shape[dims - 2];
    a->width = (size_t)shape[dims - 1];
    if (a->rows > ((size_t)1 << 40) / a->columns) return false;
    return a->height <= (size_t)1 << 20 && a->width <= (size_t)1 << 20;
}
