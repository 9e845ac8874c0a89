SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installs never at once.
.NOTPARALLEL:

PYTHON ?= python3
ENTITIES ?=
BEFORE ?=

# A uv on PATH is used where there is one, else one of our own.
UV := $(or $(shell command -v uv),.tools/bin/uv)
# The interpreter is the user's choice: uv must not fetch one of its own.
export UV_PYTHON_DOWNLOADS := never
# Where each of a thousand programs compiles its libraries anew, that takes half of its time.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
ENV := .venv/.made
DEMO_ENV := .venv-demo/.made
DBT_ENV := .venv-dbt/.made
PORTABILITY_ENV := .venv-portability/.made
SOURCES := exactonline_cli exactonline_client exactonline_sandbox tap_exactonline \
	target_exactonline scripts demo benchmarks tests
UNIT_TESTS := tests/client tests/tap tests/target tests/sandbox --ignore tests/sandbox/test_foreign_clients.py
# Four workers on two cores, since many tests wait; the slow ones come first.
IN_PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
ALL := not slow and not stress
STRESS := secrets reads-rounds reads-quota reads-entries reads-kills reads-storms writes-costs \
	writes-faults writes-followups writes-rounds writes-locks writes-malformed writes-forms fuzz soak models-planted \
	models-unified models-volume
NO_BRANCH_UNTESTED := exactonline_client/auth/oauth.py,exactonline_client/http/rate_limit.py,exactonline_client/http/error_budget.py,exactonline_client/http/pagination.py,target_exactonline/load/journal.py
MEASURE_BEFORE := $(if $(BEFORE),git worktree add --quiet --detach build/before "$(BEFORE)"; \
	trap 'git worktree remove --force build/before' EXIT;)
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.10 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

TYPES = $(BIN)/mypy $(wildcard $(SOURCES))
# The types take one processor, the tests often none.
define beside-types
$(TYPES) & types=$$!; trap 'kill $$types 2>/dev/null || :' EXIT; trap 'exit 130' INT; \
	$(BIN)/pytest $(IN_PARALLEL) -m "$(1)" && tested=0 || tested=$$?; \
	wait $$types && exit $$tested
endef

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: check
check: lint $(DEMO_ENV) $(DBT_ENV) ## Check everything but what takes hours, as CI does; takes twelve minutes
	@$(call beside-types,$(ALL))

.PHONY: test
test: lint ## The same without Meltano, dbt, browsers and long runs of programs; takes seven minutes
	@$(call beside-types,not e2e and $(ALL))

.PHONY: lint
lint: $(ENV) ## Check style, formatting and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(ENV) ## Rewrite the code in the house format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: types
types: $(ENV) ## Check the types
	$(TYPES)

.PHONY: coverage
coverage: $(ENV) $(DEMO_ENV) $(DBT_ENV) ## Run the tests and say which lines and branches they leave out
	$(BIN)/pytest $(IN_PARALLEL) --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/coverage report --fail-under=100 --include='$(NO_BRANCH_UNTESTED)'

.PHONY: demo
demo: $(DEMO_ENV) ## Sandbox, Meltano and PostgreSQL, from an empty folder to invoices and back
	.venv-demo/bin/python -m demo

.PHONY: demo-keep
demo-keep: $(DEMO_ENV) ## The same, left running with what to open and to ask, until Ctrl-C
	.venv-demo/bin/python -m demo --keep

.PHONY: bench
bench: $(ENV) $(DEMO_ENV) ## Run all benchmarks, or ONLY=names, and write docs/benchmarks.md; takes half an hour; beside BEFORE=commit an hour
	$(MEASURE_BEFORE) $(BIN)/python -m benchmarks $(ONLY) --write $(if $(BEFORE),--before build/before)

.PHONY: catalogue
catalogue: $(ENV) ## Regenerate the entity catalogue, from ENTITIES=path
	@[ -n "$(ENTITIES)" ] || { echo "Say where the entity facts are: make catalogue ENTITIES=path" >&2; exit 2; }
	$(BIN)/python -m scripts catalogue --entities "$(ENTITIES)"

.PHONY: meltano
meltano: $(ENV) ## Regenerate the settings in meltano.yml from the plugins
	$(BIN)/python -m scripts meltano

.PHONY: hub
hub: $(ENV) ## Regenerate the definitions for Meltano Hub from the plugins
	$(BIN)/python -m scripts hub

.PHONY: dbt
dbt: $(ENV) ## Regenerate the staging and unified models of the dbt project
	$(BIN)/python -m scripts dbt unified

.PHONY: docs-tables
docs-tables: $(ENV) ## Regenerate the pages of tables, and the drawings
	$(BIN)/python -m scripts streams dictionary commands sinks settings errors modules models lineage drawing

.PHONY: pictures
pictures: $(ENV) ## Take the pictures of the import, the sandbox's pages and the dashboard anew; needs Chromium
	$(BIN)/python -m scripts.pictures

.PHONY: docs
docs: $(ENV) ## Build the documentation site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "The site is in site/: open site/index.html"

.PHONY: lowest
lowest: $(UV) ## Run the unit tests with the oldest versions that are allowed
	$(check-python)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-lowest
	$(UV) pip compile --quiet --resolution lowest-direct --python .venv-lowest/bin/python --no-header \
		--extra excel --extra keyring --extra postgres -o .venv-lowest/oldest.txt pyproject.toml
	$(UV) pip install --quiet --python .venv-lowest/bin/python --constraint .venv-lowest/oldest.txt \
		--group test --editable '.[excel,keyring,postgres]'
	.venv-lowest/bin/pytest -q -p no:anyio $(UNIT_TESTS)

