#!/usr/bin/env bash
# Builds everything once in release, as users run it, and runs every test.
#
# The tests of kernels switch tables and thread counts for the whole process, so they have one of their own. Those of
# the server measure time and wait for answers, so nothing runs beside them. Other people's clients come last.
set -euo pipefail
cd "$(dirname "$0")/.."
# Real vocabularies and a real language model, for the tests that compare with them.
export LAZULI_CLIP_TOKENIZER=$PWD/models/clip-tokenizer
export LAZULI_SMOLLM2_GGUF=$PWD/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf

swift build -c release --build-tests
swift test -c release --skip-build --skip CKernelsTests --skip HTTPTests
swift test -c release --skip-build --filter CKernelsTests
swift test -c release --skip-build --filter HTTPTests --no-parallel
scripts/test-clients.sh
