// WebP by libwebp: one picture a file; containers are read and written by the caller.
#include "CImages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/encode.h>

static lz_image_status status_of(VP8StatusCode code, lz_image_message *message) {
    static const char *const words[] = {
        "no error", "no memory", "a parameter is invalid", "the bit stream is damaged", "a feature is unknown",
        "decoding was suspended", "decoding was ended", "the data ends too early",
    };
    const size_t index = (size_t)code < sizeof words / sizeof *words ? (size_t)code : 2;
    snprintf(message->text, sizeof message->text, "%s", words[index]);
    switch (code) {
    case VP8_STATUS_OK: return LZ_IMAGE_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return LZ_IMAGE_MEMORY;
    case VP8_STATUS_UNSUPPORTED_FEATURE: return LZ_IMAGE_UNSUPPORTED;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return LZ_IMAGE_TRUNCATED;
    default: return LZ_IMAGE_CORRUPT;
    }
}

lz_image_status lz_webp_read_header(const uint8_t *bytes, size_t count, lz_webp_header *header,
                                    lz_image_message *message) {
    WebPBitstreamFeatures features;
    const VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
    if (code == VP8_STATUS_OK)
        *header = (lz_webp_header){(uint32_t)features.width, (uint32_t)features.height, features.has_alpha != 0,
                                   features.has_animation != 0};
    return status_of(code, message);
}

lz_image_status lz_webp_decode(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint32_t channels,
                               uint8_t *pixels, lz_image_message *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return status_of(VP8_STATUS_INVALID_PARAM, message);
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = (int)(width * channels);
    config.output.u.RGBA.size = (size_t)width * height * channels;
    const VP8StatusCode code = WebPDecode(bytes, count, &config);
    const bool same = (uint32_t)config.input.width == width && (uint32_t)config.input.height == height;
    WebPFreeDecBuffer(&config.output);
    return status_of(code == VP8_STATUS_OK && !same ? VP8_STATUS_BITSTREAM_ERROR : code, message);
}

/// Where an encoder writes, and whether it should go on.
typedef struct {
    lz_bytes bytes;
    bool (*goes_on)(void);
} destination;

static int ask(int percent, const WebPPicture *picture) {
    (void)percent;
    return ((const destination *)picture->user_data)->goes_on();
}

static int collect(const uint8_t *data, size_t count, const WebPPicture *picture) {
    lz_bytes *to = &((destination *)picture->custom_ptr)->bytes;
    uint8_t *grown = realloc(to->data, to->count + count);
    if (!grown) return 0;
    memcpy(grown + to->count, data, count);
    *to = (lz_bytes){grown, to->count + count};
    return 1;
}

lz_image_status lz_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                               bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message) {
    message->text[0] = 0;
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) return status_of(VP8_STATUS_INVALID_PARAM, message);
    if (quality == 100) WebPConfigLosslessPreset(&config, 6);
    config.exact = 1;
    config.quality = quality == 100 ? config.quality : (float)quality;
    config.use_sharp_yuv = 1;
    destination to = {{NULL, 0}, goes_on};
    picture.use_argb = 1;
    picture.width = (int)width;
    picture.height = (int)height;
    picture.writer = collect;
    picture.custom_ptr = &to;
    picture.user_data = &to;
    picture.progress_hook = ask;
    const int stride = (int)(width * channels);
    int good = channels == 4 ? WebPPictureImportRGBA(&picture, pixels, stride)
                             : WebPPictureImportRGB(&picture, pixels, stride);
    good = good && WebPEncode(&config, &picture);
    const WebPEncodingError error = picture.error_code;
    WebPPictureFree(&picture);
    if (good) {
        *encoded = to.bytes;
        return LZ_IMAGE_OK;
    }
    free(to.bytes.data);
    if (error == VP8_ENC_ERROR_USER_ABORT) return LZ_IMAGE_STOPPED;
    snprintf(message->text, sizeof message->text, "libwebp's error %d", (int)error);
    const bool memory = error == VP8_ENC_ERROR_OUT_OF_MEMORY || error == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY ||
                        error == VP8_ENC_ERROR_BAD_WRITE;
    return memory ? LZ_IMAGE_MEMORY : LZ_IMAGE_CORRUPT;
}
