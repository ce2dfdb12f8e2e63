# Two commands do everything: `make run` and `make test`. Both make the environment first.
# `make test PYTHON=python3.13` tests with another Python, in an environment of its own.
PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check lint types layers bench chaos clean lock

run: $(STAMP)
	$(BIN)/alert-router serve --config config.example.yaml

test: $(STAMP) check
	PATH="$(CURDIR)/$(VENV)/api-tools/bin:$$PATH" $(BIN)/pytest --numprocesses 3 --dist worksteal

check: lint types layers

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	$(BIN)/python -m tests.bench

# Longer than the run in `make test`: CHAOS_SEED, CHAOS_SECONDS (of faults) and CHAOS_KILLS.
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos.run sqlite
	$(BIN)/python -m tests.chaos.run postgresql

# The tools that test the API need other versions of our packages: they have an environment of their own.
$(STAMP): pyproject.toml deploy/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint deploy/constraints.txt --editable '.[dev]'
	$(PYTHON) -m venv $(VENV)/api-tools
	$(VENV)/api-tools/bin/pip install --quiet openapi-python-client==0.29.1 schemathesis==4.32.5
	touch $@

lock: $(STAMP)
	$(BIN)/pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(BIN)/pip freeze --exclude-editable > deploy/constraints.txt

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache
