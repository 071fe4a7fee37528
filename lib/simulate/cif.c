/* Crystals from CIF: the cell, the symmetry operators and the atom sites of the first data block that has a cell.
 * Hall, Allen, Brown, Acta Cryst. A 47 (1991) 655 (the syntax of CIF 1.1: tags, loops, quotes, text fields).
 * Must not: guess operators from a space group's name: where they are not listed the group must be P 1. */
#include <math.h>
#include <string.h>

#include "structure.h"

static const double pi = 3.141592653589793;

typedef struct token {
    cep_word word;
    size_t line;
    bool quoted; /* a value whatever it looks like */
} token;

typedef struct scanner {
    const char *at, *end;
    size_t line;
    bool line_start;
} scanner;

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step(scanner *s)
{
    s->line += *s->at == '\n';
    s->line_start = *s->at == '\n';
    s->at++;
}

/* The next token; false at the end. */
static bool next(scanner *s, token *t)
{
    while (s->at < s->end && (blank(*s->at) || *s->at == '#')) {
        if (*s->at == '#')
            while (s->at + 1 < s->end && s->at[1] != '\n')
                s->at++;
        step(s);
    }
    if (s->at == s->end) return false;
    *t = (token){{s->at, 0}, s->line, false};
    char c = *s->at;
    if (c == ';' && s->line_start) { /* a text field, to the next line that begins with one */
        t->quoted = true;
        for (step(s); s->at < s->end && !(s->line_start && *s->at == ';');)
            step(s);
        t->word.length = (size_t)(s->at - t->word.at);
        if (s->at < s->end) step(s);
        return true;
    }
    if (c == '\'' || c == '"') { /* to the same sign before a blank */
        t->quoted = true;
        t->word.at++;
        for (step(s); s->at < s->end && *s->at != '\n'; step(s))
            if (*s->at == c && (s->at + 1 == s->end || blank(s->at[1]))) break;
        t->word.length = (size_t)(s->at - t->word.at);
        if (s->at < s->end) step(s);
        return true;
    }
    while (s->at < s->end && !blank(*s->at))
        step(s);
    t->word.length = (size_t)(s->at - t->word.at);
    return true;
}

