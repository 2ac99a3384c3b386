# Two commands on a fresh machine with Python 3.11 to 3.14: `make demo` and `make test`. Both take ARGS=, for example
# `make demo ARGS=--once` or `make test ARGS='-k loudness'`. PYTHON= names the Python to build .venv with.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test test-all faults storm lint sample pins clean system swift
.NOTPARALLEL:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
UV ?= uv
ARGS ?=
# Three test processes, for most tests wait for something. ARGS=-n0 for one after another.
PYTEST := $(BIN)/pytest --no-fold-skipped -n 3 --dist worksteal

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

demo: .venv/.run  ## a sample room becomes an episode, served until Ctrl-C (ARGS=--once: then ends)
	@$(BIN)/aircheck demo $(ARGS)

test: system lint swift  ## the whole suite but what is marked slow
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: system lint swift  ## the slow ones too, and property tests with examples of their own choice
	@$(PYTEST) --hypothesis-profile=explore $(ARGS)

faults: system swift .venv/.test  ## every crash at every point on every pair of services, storms and recoveries, the slow ones too
	@$(PYTEST) tests/faults tests/trial tests/feeds/test_publish_races.py $(ARGS)

storm: .venv/.test  ## ten minutes of killed workers over 500 rooms (ARGS= as python -m bench.storm takes them)
	@$(BIN)/python -m bench.storm --minutes 10 --rooms 500 --redis --markdown $(ARGS)

lint: .venv/.test  ## style, types and the borders between the packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports

sample: .venv/.test  ## make the sample room again: flite and sox speak it, PocketSphinx reads it back
	@$(BIN)/python -m workers.demo.make_sample $(ARGS)

# One version of everything for all Pythons. Written over the old pins, so that only what must change does; ARGS=--upgrade moves everything.
COMPILE = $(UV) pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate $(ARGS)
pins:  ## write requirements/*.txt again with uv (ARGS=--upgrade: newest versions)
	@command -v $(UV) >/dev/null || { echo "make pins needs uv: pip install uv, or UV=/path/to/uv" >&2; exit 2; }
	$(COMPILE) pyproject.toml requirements/build.in --extra draft -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra draft --extra postgres --extra test -o requirements/test.txt
	$(COMPILE) requirements/vocabulary.in --no-deps -o requirements/vocabulary.txt
	$(COMPILE) requirements/swift.in -o requirements/swift.txt

clean:  ## remove .venv and everything a tool left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@PYTHON="$(PYTHON)" requirements/make-venv .venv

.venv/.run: .venv/bin/pip requirements/run.txt pyproject.toml
	@echo "installing what Aircheck needs into .venv"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# openai-whisper is here for its vocabulary files alone, so what it needs to run stays away.
.venv/.test: .venv/.run requirements/test.txt requirements/vocabulary.txt
	@echo "installing what the tests need into .venv"
	@$(PIP) --require-hashes -r requirements/test.txt
	@$(PIP) --require-hashes --no-deps --no-build-isolation -r requirements/vocabulary.txt
	@touch $@

# A real object store for the tests, in an environment of its own; where it cannot be built, its tests are skipped by name.
swift: .venv/bin/pip
	@$(MAKE) --silent .venv/swift/.ready 2>.venv/swift.log || \
		echo "OpenStack Swift cannot be built here (.venv/swift.log says why) - tests on it are skipped" >&2

.venv/swift/.ready: requirements/swift.txt
	@echo "installing OpenStack Swift for the tests into .venv/swift"
	@rm -rf .venv/swift
	@PYTHON="$(BIN)/python" requirements/make-venv .venv/swift
	@.venv/swift/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/swift.txt
	@.venv/swift/bin/python -c "import swift.proxy.server, swift.obj.server" || { rm -rf .venv/swift; exit 1; }
	@touch $@

system:
	@tests/system-packages
