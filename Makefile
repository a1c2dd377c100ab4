# make help lists the targets.

PYTHON ?= python3
PYTEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STATE_TESTS := tests/vectors/test_state_general.py

.DEFAULT_GOAL := help
.PHONY: help install devnet test test-all bench bench-rpc bench-bridge lint types imports check contracts lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## create .venv with the locked dependencies and the phal2 command

devnet: install ## run L1, sequencer, follower, batcher and proposer; Ctrl-C stops them
	@$(BIN)/phal2 devnet $(ARGS)

test: install ## run the whole test suite
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(ARGS)

test-all: install ## run everything of what is long, too: all state tests, 50 rounds of killing
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --all --ignore $(STATE_TESTS) $(ARGS); suite=$$?; \
		$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal --all $(STATE_TESTS) $(ARGS) && exit $$suite

bench: install ## measure it beside py-evm and anvil; ARGS=--quick, ARGS="--json FILE"
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

bench-rpc: install ## measure reads by JSON-RPC beside anvil and hardhat; ARGS=--quick, ARGS="--json FILE"
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.reads $(ARGS)

bench-bridge: install ## measure bytes on L1, a follower and the bridge; ARGS=--quick, ARGS="--json FILE"
	@PYTHONPATH=tests $(BIN)/python -m benchmarks --only batches --only derivation --only bridging $(ARGS)

lint: install ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install ## check types
	@$(BIN)/mypy

imports: install ## check which package may import which
	@$(BIN)/lint-imports

check: lint types imports ## all checks but the tests

contracts: ## compile the contracts anew (needs Node.js)
	@cd phal2/contracts/build && npm ci && node build.mjs

lock: install ## resolve the dependencies anew into requirements.lock
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev \
		--output-file requirements.lock pyproject.toml

$(VENV)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v in ((3, 11), (3, 12)) or sys.exit(f"phal2 needs Python 3.11 or 3.12, {sys.executable} is {v[0]}.{v[1]}; try: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) (about a minute)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@
