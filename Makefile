# Everything runs in .venv, made on first use. Needs make and Python 3.11 or newer, no compiler.
#   make demo PYTHON=python3.13    picks the interpreter
#   make test ARGS="-k postgres"   hands arguments on to pytest

ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CONSTRAINTS := .ci/constraints.txt
NEEDS := pyproject.toml $(wildcard $(CONSTRAINTS))
INSTALL := $(PIP) install $(if $(wildcard $(CONSTRAINTS)),--constraint $(CONSTRAINTS))
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python

# Most tests wait rather than compute: one process more than there are cores. A file's tests are run by one process,
# as they share what is dear to make. ARGS=-n0 runs all in one, for --pdb and to see output as it comes.
PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
DIVIDED := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

DEMO := .demo
TARGET := sqlite:///$(DEMO)/demo.db

.DEFAULT_GOAL := help
.PHONY: help demo test check docs reference faults plugins bench bench-peers clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.package ## load our own documentation into SQLite, search it, load it again
	@rm -rf $(DEMO) && mkdir $(DEMO)
	@printf '\n== The documentation, loaded\n'
	$(BIN)/batchwright run docs --to $(TARGET)
	@printf '\n== A search of what was loaded\n'
	$(BIN)/batchwright search "exactly once" --limit 3 --to $(TARGET)
	@printf '\n== Loaded again: nothing has changed\n'
	$(BIN)/batchwright run docs --to $(TARGET)

test: $(VENV)/.test ## run the quick tests, on a real Postgres
	$(BIN)/python -m pytest -m "not slow and not bench" $(DIVIDED) $(ARGS)

# The environment of the plugins is made meanwhile, of the time that the tests leave.
check: $(VENV)/.dev ## the gate: format, lint, types, imports, tests, plugins; all of them, then the verdict
	@failed=; \
	nice -n 19 $(MAKE) --no-print-directory .venv-plugins/.test & making=$$!; \
	trap 'kill $$making' EXIT; \
	step() { name=$$1; shift; printf '\n== %s\n' "$$name"; "$$@" || failed="$$failed $$name"; }; \
	step format $(BIN)/ruff format --check .; \
	step lint $(BIN)/ruff check .; \
	step types $(BIN)/mypy; \
	step imports $(BIN)/lint-imports; \
	step tests $(MAKE) --no-print-directory test; \
	wait $$making; trap - EXIT; \
	step plugins $(MAKE) --no-print-directory plugins; \
	if [ -n "$$failed" ]; then printf '\n== failed:%s\n' "$$failed"; exit 1; fi; \
	printf '\n== all passed\n'

docs: $(VENV)/.docs ## run the code in the documentation; tutorials, schedulers and dlt in environments of their own
	$(BIN)/python -m pytest tests/unit/test_docs*.py tests/unit/test_long_description.py tests/unit/test_tutorials.py $(ARGS)

reference: $(VENV)/.dev ## make docs/reference/hooks.md from the hookspecs
	$(BIN)/python -m tests.support.hooks_reference

faults: $(VENV)/.test ## kill, cut and stall, the slow tests too
	$(BIN)/python -m pytest tests/faults -n $(PROCESSES) --dist worksteal $(ARGS)

PLUGIN_FOLDERS := $(wildcard plugins/*/)
PLUGIN_PIP := .venv-plugins/bin/python -m pip --quiet --disable-pip-version-check install $(if $(wildcard $(CONSTRAINTS)),--constraint $(CONSTRAINTS))
SYNCED := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

plugins: .venv-plugins/.test ## check and test the first-party plugins, in an environment of their own; ARGS="-m slow" for the rest
	@failed=; \
	printf '\n== types of plugins\n'; \
	.venv-plugins/bin/python -m mypy --cache-dir .venv-plugins/.mypy_cache $(PLUGIN_FOLDERS:%=%src) || failed="$$failed types"; \
	$(MAKE) --no-print-directory -C plugins --keep-going -j$(PROCESSES) $(SYNCED) || failed="$$failed tests"; \
	if [ -n "$$failed" ]; then printf '\n== failed:%s\n' "$$failed"; exit 1; fi

# ARGS="engine text" picks parts, ARGS=growth-full takes 100 times the input, ARGS=compare holds two runs together,
# ARGS="whole --documents FOLDER" measures your documents, ARGS=--help says the rest.
bench: $(VENV)/.test ## measure; minutes
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-peers: $(VENV)/.test ## measure the peers beside batchwright, each installed in .venv-peers
	$(BIN)/python -m tests.benchmarks.peers $(ARGS)

clean: ## remove everything that was made here, .venv too
	rm -rf $(VENV) .venv-plugins .venv-peers $(DEMO) .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: what has been installed, for which pyproject.toml.
# Hatchling is installed once for all plugins, or pip would make an environment with it for each.
.venv-plugins/.test: $(NEEDS) $(PLUGIN_FOLDERS:%=%pyproject.toml) | $(BIN)/python
	$(BIN)/python -m venv .venv-plugins
	$(PLUGIN_PIP) 'hatchling>=1.27' 'editables>=0.5'
	$(PLUGIN_PIP) --no-build-isolation --editable '.[test]' $(PLUGIN_FOLDERS:%=--editable './%[test]')
	@touch $@

$(VENV)/.package: $(NEEDS) | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: $(NEEDS) | $(BIN)/python
	$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.package

$(VENV)/.dev: $(NEEDS) | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.test $(VENV)/.package

$(VENV)/.docs: $(NEEDS) | $(BIN)/python
	$(INSTALL) --editable '.[docs]'
	@touch $@ $(VENV)/.dev $(VENV)/.test $(VENV)/.package

$(BIN)/python:
	@new='import sys; sys.exit(sys.version_info < (3, 11))'; \
	for python in $(or $(PYTHON),$(CANDIDATES)); do \
		if "$$python" -c "$$new" 2>/dev/null; then \
			"$$python" -m venv --clear $(VENV) && exit; \
			echo "$$python can't make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; \
		fi; \
	done; \
	echo "batchwright needs Python 3.11 or newer, and $(if $(PYTHON),$(PYTHON) isn't,found none of: $(CANDIDATES))." >&2; \
	echo "Name one: make $(or $(MAKECMDGOALS),$@) PYTHON=/path/to/python3" >&2; \
	exit 1
