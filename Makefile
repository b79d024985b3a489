# `make demo`, `make check` and `make test` are all one has to type; each installs into .venv first.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/installed
# Two processes: a test waits for Ray to start half of its time. Whichever is idle takes over the other's next tests.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: demo check test lint clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(BIN)/python sweeps/transfer_sizes.py --builtin --older-code rerun

# Before each commit: what starts no Ray.
check: lint
	$(PYTEST) -m "not gpu and not memory and not latex and not browser and not ray and not slow"

# Before each push: everything but what needs a GPU or much memory.
test: lint
	$(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# elasticdeform's wheel is built against NumPy 1 and fails to import under NumPy 2: hence from source.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Labsweep needs Python 3.11 to 3.13; name it with: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-binary elasticdeform --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv *.egg-info .mypy_cache .ruff_cache .pytest_cache
