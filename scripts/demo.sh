#!/usr/bin/env bash
# A year of a made-up region, from landing files to the report, in build/demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python
lake=build/demo

# Everybody knows this key: good for made-up donors only. For real ones, put your own into the environment.
export LAKEHOUSE_KEY=demo-key-for-made-up-donors-only

if [ ! -f "$lake/.generated" ]; then
    echo "demo: making a year of records of a made-up region in $lake/landing" >&2
    rm -rf "$lake"
    mkdir -p "$lake"
    "$python" -m datagen history --seed 42 --start 2024-01-01 --days 365 --donors 20000 --out "$lake/landing"
    touch "$lake/.generated"
    # A younger file waits for the next run.
    sleep "$("$python" -c 'from lakehouse.config import load_config; print(load_config().ingest.settle_seconds + 1)')"
fi

echo "demo: running the pipeline as of 2024-12-30" >&2
status=0
"$python" jobs/run.py --lake "$lake" --as-of 2024-12-30 | tee "$lake/run.out" || status=$?
report=$("$python" scripts/report_of.py "$lake/run.out")
[ -z "$report" ] || echo "demo: the report is $report" >&2
exit "$status"
