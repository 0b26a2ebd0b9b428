// zlib, for compressed text chunks and chunk checksums.
#include "CImages.h"

#include <zlib.h>

bool lz_inflate(const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, size_t *written) {
    uLongf length = capacity;
    if (uncompress(out, &length, bytes, count) != Z_OK) return false;
    *written = length;
    return true;
}

uint32_t lz_crc32(const uint8_t *bytes, size_t count) {
    return (uint32_t)crc32_z(0, bytes, count);
}
