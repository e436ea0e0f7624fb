# `make` alone prints this list. Every target sets up what it needs, so any of them may be the first.
PRIME := .venv/bin/prime
PY    := .venv/bin/python
# One more than there are processors: tests wait more than they compute.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
.DEFAULT_GOAL := help
.PHONY: help setup tools demo run test check long chaos bench migrate clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: .venv/.ready ## .venv from the lock file, with .venv/bin/prime
.venv/.ready: pyproject.toml uv.lock .ci/setup
	@bash .ci/setup
	@touch $@

tools: ## Chromium, nginx, promtool and libfaketime, which some tests drive, by apt where that is possible
	@bash .ci/browser
	@bash .ci/nginx
	@bash .ci/prometheus
	@bash .ci/faketime

demo: setup ## all of Prime on this machine with no account: opens a page like Slack
	@$(PRIME) demo

run: setup ## Prime itself, in the workspace that .env names
	@$(PRIME) run

migrate: setup ## bring the database to this version's schema
	@$(PRIME) migrate

test: setup tools ## all tests
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup

check: setup ## format, lint, types, import rules, lock file
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports

long: setup tools ## the long forms of the property, fault and chaos tests
	@PRIME_TEST_PROFILE=long $(PY) -m pytest -n $(WORKERS) --dist loadgroup

chaos: setup tools ## replicas killed and all around them failing, over people at work; SEED= and KILLS= choose the run
	@$(PY) -m tests.chaos $(SEED) $(KILLS)

bench: setup ## measured figures with the goal or peer beside each
	@$(PY) -m tests.bench

clean: ## what setup and the tests left in this folder
	rm -rf .venv .cache build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
