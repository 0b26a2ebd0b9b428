#!/usr/bin/env bash
# Starts a daemon with a folder of its own, draws five pictures with the default model through its socket, stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$(swift build -c release --show-bin-path)
state=$(mktemp -d)
output=out/demo
mkdir -p "$output"
export LAZULI_SOCKET=$state/lazuli.sock

"$programs/lazulid" --state-dir "$state/state" --socket "$LAZULI_SOCKET" 2>"$state/log" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; rm -rf "$state"' EXIT
for _ in $(seq 100); do
    [ -S "$LAZULI_SOCKET" ] && break
    kill -0 "$daemon" 2>/dev/null || { cat "$state/log" >&2; exit 1; }
    sleep 0.05
done

draw() { # draw FILE SEED PROMPT
    "$programs/lazuli" generate "$3" --seed "$2" -o "$output/$1"
}
started=$(date +%s.%N)
apple="a red apple on a blue background"
draw apple.png 1 "$apple"
draw apple.jpg 1 "$apple"
draw penguin.png 2 "a penguin on a pink background"
draw rocket.png 3 "a rocket on a green background"
draw car.png 6 "a red car on a yellow background"
draw star.png 5 "a yellow star on a purple background"
"$programs/lazuli" edit "$output/apple.png" "change the background to yellow" --seed 1 -o "$output/apple-yellow.png"
printf 'Drew 6 files of 5 prompts and an edit in %.1f s\n' "$(python3 -c "print($(date +%s.%N) - $started)")"
