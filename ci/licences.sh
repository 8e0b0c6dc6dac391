#!/usr/bin/env bash
# Fails if anything that is built or tested is under a licence expression that ci/licences.txt does not list.
# A new expression is read by a person, who then adds a line there.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=$(cargo tree --workspace --locked --edges normal,build,dev --prefix none --format '{p}|{l}' | sed -e 's/ (\*)$//' -e '/^$/d' | sort -u)
allowed=$(grep -v '^#' ci/licences.txt)

refused=0
while IFS='|' read -r package licence; do
    if ! grep -Fxq -- "$licence" <<<"$allowed"; then
        echo "ci/licences.sh: $package is under '$licence', which ci/licences.txt does not list" >&2
        refused=1
    fi
done <<<"$packages"
((refused == 0)) || exit 1
echo "licences: $(wc -l <<<"$packages") packages, all under a listed one"
