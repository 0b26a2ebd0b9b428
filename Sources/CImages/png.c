// PNG by libpng. Ancillary chunks are skipped unread: text and profiles cannot inflate here.
#include "CImages.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const uint8_t *bytes;
    size_t count, offset;
    bool truncated;
} reader;

static void on_error(png_structp png, png_const_charp text) {
    lz_image_message *message = png_get_error_ptr(png);
    snprintf(message->text, sizeof message->text, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    reader *from = png_get_io_ptr(png);
    if (count > from->count - from->offset) {
        from->truncated = true;
        png_error(png, "the data ends too early");
    }
    memcpy(out, from->bytes + from->offset, count);
    from->offset += count;
}

/// Transformations that bring every colour type to 8 bits and the wanted channels.
static void set_channels(png_structp png, png_infop info, uint32_t channels) {
    const bool transparent = png_get_valid(png, info, PNG_INFO_tRNS);
    const int type = png_get_color_type(png, info);
    png_set_expand(png);
    png_set_scale_16(png);
    if (channels >= 3) png_set_gray_to_rgb(png);
    if (channels == 4 && !(type & PNG_COLOR_MASK_ALPHA) && !transparent) png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
    if (channels != 4 && ((type & PNG_COLOR_MASK_ALPHA) || transparent)) png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

lz_image_status lz_png_decode(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint32_t channels,
                              uint8_t *pixels, lz_image_message *message) {
    message->text[0] = 0;
    reader from = { bytes, count, 0, false };
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    uint8_t **rows = malloc((size_t)height * sizeof *rows);
    if (!info || !rows) {
        png_destroy_read_struct(&png, &info, NULL);
        free(rows);
        return LZ_IMAGE_MEMORY;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        free(rows);
        return from.truncated ? LZ_IMAGE_TRUNCATED : LZ_IMAGE_CORRUPT;
    }
    // Damage is damage, also where it hits no pixel.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, width, height);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_read_fn(png, &from, read_bytes);
    png_read_info(png, info);
    set_channels(png, info, channels);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
        png_get_rowbytes(png, info) != (size_t)width * channels) {
        png_error(png, "the header changed while it was read");
    }
    for (uint32_t row = 0; row < height; row++) rows[row] = pixels + (size_t)row * width * channels;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    return LZ_IMAGE_OK;
}

typedef struct {
    lz_bytes bytes;
    size_t capacity;
    bool full, stopped;
} writer;

static void write_bytes(png_structp png, png_bytep data, size_t count) {
    writer *to = png_get_io_ptr(png);
    if (count > to->capacity - to->bytes.count) {
        const size_t capacity = (to->bytes.count + count) * 2;
        uint8_t *grown = realloc(to->bytes.data, capacity);
        if (!grown) {
            to->full = true;
            png_error(png, "no memory");
        }
        to->bytes.data = grown;
        to->capacity = capacity;
    }
    memcpy(to->bytes.data + to->bytes.count, data, count);
    to->bytes.count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

lz_image_status lz_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int level,
                              bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message) {
    message->text[0] = 0;
    writer to = { { NULL, 0 }, 0, false, false };
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return LZ_IMAGE_MEMORY;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        free(to.bytes.data);
        return to.stopped ? LZ_IMAGE_STOPPED : to.full ? LZ_IMAGE_MEMORY : LZ_IMAGE_CORRUPT;
    }
    const int types[5] = { 0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };
    png_set_write_fn(png, &to, write_bytes, flush_bytes);
    png_set_compression_level(png, level);
    // Filters cost time and help only what is compressed afterwards.
    png_set_filter(png, PNG_FILTER_TYPE_BASE, level == 0 ? PNG_FILTER_NONE : PNG_ALL_FILTERS);
    png_set_IHDR(png, info, width, height, 8, types[channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t row = 0; row < height; row++) {
        if (!goes_on()) {
            to.stopped = true;
            png_error(png, "stopped");
        }
        png_write_row(png, pixels + (size_t)row * width * channels);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    *encoded = to.bytes;
    return LZ_IMAGE_OK;
}

void lz_bytes_free(lz_bytes bytes) { free(bytes.data); }
