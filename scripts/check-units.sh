#!/usr/bin/env bash
# Verifies the systemd units where systemd-analyze is at hand.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v systemd-analyze >/dev/null; then
    echo "systemd-analyze is not installed: the units were not verified" >&2
    exit 0
fi
# Programs of a unit must exist to pass; a copy with a stand-in program checks all the rest.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
find systemd -name '*.service' -o -name '*.socket' | while read -r unit; do
    sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' "$unit" > "$folder/$(basename "$unit")"
done
systemd-analyze verify "$folder"/*
