# `make help` lists the targets. Each of them sets up what it needs.
PYTHON ?= python3
export PYTHON
VENV := .venv
LOWEST := .venv-lowest
IN_ENV := JAVA_HOME="$$(cat $(VENV)/java_home)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: help setup demo test test-airflow test-lowest torture benchmark airflow format clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

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
	@$(IN_ENV) python scripts/local_postgres.py
	@$(IN_ENV) pytest -n 2 --dist loadscope

test-airflow: setup  ## retries, clears, kills and mapped tasks in a real Airflow, on PostgreSQL where there is one
	@$(IN_ENV) python scripts/local_postgres.py
	@$(IN_ENV) pytest -m '' tests/integration/airflow/real

test-lowest: setup $(LOWEST)/.ready  ## the operator on the lowest versions that pyproject.toml allows
	@JAVA_HOME="$$(cat $(VENV)/java_home)" $(LOWEST)/bin/python tests/lowest/smoke.py

$(LOWEST)/.ready: pyproject.toml constraints-lowest.txt
	@[ -x $(LOWEST)/bin/python ] || "$(PYTHON)" -m venv --clear $(LOWEST)
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-lowest.txt -e .
	@touch $@

torture: setup  ## the long tests, an hour: every failure of a pipeline, all pairs, random pipelines, thousands of kills
	@$(IN_ENV) pytest -n 2 --dist loadgroup -raP -m torture tests

benchmark: setup  ## what imports, the record and the capture cost, and what saving session state costs and gives
	@$(IN_ENV) python benchmarks/import_cost.py
	@$(IN_ENV) python benchmarks/overhead.py
	@$(IN_ENV) python benchmarks/capture.py
	@$(IN_ENV) python benchmarks/session_state.py

airflow: setup  ## start Airflow with the example DAGs and print address and login
	@$(IN_ENV) python scripts/airflow_standalone.py

format: setup  ## format the code and mend what the linter can mend
	@$(IN_ENV) ruff check --fix .
	@$(IN_ENV) ruff format .

clean:  ## remove what the other targets created
	rm -rf $(VENV) $(LOWEST) .airflow spark-warehouse .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
