/* cepman split: the tree of rounds on the command line: nodes are split, merged, pruned, shown and written as labels.
 * Rows of a node come from an embedding, from features embedded anew for the node's points alone, or from frames by
 * another ring (the library's stages "cepstrum" and "umap").
 * Must not: change TREE when anything fails. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "grouping.h"
#include "members.h"

#define MOST_MERGED 64
#define PATH_ROOM 4096

typedef struct work {
    cepman_hierarchy *tree;
    uint64_t node;
    const char *path; /* of the node, as the user says it */
    cepman_dataset *frames;
    cepman_matrix *rows; /* one per point of the scan, or per member; what the split works on */
    char space[1000];
    const char *tree_file, *labels_file, *paths_file, *embedding_file;
} work;

/* ---- what the line says ------------------------------------------------------------------------------------------------- */

static bool is_stage_used(const tool *t, const char *kind)
{
    const char *method = arg_text(t, "method");
    if (strcmp(kind, "dataset") == 0 || strcmp(kind, "cepstrum") == 0) return arg_flag(t, "transform");
    if (strcmp(kind, "umap") == 0) return arg_flag(t, "embed");
    if (!method) return false;
    if (strcmp(kind, "kmeans") == 0) return strcmp(method, "kmeans") == 0 || strcmp(method, "mixture") == 0;
    if (strcmp(kind, "mixture") == 0) return strcmp(method, "mixture") == 0;
    return strcmp(method, "hdbscan") == 0;
}

/* One thing at a time, and no option that nothing uses. */
static int check_line(tool *t)
{
    static const char *const needs_method[] = {"again", NULL}, *const kinds[] = {"dataset", "cepstrum",
                                                                                 "umap",    "kmeans",
                                                                                 "mixture", "hdbscan-tree",
                                                                                 "hdbscan", NULL};
    const char *method = arg_text(t, "method"), *name;
    int things =
        (method != NULL) + arg_given(t, "merge") + arg_flag(t, "prune") + arg_flag(t, "assign-noise");
    bool rows = (method && strcmp(method, "labels") != 0 && strcmp(method, "connectivity") != 0) ||
                arg_flag(t, "assign-noise");
    if (things > 1) return tool_usage("--method, --merge, --prune and --assign-noise exclude each other");
    for (const char *const *n = needs_method; *n; n++)
        if (arg_flag(t, *n) && !method) return tool_usage("option --%s needs --method", *n);
    if (method && strcmp(method, "labels") == 0 && !arg_given(t, "labels"))
        return tool_usage("--method labels needs --labels LABELS.npy");
    if (arg_given(t, "labels") && (!method || strcmp(method, "labels") != 0))
        return tool_usage("option --labels belongs to --method labels");
    if ((arg_given(t, "neighbours") || arg_given(t, "least")) &&
        (!method || strcmp(method, "connectivity") != 0))
        return tool_usage("options --neighbours and --least belong to --method connectivity");
    if (rows && t->files < 2) return tool_usage("split needs ROWS.npy here, the rows to work on");
    if (!rows && !arg_flag(t, "new") && t->files > 1)
        return tool_usage("nothing uses '%.200s' here", t->file[1]);
    if ((arg_flag(t, "transform") || arg_flag(t, "embed")) && !rows)
        return tool_usage("options --transform and --embed need a split of rows");
    if (arg_given(t, "save-embedding") && !arg_flag(t, "embed"))
        return tool_usage("option --save-embedding needs --embed");
    if (arg_given(t, "depth") && !arg_given(t, "write-labels"))
        return tool_usage("option --depth belongs to --write-labels");
    if (arg_flag(t, "new") && t->files < 2 && !arg_given(t, "labels"))
        return tool_usage("--new needs ROWS.npy or --labels, whose rows are the points");
    if (arg_given(t, "scan-size") && !arg_flag(t, "new"))
        return tool_usage("option --scan-size belongs to --new");
    for (const char *const *kind = kinds; *kind; kind++)
        if (!is_stage_used(t, *kind) && arg_stage_on_line(t, *kind, &name))
            return tool_usage("option --%s belongs to stage %s, which is not used here", name, *kind);
    return 0;
}