/* Equal but for the case of letters, as tags are. */
static bool is_tag(cep_word w, const char *name)
{
    if (strlen(name) != w.length) return false;
    for (size_t i = 0; i < w.length; i++) {
        char c = w.at[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
        if (c != name[i]) return false;
    }
    return true;
}

static bool starts(cep_word w, const char *name)
{
    size_t n = strlen(name);
    return w.length >= n && is_tag((cep_word){w.at, n}, name);
}

static bool is_value(const token *t)
{
    return t->quoted || !(t->word.at[0] == '_' || starts(t->word, "loop_") || starts(t->word, "data_"));
}

/* ---- what is wanted ------------------------------------------------------------------------------------------------ */

enum { LABEL, TYPE, X, Y, Z, OCCUPANCY, B_ISO, U_ISO, COLUMNS };
static const char *const columns[COLUMNS] = {
    "_atom_site_label",   "_atom_site_type_symbol", "_atom_site_fract_x",        "_atom_site_fract_y",
    "_atom_site_fract_z", "_atom_site_occupancy",   "_atom_site_b_iso_or_equiv", "_atom_site_u_iso_or_equiv"};
static const char *const cell_tags[6] = {"_cell_length_a",    "_cell_length_b",   "_cell_length_c",
                                         "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma"};
static const char *const operator_tags[2] = {"_symmetry_equiv_pos_as_xyz",
                                             "_space_group_symop_operation_xyz"};
enum { MOST_TAGS = 64 };

typedef struct cif {
    cep_structure *s;
    cep_fault *fault;
    double cell[6];
    bool has[6], other_group;
    size_t operators;
    cep_symmetry symmetry[CEP_MOST_OPERATORS];
} cif;

static cepman_status wrong(cif *c, size_t line, const char *what)
{
    return cep_fault_set(c->fault, CEPMAN_ERR_FORMAT, "%s: line %zu: %s", c->s->name, line, what);
}

static cepman_status add_operator(cif *c, const token *t)
{
    if (c->operators == CEP_MOST_OPERATORS) return wrong(c, t->line, "too many symmetry operators");
    if (!cep_symmetry_parse(&c->symmetry[c->operators++], t->word.at, t->word.length))
        return wrong(c, t->line, "a symmetry operator that is not like 'x, -y, z+1/2'");
    return CEPMAN_OK;
}

static cepman_status read_pair(cif *c, cep_word tag, const token *value)
{
    for (int i = 0; i < 6; i++)
        if (is_tag(tag, cell_tags[i])) {
            if (!cep_word_real(value->word, &c->cell[i]))
                return wrong(c, value->line, "the cell is not a number");
            c->has[i] = true;
        }
    for (int i = 0; i < 2; i++)
        if (is_tag(tag, operator_tags[i])) return add_operator(c, value);
    if (is_tag(tag, "_symmetry_space_group_name_h-m") || is_tag(tag, "_space_group_name_h-m_alt"))
        c->other_group = !is_tag(value->word, "p 1") && !is_tag(value->word, "p1") &&
                         !cep_word_is(value->word, "?") && !cep_word_is(value->word, ".");
    if (is_tag(tag, "_symmetry_int_tables_number") || is_tag(tag, "_space_group_it_number"))
        c->other_group = !cep_word_is(value->word, "1") && !cep_word_is(value->word, "?");
    return CEPMAN_OK;
}

static bool unknown(cep_word w)
{
    return cep_word_is(w, ".") || cep_word_is(w, "?");
}

static cepman_status add_atom(cif *c, const token *value, const int *place)
{
    cep_atom atom = {0, {0, 0, 0}, 0.5, 1};
    size_t line = value[place[X]].line;
    for (int i = 0; i < 3; i++)
        if (!cep_word_real(value[place[X + i]].word, &atom.at[i]))
            return wrong(c, line, "a coordinate of an atom is not a number");
    int from = place[TYPE] >= 0 ? place[TYPE] : place[LABEL];
    atom.element = cep_word_element(value[from].word);
    if (!atom.element) return wrong(c, line, "an atom of an unknown element");
    double number;
    if (place[OCCUPANCY] >= 0 && !unknown(value[place[OCCUPANCY]].word)) {
        if (!cep_word_real(value[place[OCCUPANCY]].word, &atom.occupancy))
            return wrong(c, line, "an occupancy is not a number");
    }
    for (int k = B_ISO; k <= U_ISO; k++)
        if (place[k] >= 0 && !unknown(value[place[k]].word)) {
            if (!cep_word_real(value[place[k]].word, &number))
                return wrong(c, line, "a displacement parameter is not a number");
            atom.b = k == B_ISO ? number : 8 * pi * pi * number;
        }
    cepman_status s = cep_check_atom(c->s, c->fault, &atom, line);
    return s ? s : cep_structure_atom(c->s, c->fault, &atom);
}

/* After "loop_": its tags, then rows of values; *t is the token that ends it. */
static cepman_status read_loop(cif *c, scanner *s, token *t, bool *more)
{
    size_t n = 0, filled = 0, line = t->line;
    token value[MOST_TAGS];
    int place[COLUMNS], op = -1;
    for (int k = 0; k < COLUMNS; k++)
        place[k] = -1;
    while ((*more = next(s, t)) && !t->quoted && t->word.at[0] == '_') {
        if (n == MOST_TAGS) return wrong(c, t->line, "a loop of more than 64 columns");
        for (int k = 0; k < COLUMNS; k++)
            if (is_tag(t->word, columns[k])) place[k] = (int)n;
        for (int k = 0; k < 2; k++)
            if (is_tag(t->word, operator_tags[k])) op = (int)n;
        n++;
    }
    if (n == 0) return wrong(c, line, "a loop without columns");
    bool atoms = place[X] >= 0 && place[Y] >= 0 && place[Z] >= 0 && (place[TYPE] >= 0 || place[LABEL] >= 0);
    for (; *more && is_value(t); *more = next(s, t)) {
        value[filled++] = *t;
        if (filled < n) continue;
        filled = 0;
        cepman_status status = CEPMAN_OK;
        if (op >= 0) status = add_operator(c, &value[op]);
        if (!status && atoms) status = add_atom(c, value, place);
        if (status) return status;
    }
    return filled ? wrong(c, t->line, "a loop ends within a row") : CEPMAN_OK;
}

static cepman_status read_all(cif *c, const char *text, size_t length)
{
    scanner s = {text, text + length, 1, true};
    token t;
    bool more = next(&s, &t);
    while (more) {
        cepman_status status = CEPMAN_OK;
        if (!t.quoted && starts(t.word, "data_")) {
            if (c->has[0] && c->s->atoms) break; /* the first block that is a crystal */
            more = next(&s, &t);
        } else if (!t.quoted && is_tag(t.word, "loop_")) {
            status = read_loop(c, &s, &t, &more);
        } else if (!t.quoted && t.word.at[0] == '_') {
            cep_word tag = t.word;
            more = next(&s, &t);
            if (more && is_value(&t)) {
                status = read_pair(c, tag, &t);
                more = next(&s, &t);
            }
        } else {
            more = next(&s, &t);
        }
        if (status) return status;
    }
    return CEPMAN_OK;
}

cepman_status cep_structure_cif(cep_structure *s, cep_fault *fault, const char *text, size_t length)
{
    cif *c = cep_alloc_zero(s->mem, 1, sizeof *c);
    if (!c) return cep_fault_memory(fault, s->mem, "operators", 1, sizeof *c);
    c->s = s;
    c->fault = fault;
    cepman_status status = read_all(c, text, length);
    for (int i = 0; !status && i < 6; i++)
        if (!c->has[i])
            status = cep_fault_set(fault, CEPMAN_ERR_FORMAT, "%s: %s is missing", s->name, cell_tags[i]);
    if (!status && !c->operators && c->other_group)
        status = cep_fault_set(fault, CEPMAN_ERR_UNSUPPORTED,
                               "%s: the space group is not P 1 and its operators are not listed "
                               "(_symmetry_equiv_pos_as_xyz or _space_group_symop_operation_xyz)",
                               s->name);
    if (!status) status = cep_structure_cell(s, fault, c->cell, c->cell + 3);
    if (!status) status = cep_structure_expand(s, fault, c->symmetry, c->operators);
    cep_free(s->mem, c);
    return status;
}
