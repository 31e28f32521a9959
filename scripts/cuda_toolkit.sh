#!/usr/bin/env bash
# Sets up, in DIR, all that compiling the feature `candle-cuda` needs, on a machine with neither a
# CUDA toolkit nor a GPU: NVIDIA's compiler and libraries as Python wheels, and a stand-in for the
# driver's library, for the linker alone. Running the program takes a real driver, CUDA 13.0 or
# newer. Needs python3 with venv, cargo and a C++ compiler; x86-64 Linux; about 1.5 GB in DIR.
#
#   scripts/cuda_toolkit.sh DIR [COMPUTE_CAP]
#   source DIR/env.sh
#   cargo build --release --features candle-cuda
#
# COMPUTE_CAP is the GPU's compute capability without the dot: 90 (Hopper, the default), 80 (A100).
# Calling it again on the same DIR repairs what is missing.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 || $1 == -* ]]; then
    echo "usage: $0 DIR [COMPUTE_CAP]" >&2
    exit 2
fi
capability=${2:-90}
if [[ ! $capability =~ ^[0-9]{2,3}$ ]]; then
    echo "$0: COMPUTE_CAP '$capability': two or three digits are expected, as 90" >&2
    exit 2
fi
for tool in python3 cargo cc c++; do
    if ! command -v "$tool" >/dev/null; then
        echo "$0: '$tool' is not on the PATH" >&2
        exit 1
    fi
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One minor version throughout: a driver refuses PTX of a newer toolkit than its own. cuRAND
# counts its versions by itself; 10.4.0 is that of CUDA 13.0.
python3 -m venv "$dir/venv"
"$dir/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    nvidia-cuda-nvcc==13.0.* nvidia-cuda-runtime==13.0.* nvidia-cuda-cccl==13.0.* \
    nvidia-cuda-crt==13.0.* nvidia-cuda-nvrtc==13.0.* nvidia-nvvm==13.0.* \
    nvidia-cublas==13.0.* nvidia-curand==10.4.0.*
toolkit=$("$dir/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nvidia/cu13
if [[ ! -x $toolkit/bin/nvcc ]]; then
    echo "$0: the wheels hold no compiler at $toolkit/bin/nvcc" >&2
    exit 1
fi

# The names a toolkit has and the wheels leave out.
ln -sfn lib "$toolkit/lib64"
for library in cudart cublas cublasLt curand nvrtc; do
    versioned=$(cd "$toolkit/lib" && ls -1 lib$library.so.[0-9]* | head -n 1)
    ln -sfn "$versioned" "$toolkit/lib/lib$library.so"
done

# The driver's library comes with the driver. For the linker, one in which every function that
# cudarc (candle's CUDA bindings) declares is there and answers CUDA_ERROR_STUB_LIBRARY.
bindings=$(cd "$root" && cargo metadata --format-version 1 --features candle-cuda | python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
manifest, = {p["manifest_path"] for p in packages if p["name"] == "cudarc"}
print(os.path.join(os.path.dirname(manifest), "src/driver/sys/mod.rs"))')
functions=$(grep -oE '^ +fn cu[A-Z][A-Za-z0-9_]*\(' "$bindings" | sed -E 's/^ +fn (.*)\($/\1/' | sort -u)
if [[ -z $functions ]]; then
    echo "$0: $bindings declares no function of the driver" >&2
    exit 1
fi
mkdir -p "$toolkit/lib/stubs"
for function in $functions; do
    echo "int $function(void) { return 34; }"
done | cc -shared -nostdlib -Wl,-soname,libcuda.so.1 -o "$toolkit/lib/stubs/libcuda.so" -x c -

cat >"$dir/env.sh" <<ENVIRONMENT
export CUDA_HOME=$(printf %q "$toolkit")
export CUDA_PATH="\$CUDA_HOME"
export CUDA_COMPUTE_CAP=$capability
export PATH="\$CUDA_HOME/bin:\$PATH"
export LIBRARY_PATH="\$CUDA_HOME/lib:\$CUDA_HOME/lib/stubs\${LIBRARY_PATH:+:\$LIBRARY_PATH}"
ENVIRONMENT
"$toolkit/bin/nvcc" --version | tail -n 2
echo "$(wc -w <<<"$functions") functions of the driver in $toolkit/lib/stubs/libcuda.so"
echo
echo "Before building:"
echo "    source $(printf %q "$dir/env.sh")"
echo "To run where no CUDA 13 libraries are installed:"
echo "    export LD_LIBRARY_PATH=$(printf %q "$toolkit/lib")"