static int read_size(const char *text, size_t *rows, size_t *columns)
{
    char first[24] = "";
    int64_t a = 0, b = 0;
    size_t n = strcspn(text, "xX");
    if (n < sizeof first) snprintf(first, sizeof first, "%.*s", (int)n, text);
    if (!text[n] || !parse_integer(first, &a) || !parse_integer(text + n + 1, &b) || a < 1 || b < 1 ||
        a > UINT32_MAX || b > UINT32_MAX)
        return tool_usage("option --scan-size is '%.60s', must be ROWSxCOLUMNS", text);
    *rows = (size_t)a;
    *columns = (size_t)b;
    return 0;
}

/* ---- tree and rows ------------------------------------------------------------------------------------------------------ */

/* The second operand: an array of rows, or frames, whose features come once the node is known. */
static int load_rows(tool *t, work *w)
{
    if (t->files < 2) return 0;
    if (arg_flag(t, "transform")) return input_dataset(t, 1, &w->frames);
    return tool_check(t, cepman_matrix_load(&w->rows, t->ctx, t->file[1]));
}

/* How many points the second operand, or --labels, gives a new tree. */
static int count_points(tool *t, const work *w, size_t *points)
{
    cepman_labels *l = NULL;
    if (w->rows) *points = cepman_matrix_rows(w->rows);
    if (w->frames) *points = cepman_dataset_frames(w->frames);
    if (w->rows || w->frames) return 0;
    int rc = tool_check(t, cepman_labels_load(&l, t->ctx, arg_text(t, "labels")));
    *points = cepman_labels_count(l);
    cepman_labels_unref(l);
    return rc;
}

static int open_tree(tool *t, work *w)
{
    if (!arg_flag(t, "new")) return tool_check(t, cepman_hierarchy_load(&w->tree, t->ctx, t->file[0]));
    size_t n = 0, rows = 0, columns = 0;
    if (access(t->file[0], F_OK) == 0 && !arg_given(t, "save"))
        return tool_fail("%s: is there already; --new would begin it again", t->file[0]);
    if (w->frames) {
        rows = cepman_dataset_scan_rows(w->frames);
        columns = cepman_dataset_scan_columns(w->frames);
    }
    int rc = count_points(t, w, &n);
    if (!rc && arg_given(t, "scan-size")) rc = read_size(arg_text(t, "scan-size"), &rows, &columns);
    if (!rc) rc = tool_check(t, cepman_hierarchy_create(&w->tree, t->ctx, n, rows, columns));
    return rc;
}

