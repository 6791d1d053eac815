# The only commands that anyone must know. Each does its own set-up first; a second run touches no network.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
LAKE ?= build/demo
ARGS ?=

.PHONY: help setup setup-python demo test lint format sql bench fidelity fidelity-quick gate-score mutate-rules docs minio logstore lock jars-lock clean distclean

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## all that the others need: .venv, Java, jars (every target does it by itself)
	@scripts/setup.sh

setup-python: ## only .venv, with the locked packages
	@scripts/setup.sh python

demo: setup ## a year of one region from landing files to the report, in build/demo
	@scripts/demo.sh

test: setup ## all tests; ARGS="-k name" picks some
	@$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

lint: setup-python ## ruff, formatting, mypy --strict, the rules of the house
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m scripts.house

format: setup-python ## put the code into ruff's format
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

sql: setup ## ask the released tables; LAKE=… names another lake than the demo's
	@$(PY) jobs/sql.py --lake "$(LAKE)" $(ARGS)

bench: setup ## measurements beside peers, into build/*.json
	@$(PY) -m benchmarks $(ARGS)

fidelity: setup-python ## the generator beside published figures, 5 seeds: a table, and build/fidelity.html
	@$(PY) -m datagen.fidelity $(ARGS)

fidelity-quick: setup-python ## the same with one seed and one year
	@$(PY) -m datagen.fidelity --quick $(ARGS)

gate-score: setup ## plant faults in a made-up region, and count what the lake finds of them
	@$(PY) -m benchmarks.gate_score $(ARGS)

mutate-rules: setup ## turn each rule round, weaken it, drop it: does a test notice?
	@$(PY) -m pytest -q tests/unit/gates/test_golden.py $(ARGS)

docs: setup ## write docs/tables.md anew from the declarations
	@$(PY) -m lakehouse.tables_doc --write

minio: setup-python ## an S3 server on this machine, in the foreground (needs go)
	@scripts/minio.sh

logstore: setup ## build the conditional log store for S3 again (needs a JDK 17)
	@$(PY) scripts/build_logstore.py

lock: setup-python ## pin the newest versions that pyproject.toml allows, with hashes (needs the network)
	@scripts/lock.sh

jars-lock: setup ## resolve scripts/jars.txt again (needs the network)
	@$(PY) scripts/jars.py lock

clean: ## remove what runs made: build/ with the demo lake, caches
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## remove what set-up made, too
	@rm -rf .venv .jars .bin
