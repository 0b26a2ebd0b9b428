// EVP of OpenSSL 1.1 and 3; its headers stay here, because Swift would import thousands of declarations.
#include "CCrypto.h"

#include <openssl/evp.h>

static EVP_MD_CTX *context(lz_sha256 *digest) {
    return (EVP_MD_CTX *)digest;
}

lz_sha256 *lz_sha256_new(void) {
    EVP_MD_CTX *new = EVP_MD_CTX_new();
    if (new != NULL && EVP_DigestInit_ex(new, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(new);
        new = NULL;
    }
    return (lz_sha256 *)new;
}

bool lz_sha256_update(lz_sha256 *digest, const void *bytes, size_t count) {
    return EVP_DigestUpdate(context(digest), bytes, count) == 1;
}

bool lz_sha256_final(lz_sha256 *digest, uint8_t result[32]) {
    return EVP_DigestFinal_ex(context(digest), result, NULL) == 1;
}

void lz_sha256_free(lz_sha256 *digest) {
    EVP_MD_CTX_free(context(digest));
}
