/* Zarr stores in folders: which array holds the frames, and its calibrations. HyperSpy's .zspy among them.
 * Format: Zarr storage specification, version 2; HyperSpy's layout as RosettaSciIO writes it.
 * Must not: follow links while looking through a store, or choose between arrays in silence. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "zarr.h"

enum { PATH = 4096, DEPTH = 6, MOST_ENTRIES = 200000 };

/* Looking through a store: path is the folder that is looked at, its first `root` bytes are the store's. */
typedef struct walk {
    cep_opening *o;
    cep_candidates all;
    size_t root, entries;
    char path[PATH];
} walk;

/* The text of FOLDER/NAME; CEPMAN_ERR_IO when it is not there. */
static cepman_status metadata(const cep_opening *o, const char *folder, const char *name, char **text,
                              cep_text *piece)
{
    char path[PATH + 64];
    size_t length;
    *text = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    cepman_status s = cep_file_slurp(text, &length, o->mem, o->fault, path, CEP_ZARR_JSON);
    if (!s) *piece = (cep_text){*text, *text + length};
    return s;
}

/* What cannot be read is left out while looking through a store; but not for want of memory. */
static bool no_memory(cepman_status s)
{
    return s == CEPMAN_ERR_MEMORY || s == CEPMAN_ERR_LIMIT;
}

static cepman_status array_of(const cep_opening *o, const char *folder, bool frames, cep_zarr_array *array)
{
    char *text;
    cep_text piece;
    cepman_status s = metadata(o, folder, ".zarray", &text, &piece);
    if (!s) s = cep_zarr_parse(array, o->fault, folder, piece, frames);
    cep_free(o->mem, text);
    return s;
}

/* What HyperSpy says about an axis. */
typedef struct axis {
    bool navigates;
    double scale;
    char units[64];
} axis;

/* The attributes of an axis of the array in a folder, which lie beside it. Fails for want of memory alone. */
static cepman_status axis_of(const cep_opening *o, const char *folder, size_t number, axis *a)
{
    char name[64], parent[PATH], *text;
    cep_text piece, value;
    const char *slash = strrchr(folder, '/');
    *a = (axis){0};
    if (!slash || (size_t)(slash - folder) >= sizeof parent) return CEPMAN_OK;
    memcpy(parent, folder, (size_t)(slash - folder));
    parent[slash - folder] = 0;
    snprintf(name, sizeof name, "axis-%zu/.zattrs", number);
    cepman_status s = metadata(o, parent, name, &text, &piece);
    if (s) return no_memory(s) ? s : CEPMAN_OK;
    a->navigates = cep_json_member(piece, "navigate", &value) && cep_text_is(value, "true");
    if (cep_json_member(piece, "scale", &value)) cep_text_real(value, &a->scale);
    if (cep_json_member(piece, "units", &value)) cep_json_string(value, a->units, sizeof a->units);
    cep_free(o->mem, text);
    return CEPMAN_OK;
}

/* *rank is 3 for HyperSpy's when the last two axes are a frame; else 0. */
static cepman_status rank_of(const cep_opening *o, const char *folder, const char *name, size_t dims,
                             int *rank)
{
    cepman_status s = CEPMAN_OK;
    *rank = cep_name_like(name, "Experiments/*/data") ? 3 : 0;
    for (size_t number = dims - 2; !s && *rank && number < dims; number++) {
        axis a;
        s = axis_of(o, folder, number, &a);
        if (a.navigates) *rank = 0;
    }
    return s;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The arrays in w->path and in the folders of it. Fails for want of memory alone. */
static cepman_status look(walk *w, int depth)
{
    const size_t length = strlen(w->path);
    cep_zarr_array array;
    cepman_status s = array_of(w->o, w->path, false, &array);
    if (no_memory(s)) return s;
    if (!s) { /* what lies in it are chunks */
        int rank;
        if (array.dims < 2 || length <= w->root) return CEPMAN_OK;
        const char *name = w->path + w->root + 1;
        s = rank_of(w->o, w->path, name, array.dims, &rank);
        if (!s) cep_candidates_add(&w->all, name, array.shape, array.dims, rank);
        return s;
    }
    DIR *dir = depth < DEPTH ? opendir(w->path) : NULL;
    struct dirent *entry;
    for (s = CEPMAN_OK; !s && dir && w->entries++ < MOST_ENTRIES && (entry = readdir(dir));) {
        const size_t n = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length + n + 2 > sizeof w->path) continue;
        w->path[length] = '/';
        memcpy(w->path + length + 1, entry->d_name, n + 1);
        if (is_folder(w->path)) s = look(w, depth + 1);
        w->path[length] = 0;
    }
    if (dir) closedir(dir);
    return s;
}

/* True for names that stay inside the store. */
static bool stays_inside(const char *name)
{
    for (const char *p = name; *p; p += strcspn(p, "/"), p += *p == '/')
        if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2])) return false;
    return true;
}

