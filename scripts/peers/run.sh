#!/usr/bin/env bash
# Times Consonance against PyTorch, JAX, scikit-learn, numpy, candle-nn and burn on the same
# training steps, taking turns, and writes benches/RESULTS.md.
#
#   scripts/peers/run.sh                      the whole measurement, up to 40 minutes on 2 cores
#   scripts/peers/run.sh --growth             how the cost grows with width, batch, depth and
#                                             threads, up to 15 minutes: a section of RESULTS.md
#                                             beside the last whole measurement, and growth.svg
#   scripts/peers/run.sh --workloads tiny,tab --peers torch,jax --rounds 2 ...
#                                             a part of it: the report is printed, not kept
#   scripts/peers/run.sh --no-consonance      the peers alone; --help lists every flag
#
# Makes what is missing: a Python environment (VENV, default .venv/peers: 700 MB to download, 2 GB
# installed, most of it PyTorch), the Rust peers in rust/ and Consonance with OpenBLAS. Data, builds
# and every single measurement (results.json, growth.json, part.json) lie in WORK (default
# target/peers). RESULTS=FILE writes the whole measurement to another file than benches/RESULTS.md, for
# another kind of machine.
#
# It needs Python 3.11 or later with venv, Rust 1.92 for burn, a C and C++ compiler (also for
# torch.compile), nm and readelf, GNU time, and libopenblas-dev. Let the machine be idle.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${VENV:-$root/.venv/peers}
work=${WORK:-$root/target/peers}
results=${RESULTS:-$root/benches/RESULTS.md}
mkdir -p "$work"
export PYTHONDONTWRITEBYTECODE=1
# some machines set these, and with the wrong ones numpy's products are several times slower
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

say() { printf '== %s\n' "$*" >&2; }

say "Python packages in $venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# requirements.txt names every package, so pip need not follow PyTorch's list of CUDA libraries
"$venv/bin/pip" install --quiet --no-deps -r "$here/requirements.txt"
if [ "$(uname)" = Linux ] && ! "$venv/bin/python" -c 'import torch' 2> /dev/null; then
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    "$root/scripts/golden/stub_cuda.sh" "$packages/torch/lib"
fi

case " $* " in *" --help "* | *" -h "*) exec "$venv/bin/python" "$here/run.py" --help ;; esac

say "candle-nn and burn, for this processor"
RUSTFLAGS="-C target-cpu=native" cargo build --release --locked --quiet \
    --manifest-path "$here/rust/Cargo.toml" --target-dir "$work/rust"

case " $* " in
    *" --no-consonance "* | *" --consonance"*) ;;
    *)
        say "Consonance"
        cargo build --release --quiet --features openblas \
            --manifest-path "$root/Cargo.toml" --target-dir "$root/target"
        ;;
esac

case $* in
    "") kind=results ;;
    --growth) kind=growth ;;
    *) kind=part ;;
esac
"$venv/bin/python" "$here/run.py" \
    --rust-peers "$work/rust/release/peers" --work "$work" --out "$work/part.json" "$@"
# what was broken off stays a part
[ $kind = part ] || mv "$work/part.json" "$work/$kind.json"

plot() {
    "$venv/bin/python" "$here/plot.py" "$1" "$2"
    say "written: $2"
}
if [ $kind = part ]; then
    "$venv/bin/python" "$here/report.py" "$work/part.json"
    case " $* " in *" --growth "*) plot "$work/part.json" "$work/growth.svg" ;; esac
    exit
fi
measured=()
for file in "$work/results.json" "$work/growth.json"; do
    # growth.svg is of the machine of benches/RESULTS.md
    [ "$file" = "$work/growth.json" ] && [ -n "${RESULTS:-}" ] && continue
    [ ! -e "$file" ] || measured+=("$file")
done
"$venv/bin/python" "$here/report.py" "${measured[@]}" > "$work/RESULTS.md"
if [ ! -e "$work/results.json" ]; then
    cat "$work/RESULTS.md"
    say "kept in $work/growth.json; $results is written once the whole is measured"
    exit
fi
mkdir -p "$(dirname "$results")"
mv "$work/RESULTS.md" "$results"
say "written: $results"
[ -n "${RESULTS:-}" ] || [ ! -e "$work/growth.json" ] || plot "$work/growth.json" "$root/benches/growth.svg"
