# `make help` lists the targets. Each of them sets up what it needs.
VENV := .venv
PYTHON ?= $(or $(wildcard $(VENV)/bin/python),python3)
export PYTHON
MATRIX := .venv-matrix
IN_ENV := JAVA_HOME="$$(cat $(VENV)/java_home)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: help setup demo test test-airflow test-browser test-browser-short test-matrix test-newest-python torture benchmark \
	docs pictures airflow format clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

version_of = $(shell exec 2>/dev/null; "$(1)" -c 'import sys; print(sys.version_info[:2])')
# A name such as python3.13 may be that of a Python which pyenv has, but does not start.
ifeq ($(call version_of,$(PYTHON)),)
override PYTHON := $(or $(shell python3 scripts/find_python.py "$(PYTHON)" 2>/dev/null),$(PYTHON))
endif
# Another Python than the one of .venv is asked for: setup.sh makes .venv anew.
ifneq ($(PYTHON),$(VENV)/bin/python)
ifneq ($(call version_of,$(PYTHON)),$(call version_of,$(VENV)/bin/python))
.PHONY: $(VENV)/.ready
endif
endif

setup: $(VENV)/.ready  ## create .venv with the pinned packages and a Java for Spark

$(VENV)/.ready: pyproject.toml constraints.txt scripts/setup.sh scripts/find_java.py
	@sh scripts/setup.sh
	@touch $@

demo: setup  ## run the flights pipeline in a real Airflow: failure, automatic retry, resume
	@$(IN_ENV) python scripts/demo.py

test: setup  ## everything that must hold: format, lint, types, layers, docs, unit and integration tests
	@$(IN_ENV) sh scripts/run_tests.sh

test-airflow: setup  ## retries, clears and kills in a real Airflow, on PostgreSQL where there is one; examples, submit, Connect
	@$(IN_ENV) python scripts/local_postgres.py
	@$(IN_ENV) python scripts/quick_jvm.py
	@$(IN_ENV) pytest -m '' --durations 10 tests/integration/airflow/real
	@$(IN_ENV) pytest -n 2 --dist loadscope --durations 10 -m 'real_airflow and not torture' --ignore=tests/integration/airflow/real tests

test-browser: setup  ## the tab in Airflow's UI: a real Airflow, and a real Chromium that clicks; installs Chromium if there is none
	@$(IN_ENV) sh scripts/find_chromium.sh >/dev/null
	@$(IN_ENV) python scripts/local_postgres.py
	@$(IN_ENV) python scripts/quick_jvm.py
	@$(IN_ENV) pytest -m browser -p no:randomly --durations 5 tests/browser

test-browser-short: setup  ## the scenes of it that matter most
	@$(IN_ENV) sh scripts/find_chromium.sh >/dev/null
	@$(IN_ENV) python scripts/local_postgres.py
	@$(IN_ENV) python scripts/quick_jvm.py
	@$(IN_ENV) pytest -m 'browser and essential' -p no:randomly --durations 5 tests/browser

test-matrix: setup  ## each Airflow and each Spark that pyproject.toml claims, and the wheel alone: hours; CELLS="a b" for some
	@$(IN_ENV) python scripts/local_postgres.py
	@JAVA_HOME="$$(cat $(VENV)/java_home)" "$(PYTHON)" scripts/test_matrix.py $(CELLS)

test-newest-python: setup  ## what depends most on Python, on the newest one that is installed, in an environment of its own
	@JAVA_HOME="$$(cat $(VENV)/java_home)" $(VENV)/bin/python scripts/test_matrix.py newest-python

torture: setup  ## the long tests, an hour: every failure of a pipeline, all pairs, random pipelines, thousands of kills
	@$(IN_ENV) pytest -n 2 --dist loadgroup -raP -m torture tests

benchmark: setup  ## what imports, the record and the capture cost, and what saving session state costs and gives
	@$(IN_ENV) python benchmarks/import_cost.py
	@$(IN_ENV) python benchmarks/overhead.py
	@$(IN_ENV) python benchmarks/capture.py
	@$(IN_ENV) python benchmarks/session_state.py
	@$(IN_ENV) python benchmarks/attempt.py
	@$(IN_ENV) python benchmarks/progress.py

docs: setup  ## build the documentation into docs/_build/html; a warning or a dead link fails
	@$(IN_ENV) python -m sphinx -b html -W --keep-going -n -q docs docs/_build/html

pictures: setup  ## take the pictures of the tab that README and docs show
	@$(IN_ENV) sh scripts/find_chromium.sh >/dev/null
	@$(IN_ENV) python scripts/tab_pictures.py

airflow: setup  ## start Airflow with the example DAGs and print address and login
	@$(IN_ENV) python scripts/airflow_standalone.py

format: setup  ## format the code and mend what the linter can mend
	@$(IN_ENV) ruff check --fix .
	@$(IN_ENV) ruff format .

clean:  ## remove what the other targets created
	rm -rf $(VENV) $(MATRIX) .airflow spark-warehouse .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis docs/_build docs/_generated
