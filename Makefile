SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Checks run in their order, and two installs never at once.
.NOTPARALLEL:

PYTHON ?= python3
ENTITIES ?=

# A uv on PATH is used where there is one, else one of our own.
UV := $(or $(shell command -v uv),.tools/bin/uv)
# The interpreter is the user's choice: uv must not fetch one of its own.
export UV_PYTHON_DOWNLOADS := never
# Programs start faster when their packages are compiled once, at installation.
export UV_COMPILE_BYTECODE := 1

BIN := .venv/bin
ENV := .venv/.made
DEMO_ENV := .venv-demo/.made
SOURCES := exactonline_cli exactonline_client exactonline_sandbox tap_exactonline \
	target_exactonline scripts demo proof tests
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.10 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: lint types pytest ## Check everything: style, types and behaviour

.PHONY: lint
lint: $(ENV) ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: format
format: $(ENV) ## Rewrite the code in the house format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: types
types: $(ENV) ## Check the types
	$(BIN)/mypy $(wildcard $(SOURCES))

.PHONY: pytest
pytest: $(ENV) $(DEMO_ENV) ## Run the tests alone
	$(BIN)/pytest -n 2 --dist loadfile

.PHONY: demo
demo: $(DEMO_ENV) ## Sandbox, Meltano and PostgreSQL, from nothing to invoices and back
	.venv-demo/bin/python -m demo

.PHONY: catalogue
catalogue: $(ENV) ## Regenerate the entity catalogue, from ENTITIES=path
	@[ -n "$(ENTITIES)" ] || { echo "Say where the entity facts are: make catalogue ENTITIES=path" >&2; exit 2; }
	$(BIN)/python scripts/build_catalogue.py "$(ENTITIES)"

.PHONY: meltano
meltano: $(ENV) ## Regenerate the settings in meltano.yml from the plugins
	$(BIN)/python scripts/build_meltano.py

.PHONY: docs-tables
docs-tables: $(ENV) ## Regenerate docs/streams.md from the catalogue
	$(BIN)/python scripts/build_stream_table.py

.PHONY: pins
pins: $(UV) ## Move every pinned requirement to its newest release
	$(COMPILE) -o requirements/uv.txt requirements/uv.in
	$(COMPILE) -o requirements/dev.txt pyproject.toml --extra keyring --extra postgres --extra sandbox --group dev
	$(COMPILE) -o requirements/demo.txt pyproject.toml --extra postgres --extra sandbox --group demo
	$(COMPILE) -o requirements/plugins.txt pyproject.toml
	$(COMPILE) -o requirements/tap-postgres.txt requirements/tap-postgres.in
	$(COMPILE) -o requirements/target-postgres.txt requirements/target-postgres.in
	$(COMPILE) -o requirements/foreign-exactonline.txt requirements/foreign-exactonline.in
	$(COMPILE) -o requirements/foreign-exact-online-sdk.txt requirements/foreign-exact-online-sdk.in

.PHONY: build
build: $(ENV) ## Build the wheel and the source distribution
	rm -rf dist
	$(BIN)/python -m build --no-isolation

.PHONY: clean
clean: ## Remove everything the other targets made
	rm -rf .venv .venv-demo .tools .meltano .exactonline .demo dist build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

.venv/.made: requirements/dev.txt pyproject.toml | $(UV)
	$(call make-env,.venv,requirements/dev.txt)

.venv-demo/.made: requirements/demo.txt pyproject.toml | $(UV)
	$(call make-env,.venv-demo,requirements/demo.txt)

define make-env
	$(check-python)
	[ -x $(1)/bin/python ] || $(UV) venv --quiet --python $(PYTHON) $(1)
	$(UV) pip sync --quiet --python $(1)/bin/python --require-hashes $(2)
	$(UV) pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation --editable .
	touch $@
endef

define check-python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "This project needs Python 3.10 or newer; name one with PYTHON=, e.g. make test PYTHON=python3.12" >&2; exit 1; }
endef

.tools/bin/uv: requirements/uv.txt
	$(check-python)
	$(PYTHON) -m venv --clear .tools/uv
	.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	mkdir -p .tools/bin
	ln -sf ../uv/bin/uv .tools/bin/uv
	touch $@
