/* Crystals: the built-in ones against books, the own text format, CIF with and without operators, hostile text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"
#include "structure.h"
#include "support.h"

/* Atoms in the cell and density in g/cm^3. */
START_TEST(built_in)
{
    static const struct {
        const char *name;
        size_t atoms;
        double mass, density; /* of the cell in atomic units; g/cm^3 */
    } known[] = {
        {"Al", 4, 4 * 26.982, 2.70},           {"Ni", 4, 4 * 58.693, 8.91},
        {"Cu", 4, 4 * 63.546, 8.94},           {"Rh", 4, 4 * 102.906, 12.42},
        {"Pd", 4, 4 * 106.42, 12.00},          {"Ag", 4, 4 * 107.868, 10.50},
        {"Ir", 4, 4 * 192.217, 22.56},         {"Pt", 4, 4 * 195.084, 21.45},
        {"Au", 4, 4 * 196.967, 19.30},         {"Pb", 4, 4 * 207.2, 11.34},
        {"SnSe", 8, 4 * 197.67, 6.18},         {"gamma-Al2O3", 56, 32 * 15.999 + 64 / 3.0 * 26.982, 3.65},
        {"alpha-Al2O3", 30, 6 * 101.961, 3.99}};
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        cep_structure *s = NULL;
        size_t n;
        ck_assert_int_eq(cep_structure_open(&s, cep_context_memory(ctx), NULL, known[i].name), CEPMAN_OK);
        cep_structure_atoms(s, &n);
        ck_assert_msg(n == known[i].atoms, "%s: %zu atoms", known[i].name, n);
        double density = known[i].mass * 1.66054 / s->volume;
        ck_assert_double_eq_tol(density, known[i].density, 0.012 * known[i].density);
        /* No two on one site, as neighbours are 1.7 angstrom apart at least. */
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < a; b++) {
                double d2 = 0;
                for (int x = 0; x < 3; x++) {
                    double sum = 0;
                    for (int k = 0; k < 3; k++) {
                        double d = s->atom[a].at[k] - s->atom[b].at[k];
                        sum += (d - floor(d + 0.5)) * s->cell[k][x];
                    }
                    d2 += sum * sum;
                }
                ck_assert_double_gt(d2, 1.7 * 1.7);
            }
        cep_structure_free(s);
    }
    support_end(ctx);
}
END_TEST

static cepman_status parse(cepman_context *ctx, cep_structure **s, cep_fault *fault, const char *text)
{
    *s = NULL;
    fault->text[0] = 0;
    return cep_structure_parse(s, cep_context_memory(ctx), fault, "text", text, strlen(text));
}

/* Structure factors tell crystals apart whatever the order of their atoms. */
static void same_crystal(cepman_context *ctx, const cep_structure *a, const cep_structure *b,
                         double tolerance)
{
    cep_factors *f = NULL, *g = NULL;
    assert_good(ctx, cep_factors_create(&f, ctx, a, 1));
    assert_good(ctx, cep_factors_create(&g, ctx, b, 1));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(f->most[i], g->most[i]);
    double zero = cep_factor(f, 0, 0, 0)[0];
    for (int h = -3; h <= 3; h++)
        for (int k = -3; k <= 3; k++)
            for (int l = -3; l <= 3; l++)
                for (int i = 0; i < 2; i++)
                    ck_assert_double_eq_tol(cep_factor(f, h, k, l)[i], cep_factor(g, h, k, l)[i],
                                            tolerance * zero);
    cep_factors_free(f);
    cep_factors_free(g);
}

static const char own_text[] = "# rutile\n"
                               "cell 4.594 4.594 2.959   # tetragonal\n"
                               "\n"
                               "symmetry x,y,z\n"
                               "symmetry -y+1/2, x+1/2, z+1/2\n"
                               "symmetry -x,-y,z\r\n"
                               "symmetry y+1/2,-x+1/2,z+1/2\n"
                               "symmetry\t-x+1/2,y+1/2,-z+.5\n"
                               "symmetry x+1/2,-y+1/2,-z+1/2\n"
                               "symmetry y,x,-z\n"
                               "symmetry -y,-x,-z\n"
                               "atom Ti 0 0 0 0.4\n"
                               "atom O2- 0.305 0.305 0 0.5 1";

