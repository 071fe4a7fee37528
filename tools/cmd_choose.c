/* cepman choose: how many clusters? K-means for each k of a range, with the indices people use, and a proposal.
 * Each criterion names the k it likes best; the proposal is the k that most of them name.
 * Must not: call the proposal more than that. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

#define CRITERIA 7
static const char *const criteria[CRITERIA] = {"knee", "silhouette", "davies_bouldin", "calinski_harabasz",
                                               "dbcv", "gap",        "stability"};

typedef struct trial {
    int64_t k;
    double inertia, silhouette, davies_bouldin, calinski_harabasz, dbcv, gap, deviation, stability;
    int votes;
} trial;

typedef struct choice {
    cepman_matrix *points, *some; /* some: the sample, or the same */
    size_t *rows;                 /* of the sample; NULL: all */
    size_t sampled;
    int64_t from, to, seed;
    trial *row;
    size_t count;
    double gap_of_one;       /* NaN when not asked for */
    int64_t liked[CRITERIA]; /* -1: the criterion names none */
    int64_t best;
} choice;

/* ---- the range and the sample ---------------------------------------------------------------------------------------- */

static int read_range(const char *text, int64_t *from, int64_t *to)
{
    char first[24] = "";
    size_t n = strcspn(text, ":");
    if (n < sizeof first) snprintf(first, sizeof first, "%.*s", (int)n, text);
    if (!text[n] || !parse_integer(first, from) || !parse_integer(text + n + 1, to) || *from < 1 ||
        *to < *from || *to > 10000)
        return tool_usage("option --k is '%.60s', must be FROM:TO, 1 to 10000", text);
    return 0;
}

