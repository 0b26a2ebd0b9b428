#!/usr/bin/env bash
# Installs the system packages that the build needs and this machine lacks; does nothing when all are there.
# With the word "test" also those by which the tests judge the pictures.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND...: the package is missing when the command fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
compiler=$(command -v clang || command -v gcc || command -v cc || true)
header() { printf '#include <stdio.h>\n#include <%s>\n' "$1" | "$compiler" -E -x c - ; }

need libpng-dev header png.h
need libjpeg-dev header jpeglib.h
need libssl-dev header openssl/evp.h
need libwebp-dev header webp/encode.h
need liblcms2-dev header lcms2.h
need libsqlite3-dev header sqlite3.h
need python3 python3 --version
need python3-pip python3 -m pip --version
if [ "${1:-}" = test ]; then
    need libimage-exiftool-perl exiftool -ver
    need pngcheck command -v pngcheck
fi

[ ${#missing[@]} -eq 0 ] && exit 0
echo "Installing ${missing[*]}" >&2
if ! command -v apt-get >/dev/null; then
    echo "These packages are missing and there is no apt-get to install them: ${missing[*]}" >&2
    exit 1
fi
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
"${root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq "${missing[@]}"