static const char cif_text[] =
    "#comment\ndata_rutile\n_cell_length_a   4.594(2)\n_cell_length_b 4.594\n_cell_length_c 2.959\n"
    "_cell_angle_alpha 90.\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
    "_symmetry_space_group_name_H-M 'P 42/m n m'\n_publ_section_title\n;\nA 'text' field _with loop_ "
    "words\n;\n"
    "loop_\n_symmetry_equiv_pos_site_id\n_symmetry_equiv_pos_as_xyz\n1 'x, y, z'\n2 '-y+1/2, x+1/2, z+1/2'\n"
    "3 -x,-y,z\n4 'y+1/2,-x+1/2,z+1/2'\n5 '-x+1/2,y+1/2,-z+1/2'\n6 'x+1/2,-y+1/2,-z+1/2'\n7 \"y,x,-z\"\n8 "
    "-y,-x,-z\n"
    "loop_\n_atom_site_label\n_atom_site_fract_z\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_"
    "occupancy\n"
    "_atom_site_U_iso_or_equiv\nTi1 0 0 0 1 0.0050661\nO1 0.0 0.305(1) 0.305 1.0 "
    "0.0063326\nloop_\n_citation_id\n1 2 3\n";

START_TEST(files)
{
    cepman_context *ctx = support_begin(1);
    cep_fault fault;
    cep_structure *own, *cif, *p1;
    size_t n;
    ck_assert_msg(parse(ctx, &own, &fault, own_text) == CEPMAN_OK, "%s", fault.text);
    const cep_atom *atom = cep_structure_atoms(own, &n);
    ck_assert_uint_eq(n, 6);
    ck_assert_int_eq(atom[0].element, 22);
    ck_assert_int_eq(atom[1].element, 8);
    ck_assert_double_eq(atom[0].b, 0.4);
    ck_assert_msg(parse(ctx, &cif, &fault, cif_text) == CEPMAN_OK, "%s", fault.text);
    cep_structure_atoms(cif, &n);
    ck_assert_uint_eq(n, 6);
    same_crystal(ctx, own, cif, 1e-5);
    /* The same as a list of all atoms. */
    ck_assert_msg(
        parse(ctx, &p1, &fault,
              "cell 4.594 4.594 2.959 90 90 90\natom Ti 0 0 0 .4\natom Ti .5 .5 .5 .4\natom O .305 .305 "
              "0 .5\natom O -.305 .695 1 .5\natom O .195 .805 .5 .5\natom O .805 .195 .5 .5\n") == CEPMAN_OK,
        "%s", fault.text);
    same_crystal(ctx, own, p1, 1e-9);
    cep_structure_free(own);
    cep_structure_free(cif);
    cep_structure_free(p1);
    /* Files, by their content whatever the name. */
    const char *path = support_path("a.crystal");
    support_write(path, cif_text, sizeof cif_text - 1);
    ck_assert_int_eq(cep_structure_open(&own, cep_context_memory(ctx), &fault, path), CEPMAN_OK);
    ck_assert_str_eq(own->name, "a.crystal");
    cep_structure_free(own);
    support_end(ctx);
}
END_TEST

/* Triclinic cells: lengths, angles and the reciprocal lattice by their definitions. */
START_TEST(cells)
{
    cepman_context *ctx = support_begin(1);
    cep_fault fault;
    cep_structure *s;
    ck_assert_int_eq(parse(ctx, &s, &fault, "cell 4 5 6 80 95 110\natom C 0 0 0"), CEPMAN_OK);
    static const double edge[3] = {4, 5, 6}, angle[3] = {80, 95, 110};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double dot = 0, length = 0;
            for (int x = 0; x < 3; x++) {
                dot += s->cell[i][x] * s->reciprocal[k][x];
                length += s->cell[i][x] * s->cell[k][x];
            }
            ck_assert_double_eq_tol(dot, i == k, 1e-12);
            double cosine = i == k ? 1 : cos(angle[3 - i - k] * 3.141592653589793 / 180);
            ck_assert_double_eq_tol(length, edge[i] * edge[k] * cosine, 1e-9);
        }
    double uvw[3] = {1, -1, 2}, direction[3];
    cep_structure_direction(s, uvw, direction);
    for (int x = 0; x < 3; x++)
        ck_assert_double_eq_tol(direction[x], s->cell[0][x] - s->cell[1][x] + 2 * s->cell[2][x], 1e-12);
    cep_structure_free(s);
    support_end(ctx);
}
END_TEST