/* FOLDER/NAME or FOLDER/NAME/data, whichever holds an array, into folder; CEPMAN_ERR_IO when neither does. */
static cepman_status named_array(const cep_opening *o, char *folder, const char *name)
{
    static const char *const inside[] = {"", "/data"};
    char attempt[PATH];
    cep_zarr_array array;
    cepman_status s = CEPMAN_ERR_IO;
    for (size_t i = 0; i < 2 && s == CEPMAN_ERR_IO; i++) {
        if (snprintf(attempt, sizeof attempt, "%s/%s%s", folder, name, inside[i]) >= PATH)
            return CEPMAN_ERR_IO;
        s = array_of(o, attempt, false, &array);
    }
    if (s != CEPMAN_ERR_IO) memcpy(folder, attempt, sizeof attempt);
    return s == CEPMAN_ERR_IO || no_memory(s) ? s : CEPMAN_OK; /* what is wrong with it is said later */
}

/* The folder of the array, in `folder`, which holds the store's. */
static cepman_status choose_array(cep_opening *o, char *folder, walk *w)
{
    const char *name = cep_options_text(o->options, "dataset");
    cepman_status s = CEPMAN_OK;
    w->o = o;
    w->root = strlen(folder);
    memcpy(w->path, folder, w->root + 1);
    while (*name == '/')
        name++;
    if (!name[0]) {
        cep_zarr_array array;
        s = array_of(o, folder, false, &array);
        if (s != CEPMAN_ERR_IO) return no_memory(s) ? s : CEPMAN_OK;
        s = look(w, 0);
        if (!s) s = cep_candidates_choose(o, &w->all, &name);
        if (s) return s;
    }
    if (!stays_inside(name))
        return cep_fault_set(o->fault, CEPMAN_ERR_UNSUPPORTED, "%s: '%.200s' is no name of an array of it",
                             o->path, name);
    s = named_array(o, folder, name);
    if (s == CEPMAN_ERR_IO && !(s = look(w, 0))) {
        char why[300];
        snprintf(why, sizeof why, "there is no array '%.200s'", name);
        s = cep_candidates_none(o, &w->all, why);
    }
    return s;
}

static cepman_status calibrate(cep_opening *o, const char *folder, const cep_zarr_array *array)
{
    axis a;
    cepman_status s = CEPMAN_OK;
    if (array->axes.column >= 0) {
        s = axis_of(o, folder, (size_t)array->axes.column, &a);
        o->info.scan_step = cep_calibration(a.scale, a.units, false);
    }
    if (!s) {
        s = axis_of(o, folder, array->dims - 1, &a);
        o->info.reciprocal_pixel = cep_calibration(a.scale, a.units, true);
    }
    return s;
}

static bool zarr_probe(const cep_opening *o)
{
    const cep_text head = {(const char *)o->head, (const char *)o->head + o->head_size};
    const cep_text trimmed = cep_text_trim(head);
    return trimmed.at < trimmed.end && *trimmed.at == '{' && cep_text_find(trimmed, "\"zarr_format\"").at;
}

static cepman_status zarr_open(cep_opening *o)
{
    const char *path = cep_file_path(o->file), *base = cep_base_name(path);
    char folder[PATH];
    const size_t length = base > path + 1 ? (size_t)(base - path) - 1 : 0;
    cep_zarr_array array;
    if (strcmp(base, "zarr.json") == 0)
        return cep_fault_set(
            o->fault, CEPMAN_ERR_UNSUPPORTED,
            "%s: a Zarr store of version 3; version 2 is read (zarr_format=2 when it is written)", o->path);
    if (length + 8 > sizeof folder)
        return cep_fault_set(o->fault, CEPMAN_ERR_IO, "%s: too long a path for a store", o->path);
    memcpy(folder, path, length);
    folder[length] = 0;
    if (base == path) strcpy(folder, "."); /* and of a file in the root "" is right */
    walk *w = cep_alloc_zero(o->mem, 1, sizeof *w);
    if (!w) return cep_fault_memory(o->fault, o->mem, "looking through a store", 1, sizeof *w);
    cepman_status s = choose_array(o, folder, w);
    cep_free(o->mem, w);
    if (!s) s = array_of(o, folder, true, &array);
    if (!s) s = calibrate(o, folder, &array);
    if (s) return s;
    o->info.type = array.type;
    o->info.height = array.axes.height;
    o->info.width = array.axes.width;
    if (array.axes.row >= 0) {
        o->rows = array.axes.rows;
        o->columns = array.axes.columns;
    }
    o->frames = o->promised = (uint64_t)array.axes.rows * array.axes.columns;
    return cep_zarr_source(o, folder, &array);
}

const cep_reader cep_reader_zarr = {"zarr", zarr_probe, zarr_open};

cepman_status cep_zarr_metadata(cep_opening *o, char **path)
{
    static const char *const names[] = {".zarray", ".zgroup", "zarr.json"};
    const size_t length = strlen(o->path);
    *path = NULL;
    if (length == 0) return CEPMAN_OK;
    struct stat st;
    if (stat(o->path, &st) != 0 || !S_ISDIR(st.st_mode)) return CEPMAN_OK;
    char *name = cep_alloc(o->mem, length + 16, 1);
    if (!name) return cep_fault_memory(o->fault, o->mem, "opening a folder", length, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, length + 16, "%s%s%s", o->path, o->path[length - 1] == '/' ? "" : "/", names[i]);
        if (stat(name, &st) == 0) {
            *path = name;
            return CEPMAN_OK;
        }
    }
    cep_free(o->mem, name);
    return cep_fault_set(o->fault, CEPMAN_ERR_IO,
                         "%s: a folder; expected a file, or a Zarr store with .zarray or .zgroup in it",
                         o->path);
}
