#!/usr/bin/env bash
# Makes the real OpenStack clients that the transcripts are followed with: `neutron` and `nova`, of the last releases that have the
# commands of LBaaS v1 and v2 and run on today's Python. They go to target/transcripts/clients, pinned by
# fixtures/transcripts/constraints.txt; a run that finds them in place downloads nothing. Prints the folder of the programs.
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/.."

constraints=fixtures/transcripts/constraints.txt
clients=target/transcripts/clients
# What is installed is what this file says; it is written last, so that an interrupted run is begun anew.
mark=$clients/constraints.txt

fail() {
    echo "ci/transcripts.sh: $*" >&2
    exit 1
}

if ! cmp -s "$constraints" "$mark"; then
    command -v python3 >/dev/null || fail "python3 is missing; ci/setup.sh installs it"
    python3 -c 'import ensurepip' 2>/dev/null || fail "python3 makes no virtual environments here; on Debian: sudo apt-get install -y python3-venv"
    rm -rf "$clients"
    python3 -m venv "$clients" >&2
    "$clients/bin/pip" install --quiet --disable-pip-version-check --constraint "$constraints" \
        python-neutronclient python-novaclient >&2 || fail "installing the clients failed; see above"
    "$clients/bin/pip" check >&2 || fail "the clients do not fit together; see above"
    cp "$constraints" "$mark"
fi
echo "$PWD/$clients/bin"
