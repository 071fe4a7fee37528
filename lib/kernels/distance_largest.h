/* The largest magnitude, by the bits of the numbers without their signs, which order as the magnitudes do with infinity
 * and then NaN on top. A plain loop, which the flags of each level turn into its own vectors. */

static float largest(const float *x, size_t n)
{
    int32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= INT32_MAX;
        most = bits > most ? bits : most;
    }
    float value;
    memcpy(&value, &most, sizeof value);
    return value;
}
