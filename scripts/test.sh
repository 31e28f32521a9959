#!/usr/bin/env bash
# The one test command: formatting, lints, documentation, and every test over the matrix
# {naive, blocked, fused, openblas, candle, all} × {f32, f64}. Installs what is missing, and says so.
#
#   scripts/test.sh               everything
#   scripts/test.sh PART...       some of: lint crates naive blocked fused openblas candle all guard
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

# Links a program with OpenBLAS.
has_openblas() {
    local program
    program=$(mktemp)
    echo 'int cblas_sgemm(); int main(void) { return cblas_sgemm != 0 ? 0 : 1; }' \
        | cc -x c -w - -o "$program" -lopenblas 2> /dev/null
    local status=$?
    rm -f "$program"
    return $status
}

need_openblas() {
    if has_openblas; then return; fi
    if command -v apt-get > /dev/null; then
        local root=()
        [ "$(id -u)" = 0 ] || root=(sudo)
        say "installing libopenblas-dev with apt-get"
        "${root[@]}" apt-get update -qq
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libopenblas-dev
    elif command -v brew > /dev/null; then
        say "installing openblas with brew"
        brew install openblas
    else
        echo "OpenBLAS is missing: install its development package (Debian: libopenblas-dev)" >&2
        exit 1
    fi
}

lint() {
    need_openblas
    say "formatting"
    cargo fmt --all --check
    say "clippy"
    cargo clippy --workspace --all-targets --features openblas,candle,xlsx,parquet -- -D warnings
    say "documentation"
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --features openblas,candle,xlsx,parquet
}

# The crates' own tests, the kit on each backend and the mutants among them.
crates() {
    need_openblas
    say "tests of the crates"
    cargo test --workspace --exclude consonance
    say "the readers that are features"
    cargo test -p consonance-data --features xlsx,parquet
}

# The tests of the whole with one set of backends compiled in, in each precision.
backends() {
    for precision in f32 f64; do
        say "tests with the backends $1 in $precision"
        CONSONANCE_TEST_PRECISION=$precision \
            cargo test -p consonance --no-default-features --features "cli,$1"
    done
}

# The instructions of a step, where they can be counted.
guard() {
    say "instructions of a step"
    local status=0
    scripts/bench_guard.sh || status=$?
    [ $status = 77 ] || return $status
    echo "left out: see the line above"
}

for part in "${@:-everything}"; do
    case $part in
        everything) "$0" lint crates naive blocked fused openblas candle all guard ;;
        lint | crates | guard) "$part" ;;
        naive | blocked | fused | candle) backends "$part" ;;
        # not joined by &&, which would hide a failed installation
        openblas)
            need_openblas
            backends openblas
            ;;
        all)
            need_openblas
            backends naive,blocked,fused,openblas,candle
            ;;
        *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
done
