/* The methods that `cepman experiment` compares, and one of them at work on a simulated scan.
 * Spaces, scalings, embeddings and clusterings as in the paper's Fig. 2, each combination by its name.
 * Must not: let a method see the truth, beyond the number of classes that K-means is told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment.h"

static const char *const spaces[] = {"cepstrum", "diffraction", "log-diffraction", NULL};
static const char *const scales[] = {"none", "l2", "standard", NULL};

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static bool find_word(const char *const *words, const char *text, int *at)
{
    for (*at = 0; words[*at]; ++*at)
        if (strcmp(words[*at], text) == 0) return true;
    return false;
}

/* "data", "umap", "vae", "pca10", "pca50+umap", "pca50+vae" */
static bool read_embedding(const char *text, method *m)
{
    static const char *const kinds[] = {"data", "umap", "vae", NULL};
    int at;
    m->components = 0;
    m->embedding = EMBED_NOTHING;
    if (strncmp(text, "pca", 3) == 0) {
        char digits[8] = "";
        int64_t n;
        size_t length = strcspn(text + 3, "+");
        if (length < sizeof digits) memcpy(digits, text + 3, length);
        if (!parse_integer(digits, &n) || n < 1 || n > 10000) return false;
        m->components = (size_t)n;
        text += 3 + length;
        if (!*text) return true;
        text++;
        if (strcmp(text, "data") == 0) return false;
    }
    if (!find_word(kinds, text, &at)) return false;
    m->embedding = (embedding_kind)at;
    return true;
}

/* "kmeans", "hdbscan", "hdbscan300" */
static bool read_clustering(const char *text, method *m)
{
    m->density = strncmp(text, "hdbscan", 7) == 0;
    m->least = 0;
    if (!m->density) return strcmp(text, "kmeans") == 0;
    return !text[7] || (parse_integer(text + 7, &m->least) && m->least >= 2 && m->least <= 1000000);
}

static int read_method(const char *const part[4], method *m)
{
    int space, scale, n = snprintf(m->name, sizeof m->name, "%s/%s/%s/", part[0], part[1], part[2]);
    if (!find_word(spaces, part[0], &space))
        return tool_usage("method: '%s' must be cepstrum, diffraction or log-diffraction", part[0]);
    if (!find_word(scales, part[1], &scale))
        return tool_usage("method: scaling '%s' must be none, l2 or standard", part[1]);
    if (!read_embedding(part[2], m))
        return tool_usage("method: '%s' must be data, umap, vae, pcaN, pcaN+umap or pcaN+vae", part[2]);
    if (!read_clustering(part[3], m))
        return tool_usage("method: '%s' must be kmeans, hdbscan or hdbscanN, N from 2", part[3]);
    m->space = (pattern_space)space;
    m->scale = (row_scale)scale;
    m->stem = (size_t)n - 1;
    snprintf(m->name + n, sizeof m->name - (size_t)n, "%s", part[3]);
    return 0;
}

/* The choice-th of the words that commas part; how many there are. */
static size_t pick(const char *list, size_t length, size_t choice, char *word, size_t room)
{
    size_t count = 0, from = 0;
    word[0] = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && list[i] != ',') continue;
        if (count++ == choice && i - from < room) {
            memcpy(word, list + from, i - from);
            word[i - from] = 0;
        }
        from = i + 1;
    }
    return count;
}

