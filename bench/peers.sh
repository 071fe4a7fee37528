#!/bin/sh
# Other programs for the benches, in the versions of peers.txt: peers.sh FOLDER makes a virtual environment there.
# Then: PYTHON=FOLDER/bin/python build/bench/bench_umap, FOLDER/bin/python bench/peers_neighbors.py LIBCEPMAN.so
set -eu
if [ $# -ne 1 ]; then
    echo "usage: peers.sh FOLDER" >&2
    exit 2
fi
${PYTHON:-python3} -m venv "$1"
"$1/bin/python" -m pip install --requirement "$(dirname "$0")/peers.txt"
