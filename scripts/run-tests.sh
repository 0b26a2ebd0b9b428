#!/usr/bin/env bash
# Builds everything once in release, as users run it, and runs every test.
#
# The tests of kernels switch tables and thread counts for the whole process, so they have one of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --build-tests
swift test -c release --skip-build --skip CKernelsTests
swift test -c release --skip-build --filter CKernelsTests