/* All combinations of one word of the list, "A,B/C/D,E/F". */
static int add_product(const char *text, size_t length, method **out, size_t *count)
{
    size_t from[4], size[4], parts = 0, all = 1;
    char word[4][20];
    for (size_t i = 0, start = 0; i <= length; i++) {
        if (i < length && text[i] != '/') continue;
        if (parts < 4) {
            from[parts] = start;
            size[parts] = i - start;
        }
        parts++;
        start = i + 1;
    }
    if (parts != 4)
        return tool_usage("method '%.*s' must be SPACE/SCALE/EMBEDDING/CLUSTERING", (int)length, text);
    for (size_t p = 0; p < 4; p++)
        all *= pick(text + from[p], size[p], 0, word[p], sizeof word[p]);
    if (all > 1000 || *count + all > 1000) return tool_usage("more than 1000 methods");
    method *more = realloc(*out, (*count + all) * sizeof *more);
    if (!more) return tool_no_memory();
    *out = more;
    /* The clustering turns fastest, so that an embedding is made once. */
    for (size_t i = 0; i < all; i++) {
        for (size_t p = 4, rest = i; p-- > 0;) {
            size_t n = pick(text + from[p], size[p], 0, word[p], sizeof word[p]);
            pick(text + from[p], size[p], rest % n, word[p], sizeof word[p]);
            rest /= n;
        }
        const char *const part[4] = {word[0], word[1], word[2], word[3]};
        int rc = read_method(part, &more[*count]);
        if (rc) return rc;
        for (size_t k = 0; k < *count; k++)
            if (strcmp(more[k].name, more[*count].name) == 0)
                return tool_usage("method %s is named twice", more[k].name);
        ++*count;
    }
    return 0;
}

int methods_parse(const char *text, method **out, size_t *count)
{
    int rc = 0;
    *out = NULL;
    *count = 0;
    for (const char *p = text; !rc && *p;) {
        size_t n = strcspn(p, " ;");
        if (n) rc = add_product(p, n, out, count);
        p += n + (p[n] != 0);
    }
    if (!rc && !*count) rc = tool_usage("option --methods names no method");
    return rc;
}

/* ---- features --------------------------------------------------------------------------------------------------------- */

static void give_back(void *user)
{
    free(user);
}

/* The library's own features, scaled by its option of the same words. */
static int cepstrum(tool *t, const trial *w, row_scale scale, cepman_matrix **out)
{
    cepman_options *o = NULL;
    cepman_cepstrum *c = NULL;
    int rc = tool_check(t, cepman_options_copy(&o, t->ctx, arg_stage(t, "cepstrum")));
    if (!rc) rc = tool_check(t, cepman_options_set_text(o, t->ctx, "scale", scales[scale]));
    if (!rc) rc = tool_check(t, cepman_cepstrum_create(&c, t->ctx, w->frames, o));
    if (!rc) rc = tool_check(t, cepman_cepstrum_run(out, t->ctx, c, w->frames));
    cepman_cepstrum_unref(c);
    cepman_options_unref(o);
    return rc;
}

static void scale_l2(float *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        double square = 0;
        for (size_t k = 0; k < d; k++)
            square += (double)x[i * d + k] * (double)x[i * d + k];
        for (size_t k = 0; k < d && square > 0; k++)
            x[i * d + k] = (float)((double)x[i * d + k] / sqrt(square));
    }
}

/* Mean 0 and deviation 1 (denominator n); a feature that does not vary becomes 0. */
static int scale_standard(float *x, size_t n, size_t d)
{
    double *mean = array_zero(d, 2, sizeof *mean), *square = mean + d;
    if (!mean) return 1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            mean[k] += (double)x[i * d + k] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            square[k] += ((double)x[i * d + k] - mean[k]) * ((double)x[i * d + k] - mean[k]) / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++) {
            double v = (double)x[i * d + k] - mean[k];
            /* Below that, rounding of the mean is all there is. */
            x[i * d + k] = square[k] > 1e-24 * mean[k] * mean[k] ? (float)(v / sqrt(square[k])) : 0;
        }
    free(mean);
    return 0;
}

/* Pixels as they are counted, or log(counts + 1). */
static int diffraction(tool *t, const trial *w, const method *m, cepman_matrix **out)
{
    const size_t n = cepman_dataset_frames(w->frames),
                 d = cepman_dataset_height(w->frames) * cepman_dataset_width(w->frames);
    float *x = array_zero(n, d, sizeof *x);
    int rc = x ? tool_check(t, cepman_dataset_read_f32(w->frames, t->ctx, 0, n, x, n * d)) : 1;
    for (size_t i = 0; !rc && m->space == SPACE_LOG_DIFFRACTION && i < n * d; i++)
        x[i] = logf(x[i] + 1);
    if (!rc && m->scale == SCALE_L2) scale_l2(x, n, d);
    if (!rc && m->scale == SCALE_STANDARD) rc = scale_standard(x, n, d);
    if (!rc) rc = tool_check(t, cepman_matrix_wrap(out, t->ctx, x, n, d, d, give_back, x));
    if (rc) free(x);
    return rc;
}

