// SHA-256 (FIPS 180-4) through the system's libcrypto, which has the instructions of every processor.
#ifndef LAZULI_CRYPTO_H
#define LAZULI_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A digest under way.
typedef struct lz_sha256 lz_sha256;

/// A digest of nothing yet; null without memory. Ends with lz_sha256_free.
lz_sha256 *lz_sha256_new(void);
/// False when libcrypto refuses, which it has no reason to.
bool lz_sha256_update(lz_sha256 *digest, const void *bytes, size_t count);
/// Writes the 32 bytes; the digest takes no more.
bool lz_sha256_final(lz_sha256 *digest, uint8_t result[32]);
void lz_sha256_free(lz_sha256 *digest);

#endif
