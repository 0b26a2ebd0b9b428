// zlib, for compressed text chunks and chunk checksums.
#include "CImages.h"

#include <zlib.h>

size_t lz_inflate(const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity) {
    uLongf written = capacity;
    if (uncompress(out, &written, bytes, count) != Z_OK) return SIZE_MAX;
    return written;
}

uint32_t lz_crc32(const uint8_t *bytes, size_t count) {
    return (uint32_t)crc32_z(0, bytes, count);
}
