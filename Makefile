# `make help` lists the targets. Each of them sets up what it needs.
PYTHON ?= python3
export PYTHON
VENV := .venv
IN_ENV := JAVA_HOME="$$(cat $(VENV)/java_home)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: help setup demo test torture benchmark airflow format clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup: $(VENV)/.ready  ## create .venv with the pinned packages and a Java for Spark

$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup.sh scripts/find_java.py
	@sh scripts/setup.sh
	@touch $@

demo: setup  ## run the flights pipeline in a real Airflow: failure, automatic retry, resume
	@$(IN_ENV) python scripts/demo.py

test: setup  ## everything that must hold: format, lint, types, layers, unit and integration tests
	@$(IN_ENV) ruff format --check .
	@$(IN_ENV) ruff check .
	@$(IN_ENV) mypy
	@$(IN_ENV) lint-imports
	@$(IN_ENV) pytest

torture: setup  ## the long tests: every failure of a pipeline in turn, and all pairs
	@$(IN_ENV) pytest -m torture tests

benchmark: setup  ## what saving session state costs and gives, against plain Spark
	@$(IN_ENV) python benchmarks/session_state.py

airflow: setup  ## start Airflow with the example DAGs and print address and login
	@$(IN_ENV) python scripts/airflow_standalone.py

format: setup  ## format the code and mend what the linter can mend
	@$(IN_ENV) ruff check --fix .
	@$(IN_ENV) ruff format .

clean:  ## remove what the other targets created
	rm -rf $(VENV) .airflow spark-warehouse .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
