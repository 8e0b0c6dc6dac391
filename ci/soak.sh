#!/usr/bin/env bash
# Makes the core profile of the conformance suite again and again on balancers that conform, on a machine that is kept busy, and
# counts false alarms: checks that fail, though no known finding says so. There may be none.
#
#   RUNS=100                       core runs on each balancer, each with a seed of its own
#   FIRST=1                        the seed of the first run, so that several soaks can share the work
#   BALANCERS="reference haproxy"  the balancers, which run side by side
#   LOAD=4                         the load average up to which busy loops are added
#   OUT=target/soak                where the records of runs with a false alarm are kept, and the table of all
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-100}
first=${FIRST:-1}
read -ra balancers <<<"${BALANCERS:-reference haproxy}"
load=${LOAD:-4}
out=${OUT:-target/soak}
[[ $runs =~ ^[1-9][0-9]*$ && $first =~ ^[0-9]+$ && $load =~ ^[0-9]+$ ]] || {
    echo "ci/soak.sh: RUNS is a number from 1 on, FIRST and LOAD are numbers from 0 on" >&2
    exit 2
}

ci/setup.sh soak
export PATH="$PATH:/usr/sbin:/sbin"
lblab=${CARGO_TARGET_DIR:-target}/debug/lblab
cargo build --locked -p lblab

rm -rf "$out"
mkdir -p "$out"
loops=()
# Only what was started here is stopped.
end() { ((${#loops[@]} == 0)) || kill "${loops[@]}" 2>/dev/null || true; }
trap end EXIT
trap 'exit 130' INT TERM

average() { cut -d' ' -f1 /proc/loadavg; }
is() { awk "BEGIN { exit !($1) }"; }

# One busy loop more or less, so that the load average comes near what was asked for and stays below it.
steer() {
    if is "$(average) + 0.5 < $load" && ((${#loops[@]} < load)); then
        (while :; do :; done) &
        loops+=($!)
    elif is "$(average) > $load" && ((${#loops[@]} > 0)); then
        kill "${loops[-1]}" 2>/dev/null || true
        unset 'loops[-1]'
    fi
}

# The sum, over the rounds of a balancer, of what a filter finds in its reports.
sum() {
    jq -s "[.[] | $2] | add // 0" "$out"/round-*/conformance-"$1".json
}

arguments=()
for balancer in "${balancers[@]}"; do arguments+=(--balancer "$balancer"); done
: >"$out/loads"
for ((round = 1; round <= runs; round++)); do
    steer
    folder=$out/round-$round
    # Not as a condition, in which a shell does not stop at what fails.
    set +e
    "$lblab" conformance "${arguments[@]}" --profile core --seed "$((first + round - 1))" --out "$folder" >"$out/terminal" 2>&1
    code=$?
    set -e
    average >>"$out/loads"
    for balancer in "${balancers[@]}"; do
        [[ -s $folder/conformance-$balancer.json ]] || {
            cat "$out/terminal" >&2
            echo "ci/soak.sh: round $round has no report on $balancer" >&2
            exit 1
        }
    done
    # A report is all that is needed of a round in which nothing failed and nothing was left undecided.
    if ((code == 0)); then
        find "$folder" -mindepth 1 -maxdepth 1 -type d -exec rm -r {} +
    else
        mv "$out/terminal" "$folder/terminal.txt"
    fi
    echo "round $round of $runs: exit code $code, load $(average) with ${#loops[@]} busy loops"
done

# What speaks against a balancer that is known to conform, or against lblab.
alarm='(.statistics.failed - .statistics.known) + ([.stoppedRuns[] | select(.known | not)] | length)'
alarms=0
{
    echo "$(nproc) processors, load average $(sort -n "$out/loads" | awk '{ sum += $1; most = $1 } END { printf "%.1f in the mean, %.1f at most", sum / NR, most }')."
    echo
    echo '| balancer | core runs | checks judged | held | known failures | false alarms | inconclusive | scenarios repeated | longest run of core |'
    echo '|---|---|---|---|---|---|---|---|---|'
    for balancer in "${balancers[@]}"; do
        found=$(sum "$balancer" "$alarm")
        alarms=$((alarms + found))
        longest=$(jq -s '[.[].timing.wallSeconds] | max' "$out"/round-*/conformance-"$balancer".json)
        echo "| $balancer | $runs | $(sum "$balancer" '.statistics | .passed + .failed + .inconclusive')" \
            "| $(sum "$balancer" .statistics.passed) | $(sum "$balancer" .statistics.known) | $found" \
            "| $(sum "$balancer" .statistics.inconclusive) | $(sum "$balancer" .runs.repeated) | $longest s |"
    done
} >"$out/soak.md"
cat "$out/soak.md"
echo
echo "false alarms: $alarms in $((runs * ${#balancers[@]})) core runs"
if ((alarms > 0)); then
    echo "ci/soak.sh: see terminal.txt in each of" >&2
    grep -lE '"failed": [1-9]|"whose":' "$out"/round-*/conformance-*.json | xargs -n1 dirname | sort -u >&2
    exit 1
fi
