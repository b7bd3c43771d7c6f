#include "payments/requests/qr_image.h"

#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum { QUIET = 4, PIXELS = 8, PAYLOAD_MAX = 2331 /* bytes of version 40 at level M */ };

/* The library chooses the densest mix of digits, letters and bytes: a smaller code reads better from a cracked screen.
 * It takes a C string, so a payload with a NUL is none. */
static enum err encode(struct text payload, QRcode **ret_code)
{
    char terminated[PAYLOAD_MAX + 1];
    if (!payload.length || payload.length > PAYLOAD_MAX || memchr(payload.at, 0, payload.length))
        return ERR_FIELD_LENGTH;
    memcpy(terminated, payload.at, payload.length);
    terminated[payload.length] = '\0';
    QRcode *code = QRcode_encodeString(terminated, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!code)
        return ERR_FIELD_LENGTH;
    *ret_code = code;
    return OK;
}

static bool dark(const QRcode *code, int row, int column)
{
    return code->data[row * code->width + column] & 1;
}

static void put_escaped(struct buf *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.at[i]) {
        case '<': buf_string(out, "&lt;"); break;
        case '&': buf_string(out, "&amp;"); break;
        default: buf_char(out, text.at[i]);
        }
    }
}

/* Runs of dark modules, row by row: M start, h length, one unit down and back. */
static void put_path(const QRcode *code, struct buf *out)
{
    for (int row = 0; row < code->width; row++) {
        for (int column = 0; column < code->width; column++) {
            if (!dark(code, row, column))
                continue;
            int start = column;
            while (column < code->width && dark(code, row, column))
                column++;
            buf_printf(out, "M%d %dh%dv1h-%dz", start + QUIET, row + QUIET, column - start, column - start);
        }
    }
}

enum err qr_image_svg(struct text payload, struct text title, struct buf *out)
{
    QRcode *code;
    enum err err = encode(payload, &code);
    if (err)
        return err;
    int side = code->width + 2 * QUIET;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
               "shape-rendering=\"crispEdges\"><title>",
               side, side);
    put_escaped(out, title);
    buf_printf(out, "</title><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"", side, side);
    put_path(code, out);
    buf_string(out, "\"/></svg>");
    QRcode_free(code);
    return OK;
}

static void write_bytes(png_structp png, png_bytep bytes, png_size_t length)
{
    buf_put(png_get_io_ptr(png), bytes, length);
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

/* One row of pixels, a bit each, 1 is white; rows repeat PIXELS times. */
static void draw_row(const QRcode *code, int row, uint8_t *pixels, size_t size)
{
    memset(pixels, 0xFF, size);
    if (row < 0 || row >= code->width)
        return;
    for (int column = 0; column < code->width; column++)
        if (dark(code, row, column))
            pixels[column + QUIET] = 0; /* eight pixels a module make one byte a module */
}

static void write_png(const QRcode *code, png_structp png, png_infop info)
{
    int side = (code->width + 2 * QUIET) * PIXELS;
    size_t size = (size_t)side / 8;
    uint8_t *pixels = memory_new(size);
    png_set_IHDR(png, info, (png_uint_32)side, (png_uint_32)side, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_filter(png, 0, PNG_FILTER_NONE);
    png_write_info(png, info);
    for (int row = -QUIET; row < code->width + QUIET; row++) {
        draw_row(code, row, pixels, size);
        for (int i = 0; i < PIXELS; i++)
            png_write_row(png, pixels);
    }
    png_write_end(png, info);
    free(pixels);
}

enum err qr_image_png(struct text payload, struct buf *out)
{
    QRcode *code;
    enum err err = encode(payload, &code);
    if (err)
        return err;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    /* libpng reports errors by longjmp; memory is the only thing that can fail, and that ends the process. */
    if (!info || setjmp(png_jmpbuf(png)))
        abort();
    png_set_write_fn(png, out, write_bytes, flush_nothing);
    write_png(code, png, info);
    png_destroy_write_struct(&png, &info);
    QRcode_free(code);
    return OK;
}
