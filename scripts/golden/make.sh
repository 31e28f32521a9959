#!/usr/bin/env bash
# Makes every file of tests/goldens anew: what numpy, PyTorch and scikit-learn answer, for
# Consonance's tests to be compared with.
#
#   scripts/golden/make.sh DATA_DIR [VENV]
#
# DATA_DIR holds digits.csv, iris.csv and breast_cancer.csv: a header, the features, the class in
# the last column. VENV (default .venv/golden) is made if it is missing, with the versions of
# requirements.txt: about 700 MB to download and 1.7 GB installed, most of it PyTorch.
#
# It needs Python 3.11 or later with venv, and on Linux cc, nm and readelf (see stub_cuda.sh). On
# one machine each run writes the same bytes; another processor's exp, tanh and products may round
# a last digit otherwise.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${1:?"usage: $0 DATA_DIR [VENV]"}
venv=${2:-$root/.venv/golden}
goldens=$root/tests/goldens

export PYTHONDONTWRITEBYTECODE=1
# the order of a sum depends on the number of threads
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# requirements.txt names every package, so pip need not follow PyTorch's list of CUDA libraries
"$venv/bin/pip" install --quiet --no-deps -r "$here/requirements.txt"
if [ "$(uname)" = Linux ] && ! "$venv/bin/python" -c 'import torch' 2> /dev/null; then
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    "$here/stub_cuda.sh" "$packages/torch/lib"
fi

mkdir -p "$goldens"
"$venv/bin/python" "$here/tutorial.py" "$data" "$goldens"
"$venv/bin/python" "$here/pytorch.py" "$goldens"
"$venv/bin/python" "$here/sklearn_values.py" "$data" "$goldens"