/* Features of the node's frames, by a transform that has seen no others. */
static int transform_members(tool *t, work *w)
{
    const size_t count = cepman_hierarchy_size(w->tree, w->node), all = cepman_hierarchy_points(w->tree);
    cepman_dataset *frames = NULL;
    cepman_cepstrum *c = NULL;
    if (cepman_dataset_available(w->frames) != all)
        return tool_fail("%s: %zu frames, must be %zu (of the scan)", t->file[1],
                         cepman_dataset_available(w->frames), all);
    size_t *members = array_zero(count, 1, sizeof *members);
    int rc = members ? tool_check(t, cepman_hierarchy_members(members, t->ctx, w->tree, w->node)) : 1;
    if (rc || count == all) {
        free(members);
        frames = cepman_dataset_ref(w->frames);
    } else {
        rc = members_dataset(t, w->frames, members, count, &frames);
    }
    if (!rc) rc = tool_check(t, cepman_cepstrum_create(&c, t->ctx, frames, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_cepstrum_run(&w->rows, t->ctx, c, frames));
    cepman_cepstrum_unref(c);
    cepman_dataset_unref(frames);
    return rc;
}

/* The members' rows in the place of all rows. */
static int select_members(tool *t, work *w)
{
    size_t count = cepman_hierarchy_size(w->tree, w->node);
    if (cepman_matrix_rows(w->rows) == count) return 0;
    if (cepman_matrix_rows(w->rows) != cepman_hierarchy_points(w->tree))
        return tool_fail("%s: %zu rows, must be %zu (of the node) or %zu (of the scan)", t->file[1],
                         cepman_matrix_rows(w->rows), count, cepman_hierarchy_points(w->tree));
    size_t *members = array_zero(count, 1, sizeof *members);
    cepman_matrix *some = NULL;
    int rc = members ? tool_check(t, cepman_hierarchy_members(members, t->ctx, w->tree, w->node)) : 1;
    if (!rc) rc = tool_check(t, cepman_matrix_select(&some, t->ctx, w->rows, members, count));
    free(members);
    if (rc) return rc;
    cepman_matrix_unref(w->rows);
    w->rows = some;
    return 0;
}

/* A new embedding of the members alone; no point has more neighbours than there are others. */
static int embed_members(tool *t, work *w)
{
    cepman_umap *model = NULL;
    cepman_options *o = NULL;
    int64_t neighbours = 0, n;
    int rc = select_members(t, w);
    n = (int64_t)cepman_matrix_rows(w->rows);
    if (!rc) rc = tool_check(t, cepman_options_copy(&o, t->ctx, arg_stage(t, "umap")));
    if (!rc) rc = tool_check(t, cepman_options_get_integer(o, t->ctx, "neighbors", &neighbours));
    if (!rc && !option_given(o, "neighbors") && neighbours >= n && n > 2)
        rc = tool_check(t, cepman_options_set_integer(o, t->ctx, "neighbors", n - 1));
    if (!rc) rc = tool_check(t, cepman_umap_fit(&model, t->ctx, w->rows, o));
    if (!rc) {
        cepman_matrix_unref(w->rows);
        w->rows = cepman_matrix_ref(cepman_umap_embedding(model));
    }
    if (!rc && w->embedding_file) rc = tool_check(t, cepman_matrix_save(w->rows, t->ctx, w->embedding_file));
    cepman_umap_unref(model);
    cepman_options_unref(o);
    return rc;
}

/* Appends the options that were given: "cepstrum ring-in=5". */
static void add_options(char *text, size_t size, const cepman_options *o)
{
    size_t at = strlen(text);
    at += (size_t)snprintf(text + at, size - at, "; %s", cepman_options_kind(o));
    for (size_t i = 0; i < cepman_options_count(o) && at < size; i++) {
        char value[200];
        if (!cepman_options_is_set(o, i)) continue;
        cepman_options_format(o, i, value, sizeof value);
        at += (size_t)snprintf(text + at, size - at, " %s=%s", cepman_options_name(o, i), value);
    }
}

static void describe_space(tool *t, work *w)
{
    snprintf(w->space, sizeof w->space, "%.400s", t->file[1]);
    if (arg_flag(t, "transform")) add_options(w->space, sizeof w->space, arg_stage(t, "cepstrum"));
    if (arg_flag(t, "embed")) add_options(w->space, sizeof w->space, arg_stage(t, "umap"));
    /* A name may hold anything; a tree's texts may not. */
    for (char *p = w->space; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
}

/* ---- the changes -------------------------------------------------------------------------------------------------------- */

static int split_labels(tool *t, work *w)
{
    cepman_labels *l = NULL;
    int rc = tool_check(t, cepman_labels_load(&l, t->ctx, arg_text(t, "labels")));
    if (!rc) rc = tool_check(t, cepman_hierarchy_split(w->tree, t->ctx, w->node, l, NULL, NULL, 0));
    cepman_labels_unref(l);
    return rc;
}

static int split_node(tool *t, work *w, const char *method)
{
    cepman_options *o = NULL;
    int rc = 0;
    if (arg_flag(t, "again")) rc = tool_check(t, cepman_hierarchy_prune(w->tree, t->ctx, w->node));
    if (!rc && arg_flag(t, "embed")) rc = embed_members(t, w);
    if (rc) return rc;
    if (strcmp(method, "labels") == 0) return split_labels(t, w);
    if (strcmp(method, "connectivity") == 0)
        return tool_check(t, cepman_hierarchy_split_connected(w->tree, t->ctx, w->node,
                                                              (unsigned)arg_integer(t, "neighbours"),
                                                              (size_t)arg_integer(t, "least")));
    if (strcmp(method, "kmeans") == 0)
        rc = tool_check(
            t, cepman_hierarchy_split_kmeans(w->tree, t->ctx, w->node, w->rows, arg_stage(t, "kmeans")));
    if (strcmp(method, "mixture") == 0) {
        rc = grouping_mixture_options(t, &o);
        if (!rc) rc = tool_check(t, cepman_hierarchy_split_mixture(w->tree, t->ctx, w->node, w->rows, o));
        cepman_options_unref(o);
    }
    if (strcmp(method, "hdbscan") == 0)
        rc = tool_check(t, cepman_hierarchy_split_hdbscan(w->tree, t->ctx, w->node, w->rows,
                                                          arg_stage(t, "hdbscan-tree"),
                                                          arg_stage(t, "hdbscan")));
    if (rc) return rc;
    describe_space(t, w);
    return tool_check(t, cepman_hierarchy_set_space(w->tree, t->ctx, w->node, w->space));
}

/* "0/1,0/2,0/noise" */
static int merge_nodes(tool *t, work *w)
{
    const char *p = arg_text(t, "merge");
    uint64_t nodes[MOST_MERGED];
    size_t count = 0;
    while (*p) {
        char path[PATH_ROOM];
        size_t n = strcspn(p, ",");
        if (count == MOST_MERGED || n >= sizeof path)
            return tool_usage("option --merge names too much, at most %d nodes", MOST_MERGED);
        snprintf(path, sizeof path, "%.*s", (int)n, p);
        int rc = tool_check(t, cepman_hierarchy_find(w->tree, t->ctx, path, &nodes[count++]));
        if (rc) return rc;
        p += n + (p[n] == ',');
    }
    w->node = cepman_hierarchy_parent(w->tree, nodes[0]);
    return tool_check(t, cepman_hierarchy_merge(w->tree, t->ctx, nodes, count));
}

static int assign_noise(tool *t, work *w)
{
    for (size_t c = 0; c < cepman_hierarchy_children(w->tree, w->node); c++) {
        uint64_t child = cepman_hierarchy_child(w->tree, w->node, c);
        if (cepman_hierarchy_kind(w->tree, child) == CEPMAN_NODE_NOISE)
            return tool_check(t, cepman_hierarchy_assign_noise(w->tree, t->ctx, child, w->rows));
    }
    return tool_fail("node %s has no noise", w->path);
}

static int change(tool *t, work *w)
{
    if (arg_given(t, "merge")) return merge_nodes(t, w);
    if (arg_flag(t, "prune")) return tool_check(t, cepman_hierarchy_prune(w->tree, t->ctx, w->node));
    if (arg_flag(t, "assign-noise")) return assign_noise(t, w);
    if (arg_given(t, "method")) return split_node(t, w, arg_text(t, "method"));
    return 0;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------ */

static const char *kind_name(cepman_node_kind kind)
{
    static const char *const names[] = {"root", "cluster", "noise", "excluded"};
    return names[kind];
}

static void tree_json(const cepman_hierarchy *tree, json *j)
{
    char path[PATH_ROOM];
    json_open(j, NULL, '{');
    json_integer(j, "points", (int64_t)cepman_hierarchy_points(tree));
    json_integer(j, "scan_rows", (int64_t)cepman_hierarchy_rows(tree));
    json_integer(j, "scan_columns", (int64_t)cepman_hierarchy_columns(tree));
    json_open(j, "nodes", '[');
    for (size_t i = 0; i < cepman_hierarchy_nodes(tree); i++) {
        uint64_t id = cepman_hierarchy_node(tree, i), parent = cepman_hierarchy_parent(tree, id);
        cepman_hierarchy_path(tree, id, path, sizeof path);
        json_open(j, NULL, '{');
        json_text(j, "path", path);
        json_integer(j, "id", (int64_t)id);
        if (parent != CEPMAN_NODE_NONE) json_integer(j, "parent", (int64_t)parent);
        json_text(j, "kind", kind_name(cepman_hierarchy_kind(tree, id)));
        json_integer(j, "depth", (int64_t)cepman_hierarchy_depth(tree, id));
        json_integer(j, "points", (int64_t)cepman_hierarchy_size(tree, id));
        if (cepman_hierarchy_method(tree, id)) {
            json_text(j, "method", cepman_hierarchy_method(tree, id));
            json_text(j, "parameters", cepman_hierarchy_parameters(tree, id));
            json_text(j, "space", cepman_hierarchy_space(tree, id));
            json_integer(j, "seed", (int64_t)cepman_hierarchy_seed(tree, id));
            json_text(j, "version", cepman_hierarchy_version(tree, id));
        }
        json_open(j, "scores", '{');
        for (size_t s = 0; s < cepman_hierarchy_scores(tree, id); s++) {
            const char *name = cepman_hierarchy_score_name(tree, id, s);
            json_real(j, name, cepman_hierarchy_score(tree, id, name));
        }
        json_close(j, '}');
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void print_tree(const cepman_hierarchy *tree)
{
    char path[PATH_ROOM];
    for (size_t i = 0; i < cepman_hierarchy_nodes(tree); i++) {
        uint64_t id = cepman_hierarchy_node(tree, i);
        const char *method = cepman_hierarchy_method(tree, id);
        size_t depth = cepman_hierarchy_depth(tree, id);
        cepman_hierarchy_path(tree, id, path, sizeof path);
        printf("%*s%s  %zu points%s%s\n", depth < 40 ? (int)(2 * depth) : 80, "", path,
               cepman_hierarchy_size(tree, id), method ? ", split by " : "", method ? method : "");
    }
}

static int write_labels(tool *t, const work *w)
{
    cepman_labels *l = NULL;
    size_t depth = arg_given(t, "depth") ? (size_t)arg_integer(t, "depth") : SIZE_MAX;
    int rc = tool_check(t, cepman_hierarchy_labels(&l, t->ctx, w->tree, depth));
    if (!rc)
        rc = tool_check(t, cepman_labels_save(l, t->ctx, w->labels_file, cepman_hierarchy_rows(w->tree),
                                              cepman_hierarchy_columns(w->tree)));
    cepman_labels_unref(l);
    return rc;
}

static int write_paths(tool *t, const work *w)
{
    size_t depth = cepman_hierarchy_height(w->tree), shape[] = {cepman_hierarchy_points(w->tree), depth};
    int32_t *paths = array_zero(shape[0], depth, sizeof *paths);
    int rc = paths ? tool_check(t, cepman_hierarchy_paths(paths, t->ctx, w->tree, depth)) : 1;
    if (!rc) rc = array_save(t, w->paths_file, CEPMAN_TYPE_I32, 2, shape, paths);
    free(paths);
    return rc;
}

static int tell(tool *t, const work *w)
{
    json j = {0};
    int rc = 0;
    if (arg_flag(t, "json")) {
        tree_json(w->tree, &j);
        rc = json_print(&j);
    } else {
        print_tree(w->tree);
    }
    json_free(&j);
    return rc;
}

/* ---- the command -------------------------------------------------------------------------------------------------------- */

/* Promises every output before the work. */
static int promise_all(tool *t, work *w, bool changes)
{
    const char *target = arg_given(t, "save") ? arg_text(t, "save") : t->file[0];
    const struct {
        const char *option, **path;
    } files[] = {{"write-labels", &w->labels_file},
                 {"write-paths", &w->paths_file},
                 {"save-embedding", &w->embedding_file}};
    if (changes && !(w->tree_file = outputs_add(t, target))) return 1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!arg_given(t, files[i].option)) continue;
        int rc = output_kind(arg_text(t, files[i].option), NULL);
        if (rc) return rc;
        if (!(*files[i].path = outputs_add(t, arg_text(t, files[i].option)))) return 1;
    }
    return 0;
}

static int run_split(tool *t)
{
    work w = {.path = arg_text(t, "node")};
    bool changes = arg_given(t, "method") || arg_given(t, "merge") || arg_flag(t, "prune") ||
                   arg_flag(t, "assign-noise") || arg_flag(t, "new") || arg_given(t, "save");
    int rc = check_line(t);
    if (!rc) rc = load_rows(t, &w);
    if (!rc) rc = open_tree(t, &w);
    if (!rc) rc = tool_check(t, cepman_hierarchy_find(w.tree, t->ctx, w.path, &w.node));
    if (!rc) rc = promise_all(t, &w, changes);
    if (!rc && w.frames) rc = transform_members(t, &w);
    if (!rc) rc = change(t, &w);
    if (!rc && w.tree_file) rc = tool_check(t, cepman_hierarchy_save(w.tree, t->ctx, w.tree_file));
    if (!rc && w.labels_file) rc = write_labels(t, &w);
    if (!rc && w.paths_file) rc = write_paths(t, &w);
    progress_end();
    if (!rc) rc = tell(t, &w);
    cepman_hierarchy_unref(w.tree);
    cepman_matrix_unref(w.rows);
    cepman_dataset_unref(w.frames);
    return rc;
}

static const arg_option own[] = {
    {"node", ARG_TEXT, "PATH", 0, 0, NULL, "/", "the node: 0/2, 0/noise; / is the root"},
    {"method", ARG_CHOICE, NULL, 0, 0, "kmeans|mixture|hdbscan|connectivity|labels", NULL, "splits the node"},
    {"again", ARG_FLAG, NULL, 0, 0, NULL, NULL, "what is below the node goes first"},
    {"labels", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL,
     "labels of the node's points or of all: -1 noise, lower excluded"},
    {"neighbours", ARG_CHOICE, NULL, 0, 0, "4|8", "4", "points that touch on the scan, for connectivity"},
    {"least", ARG_INTEGER, "N", 1, 4294967294.0, NULL, "10", "points of a piece at least, fewer are noise"},
    {"merge", ARG_TEXT, "PATH,PATH", 0, 0, NULL, NULL, "makes siblings one leaf, the first of them"},
    {"prune", ARG_FLAG, NULL, 0, 0, NULL, NULL, "everything below the node goes"},
    {"assign-noise", ARG_FLAG, NULL, 0, 0, NULL, NULL,
     "the node's noise goes to its nearest neighbours among the rows"},
    {"embed", ARG_FLAG, NULL, 0, 0, NULL, NULL, "embeds the node's rows anew by UMAP before the split"},
    {"save-embedding", ARG_PATH, "E.npy", 0, 0, NULL, NULL, "where that embedding goes"},
    {"transform", ARG_FLAG, NULL, 0, 0, NULL, NULL,
     "ROWS is a FILE of frames: rows are cepstrum features of the node's frames alone"},
    {"ring", ARG_PAIR, "IN:OUT", 0, 0, "ring-in|ring-out", NULL,
     "the ring of --transform, --ring-in and --ring-out"},
    {"new", ARG_FLAG, NULL, 0, 0, NULL, NULL, "begins TREE: a root over the rows"},
    {"scan-size", ARG_TEXT, "ROWSxCOLUMNS", 0, 0, NULL, NULL,
     "the scan of a new tree (a FILE of frames knows its own)"},
    {"save", ARG_PATH, "TREE", 0, 0, NULL, NULL,
     "where the changed tree goes; otherwise it takes TREE's place"},
    {"write-labels", ARG_PATH, "LABELS.npy", 0, 0, NULL, NULL,
     "labels of all points, int32, -1 is noise or excluded"},
    {"depth", ARG_INTEGER, "N", 0, 1000000, NULL, NULL, "depth of these labels; otherwise the leaves"},
    {"write-paths", ARG_PATH, "PATHS.npy", 0, 0, NULL, NULL,
     "(points, depth) int32: the label on every level, -1 noise, -2 excluded, -3 below a leaf"},
    {"json", ARG_FLAG, NULL, 0, 0, NULL, NULL, "prints the tree as JSON"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "save"}, {'k', "k"}, {0, NULL}};

const command command_split = {.name = "split",
                               .files = "TREE [ROWS.npy]",
                               .summary = "splits a scan in rounds: the tree of clusters and their clusters",
                               .notes = "ROWS.npy has a row for every point of the scan, or for every point "
                                        "of the node, in the scan's order. Without "
                                        "a change the tree is printed. --k, --n-init, --max-iterations and "
                                        "--tol are K-means's, or the mixture's "
                                        "with --method mixture.",
                               .least = 1,
                               .most = 2,
                               .own = own,
                               .shorts = shorts,
                               .stages = {cepman_dataset_options_create, cepman_cepstrum_options_create,
                                          cepman_umap_options_create, cepman_kmeans_options_create,
                                          cepman_mixture_options_create, cepman_hdbscan_tree_options_create,
                                          cepman_hdbscan_options_create},
                               .hidden = {GROUPING_HIDDEN},
                               .run = run_split};
