#!/usr/bin/env bash
# Lists source files over the limits: 400 lines of Swift, 300 of C.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z '*.swift' '*.c' '*.h' | xargs -0 awk '
    FNR == 1 && NR > 1 { report() }
    { file = FILENAME; lines = FNR }
    END { report(); exit over }
    function report() {
        limit = file ~ /\.swift$/ ? 400 : 300
        if (lines > limit) { printf "%s has %d lines, the limit is %d\n", file, lines, limit; over = 1 }
    }'
