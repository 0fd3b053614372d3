# The front door. `make` alone lists what there is.
PYTHON := .venv/bin/python
# Checks that need no data need no engines either.
OFFLINE := DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0
WORKERS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults lint schema format bench stop clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

setup: ## prepare .venv and node_modules (the other targets do it when needed)
	@scripts/setup dev

demo: ## run everything on this machine until Ctrl-C; CHECK=1 walks the journey instead and exits
	@scripts/setup runtime
	@exec $(PYTHON) -m portfolio_site.demo $(if $(CHECK),--check) $(ARGS)

test: ## run the tests but the slow ones of faults (ARGS="-k name" for some of them, WORKERS=0 for one process)
	@scripts/setup dev
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

faults: ## run the tests that take minutes: real processes killed and restarted, every page in every look
	@scripts/setup dev
	$(PYTHON) -m pytest -m "fault or slow" $(ARGS)

lint: ## check style, types, layers, migrations, scripts, and known holes
	@scripts/setup dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(OFFLINE) $(PYTHON) -m mypy
	$(OFFLINE) $(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	$(OFFLINE) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(OFFLINE) $(PYTHON) manage.py check
	@scripts/check-scripts
	$(PYTHON) -m bandit -q -ll -c pyproject.toml -r portfolio_site investments plaid_link history
	@$(PYTHON) scripts/check-dependencies

schema: ## write the API's schema to docs/openapi.yaml
	@scripts/setup dev
	$(OFFLINE) $(PYTHON) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

format: ## put the code in order
	@scripts/setup dev
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

bench: ## run the benchmarks
	@scripts/setup dev
	@set -e; for script in bench/[!_]*.py; do echo "== $$script"; $(PYTHON) "$$script" $(ARGS); done

stop: ## stop the PostgreSQL and Redis that manage.py has started
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m portfolio_site.lib.embedded stop

clean: ## stop everything and remove all that was made here, the database included
	@[ ! -x $(PYTHON) ] || $(PYTHON) -m portfolio_site.lib.embedded erase
	rm -rf .venv node_modules staticfiles var .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
