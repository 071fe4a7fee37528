/* Chooses clusters from a condensed tree: excess of mass (Campello, Moulavi, Sander 2013, section 5) or
 * leaves, a limit on size, then the selection epsilon (Malzer and Baum 2020). A parent wins a tie; the root
 * is taken only when allowed. Must not: recurse; parents come before children in the arrays. */
#include <math.h>
#include <string.h>

#include "condense.h"

static void select_mass(const cep_condensed *c, const cep_selection *how, bool *chosen, double *below)
{
    for (size_t k = 0; k < c->clusters; k++)
        below[k] = 0;
    for (size_t k = c->clusters; k-- > 0;) {
        bool root = k == 0;
        double own = c->stability[k];
        chosen[k] = !(below[k] > own) && !(how->most && c->size[k] > how->most);
        if (root) {
            chosen[k] = chosen[k] && how->allow_root && c->size[k] >= how->min_size;
        } else {
            below[c->parent[k]] += chosen[k] ? own : below[k];
        }
    }
}

static void select_leaves(const cep_condensed *c, const cep_selection *how, bool *chosen)
{
    for (size_t k = 0; k < c->clusters; k++)
        chosen[k] = true;
    for (size_t k = 1; k < c->clusters; k++)
        chosen[c->parent[k]] = false;
    if (c->clusters == 1) chosen[0] = how->allow_root && c->size[0] >= how->min_size;
}

/* Of nested candidates the outermost stays. */
static void flatten(const cep_condensed *c, bool *chosen, uint32_t *owner)
{
    for (uint32_t k = 0; k < c->clusters; k++) {
        uint32_t above = k ? owner[c->parent[k]] : CEP_NO_CLUSTER;
        owner[k] = above != CEP_NO_CLUSTER ? above : chosen[k] ? k : CEP_NO_CLUSTER;
        chosen[k] = owner[k] == k;
    }
}

/* A cluster born below epsilon gives way to its first ancestor born above it; where there is none, to the
 * ancestor next to the root, or to the root when that is allowed. */
static void lift(const cep_condensed *c, const cep_selection *how, const bool *chosen, bool *lifted)
{
    memset(lifted, 0, c->clusters * sizeof *lifted);
    for (uint32_t k = 1; k < c->clusters; k++) {
        if (!chosen[k]) continue;
        uint32_t at = k;
        while (1 / c->birth[at] <= how->epsilon && (at != k || 1 / c->birth[k] < how->epsilon)) {
            uint32_t up = c->parent[at];
            if (up == 0 && !how->allow_root) break;
            at = up;
            if (at == 0) break;
        }
        lifted[at] = true;
    }
}

cepman_status cep_select_clusters(const cep_condensed *c, cepman_context *ctx, const cep_selection *how,
                                  uint32_t *owner)
{
    size_t m = c->clusters;
    if (!m) return CEPMAN_OK;
    bool *chosen = cep_alloc(c->mem, m, sizeof *chosen), *lifted = cep_alloc(c->mem, m, sizeof *lifted);
    double *below = cep_alloc(c->mem, m, sizeof *below);
    cepman_status s = CEPMAN_OK;
    if (!chosen || !lifted || !below) {
        s = cep_fail_memory(ctx, "cluster selection", m, sizeof *below);
    } else {
        if (how->leaf)
            select_leaves(c, how, chosen);
        else
            select_mass(c, how, chosen, below);
        flatten(c, chosen, owner);
        if (how->epsilon > 0 && !chosen[0]) {
            lift(c, how, chosen, lifted);
            flatten(c, lifted, owner);
        }
    }
    cep_free(c->mem, chosen);
    cep_free(c->mem, lifted);
    cep_free(c->mem, below);
    return s;
}
