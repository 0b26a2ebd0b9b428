// JPEG by libjpeg-turbo. Where libjpeg would warn and guess the missing pixels, this fails.
#include "CImages.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { most_scans = 500 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf escape;
    lz_image_status status;
    lz_image_message *message;
} error_manager;

static void on_exit_error(j_common_ptr info) {
    error_manager *errors = (error_manager *)info->err;
    errors->base.format_message(info, errors->message->text);
    switch (errors->base.msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE: errors->status = LZ_IMAGE_MEMORY; break;
    case JERR_INPUT_EMPTY:
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER: errors->status = LZ_IMAGE_TRUNCATED; break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL: errors->status = LZ_IMAGE_UNSUPPORTED; break;
    default: errors->status = LZ_IMAGE_CORRUPT; break;
    }
    longjmp(errors->escape, 1);
}

/// level −1: the data is damaged. Only what changes no pixel is let pass.
static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR: return;
    default: on_exit_error(info);
    }
}

static void on_output(j_common_ptr info) { (void)info; }

/// A progressive file may repeat scans without end, each a full pass over the picture.
static void on_progress(j_common_ptr info) {
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > most_scans) {
        ERREXIT(info, JERR_BAD_PROGRESSION);
    }
}

static void set_errors(error_manager *errors, lz_image_message *message) {
    message->text[0] = 0;
    jpeg_std_error(&errors->base);
    errors->base.error_exit = on_exit_error;
    errors->base.emit_message = on_message;
    errors->base.output_message = on_output;
    errors->status = LZ_IMAGE_CORRUPT;
    errors->message = message;
}

lz_image_status lz_jpeg_read_header(const uint8_t *bytes, size_t count, lz_jpeg_header *header,
                                    lz_image_message *message) {
    struct jpeg_decompress_struct info;
    error_manager errors;
    set_errors(&errors, message);
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&info);
        return errors.status;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    *header = (lz_jpeg_header){ info.image_width, info.image_height, (uint32_t)info.num_components, info.arith_code };
    jpeg_destroy_decompress(&info);
    return LZ_IMAGE_OK;
}

/// a·b/255, rounded.
static uint8_t scaled(unsigned a, unsigned b) {
    const unsigned product = a * b + 128;
    return (uint8_t)(((product >> 8) + product) >> 8);
}

/// CMYK to RGB without a profile. Adobe's files store all four inverted, so that 255 means no ink.
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, bool inverted) {
    const uint8_t flip = inverted ? 255 : 0;
    for (uint32_t x = 0; x < width; x++) {
        const unsigned light = 255u - (cmyk[4 * x + 3] ^ flip);
        for (uint32_t c = 0; c < 3; c++) {
            const unsigned ink = cmyk[4 * x + c] ^ flip;
            rgb[3 * x + c] = (uint8_t)(light - scaled(ink, light));
        }
    }
}

/// Inks as they are, 255 the most.
static void inks_from_cmyk(const uint8_t *cmyk, uint8_t *inks, uint32_t width, bool inverted) {
    const uint8_t flip = inverted ? 255 : 0;
    for (size_t i = 0; i < (size_t)width * 4; i++) inks[i] = cmyk[i] ^ flip;
}

static void read_rows(j_decompress_ptr info, bool keeps_inks, uint8_t *pixels) {
    const uint32_t width = info->output_width;
    const uint32_t channels = info->output_components == 1 ? 1 : info->out_color_space == JCS_CMYK && keeps_inks ? 4 : 3;
    const size_t stride = (size_t)width * channels;
    JSAMPARRAY inks = NULL;
    if (info->out_color_space == JCS_CMYK) {
        inks = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, width * 4, 1);
    }
    while (info->output_scanline < info->output_height) {
        uint8_t *row = pixels + stride * info->output_scanline;
        if (inks) {
            jpeg_read_scanlines(info, inks, 1);
            (keeps_inks ? inks_from_cmyk : rgb_from_cmyk)(inks[0], row, width, info->saw_Adobe_marker);
        } else {
            jpeg_read_scanlines(info, &row, 1);
        }
    }
}

lz_image_status lz_jpeg_decode(const uint8_t *bytes, size_t count, const lz_jpeg_header *header, size_t memory_limit,
                               bool keeps_inks, uint8_t *pixels, lz_image_message *message) {
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress = { .progress_monitor = on_progress };
    error_manager errors;
    set_errors(&errors, message);
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&info);
        return errors.status;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress;
    info.mem->max_memory_to_use = (long)memory_limit;
    jpeg_mem_src(&info, bytes, count);
    jpeg_read_header(&info, TRUE);
    if (info.image_width != header->width || info.image_height != header->height ||
        (uint32_t)info.num_components != header->components) {
        ERREXIT(&info, JERR_BAD_LENGTH);
    }
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
    read_rows(&info, keeps_inks, pixels);
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return LZ_IMAGE_OK;
}

// libjpeg's own memory destination leaves a freed pointer with the caller when it fails, hence this one.
typedef struct {
    struct jpeg_destination_mgr base;
    uint8_t *data;
    size_t capacity;
} destination;

enum { first_capacity = 1 << 16 };

static void resize(j_compress_ptr info, size_t capacity) {
    destination *to = (destination *)info->dest;
    uint8_t *grown = realloc(to->data, capacity);
    if (!grown) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    to->data = grown;
    to->base.next_output_byte = grown + to->capacity;
    to->base.free_in_buffer = capacity - to->capacity;
    to->capacity = capacity;
}

static void begin_output(j_compress_ptr info) { resize(info, first_capacity); }

static boolean grow_output(j_compress_ptr info) {
    resize(info, ((destination *)info->dest)->capacity * 2);
    return TRUE;
}

static void end_output(j_compress_ptr info) { (void)info; }

lz_image_status lz_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                               bool full_chroma, const lz_jpeg_segment *segments, size_t segment_count,
                               bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message) {
    struct jpeg_compress_struct info;
    destination to = { .base = { .init_destination = begin_output,
                                 .empty_output_buffer = grow_output,
                                 .term_destination = end_output } };
    error_manager errors;
    set_errors(&errors, message);
    info.err = &errors.base;
    if (setjmp(errors.escape)) {
        jpeg_destroy_compress(&info);
        free(to.data);
        return errors.status;
    }
    jpeg_create_compress(&info);
    info.dest = &to.base;
    info.image_width = width;
    info.image_height = height;
    info.input_components = (int)channels;
    info.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.optimize_coding = TRUE;
    if (channels == 3 && full_chroma) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&info, TRUE);
    for (size_t i = 0; i < segment_count; i++) {
        jpeg_write_marker(&info, JPEG_APP0 + 1, segments[i].data, (unsigned)segments[i].count);
    }
    while (info.next_scanline < height) {
        if (!goes_on()) {
            jpeg_destroy_compress(&info);
            free(to.data);
            return LZ_IMAGE_STOPPED;
        }
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * width * channels);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *encoded = (lz_bytes){ to.data, to.capacity - to.base.free_in_buffer };
    return LZ_IMAGE_OK;
}
