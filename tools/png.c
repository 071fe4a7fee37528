/* Writes a canvas as an 8-bit RGB .png by libpng.
 * The path is one of outputs_add(): the picture appears with the other outputs.
 * Must not: leave by longjmp with anything open. */
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* The rows are set in main, so that the setjmp below guards libpng's calls only. */
static bool write_rows(png_structp png, png_infop info, const canvas *c, png_bytepp rows, FILE *f)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, NULL);
    return true;
}

/* libpng prints by default; the sentence here is ours. */
static void quiet_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void quiet_error(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

bool canvas_write(const canvas *c, FILE *f)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, quiet_error, quiet_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytepp rows = malloc(c->height * sizeof *rows);
    bool good = info && rows;
    for (size_t i = 0; good && i < c->height; i++)
        rows[i] = c->rgb + i * c->width * 3;
    good = good && write_rows(png, info, c, rows, f);
    png_destroy_write_struct(&png, &info);
    free(rows);
    return good;
}

int canvas_save(const canvas *c, const char *path)
{
    if (!path) return 1;
    FILE *f = fopen(path, "wb");
    if (!f) return tool_fail("%s: cannot write: %s", path, strerror(errno));
    bool good = canvas_write(c, f);
    good = fclose(f) == 0 && good;
    return good ? 0 : tool_fail("%s: cannot write the picture: %s", path, strerror(errno));
}
