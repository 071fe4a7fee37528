/* A program built from pkg-config alone against an installed libcepman; it says the same however it is
 * linked. It calls what pulls in each of the libraries behind libcepman, so that a static link needs all of
 * them. */
#include <stdio.h>
#include <string.h>

#include <cepman/cepman.h>

static int fail(const char *what, const cepman_context *ctx, cepman_status status)
{
    printf("%s: %s: %s\n", what, cepman_status_text(status), cepman_context_error(ctx));
    return 1;
}

int main(void)
{
    cepman_context *ctx = NULL;
    cepman_matrix *matrix = NULL;
    float rows[20][4];
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 4; j++)
            rows[i][j] = (float)((i * 7 + j * j * 3) % 11);

    if (strcmp(cepman_version(), CEPMAN_VERSION_STRING) != 0) return 2;
    cepman_status status = cepman_context_create(&ctx, NULL);
    if (status) return fail("context", NULL, status);
    status = cepman_context_set_threads(ctx, 2);
    if (status) return fail("threads", ctx, status);
    status = cepman_matrix_copy(&matrix, ctx, &rows[0][0], 20, 4, 4);
    if (status) return fail("matrix", ctx, status);
    printf("version %s, matrix of %zu x %zu\n", cepman_version(), cepman_matrix_rows(matrix),
           cepman_matrix_columns(matrix));
    cepman_matrix_unref(matrix);
    cepman_context_unref(ctx);
    return 0;
}
