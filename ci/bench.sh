#!/usr/bin/env bash
# Measures the harness itself, beside others where there are others, and writes the table to target/bench.md as well. Measures
# every balancer that is on this machine, and writes docs/benchmarks.md and docs/balancers.svg.
#
# Sides are measured by turns and compared round by round, so that a machine that is busy for a while is busy for both. A
# missed goal is a row that says no; only a measurement that could not be made is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh bench
# Balancers in containers are measured where an engine answers.
test -z "$(ci/images.sh --engines)" || ci/images.sh
export PATH="$PATH:/usr/sbin:/sbin"
target=${CARGO_TARGET_DIR:-target}
cargo build --release --locked -p lblab
cargo build --release --locked -p lblab-lab --example bench
cargo build --release --locked -p lblab-traffic --example client_vs_wrk
cargo build --release --locked -p lblab-runner --features containers --example balancers
bench=$target/release/examples/bench
table=$target/bench.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Runs a measurement that prints rows; one that fails is a row too.
measure() {
    local what=$1
    shift
    # Not as a condition, in which a shell does not stop at what fails.
    set +e
    (
        set -e
        "$@"
    ) >"$work/rows"
    local status=$?
    set -e
    if ((status != 0)); then
        echo "| $what | not measured | | | | no |" >"$work/rows"
        failed=1
    fi
    cat "$work/rows" >>"$table"
}

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int(NR / 2) + 1] }'; }
is() { awk "BEGIN { exit !($1) }" && echo yes || echo no; }

# The milliseconds of one run of a scenario on the built-in balancer, from start to exit, so many times.
whole_run() {
    local rounds=$1 begin end
    for ((round = 0; round < rounds; round++)); do
        begin=${EPOCHREALTIME/./}
        "$target/release/lblab" run builtin:balancing/round-robin --out "$work/results" >/dev/null
        end=${EPOCHREALTIME/./}
        awk "BEGIN { printf \"%.1f\n\", ($end - $begin) / 1000 }"
    done >"$work/times"
    time=$(median <"$work/times")
    echo "| \`lblab run builtin:balancing/round-robin\`, start to exit | $time ms (median of $rounds) | - | - |" \
        "less than 150 ms | $(is "$time < 150") |"
}

# Processor time of the traffic client and of wrk for a request.
client() {
    local rounds=$1 name ratio goal
    "$target/release/examples/client_vs_wrk" "$rounds" 2 | tee "$work/client" >&2
    while read -r goal name; do
        ratio=$(awk -v name="$name" 'index($0, name) == 1 && /median/ { print $NF }' "$work/client")
        [[ -n $ratio ]]
        per_second() {
            awk -v name="$name" -v back="$1" 'index($0, name) == 1 && !/median/ { print $(NF - back) }' "$work/client" | median
        }
        echo "| requests per second of processor time, $name, beside wrk | $(per_second 2) | $(per_second 1) |" \
            "$ratio (median of $rounds) | at least $goal | $(is "$ratio >= $goal") |"
    done <<GOALS
0.5 keep-alive
0.8 new connections
GOALS
}

# What a run could have changed of the machine if it were not in a sandbox.
host() {
    ip link
    ip route
    ip rule
    cat /proc/self/mountinfo
    nft list ruleset 2>&1 || true
}

killed() {
    host >"$work/before"
    "$bench" killed "$1"
    host >"$work/after"
    local same=yes
    cmp -s "$work/before" "$work/after" || same=no
    echo "| after that the machine's links, routes, rules and mounts are as before | $same | - | - | yes | $same |"
}

killed_at_random() {
    LBLAB_KILLS=$1 cargo test --locked -p lblab --test it -- runs_that_are_killed >&2
    echo "| \`lblab run\` killed at $1 random moments: runs that left something | 0 | - | - | 0 | yes |"
}

{
    echo "$(nproc) processors, Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg) at the start, $(date -u +%F)."
    echo
    echo '| what | lblab | other | ratio | goal | met |'
    echo '|---|---|---|---|---|---|'
} >"$table"

script="ip -batch" hosts="Mininet"
measure "10 members beside $script" "$bench" ready guarded 10 11 4 "\`$script\`" ci/bench/network.sh
measure "100 members beside $script" "$bench" ready guarded 100 5 4 "\`$script\`" ci/bench/network.sh
measure "500 members beside $script" "$bench" ready guarded 500 3 4 "\`$script\`" ci/bench/network.sh
# Mininet's hosts have no security groups. Debian's python3 is the one that has Debian's mininet.
measure "10 members beside $hosts" "$bench" ready open 10 5 20 "$hosts" /usr/bin/python3 ci/bench/mininet_hosts.py
measure "100 members beside $hosts" "$bench" ready open 100 3 20 "$hosts" /usr/bin/python3 ci/bench/mininet_hosts.py
measure "900 members" "$bench" reachable 900
measure "stalls" "$bench" stalls 200
measure "a killed launcher" killed 5
measure "killed runs" killed_at_random 50
measure "a whole run" whole_run 15
measure "the traffic client" client 3
measure "the balancers" "$target/release/examples/balancers" 3 docs

cat "$table"
exit "$failed"
