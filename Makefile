# The set-up is part of every target: nothing else has to be installed by hand on Debian, as root.
VENV := .venv
BIN := $(VENV)/bin
# Two labs side by side: most of a test is waiting. Work is taken over from whoever has more left.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist worksteal --durations=15
LAB := $(BIN)/hadeploy lab

.PHONY: demo demo-down test test-unit test-lowest test-newest test-lab test-all faults lint lock setup setup-tests

setup: $(VENV)/.ready
	@scripts/install-debian.sh

setup-tests: $(VENV)/.ready
	@scripts/install-debian.sh --tests

PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check

# What is installed is in the lock file, with its hash; that includes what builds the package.
$(VENV)/.ready: pyproject.toml requirements/development.txt
	@python3 -m venv $(VENV) 2>/dev/null || { scripts/install-debian.sh && python3 -m venv $(VENV); }
	@$(BIN)/$(PIP_INSTALL) --require-hashes --only-binary :all: --requirement requirements/development.txt
	@$(BIN)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

LOCK = $(BIN)/uv pip compile --quiet --no-config --universal --upgrade --generate-hashes \
	--custom-compile-command 'make lock' pyproject.toml

lock: $(VENV)/.ready ## Renew the lock files: the newest version of each dependency that pyproject.toml allows.
	$(LOCK) --output-file requirements/tool.txt
	$(LOCK) --extra dev --output-file requirements/development.txt

demo: setup ## Bring the lab up and run the main job on it.
	$(LAB) up
	@eval "$$($(LAB) env)" && set -x && $(BIN)/hadeploy up && curl --fail --silent --show-error "http://$$HADEPLOY_LAB_VIP:9443/"
	@echo 'To go on from here:  . $(BIN)/activate; eval "$$(hadeploy lab env)"; hadeploy plan     Clean up: make demo-down'

demo-down: setup
	$(LAB) down

test: setup-tests test-lowest ## Everything but the exhaustive matrices.
	$(PYTEST) -m "not exhaustive"

# Compiled modules are kept: two workers and what they start would compile them again and again.
test-unit: $(VENV)/.ready
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses 2 -m "not exhaustive" tests/unit

test-lowest: $(VENV)/.lowest ## The unit tests with the lowest versions of all dependencies.
	$(VENV)/lowest/bin/pytest --numprocesses 2 -m "not exhaustive" tests/unit

$(VENV)/.lowest: $(VENV)/.ready tests/lowest.txt
	@python3 -m venv $(VENV)/lowest
	@$(VENV)/lowest/bin/$(PIP_INSTALL) --editable '.[dev]' --constraint tests/lowest.txt
	@touch $@

test-newest: $(VENV)/.ready ## The unit tests with the newest versions that there are today.
	@python3 -m venv $(VENV)/newest
	@$(VENV)/newest/bin/$(PIP_INSTALL) --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(VENV)/newest/bin/pytest --numprocesses 2 -m "not exhaustive" tests/unit

test-lab: setup-tests
	$(PYTEST) tests/lab tests/hostile -m "not exhaustive"

test-all: setup-tests ## The exhaustive matrices too.
	$(PYTEST)

FAULT_TESTS = $(patsubst %,tests/lab/test_%.py,faults segment claims capacity removed down crash)

faults: setup-tests ## Break all that docs/faults.md tells of, on real labs, and write it anew.
	rm -f .faults
	HADEPLOY_FAULTS=$(CURDIR)/.faults $(PYTEST) $(FAULT_TESTS)
	$(BIN)/python -m tests.lab.faults_document <.faults >docs/faults.md
	rm .faults

lint: setup-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/codespell
	git ls-files '*.sh' .ci/run | xargs shellcheck