/* Every row comes with the same chance, by a hash of its number: the `wanted` rows of the smallest ones. */
static uint64_t hash(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

typedef struct lot {
    uint64_t number;
    size_t row;
} lot;

static int by_lot(const void *x, const void *y)
{
    const lot *a = x, *b = y;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_row(const void *x, const void *y)
{
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    return (a > b) - (a < b);
}

static int draw_sample(tool *t, choice *c, size_t wanted)
{
    size_t n = cepman_matrix_rows(c->points);
    c->sampled = n;
    if (wanted >= n) {
        c->some = cepman_matrix_ref(c->points);
        return 0;
    }
    lot *lots = array_zero(n, 1, sizeof *lots);
    c->rows = array_zero(wanted, 1, sizeof *c->rows);
    int rc = lots && c->rows ? 0 : 1;
    for (size_t i = 0; !rc && i < n; i++)
        lots[i] = (lot){hash((uint64_t)c->seed * 0x2545f4914f6cdd1du + i), i};
    if (!rc) {
        qsort(lots, n, sizeof *lots, by_lot);
        for (size_t i = 0; i < wanted; i++)
            c->rows[i] = lots[i].row;
        qsort(c->rows, wanted, sizeof *c->rows, by_row);
        c->sampled = wanted;
        rc = tool_check(t, cepman_matrix_select(&c->some, t->ctx, c->points, c->rows, wanted));
    }
    free(lots);
    return rc;
}

/* The sample's labels. */
static int sample_labels(tool *t, const choice *c, cepman_labels *all, cepman_labels **out)
{
    if (!c->rows) {
        *out = cepman_labels_ref(all);
        return 0;
    }
    int32_t *l = array_zero(c->sampled, 1, sizeof *l);
    if (!l) return 1;
    for (size_t i = 0; i < c->sampled; i++)
        l[i] = cepman_labels_data(all)[c->rows[i]];
    int rc = tool_check(t, cepman_labels_copy(out, t->ctx, l, c->sampled));
    free(l);
    return rc;
}

/* ---- one k ----------------------------------------------------------------------------------------------------------- */

static int measure(tool *t, const choice *c, trial *r)
{
    cepman_options *o = NULL;
    cepman_kmeans *model = NULL;
    cepman_labels *all = NULL, *some = NULL;
    size_t references = (size_t)arg_integer(t, "references"), runs = (size_t)arg_integer(t, "runs");
    int rc = tool_check(t, cepman_options_copy(&o, t->ctx, arg_stage(t, "kmeans")));
    if (!rc) rc = tool_check(t, cepman_options_set_integer(o, t->ctx, "k", r->k));
    if (!rc) rc = tool_check(t, cepman_kmeans_fit(&model, t->ctx, c->points, NULL, NULL, o));
    if (!rc) {
        all = cepman_kmeans_labels(model);
        r->inertia = cepman_kmeans_inertia(model);
        rc = sample_labels(t, c, all, &some);
    }
    if (!rc)
        rc = tool_check(t, cepman_validity_silhouette(&r->silhouette, NULL, t->ctx, c->some, some, 0, 0));
    if (!rc) rc = tool_check(t, cepman_validity_davies_bouldin(&r->davies_bouldin, t->ctx, c->points, all));
    if (!rc)
        rc = tool_check(t, cepman_validity_calinski_harabasz(&r->calinski_harabasz, t->ctx, c->points, all));
    if (!rc) rc = tool_check(t, cepman_validity_dbcv(&r->dbcv, NULL, t->ctx, c->some, some));
    r->gap = r->deviation = r->stability = (double)NAN;
    if (!rc && references)
        rc = tool_check(t, cepman_validity_gap(&r->gap, &r->deviation, t->ctx, c->some, some, references,
                                               (uint64_t)c->seed));
    if (!rc && runs && r->k > 1)
        rc = tool_check(
            t, cepman_validity_stability(&r->stability, t->ctx, c->points, o, runs, arg_real(t, "fraction")));
    cepman_labels_unref(some);
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    return rc;
}

/* ---- what the criteria say --------------------------------------------------------------------------------------------- */

/* The k of the largest (sign 1) or smallest (-1) value, the lower when they tie. */
static int64_t extreme(const choice *c, size_t offset, double sign)
{
    int64_t best = -1;
    double most = -(double)INFINITY;
    for (size_t i = 0; i < c->count; i++) {
        double v;
        memcpy(&v, (const char *)&c->row[i] + offset, sizeof v);
        if (c->row[i].k > 1 && sign * v > most) {
            most = sign * v;
            best = c->row[i].k;
        }
    }
    return best;
}

/* Where the inertia is farthest below the straight line from the first to the last k (Satopaa and others 2011). */
static int64_t knee(const choice *c)
{
    int64_t best = -1;
    double most = 0, first, last;
    if (c->count < 3) return -1;
    first = c->row[0].inertia;
    last = c->row[c->count - 1].inertia;
    for (size_t i = 0; i < c->count && first > last; i++) {
        double x = (double)i / (double)(c->count - 1), y = (c->row[i].inertia - last) / (first - last);
        if (1 - x - y > most) {
            most = 1 - x - y;
            best = c->row[i].k;
        }
    }
    return best;
}

/* The smallest k whose gap is at least the next one's less its deviation (Tibshirani, Walther, Hastie 2001). */
static int64_t by_gap(const choice *c)
{
    for (size_t i = 0; i + 1 < c->count; i++)
        if (c->row[i].gap >= c->row[i + 1].gap - c->row[i + 1].deviation) return c->row[i].k;
    return -1;
}

/* The largest k that is as stable as the most stable one, within a hundredth. */
static int64_t by_stability(const choice *c)
{
    double most = -(double)INFINITY;
    int64_t best = -1;
    for (size_t i = 0; i < c->count; i++)
        if (c->row[i].stability > most) most = c->row[i].stability;
    for (size_t i = 0; i < c->count; i++)
        if (c->row[i].stability >= most - 0.01) best = c->row[i].k;
    return best;
}

static void decide(choice *c)
{
    const int64_t liked[CRITERIA] = {knee(c),
                                     extreme(c, offsetof(trial, silhouette), 1),
                                     extreme(c, offsetof(trial, davies_bouldin), -1),
                                     extreme(c, offsetof(trial, calinski_harabasz), 1),
                                     extreme(c, offsetof(trial, dbcv), 1),
                                     by_gap(c),
                                     by_stability(c)};
    memcpy(c->liked, liked, sizeof liked);
    c->best = -1;
    const trial *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        trial *r = &c->row[i];
        r->votes = 0;
        for (int v = 0; v < CRITERIA; v++)
            r->votes += liked[v] == r->k;
        if (!r->votes) continue;
        if (!best || r->votes > best->votes || (r->votes == best->votes && r->silhouette > best->silhouette))
            best = r;
    }
    if (best) c->best = best->k;
}

/* ---- telling ----------------------------------------------------------------------------------------------------------- */

static const char note[] =
    "a proposal by vote of the criteria, not a finding: look at the clusters on the scan";

static void names_of(const choice *c, int64_t k, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int v = 0; v < CRITERIA; v++)
        if (c->liked[v] == k && at < size)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "", criteria[v]);
}

