#!/usr/bin/env bash
# Runs other people's client programs, unchanged, against a daemon of its own with the default model.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(swift build -c release --show-bin-path)
packages=.build/clients
state=$(mktemp -d)
export LAZULI_SOCKET=$state/lazuli.sock LAZULI_STATE=$state/state

if [ ! -e "$packages/.complete" ]; then
    rm -rf "$packages"
    python3 -m pip install -qqq --no-warn-conflicts --disable-pip-version-check --root-user-action=ignore --target "$packages" \
        openai==3.57.0 httpx==0.28.1 webuiapi==0.9.17 requests==2.34.2 pillow==13.0.0
    touch "$packages/.complete"
fi
"$programs/lazulid" --state-dir "$state/state" --socket "$LAZULI_SOCKET" 2>"$state/log" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; rm -rf "$state"' EXIT
for _ in $(seq 200); do
    [ -S "$LAZULI_SOCKET" ] && break
    kill -0 "$daemon" 2>/dev/null || { cat "$state/log" >&2; exit 1; }
    sleep 0.05
done
for client in Tests/Clients/*.py; do PYTHONPATH=$packages python3 "$client"; done
