#!/usr/bin/env bash
# The accuracy of `consonance train` on the embedded digits: with the default seed, and over ten
# other seeds. Prints each, and the median of the ten.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

accuracy() {
    target/release/consonance train --quiet --json --seed "$1" --out "$out/$1" \
        | sed -E 's/.*"test":\{[^}]*"accuracy":([0-9.]+).*/\1/'
}

echo "seed 0: $(accuracy 0)"
for seed in 1 2 3 4 5 6 7 8 9 10; do accuracy "$seed"; done | sort -n | tee "$out/all"
echo "median of seeds 1 to 10: $(awk '{ v[NR] = $1 } END { print (v[5] + v[6]) / 2 }' "$out/all")"
