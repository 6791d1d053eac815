#!/usr/bin/env bash
# Writes requirements.lock from pyproject.toml: exact pins with hashes for every Python from 3.11 on, no address in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tool=build/lock-venv
[ -x "$tool/bin/uv" ] || { .venv/bin/python -m venv "$tool" && "$tool/bin/pip" install -q "uv==0.9.*"; }
"$tool/bin/uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet \
    --output-file requirements.lock
if grep -nE '://|^--?(index|extra-index|find-links)' requirements.lock; then
    echo "lock: requirements.lock names an address: remove it" >&2
    exit 1
fi
