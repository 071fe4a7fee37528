/* The m-th smallest key, by bisection of its value between counts: no branch depends on a key, and the answer is the
 * same at every level. Included where count_up_to(), extremes() and largest_up_to() are those of the level. */

static float nth(const float *keys, size_t n, size_t m)
{
    float low, high;
    extremes(keys, n, &low, &high);
    if (count_up_to(keys, n, low) >= m) return low;
    for (;;) { /* fewer than m keys are up to low, at least m up to high */
        float middle = low + (high - low) / 2;
        if (!(middle > low && middle < high)) break;
        size_t count = count_up_to(keys, n, middle);
        if (count < m) {
            low = middle;
            continue;
        }
        high = middle;
        if (count == m) break;
    }
    return largest_up_to(keys, n, high);
}