static int make_features(tool *t, const trial *w, const method *m, cepman_matrix **out)
{
    return m->space == SPACE_CEPSTRUM ? cepstrum(t, w, m->scale, out) : diffraction(t, w, m, out);
}

/* ---- embeddings ------------------------------------------------------------------------------------------------------- */

/* A stage's options with the trial's seed. */
static int seeded(tool *t, const trial *w, const char *stage, cepman_options **out)
{
    int rc = tool_check(t, cepman_options_copy(out, t->ctx, arg_stage(t, stage)));
    return rc ? rc : tool_check(t, cepman_options_set_integer(*out, t->ctx, "seed", w->seed));
}

static int principal(tool *t, const cepman_matrix *x, size_t components, cepman_matrix **out)
{
    cepman_options *o = NULL;
    cepman_pca *p = NULL;
    int rc = tool_check(t, cepman_pca_options_create(&o, t->ctx));
    if (!rc) rc = tool_check(t, cepman_options_set_integer(o, t->ctx, "components", (int64_t)components));
    if (!rc) rc = tool_check(t, cepman_pca_fit(&p, t->ctx, x, o));
    if (!rc) rc = tool_check(t, cepman_pca_apply(out, t->ctx, p, x));
    cepman_pca_unref(p);
    cepman_options_unref(o);
    return rc;
}

static int by_umap(tool *t, const trial *w, cepman_matrix *x, cepman_matrix **out)
{
    cepman_options *o = NULL;
    cepman_umap *model = NULL;
    int rc = seeded(t, w, "umap", &o);
    if (!rc) rc = tool_check(t, cepman_umap_fit(&model, t->ctx, x, o));
    if (!rc) *out = cepman_matrix_ref(cepman_umap_embedding(model));
    cepman_umap_unref(model);
    cepman_options_unref(o);
    return rc;
}

/* Rows that are fewer than their features lie in the span of all their principal components. Scores in the place of
 * features turn the coordinates and change nothing else: not the loss when beta, which counts by the feature, is scaled
 * with their number, nor how weights are drawn. They are many times cheaper. */
static int by_vae(tool *t, const trial *w, const cepman_matrix *x, cepman_matrix **out)
{
    const size_t n = cepman_matrix_rows(x), d = cepman_matrix_columns(x);
    cepman_options *o = NULL;
    cepman_matrix *scores = NULL;
    cepman_vae *model = NULL;
    double beta = 0;
    int rc = seeded(t, w, "vae", &o);
    /* What is scaled has been scaled; a common factor is left to the network. */
    if (!rc) rc = tool_check(t, cepman_options_set_text(o, t->ctx, "scaling", "global"));
    if (!rc) rc = tool_check(t, cepman_options_get_real(o, t->ctx, "beta", &beta));
    if (!rc && n > 1 && n - 1 < d) {
        rc = principal(t, x, n - 1, &scores);
        if (!rc)
            rc =
                tool_check(t, cepman_options_set_real(o, t->ctx, "beta", beta * (double)(n - 1) / (double)d));
    }
    if (!rc) rc = tool_check(t, cepman_vae_fit(&model, t->ctx, scores ? scores : x, o));
    if (!rc) *out = cepman_matrix_ref(cepman_vae_embedding(model));
    cepman_vae_unref(model);
    cepman_matrix_unref(scores);
    cepman_options_unref(o);
    return rc;
}

static int make_points(tool *t, trial *w, const method *m)
{
    cepman_matrix *x = NULL;
    int rc = 0;
    if (m->components)
        rc = principal(t, w->features, m->components, &x);
    else
        x = cepman_matrix_ref(w->features);
    if (!rc && m->embedding == EMBED_NOTHING) w->points = cepman_matrix_ref(x);
    if (!rc && m->embedding == EMBED_UMAP) rc = by_umap(t, w, x, &w->points);
    if (!rc && m->embedding == EMBED_VAE) rc = by_vae(t, w, x, &w->points);
    cepman_matrix_unref(x);
    return rc;
}

