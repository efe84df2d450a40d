# The verbs of Lapwing. `make help` lists them.
# Needs Python 3.11 or 3.12 and gcc; everything else comes hashed from requirements/*.lock.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first interpreter that starts and has a version for which all wheels exist.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
  && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROJECTS := packages/contract packages/simulator packages/cli packages/gym services/ingest \
  services/trainer services/inference services/driver-bridge services/evaluator
# A recording (folder, zip or tar) for `make demo` and `make bench`.
RECORDING ?=
# Number of test files that run at the same time.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
# SAVE=1 keeps the figures of a benchmark in bench/results/.
BENCH := RECORDING="$(RECORDING)" $(BIN)/python -m
KEEP := $(if $(SAVE),--save)

.PHONY: help setup demo up down check test soak coverage mutants bench bench-train bench-stream \
  bench-serve bench-bridge bench-attacks bench-evaluate bench-recipes bench-table settings docs \
  docs-picture version lock gym-example clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(READY) ## Make the environment in .venv from the hashed lock

$(READY): requirements/dev.lock $(PROJECTS:%=%/pyproject.toml)
	@test -n "$(PYTHON)" || { echo "Lapwing needs Python 3.11 or 3.12 with venv: none was found on the PATH. Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setup: $$($(PYTHON) --version) into $(VENV) (TensorFlow is among the wheels: a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(PROJECTS:%=-e ./%)
	@touch $@

demo: $(READY) ## Record, train, serve and drive a lap; RECORDING=folder learns from yours
	@$(BIN)/lapwing demo $(RECORDING)

up: $(READY) ## Run all services on this machine without Docker until Ctrl-C
	@$(BIN)/lapwing up

down: ## Stop the services of docker compose; volumes stay
	docker compose down

check: $(READY) docs ## ruff, mypy strict, the documentation site, freshness of locks and settings pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python requirements/compile.py --check
	$(BIN)/python tools/settings_reference.py --check

test: $(READY) ## Run every test; those of the containers need a Docker engine
	@# The order is that of tests/conftest.py: the longest files first.
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

soak: $(READY) ## Run the tests that take minutes each: reloads, overload, fuzzing, leaks
	$(BIN)/python -m pytest -m soak

coverage: $(READY) ## Run every test and report the branch coverage (TESTS=folder for a part)
	@rm -rf .coverage && mkdir .coverage
	@# Counting slows everything down, so tests that hold times may fail here: `make test` judges.
	-$(BIN)/python -m coverage run -m pytest $(TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet --skip-covered --fail-under=0
	$(BIN)/python -m coverage report --skip-covered $(if $(TESTS),--fail-under=0)

mutants: $(READY) ## Change one place of the source at a time; does a test fail? (MODULES=part, can be resumed)
	PYTHONPATH=tools nice -n 10 $(BIN)/python -m mutants $(MODULES)

bench: $(READY) ## Measure import, simulator and serving in one run (RECORDING=folder)
	$(BENCH) bench $(KEEP)

bench-train: $(READY) ## Compare the training step with other frameworks (RECORDING=folder)
	$(BENCH) bench.training.train $(KEEP)

bench-stream: $(READY) ## Compare the trainer's data loader with others (RECORDING=folder)
	$(BENCH) bench.training.stream $(KEEP)

bench-serve: $(READY) ## Compare inference with its limit and with other servers (RECORDING=folder)
	$(BENCH) bench.serving.compare $(KEEP)

bench-bridge: $(READY) ## Measure what the bridge adds to an answer (RECORDING=folder)
	$(BENCH) bench.serving.bridge $(KEEP)

bench-attacks: $(READY) ## Measure what good traffic notices of attacks (RECORDING=folder)
	$(BENCH) bench.serving.attacks $(KEEP)

bench-evaluate: $(READY) ## Measure drives of an evaluation and the stages of one (RECORDING=folder)
	$(BENCH) bench.evaluation.drives $(KEEP)

bench-recipes: $(READY) ## Compare training recipes by how they drive; takes an hour, can be resumed (OUT=file)
	nice -n 10 $(BIN)/python -m bench.training.recipes --out "$(or $(OUT),recipes.jsonl)" $(KEEP)

bench-table: $(READY) ## Write bench/results/README.md from the figures that were kept (SAVE=1 keeps them)
	$(BIN)/python -m bench.table

docs: $(READY) ## Build the documentation site into docs/_build; a warning is an error
	@# A page that was read with a warning must be read again: a second run would not warn of it.
	$(BIN)/python -m sphinx --builder html --jobs auto --write-all --fail-on-warning \
	  --keep-going --quiet docs docs/_build \
	  || { rm -rf docs/_build; exit 1; }

docs-picture: ## Draw docs/architecture.svg from its source; needs npm and Debian's Chromium
	PUPPETEER_SKIP_DOWNLOAD=1 npx --yes @mermaid-js/mermaid-cli@11.17.0 --quiet \
	  --puppeteerConfigFile docs/_picture/puppeteer.json --configFile docs/_picture/mermaid.json \
	  --backgroundColor white --input docs/architecture.mmd --output docs/architecture.svg
	printf '\n<!-- source: %s -->\n' \
	  "$$(cat docs/architecture.mmd docs/_picture/mermaid.json | sha256sum | cut -c1-64)" \
	  >>docs/architecture.svg

settings: $(READY) ## Write docs/settings.md and .env.example from the settings classes
	$(BIN)/python tools/settings_reference.py

version: ## Give all packages a new version (TO=0.2.0)
	@test -n "$(TO)" || { echo "version: name the new one, as in make version TO=0.2.0" >&2; exit 1; }
	sed -i 's/^version = .*/version = "$(TO)"/' $(PROJECTS:%=%/pyproject.toml)

lock: $(READY) ## Compile the requirements/*.lock whose pyproject.toml files changed
	PATH=$(abspath $(BIN)):$$PATH $(BIN)/python requirements/compile.py

# An environment of its own: PyTorch is larger than all that Lapwing needs. pip takes the build for
# CPUs where it is told of an index that has it (PIP_EXTRA_INDEX_URL).
gym-example: ## Train an agent of Stable-Baselines3 in .venv-gym (needs PyTorch; docs/gymnasium.md)
	@test -x .venv-gym/bin/python || $(PYTHON) -m venv .venv-gym
	@.venv-gym/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/gym-example.lock
	@.venv-gym/bin/python -m pip install --quiet -r packages/gym/examples/requirements.txt
	@.venv-gym/bin/python -m pip install --quiet --no-deps --no-build-isolation \
	  -e ./packages/contract -e ./packages/simulator -e ./packages/gym
	.venv-gym/bin/python packages/gym/examples/train_sac.py

clean: ## Remove the environment and the caches of the tools
	rm -rf $(VENV) .venv-gym docs/_build docs/reference .mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis
