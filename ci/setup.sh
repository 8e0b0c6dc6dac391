#!/usr/bin/env bash
# Installs what is missing to run (`ci/setup.sh run`), to test (`ci/setup.sh test`, the default), to measure
# (`ci/setup.sh bench`) or to soak (`ci/setup.sh soak`), and nothing else.
#
# Where nothing is missing it only looks, so an ordinary user can call it. Where a package is missing, root installs it by
# apt-get and everyone else is told the command. It never asks anything.
set -euo pipefail
exec </dev/null

purpose=${1:-test}
# Debian keeps these programs where an ordinary user's PATH does not look.
export PATH="$PATH:/usr/sbin:/sbin"

# program:package
case $purpose in
run) needs=(cc:build-essential nft:nftables) ;;
test) needs=(cc:build-essential make:make python3:python3 nft:nftables ip:iproute2 newuidmap:uidmap haproxy:haproxy) ;;
bench) needs=(cc:build-essential nft:nftables ip:iproute2 wrk:wrk mn:mininet brctl:bridge-utils podman:podman crun:crun) ;;
soak) needs=(cc:build-essential nft:nftables haproxy:haproxy jq:jq) ;;
*)
    echo "ci/setup.sh: there is nothing to set up for '$purpose'; say 'run', 'test', 'bench' or 'soak'" >&2
    exit 2
    ;;
esac

missing() {
    local need
    for need in "${needs[@]}"; do
        command -v "${need%%:*}" >/dev/null || echo "${need#*:}"
    done
}

mapfile -t packages < <(missing)
if ((${#packages[@]} > 0)); then
    if ! command -v apt-get >/dev/null; then
        echo "ci/setup.sh: these are missing, and there is no apt-get to install them: ${packages[*]}" >&2
        exit 1
    fi
    if ((EUID != 0)); then
        echo "ci/setup.sh: these packages are missing: ${packages[*]}; install them with" >&2
        echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends "${packages[@]}"
    mapfile -t packages < <(missing)
    if ((${#packages[@]} > 0)); then
        echo "ci/setup.sh: installed, but their programs are not on the PATH: ${packages[*]}" >&2
        exit 1
    fi
fi

if ! command -v cargo >/dev/null; then
    echo "ci/setup.sh: cargo is missing; install a Rust toolchain as https://rustup.rs says" >&2
    exit 1
fi
if [[ $purpose == test ]] && ! cargo nextest --version >/dev/null 2>&1; then
    cargo install cargo-nextest --locked
fi
