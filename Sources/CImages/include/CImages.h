// PNG and JPEG through libpng, libjpeg-turbo and zlib. Those libraries report errors by longjmp, which must not cross
// Swift frames, so every function here returns a status instead. None keeps state; the caller owns all pixel memory.
#ifndef LAZULI_IMAGES_H
#define LAZULI_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    LZ_IMAGE_OK = 0,
    LZ_IMAGE_TRUNCATED,   // the bytes end too early
    LZ_IMAGE_CORRUPT,     // the bytes contradict the format; see the message
    LZ_IMAGE_UNSUPPORTED, // valid, but of a kind that is not read
    LZ_IMAGE_MEMORY,
    LZ_IMAGE_STOPPED      // `goes_on` said no
} lz_image_status;

/// The library's own words, for the log and the error text; empty when there are none.
typedef struct { char text[208]; } lz_image_message;

/// Bytes allocated by an encoder; free with lz_bytes_free.
typedef struct { uint8_t *data; size_t count; } lz_bytes;
void lz_bytes_free(lz_bytes bytes);

/// Decodes a PNG whose header says width × height into pixels[height][width][channels] of 8 bits. channels is 1, 3 or 4:
/// palettes and lesser depths are expanded, 16 bits rounded to 8, a missing alpha is 255, a superfluous one dropped.
lz_image_status lz_png_decode(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint32_t channels,
                              uint8_t *pixels, lz_image_message *message);
/// Encodes pixels[height][width][channels] (1, 3 or 4 channels) as PNG with zlib level 0 to 9. `goes_on` is asked
/// before each row; once it says no, nothing is encoded.
lz_image_status lz_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int level,
                              bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message);

/// What a JPEG's frame header says. components is 1 (grey), 3 (colour) or 4 (CMYK); decoding gives 1 or 3 channels.
typedef struct { uint32_t width, height, components; bool arithmetic; } lz_jpeg_header;
lz_image_status lz_jpeg_read_header(const uint8_t *bytes, size_t count, lz_jpeg_header *header,
                                    lz_image_message *message);
/// Decodes a JPEG with the header given before into pixels[height][width][channels]: 1 channel for grey, else 3 of RGB;
/// of CMYK, 4 that count ink when `keeps_inks`.
/// Data that ends early or contradicts itself is an error. memory_limit bounds what libjpeg allocates, in bytes.
lz_image_status lz_jpeg_decode(const uint8_t *bytes, size_t count, const lz_jpeg_header *header, size_t memory_limit,
                               bool keeps_inks, uint8_t *pixels, lz_image_message *message);
/// One APP1 segment: at most 65533 bytes.
typedef struct { const uint8_t *data; size_t count; } lz_jpeg_segment;
/// Encodes pixels[height][width][channels] (1 or 3 channels) with quality 1 to 100; chroma at full resolution or halved.
/// `goes_on` as for PNG, but a JPEG is written after its last row has come.
lz_image_status lz_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                               bool full_chroma, const lz_jpeg_segment *segments, size_t segment_count,
                               bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message);

/// What a WebP says of its picture, or of its first when it is animated.
typedef struct { uint32_t width, height; bool has_alpha, is_animated; } lz_webp_header;
lz_image_status lz_webp_read_header(const uint8_t *bytes, size_t count, lz_webp_header *header,
                                    lz_image_message *message);
/// Decodes a WebP whose header says width × height into pixels[height][width][channels], 3 or 4 channels.
lz_image_status lz_webp_decode(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint32_t channels,
                               uint8_t *pixels, lz_image_message *message);
/// Encodes pixels[height][width][channels] (3 or 4 channels) with quality 1 to 100; 100 is lossless.
lz_image_status lz_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                               bool (*goes_on)(void), lz_bytes *encoded, lz_image_message *message);

/// A colour profile (ICC): its own name and the channels of the colours that it describes.
typedef struct { uint32_t channels; lz_image_message name; } lz_profile_facts;
/// false when it cannot be read.
bool lz_profile_read(const uint8_t *profile, size_t count, lz_profile_facts *facts);
/// Brings 8-bit pixels [pixel_count][channels] (grey, RGB, RGBA, or four inks where the profile says so) to sRGB, or to
/// grey with sRGB's curve, relative colorimetric with black point compensation; inks become three channels. false, and
/// nothing is written, when the profile is malformed or describes other channels. `pixels` may be `srgb`, but for inks.
bool lz_profile_to_srgb(const uint8_t *profile, size_t count, uint32_t channels, size_t pixel_count,
                        const uint8_t *pixels, uint8_t *srgb);

/// Inflates a zlib stream into at most `capacity` bytes and tells how many; false when it is malformed or longer.
bool lz_inflate(const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, size_t *written);
/// CRC-32 as PNG chunks have it.
uint32_t lz_crc32(const uint8_t *bytes, size_t count);

#endif
