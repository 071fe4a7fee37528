/* Files of crystals: the own text format and CIF. What is accepted must be sane. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "simulate.h"
#include "structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cepman_context *ctx = NULL;
    cep_structure *s = NULL;
    cep_fault fault;
    if (cepman_context_create(&ctx, NULL)) return 0;
    if (cep_structure_parse(&s, cep_context_memory(ctx), &fault, "input", (const char *)data, size) ==
        CEPMAN_OK) {
        if (!(s->volume > 0.1 && s->volume <= 1e6) || s->atoms == 0 || s->atoms > CEP_MOST_ATOMS) abort();
        for (size_t i = 0; i < s->atoms; i++) {
            const cep_atom *a = &s->atom[i];
            if (a->element < 1 || a->element > CEP_ELEMENTS || !(a->b >= 0 && a->b <= 20)) abort();
            for (int k = 0; k < 3; k++)
                if (!(fabs(a->at[k]) <= 100)) abort();
        }
        cep_structure_free(s);
    }
    cepman_context_unref(ctx);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t *data, size_t room)
{
    static const char *const seeds[] = {
        "# silver\ncell 4.086 4.086 4.086 90 90 90\ncentring F\nsymmetry -x,1/2+y,z-.5\natom Ag 0 0 0 0.74 "
        "1\n",
        "data_a\n_cell_length_a 4.59(2)\n_cell_length_b 4.6\n_cell_length_c 2.9\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90.0\nloop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n"
        "'-y+1/2, x+1/2, "
        "z+1/2'\n;\n-x,-y,z\n;\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n"
        "_atom_site_fract_z\n_atom_site_occupancy\n_atom_site_U_iso_or_equiv\nTi1 0 0 0 1 0.005\nO1 .3 .3 0 "
        ". ?\n"};
    if (index >= 2 || strlen(seeds[index]) > room) return 0;
    memcpy(data, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
