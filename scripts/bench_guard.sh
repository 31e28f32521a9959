#!/usr/bin/env bash
# Guards the speed of a step where clocks cannot: counts the instructions of one optimiser step of
# tiny, digits and keras with the default backend on one thread, and compares them with those in
# benches/instructions.txt. More than 5 % up fails.
#
#   scripts/bench_guard.sh             compare
#   scripts/bench_guard.sh --update    write the counts down, after a change that is meant
#
# Needs valgrind, and an x86-64 processor with AVX2; exits with 77 where the instructions cannot be
# counted or are of another kind. valgrind knows no AVX-512, so the program takes AVX2, and counts
# are the same on every such machine; another rustc or libc moves them a little.
set -euo pipefail
cd "$(dirname "$0")/.."

kept=benches/instructions.txt
limit=5

cannot() {
    echo "bench_guard: $*" >&2
    exit 77
}

update=false
case "$#:${1:-}" in
    0:) ;;
    1:--update) update=true ;;
    *) sed -n '6,7s/^# *//p' "$0" >&2 && exit 2 ;;
esac
[ "$(uname -m)" = x86_64 ] || cannot "the counts are for x86-64, and this is $(uname -m)"
command -v valgrind > /dev/null || cannot "needs valgrind: install it (Debian: valgrind)"

# a target-cpu of the caller's would be another program
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
cargo build --release --quiet --example steps
steps=${CARGO_TARGET_DIR:-target}/release/examples/steps

# Instructions of so many steps of a workload, start and data included.
instructions() {
    local log
    if ! log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$steps" "$1" "$2" 2>&1); then
        echo "$log" >&2
        return 1
    fi
    sed -n 's/.*Collected : \([0-9][0-9]*\)$/\1/p' <<< "$log" | grep . \
        || { echo "bench_guard: valgrind's output has no count: $log" >&2 && return 1; }
}

few=8
many=24
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
{
    echo "# Instructions of one optimiser step, written by scripts/bench_guard.sh --update"
    echo "rustc $(rustc --version | cut -d ' ' -f 2)"
    echo "level $(valgrind --quiet --tool=none "$steps" tiny 0)"
} > "$counts"
for workload in tiny digits keras; do
    # the difference of two runs leaves the steps alone
    first=$(instructions "$workload" "$few")
    second=$(instructions "$workload" "$many")
    echo "$workload $(((second - first) / (many - few)))" >> "$counts"
done

if $update; then
    cp "$counts" "$kept"
    cat "$kept"
    exit
fi

value() { awk -v key="$1" '$1 == key { print $2 }' "$2"; }

for key in rustc level; do
    new=$(value $key "$counts")
    old=$(value $key "$kept")
    [ "$new" = "$old" ] && continue
    [ $key = rustc ] || cannot "counted at the level $new, kept at $old: not comparable"
    echo "note: counted with rustc $new, kept with $old"
done

failed=0
for workload in tiny digits keras; do
    new=$(value "$workload" "$counts")
    old=$(value "$workload" "$kept")
    if [ -z "$old" ]; then
        echo "$kept has no line for $workload: run $0 --update" >&2
        exit 1
    fi
    line=$(awk -v w="$workload" -v old="$old" -v new="$new" \
        'BEGIN { printf "%s: kept %d, counted %d, %+.2f %%", w, old, new, 100 * (new / old - 1) }')
    if [ $((100 * new)) -gt $(((100 + limit) * old)) ]; then
        echo "$line: more than $limit % up" >&2
        failed=1
    elif [ $((100 * new)) -lt $(((100 - limit) * old)) ]; then
        echo "$line: more than $limit % down, keep it so: $0 --update"
    else
        echo "$line"
    fi
done
exit $failed
