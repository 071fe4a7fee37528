/* What units of calibrations are in ours: nm, and 1/angstrom.
 * The words that DigitalMicrograph, py4DSTEM, HyperSpy and Prismatic write.
 * Must not: guess; pixels, angles and energies are no lengths. */
#include <math.h>

#include "reader.h"

double cep_unit_factor(const char *unit, bool reciprocal)
{
    static const struct {
        const char *word;
        bool reciprocal;
        double factor;
    } units[] = {{"nm", false, 1},           {"[n_m]", false, 1},         {"pm", false, 1e-3},
                 {"A", false, 0.1},          {"\xc3\x85", false, 0.1},    {"\xe2\x84\xab", false, 0.1},
                 {"angstrom", false, 0.1},   {"um", false, 1000},         {"\xc2\xb5m", false, 1000},
                 {"\xce\xbcm", false, 1000}, {"m", false, 1e9},           {"A^-1", true, 1},
                 {"1/A", true, 1},           {"$A^{-1}$", true, 1},       {"\xc3\x85^-1", true, 1},
                 {"1/\xc3\x85", true, 1},    {"1/\xe2\x84\xab", true, 1}, {"nm^-1", true, 0.1},
                 {"1/nm", true, 0.1},        {"[n_m^-1]", true, 0.1},     {"$nm^{-1}$", true, 0.1},
                 {"1/\xc2\xb5m", true, 1e-4}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].reciprocal == reciprocal && strcmp(unit, units[i].word) == 0) return units[i].factor;
    return (double)NAN;
}

double cep_calibration(double step, const char *unit, bool reciprocal)
{
    double value = step * cep_unit_factor(unit, reciprocal);
    return value > 0 && isfinite(value) ? value : (double)NAN;
}
