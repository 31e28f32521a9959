#!/usr/bin/env bash
# Lets PyTorch's Linux wheel be imported without the CUDA libraries it links to, gigabytes that a
# computation on the CPU never calls: builds one small library in which every CUDA function that
# PyTorch names is a trap, and lays it beside PyTorch's own libraries under the names it looks for.
# Needs cc and nm. Usage (make.sh does it): stub_cuda.sh SITE_PACKAGES/torch/lib
#
# The CUDA runtime, libcudart, stays real: PyTorch registers its GPU kernels there while it loads.
set -euo pipefail
cd "$1"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --undefined-only ./*.so | awk '$1 == "U" { print $2 }' | sort -u \
    | grep -E '^(cu|nccl|nv)[A-Za-z0-9_]+(@|$)' | grep -v '@libcudart' > "$work/names"

sed -E 's/@.*//; s/.*/void &(void) { __builtin_trap(); }/' "$work/names" | sort -u > "$work/stub.c"

# A name with a version (cublasCreate_v2@libcublas.so.13) is only found under that version.
sed -n 's/@/ /p' "$work/names" | awk '
    { names[$2] = names[$2] " " $1 ";" }
    END { for (v in names) print v " {" names[v] " };" }' > "$work/versions"

cc -shared -fPIC -w -Wl,--version-script="$work/versions" -o libcuda_stub.so "$work/stub.c"

for library in ./*.so; do readelf -d "$library"; done \
    | sed -nE 's/.*NEEDED.*\[(lib(cu|nccl|nv)[^]]*)\]/\1/p' | sort -u | grep -vE '^libcuda(rt)?\.' \
    | while read -r name; do ln -sf libcuda_stub.so "$name"; done