/* digits: behind the point; below 0: that many significant ones. */
static void number(double v, int width, int digits)
{
    char text[40];
    if (isnan(v))
        snprintf(text, sizeof text, "-");
    else if (digits < 0)
        snprintf(text, sizeof text, "%.*g", -digits, v);
    else
        snprintf(text, sizeof text, "%.*f", digits, v);
    printf(" %*s", width, text);
}

static void print_table(const choice *c)
{
    char names[200];
    printf("%5s %12s %10s %14s %17s %8s %8s %8s %9s  %s\n", "k", "inertia", "silhouette", "davies_bouldin",
           "calinski_harabasz", "dbcv", "gap", "+-", "stability", "best by");
    for (size_t i = 0; i < c->count; i++) {
        const trial *r = &c->row[i];
        names_of(c, r->k, names, sizeof names);
        printf("%5lld", (long long)r->k);
        number(r->inertia, 12, -6);
        number(r->silhouette, 10, 4);
        number(r->davies_bouldin, 14, 4);
        number(r->calinski_harabasz, 17, -6);
        number(r->dbcv, 8, 4);
        number(r->gap, 8, 4);
        number(r->deviation, 8, 4);
        number(r->stability, 9, 4);
        printf("%s%s\n", names[0] ? "  " : "", names);
    }
    if (c->sampled < cepman_matrix_rows(c->points))
        printf("silhouette, dbcv and gap from %zu of %zu points\n", c->sampled,
               cepman_matrix_rows(c->points));
    if (!isnan(c->gap_of_one) && c->gap_of_one >= c->row[0].gap - c->row[0].deviation && c->row[0].k == 2)
        printf("the gap statistic sees a single cluster\n");
    if (c->best > 0) {
        names_of(c, c->best, names, sizeof names);
        printf("proposal: k = %lld (%s); %s\n", (long long)c->best, names, note);
    } else {
        printf("no proposal: no criterion names a k of the range\n");
    }
}

