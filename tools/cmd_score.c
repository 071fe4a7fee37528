/* cepman score: a clustering against a truth, as JSON on stdout.
 * Accuracy by best matching (Hungarian method), ARI, AMI; points without a truth (below 0) are left out.
 * Must not: count a point whose truth is unknown. */
#include "commands.h"

static int run_score(tool *t)
{
    cepman_labels *labels = NULL, *truth = NULL;
    double accuracy = 0, ari = 0, ami = 0;
    int rc = tool_check(t, cepman_labels_load(&labels, t->ctx, t->file[0]));
    if (!rc) rc = tool_check(t, cepman_labels_load(&truth, t->ctx, t->file[1]));
    if (!rc) rc = tool_check(t, cepman_validity_accuracy(&accuracy, t->ctx, labels, truth));
    if (!rc) rc = tool_check(t, cepman_validity_ari(&ari, t->ctx, labels, truth));
    if (!rc) rc = tool_check(t, cepman_validity_ami(&ami, t->ctx, labels, truth));
    if (!rc) {
        json j = {0};
        size_t n = cepman_labels_count(labels), known = n - cepman_labels_noise(truth);
        json_open(&j, NULL, '{');
        json_real(&j, "accuracy", accuracy);
        json_real(&j, "ari", ari);
        json_real(&j, "ami", ami);
        json_integer(&j, "points", (int64_t)n);
        json_integer(&j, "points_with_truth", (int64_t)known);
        json_integer(&j, "clusters", (int64_t)cepman_labels_clusters(labels));
        json_integer(&j, "classes", (int64_t)cepman_labels_clusters(truth));
        json_integer(&j, "noise", (int64_t)cepman_labels_noise(labels));
        json_real(&j, "noise_fraction", n ? (double)cepman_labels_noise(labels) / (double)n : 0);
        json_close(&j, '}');
        rc = json_print(&j);
        json_free(&j);
    }
    cepman_labels_unref(truth);
    cepman_labels_unref(labels);
    return rc;
}

const command command_score = {.name = "score",
                               .files = "LABELS.npy TRUTH.npy",
                               .summary = "compares labels with a truth: accuracy, ARI, AMI as JSON",
                               .notes =
                                   "Labels below 0 are noise; points whose truth is below 0 are left out.",
                               .least = 2,
                               .most = 2,
                               .run = run_score};