/* ---- clusters --------------------------------------------------------------------------------------------------------- */

static int by_kmeans(tool *t, const trial *w, cepman_labels **out)
{
    cepman_options *o = NULL;
    cepman_kmeans *model = NULL;
    int rc = seeded(t, w, "kmeans", &o);
    if (!rc) rc = tool_check(t, cepman_options_set_integer(o, t->ctx, "k", w->classes));
    if (!rc) rc = tool_check(t, cepman_kmeans_fit(&model, t->ctx, w->points, NULL, NULL, o));
    if (!rc) *out = cepman_labels_ref(cepman_kmeans_labels(model));
    cepman_kmeans_unref(model);
    cepman_options_unref(o);
    return rc;
}

/* The paper's 50 and 50, unless the command or the method says otherwise. */
static int by_hdbscan(tool *t, const trial *w, const method *m, cepman_labels **out)
{
    const int64_t papers = 50;
    cepman_options *of_tree = NULL, *of_cut = NULL;
    cepman_hdbscan_tree *tree = NULL;
    cepman_hdbscan *model = NULL;
    int rc = tool_check(t, cepman_options_copy(&of_tree, t->ctx, arg_stage(t, "hdbscan-tree")));
    if (!rc) rc = tool_check(t, cepman_options_copy(&of_cut, t->ctx, arg_stage(t, "hdbscan")));
    if (!rc && !option_given(of_tree, "min-samples"))
        rc = tool_check(t, cepman_options_set_integer(of_tree, t->ctx, "min-samples", papers));
    if (!rc && (m->least || !option_given(of_cut, "min-cluster-size")))
        rc = tool_check(
            t, cepman_options_set_integer(of_cut, t->ctx, "min-cluster-size", m->least ? m->least : papers));
    if (!rc) rc = tool_check(t, cepman_hdbscan_tree_build(&tree, t->ctx, w->points, of_tree));
    if (!rc) rc = tool_check(t, cepman_hdbscan_extract(&model, t->ctx, tree, of_cut));
    if (!rc) *out = cepman_labels_ref(cepman_hdbscan_labels(model));
    cepman_hdbscan_unref(model);
    cepman_hdbscan_tree_unref(tree);
    cepman_options_unref(of_tree);
    cepman_options_unref(of_cut);
    return rc;
}

static int judge(tool *t, const trial *w, const cepman_labels *l, result *out)
{
    const size_t n = cepman_labels_count(l);
    result r = {.clusters = cepman_labels_clusters(l), .points = n - cepman_labels_noise(w->truth)};
    r.noise = (double)cepman_labels_noise(l) / (double)n;
    int rc = tool_check(t, cepman_validity_accuracy(&r.accuracy, t->ctx, l, w->truth));
    if (!rc) rc = tool_check(t, cepman_validity_ari(&r.ari, t->ctx, l, w->truth));
    if (!rc) rc = tool_check(t, cepman_validity_ami(&r.ami, t->ctx, l, w->truth));
    if (!rc) *out = r;
    return rc;
}

int trial_run(tool *t, trial *w, const method *m, result *out)
{
    cepman_labels *l = NULL;
    const bool same_features = w->features && w->last.space == m->space && w->last.scale == m->scale;
    const bool same_points = same_features && w->points && w->last.components == m->components &&
                             w->last.embedding == m->embedding;
    int rc = 0;
    if (!same_points) {
        cepman_matrix_unref(w->points);
        w->points = NULL;
    }
    if (!same_features) {
        cepman_matrix_unref(w->features);
        w->features = NULL;
        rc = make_features(t, w, m, &w->features);
    }
    if (!rc && !same_points) rc = make_points(t, w, m);
    w->last = *m;
    if (!rc) rc = m->density ? by_hdbscan(t, w, m, &l) : by_kmeans(t, w, &l);
    if (!rc) rc = judge(t, w, l, out);
    cepman_labels_unref(l);
    return rc;
}

void trial_free(trial *w)
{
    cepman_matrix_unref(w->features);
    cepman_matrix_unref(w->points);
    cepman_labels_unref(w->truth);
    cepman_dataset_unref(w->frames);
    memset(w, 0, sizeof *w);
}