START_TEST(refusals)
{
    static const struct {
        const char *text;
        cepman_status status;
        const char *words;
    } bad[] = {
        {"", CEPMAN_ERR_FORMAT, "cell"},
        {"atom Al 0 0 0", CEPMAN_ERR_FORMAT, "cell"},
        {"cell 4", CEPMAN_ERR_FORMAT, "no atoms"},
        {"cell 4\natom Al 0 0 0 0.5 0", CEPMAN_ERR_FORMAT, "no atoms"},
        {"cell 4 5\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 1"},
        {"cell 4e9\natom Al 0 0 0", CEPMAN_ERR_RANGE, "1 to 100"},
        {"cell nan\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 1"},
        {"cell 4 4 4 10 90 90\natom Al 0 0 0", CEPMAN_ERR_RANGE, "angle"},
        {"cell 4 4 4 60 60 150\natom Al 0 0 0", CEPMAN_ERR_RANGE, "no volume"},
        {"cell 4\natom Zz 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\natom Al 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\natom Al 0 0 1e30", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\natom Al 0 0 0 -1", CEPMAN_ERR_FORMAT, "B is"},
        {"cell 4\natom Al 0 0 0 1 2", CEPMAN_ERR_FORMAT, "occupancy"},
        {"cell 4\natom Al 0 0 0 1 1 1", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,y\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,y,z,z\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,y,2z\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,y,x\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,y,1/0\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\nsymmetry x,,z\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "line 2"},
        {"cell 4\ncentring X\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "centring"},
        {"cell 4\nlattice F\natom Al 0 0 0", CEPMAN_ERR_FORMAT, "first word"},
        {"data_a\n_cell_length_a 4\n", CEPMAN_ERR_FORMAT, "_cell_length_b"},
        {"data_a\n_cell_length_a four\n", CEPMAN_ERR_FORMAT, "line 2"},
        {"data_a\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nAl1 0 "
         "0\n",
         CEPMAN_ERR_FORMAT, "within a row"},
        {"data_a\nloop_\nAl1\n", CEPMAN_ERR_FORMAT, "without columns"},
        {"data_a\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha "
         "90\n_cell_angle_beta 90\n"
         "_cell_angle_gamma 90\n_space_group_IT_number "
         "225\nloop_\n_atom_site_type_symbol\n_atom_site_fract_x\n"
         "_atom_site_fract_y\n_atom_site_fract_z\nAl 0 0 0\n",
         CEPMAN_ERR_UNSUPPORTED, "operators"},
    };
    cepman_context *ctx = support_begin(1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cep_fault fault;
        cep_structure *s;
        cepman_status status = parse(ctx, &s, &fault, bad[i].text);
        ck_assert_msg(status == bad[i].status, "case %zu gave %s: %s", i, cepman_status_text(status),
                      fault.text);
        ck_assert_ptr_null(s);
        ck_assert_msg(strstr(fault.text, bad[i].words) != NULL, "case %zu: '%s' lacks '%s'", i, fault.text,
                      bad[i].words);
    }
    cep_fault fault;
    cep_structure *s = NULL;
    cep_memory *mem = cep_context_memory(ctx);
    ck_assert_int_eq(cep_structure_open(&s, mem, &fault, "Unobtainium"), CEPMAN_ERR_ARGUMENT);
    ck_assert_int_eq(cep_structure_open(&s, mem, &fault, "./not-there.cif"), CEPMAN_ERR_IO);
    /* A cell with too many reflections. */
    cep_factors *f = NULL;
    ck_assert_int_eq(parse(ctx, &s, &fault, "cell 100\natom Al 0 0 0"), CEPMAN_OK);
    assert_fails(ctx, cep_factors_create(&f, ctx, s, 4), CEPMAN_ERR_UNSUPPORTED, "too large");
    cep_structure_free(s);
    /* More atoms than are taken. */
    static char many[64 + 10001 * 20];
    size_t at = (size_t)sprintf(many, "cell 20\n");
    for (int i = 0; i < 10001; i++)
        at += (size_t)sprintf(many + at, "atom C 0.%05d 0 0\n", i);
    ck_assert_int_eq(parse(ctx, &s, &fault, many), CEPMAN_ERR_UNSUPPORTED);
    support_end(ctx);
}
END_TEST

START_TEST(failing_allocations)
{
    cepman_context *ctx = support_begin(1);
    static const char *const text[] = {own_text, cif_text};
    for (long fail = 0;; fail++) {
        cep_fault fault;
        cep_structure *s;
        support_fail_at(fail);
        cepman_status status = parse(ctx, &s, &fault, text[_i]);
        support_fail_at(-1);
        if (!status) {
            ck_assert_int_gt(fail, 2);
            cep_structure_free(s);
            break;
        }
        ck_assert_int_eq(status, CEPMAN_ERR_MEMORY);
        ck_assert_ptr_null(s);
    }
    support_end(ctx);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("simulate");
    TCase *t = tcase_create("crystal");
    tcase_add_test(t, built_in);
    tcase_add_test(t, files);
    tcase_add_test(t, cells);
    tcase_add_test(t, refusals);
    tcase_add_loop_test(t, failing_allocations, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