.PHONY: audit
audit: $(UV) ## Ask the advisory service about each pinned requirement, and the oldest allowed
	for pins in plugins container meltano target-postgres tap-postgres dbt build; do \
		$(UV) tool run --quiet pip-audit@2.10.1 --strict --disable-pip --require-hashes --requirement requirements/$$pins.txt; \
	done
	mkdir -p build
	$(UV) pip compile --quiet --resolution lowest-direct --python $(PYTHON) --no-header --generate-hashes \
		--extra duckdb --extra excel --extra keyring --extra postgres -o build/oldest.txt pyproject.toml
	$(UV) tool run --quiet pip-audit@2.10.1 --strict --disable-pip --require-hashes --requirement build/oldest.txt

.PHONY: pins
pins: $(UV) ## Move every pinned requirement to its newest release
	$(COMPILE) -o requirements/uv.txt requirements/uv.in
	$(COMPILE) -o requirements/dev.txt pyproject.toml --extra duckdb --extra excel --extra keyring --extra postgres --group dev
	$(COMPILE) -o requirements/demo.txt pyproject.toml --extra postgres --group demo
	$(COMPILE) -o requirements/plugins.txt pyproject.toml
	$(COMPILE) -o requirements/container.txt pyproject.toml --extra excel --extra postgres
	$(COMPILE) -o requirements/build.txt --group build
	$(COMPILE) -o requirements/meltano.txt requirements/meltano.in
	$(COMPILE) -o requirements/tap-postgres.txt requirements/tap-postgres.in
	$(COMPILE) -o requirements/target-postgres.txt requirements/target-postgres.in
	$(COMPILE) -o requirements/dbt.txt requirements/dbt.in
	$(COMPILE) -o requirements/portability.txt requirements/portability.in
	$(COMPILE) -o requirements/foreign-exactonline.txt requirements/foreign-exactonline.in
	$(COMPILE) -o requirements/foreign-exact-online-sdk.txt requirements/foreign-exact-online-sdk.in
	$(COMPILE) -o requirements/foreign-pyodata.txt requirements/foreign-pyodata.in
	$(COMPILE) -o requirements/foreign-exactpy.txt requirements/foreign-exactpy.in
	$(COMPILE) -o requirements/foreign-python-exact-online.txt requirements/foreign-python-exact-online.in

.PHONY: prove
prove: $(ENV) $(DEMO_ENV) $(DBT_ENV) ## Prove what the README claims, with seeds and figures; takes half a day
	$(BIN)/pytest $(IN_PARALLEL) -m "slow or stress"
	$(BIN)/pytest -q tests/sandbox/test_foreign_clients.py
	for store in sqlite postgresql; do \
		$(BIN)/python -m tests.stress tokens --processes 16 --minutes 60 --store $$store; \
		$(BIN)/python -m tests.stress kills --store $$store; \
	done
	for name in $(STRESS); do $(BIN)/python -m tests.stress $$name; done

.PHONY: portability
portability: $(PORTABILITY_ENV) ## Compile the models for Snowflake and BigQuery; installs 800 MB
	.venv-portability/bin/python tests/dbt/portability dbt

.PHONY: build
build: $(ENV) ## Build the wheel and the source distribution
	rm -rf dist
	$(BIN)/python -m build --no-isolation

.PHONY: clean
clean: ## Remove what the other targets made; sign-in, journal and Meltano's state are spared
	rm -rf .venv .venv-demo .venv-dbt .venv-portability .venv-lowest .tools .demo dist build site
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +
	[ ! -d .meltano ] || find .meltano -mindepth 1 -maxdepth 1 ! -name 'meltano.db*' -exec rm -rf {} +
	rmdir .meltano 2>/dev/null || true

.PHONY: forget-sign-in
forget-sign-in: ## Delete the sign-in and the journal of what was sent, after a question
	@[ -e .exactonline ] || { echo "There is no .exactonline here."; exit 0; }; \
	printf '%s\n' "This deletes the sign-in, and the journal that keeps documents from being sent twice." \
		"There is no other copy of either."; \
	printf 'Type "forget" to delete .exactonline: '; \
	read -r answer || true; \
	[ "$$answer" = forget ] || { echo "Nothing was deleted." >&2; exit 1; }; \
	rm -rf .exactonline

.venv/.made: requirements/dev.txt pyproject.toml | $(UV)
	$(call make-env,.venv,requirements/dev.txt)

.venv-demo/.made: requirements/demo.txt pyproject.toml | $(UV)
	$(call make-env,.venv-demo,requirements/demo.txt)

# dbt shares no environment with the plugins: it wants other versions of the same packages.
.venv-portability/.made: requirements/portability.txt | $(UV)
	$(check-python)
	[ -x .venv-portability/bin/python ] || $(UV) venv --quiet --python $(PYTHON) .venv-portability
	$(UV) pip sync --quiet --python .venv-portability/bin/python --require-hashes requirements/portability.txt
	touch $@

.venv-dbt/.made: requirements/dbt.txt | $(UV)
	$(check-python)
	[ -x .venv-dbt/bin/python ] || $(UV) venv --quiet --python $(PYTHON) .venv-dbt
	$(UV) pip sync --quiet --python .venv-dbt/bin/python --require-hashes requirements/dbt.txt
	touch $@

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