static void table_json(const tool *t, const choice *c, json *j)
{
    json_open(j, NULL, '{');
    json_integer(j, "points", (int64_t)cepman_matrix_rows(c->points));
    json_integer(j, "columns", (int64_t)cepman_matrix_columns(c->points));
    json_integer(j, "sample", (int64_t)c->sampled);
    json_integer(j, "references", arg_integer(t, "references"));
    json_integer(j, "runs", arg_integer(t, "runs"));
    json_real(j, "fraction", arg_real(t, "fraction"));
    json_real(j, "gap_of_one_cluster", c->gap_of_one);
    json_open(j, "table", '[');
    for (size_t i = 0; i < c->count; i++) {
        const trial *r = &c->row[i];
        json_open(j, NULL, '{');
        json_integer(j, "k", r->k);
        json_real(j, "inertia", r->inertia);
        json_real(j, "silhouette", r->silhouette);
        json_real(j, "davies_bouldin", r->davies_bouldin);
        json_real(j, "calinski_harabasz", r->calinski_harabasz);
        json_real(j, "dbcv", r->dbcv);
        json_real(j, "gap", r->gap);
        json_real(j, "gap_deviation", r->deviation);
        json_real(j, "stability", r->stability);
        json_integer(j, "votes", r->votes);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_open(j, "best_by", '{');
    for (int v = 0; v < CRITERIA; v++)
        json_real(j, criteria[v], c->liked[v] > 0 ? (double)c->liked[v] : (double)NAN);
    json_close(j, '}');
    json_open(j, "proposal", '{');
    json_real(j, "k", c->best > 0 ? (double)c->best : (double)NAN);
    json_text(j, "note", note);
    json_close(j, '}');
    json_options(j, "kmeans", arg_stage(t, "kmeans"), false);
    json_close(j, '}');
}

/* ---- the command ------------------------------------------------------------------------------------------------------- */

static int measure_all(tool *t, choice *c)
{
    trial one = {.k = 1};
    int rc = 0;
    c->gap_of_one = (double)NAN;
    if (c->from > 1 && arg_integer(t, "references")) {
        /* A single cluster is always an answer, and needs no fit. */
        int32_t *zeros = array_zero(c->sampled, 1, sizeof *zeros);
        cepman_labels *l = NULL;
        rc = zeros ? tool_check(t, cepman_labels_copy(&l, t->ctx, zeros, c->sampled)) : 1;
        if (!rc)
            rc = tool_check(t, cepman_validity_gap(&one.gap, NULL, t->ctx, c->some, l,
                                                   (size_t)arg_integer(t, "references"), (uint64_t)c->seed));
        if (!rc) c->gap_of_one = one.gap;
        cepman_labels_unref(l);
        free(zeros);
    }
    for (int64_t k = c->from; !rc && k <= c->to; k++) {
        c->row[c->count].k = k;
        rc = measure(t, c, &c->row[c->count]);
        if (!rc) rc = tool_interrupted();
        c->count++;
    }
    return rc;
}

static int run_choose(tool *t)
{
    choice c = {0};
    const char *path = NULL;
    json j = {0};
    int rc = read_range(arg_text(t, "k"), &c.from, &c.to);
    if (!rc) rc = tool_check(t, cepman_matrix_load(&c.points, t->ctx, t->file[0]));
    size_t n = cepman_matrix_rows(c.points);
    if (!rc && !arg_given(t, "k") && (size_t)c.to > n) c.to = (int64_t)n;
    if (!rc && (size_t)c.to > n) rc = tool_fail("--k ends at %lld, there are %zu points", (long long)c.to, n);
    if (!rc && c.from > c.to) rc = tool_fail("%s: %zu points are too few to choose from", t->file[0], n);
    if (!rc && arg_given(t, "table") && !(path = outputs_add(t, arg_text(t, "table")))) rc = 1;
    if (!rc) rc = tool_check(t, cepman_options_get_integer(arg_stage(t, "kmeans"), t->ctx, "seed", &c.seed));
    if (!rc) rc = draw_sample(t, &c, (size_t)arg_integer(t, "sample"));
    if (!rc && !(c.row = array_zero((size_t)(c.to - c.from + 1), 1, sizeof *c.row))) rc = 1;
    if (!rc) rc = measure_all(t, &c);
    if (!rc) {
        decide(&c);
        table_json(t, &c, &j);
        if (path) rc = json_save(&j, path);
    }
    progress_end();
    if (!rc && arg_flag(t, "json"))
        rc = json_print(&j);
    else if (!rc)
        print_table(&c);
    json_free(&j);
    free(c.row);
    free(c.rows);
    cepman_matrix_unref(c.some);
    cepman_matrix_unref(c.points);
    return rc;
}

static const arg_option own[] = {
    {"k", ARG_TEXT, "FROM:TO", 0, 0, NULL, "2:12", "numbers of clusters to try, 1 to 10000"},
    {"sample", ARG_INTEGER, "N", 2, 1000000, NULL, "10000",
     "points for silhouette, dbcv and gap, 2 to 1000000; drawn by seed"},
    {"references", ARG_INTEGER, "N", 0, 1000, NULL, "4",
     "uniform references of the gap statistic, 0 to 1000; 0: no gap"},
    {"runs", ARG_INTEGER, "N", 0, 1000, NULL, "5",
     "fits that stability compares, 2 to 1000; 0: no stability"},
    {"fraction", ARG_REAL, "X", 0.01, 1, NULL, "0.8",
     "of the points that each of these fits gets, 0.01 to 1"},
    {"table", ARG_PATH, "TABLE.json", 0, 0, NULL, NULL, "where the table goes as JSON, too"},
    {"json", ARG_FLAG, NULL, 0, 0, NULL, NULL, "prints JSON"},
    {NULL, ARG_FLAG, NULL, 0, 0, NULL, NULL, NULL}};

static const arg_short shorts[] = {{'o', "table"}, {'k', "k"}, {0, NULL}};

const command command_choose = {
    .name = "choose",
    .files = "EMBEDDING.npy",
    .summary = "tables indices of K-means over k and proposes one",
    .notes = "The knee of the inertia; silhouette, Davies-Bouldin, Calinski-Harabasz and DBCV; the gap "
             "statistic's "
             "rule; the "
             "largest k whose labels are the same over seeds and subsamples. Each names its best k, and the "
             "k that most "
             "name is proposed. That is a proposal: most indices like round clusters of one size.",
    .least = 1,
    .most = 1,
    .own = own,
    .shorts = shorts,
    .stages = {cepman_kmeans_options_create},
    .hidden = {"kmeans.k"},
    .run = run_choose};
