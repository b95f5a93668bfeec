# Two commands: `make demo` and `make test`. Both set up everything they need first.
#
#   make demo [MODE=replacement]   run the program's main job in the lab; or new-cluster, chaining, mesh, mesh-transit, all
#             [PROVIDERS=real]     with the official plugins eks, kubernetes and tls, where they are on PATH
#   make test                      every check and every test
#   make check                     lint, formatting, types, layers
#   make unit                      the tests that start no process, in seconds
#   make endurance                 tests that run the whole program dozens of times, an hour or more; lists each with its time
#   make pictures                  docs/pictures/ anew, from recorded clusters and in a lab; needs some minutes
#   make bench                     whole migrations in the lab, beside what engineers have today, more than an hour; writes docs/performance.md
#   make bench-verdicts            whole tables of verdicts beside Cilium's own engine, some minutes; writes docs/performance.md
#   make bench-plan                plans of up to 5,000 nodes from pages of a small server, a few minutes; writes docs/performance.md
#   make requirements              requirements.txt anew from requirements.in, with hashes; needs uv
#   make down                      stop the lab that `make demo` left running
#   make clean                     stop the lab, forget the virtual environment (built artifacts stay cached)

SHELL  := bash
PYTHON ?= python3
MODE   ?= replacement
PROVIDERS ?= emulated
BIN    := .venv/bin
PLAN   := .venv/.plan
LAB    := .venv/.lab
READY  := .venv/.ready
# Bytecode is written when a module is imported first: most modules of the SDKs never are.
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/pip install --quiet --disable-pip-version-check --no-compile)

.DEFAULT_GOAL := help
.PHONY: help demo test check tools unit endurance pictures bench bench-verdicts bench-plan requirements down clean setup tools-to-build-with

help:
	@sed -n 's/^#   //p' Makefile

# What the lab is made of is built in the background, until this make ends; lab.demo waits for it.
demo: tools-to-build-with
	@$(PYTHON) -m lab.toolchain lab --beside $$PPID </dev/null >/dev/null 2>&1 &
	@$(MAKE) --no-print-directory $(PLAN)
	@$(BIN)/python -m lab.sample_cluster.planned
	@$(MAKE) --no-print-directory $(LAB)
	@$(BIN)/python -m lab.demo $(MODE) --providers $(PROVIDERS)

# Types are checked by one process: the tools are built, where that is needed, at the same time. Files run in the
# order of collection, the slow ones first (tests/conftest.py).
test: $(READY)
	@$(MAKE) --no-print-directory -j2 check tools
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not endurance"

tools: $(READY)
	@$(BIN)/python -m lab.toolchain build node-player control-plane kubectl helm oracle

endurance: $(READY)
	@$(BIN)/python -m pytest -m endurance -v --durations=0 --durations-min=1

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python .ci/check_words.py
	@unformatted="$$(gofmt -l lab)"; test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }

# Only files that have such tests are collected: importing the lab's cloud takes longer than all of them.
unit: $(READY)
	@$(BIN)/python -m pytest -m unit -q -n 2 --dist loadfile $$(grep -rl --include='test_*.py' 'mark\.unit' tests)

pictures: $(READY)
	@$(BIN)/python -m lab.pictures

# It installs eks-rolling-update from PyPI into an environment of its own, in the cache.
bench: $(READY)
	@$(BIN)/python -m tests.benchmarks.migration --write docs/performance.md

bench-verdicts: $(READY)
	@$(BIN)/python -m tests.benchmarks.verdicts --write docs/performance.md

bench-plan: $(READY)
	@$(BIN)/python -m tests.benchmarks.plans --write docs/performance.md

# For all platforms and for Python 3.11 and newer. The versions of what is not in requirements.in are in constraints.txt.
requirements:
	@command -v uv >/dev/null || { echo "error: uv is needed: pipx install uv"; exit 1; }
	@uv pip compile requirements.in --constraint constraints.txt --universal --python-version 3.11 --generate-hashes \
	    --no-annotate --quiet --output-file requirements.txt

down: $(LAB)
	@$(BIN)/python -m lab down

clean:
	@test ! -x $(BIN)/python || $(BIN)/python -m lab down
	@rm -rf .venv .lab

setup: $(READY)

$(READY): $(LAB) requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

$(LAB): $(PLAN) requirements.in lab/requirements.txt
	@echo "  installing the SDKs and the lab's packages (half a minute the first time)"
	@$(INSTALL) -r lab/requirements.txt
	@touch $@

# What the command `eks-cilium` needs, with the versions of all later steps.
$(PLAN): pyproject.toml constraints.txt | tools-to-build-with
	@echo "  setting up .venv"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --constraint constraints.txt --editable .
	@touch $@

tools-to-build-with:
	@command -v $(PYTHON) >/dev/null || { echo "error: Python 3.11 or newer is needed: install python3 (or name it: make PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1): name a newer one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: Python's venv module is missing: install the package python3-venv"; exit 1; }
	@command -v go >/dev/null || { echo "error: Go 1.26 or newer is needed to build the lab's control plane: install it from your package manager or go.dev"; exit 1; }
