#!/usr/bin/env bash
# install.sh BUILD PREFIX: copies the programs, the models and the user's unit.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
prefix=$2
install -Dm755 "$build/lazulid" "$prefix/bin/lazulid"
install -Dm755 "$build/lazuli" "$prefix/bin/lazuli"
find models -type f | while read -r file; do install -Dm644 "$file" "$prefix/share/lazuli/$file"; done
if [ -d systemd/user ]; then
    for unit in systemd/user/*.service; do
        install -d "$prefix/share/systemd/user"
        sed "s#^ExecStart=[^ ]*#ExecStart=$prefix/bin/lazulid#" "$unit" > "$prefix/share/systemd/user/$(basename "$unit")"
    done
fi
echo "Installed lazuli and lazulid in $prefix/bin"
