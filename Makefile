# `make help` lists the targets. Set ARGS to pass arguments on: make demo ARGS=--exit

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-long check bench bench-peers lock clean

ARGS ?=
BIN := .venv/bin
export KERAFORGE_DATA_DIR ?= $(CURDIR)/var
# A setting of the caller's must not lead tests or installations astray.
unexport PYTHONPATH PYTHONHOME

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/worker.stamp ## Make .venv and install the locked requirements

demo: .venv/worker.stamp ## Train and serve a network on handwritten digits (ARGS=--exit: stop afterwards)
	@$(BIN)/keraforge demo $(ARGS)

up: .venv/worker.stamp ## Start the service
	@$(BIN)/keraforge up $(ARGS)

test: .venv/dev.stamp ## Run the tests
	$(BIN)/pytest -m "not long" $(ARGS)

test-long: .venv/dev.stamp ## Run the tests that take too long for every day
	$(BIN)/pytest -m long $(ARGS)

check: .venv/dev.stamp ## Check format, style, types and the directions of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp ## Measure what the README claims, each beside its baseline
	$(BIN)/python -m benchmarks.training --json var/bench/training.json $(ARGS)
	$(BIN)/python -m benchmarks.predict --json var/bench/predict.json $(ARGS)

bench-peers: .venv/dev.stamp ## Measure against other servers, each in an environment of its own
	@echo "No other servers are compared yet; make bench measures against plain Keras and FastAPI."

lock: .venv/bin/python ## Lock the newest requirements that fit, with hashes
	$(BIN)/pip install --quiet uv
	bash requirements/lock.sh $(BIN)/uv

clean: ## Remove the environment; data in var/ stays
	rm -rf .venv build *.egg-info

.venv/bin/python:
	@python=$$(command -v python3.13 || command -v python3.12 || command -v python3.11 || true); \
	if [ -z "$$python" ]; then python=$$(command -v python3 || true); fi; \
	if [ -z "$$python" ] || ! "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then \
	  echo "Keraforge needs Python 3.11, 3.12 or 3.13 (as python3.11, …, or python3); none was found." >&2; exit 1; fi; \
	"$$python" -m venv .venv

.venv/worker.stamp: requirements/worker.txt pyproject.toml | .venv/bin/python
	@echo "Installing the requirements (once; about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/worker.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/worker.stamp
	@echo "Installing what tests and checks need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
