# The targets that people use have a description behind two number signs; `make help` prints those.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHONS := python3.13 python3.12 python3.11 python3
BIN := .venv/bin
UV_VERSION := 0.13.8

# What is kept lies in ./var, unless the environment names another folder.
export KERAFORGE_DATA_DIR ?= $(CURDIR)/var
# What the user's own environment adds to Python's path is no part of this installation.
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup demo up test test-long test-clients chaos check bench bench-peers gallery gallery-fashion lock clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  ARGS=… is handed on, for example: make demo ARGS=--exit"

setup: .venv/worker.stamp  ## Make .venv and install the locked requirements of the service.

demo: .venv/worker.stamp  ## Start the service, train on handwritten digits, ask the network.
	@$(BIN)/keraforge demo $(ARGS)

up: .venv/worker.stamp  ## Run the service until Ctrl-C.
	@$(BIN)/keraforge up $(ARGS)

test: .venv/dev.stamp  ## Run the tests.
	$(BIN)/python -m pytest -m "not long" -n logical --maxprocesses 4 --dist loadfile $(ARGS)

test-long: .venv/dev.stamp  ## Run the tests that take too long for `make test`.
	$(BIN)/python -m pytest -m long $(ARGS)

test-clients: .venv/dev.stamp build/clients/kserve/ready  ## Run other servers' clients; KServe's is installed beside.
	$(BIN)/python -m pytest tests/app/clients $(ARGS)

chaos: .venv/dev.stamp  ## Kill and break everything, count what was lost; figures go to build/chaos.json.
	PYTHONPATH=tests/chaos:tests/fixtures $(BIN)/python -m chaos $(ARGS)

check: .venv/dev.stamp  ## Check format, style, types and the directions of imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp  ## Measure training, graphs, text, jobs and prediction against what they are compared with.
	$(call measured,training graphs generation jobs predict serving)

bench-peers: .venv/dev.stamp  ## Measure against PyTorch and other servers, each installed beside.
	$(call measured,training_peers against_peers)

gallery: .venv/dev.stamp  ## Train every preset over REST; table and pictures go to build/gallery.
	$(BIN)/python -m benchmarks.gallery $(ARGS)

gallery-fashion: .venv/dev.stamp  ## The same on the 60,000 pictures of Fashion-MNIST.
	$(BIN)/python -m benchmarks.gallery --fashion --out build/gallery-fashion $(ARGS)

lock: build/uv/bin/uv  ## Lock the requirements with hashes; ARGS=--upgrade takes the newest.
	$(call locked,build.txt,build.in -c dev.txt)
	$(call locked,web.txt,client.in web.in)
	$(call locked,worker.txt,client.in web.in worker.in -c web.txt)
	$(call locked,worker-gpu.txt,client.in web.in worker-gpu.in -c web.txt)
	$(call locked,dev.txt,client.in web.in worker.in dev.in -c worker.txt)

clean:  ## Remove .venv and what was built; the data in ./var stays.
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# $(call measured,NAMES): one benchmark after the other; a target that is missed does not keep back the rest.
define measured
@mkdir -p build; status=0; for name in $(1); do \
	$(BIN)/python -m benchmarks.$$name --json build/bench-$$name.json || status=1; \
done; exit $$status
endef

# $(call locked,OUTPUT,INPUTS): no index address is written, so that the lock holds for every mirror.
define locked
cd requirements && ../build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(2) -o $(1) $(ARGS)
endef

build/clients/%/ready: tests/app/clients/%/requirements.txt | .venv/pip.stamp
	$(BIN)/python -m venv build/clients/$*
	build/clients/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

build/uv/bin/uv: | .venv/pip.stamp
	$(BIN)/python -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)

# A command that is only a signpost to a Python that is not installed does not run, and is passed over.
.venv/pip.stamp:
	@for python in $(PYTHON) $(PYTHONS); do \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || continue; \
			echo "Making .venv with $$("$$python" --version)"; \
			"$$python" -m venv .venv && touch $@ && exit 0; \
			exit 1; \
		fi; \
	done; \
	echo "Keraforge needs Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip; none of $(PYTHONS) has them." >&2; \
	exit 1

.venv/worker.stamp: requirements/worker.txt requirements/client.in pyproject.toml | .venv/pip.stamp
	@echo "Installing the service, about 600 MB. This is done once and takes a few minutes."
	$(call installed,worker)

.venv/dev.stamp: requirements/dev.txt requirements/client.in pyproject.toml | .venv/pip.stamp
	@echo "Installing the service and its tests, about 600 MB. This is done once and takes a few minutes."
	$(call installed,dev)
	@touch .venv/worker.stamp

# $(call installed,NAME): exactly what requirements/NAME.txt locks, and this folder itself.
define installed
@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt
@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
@touch $@
endef
