.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
READY := .venv/ready
LOCK := $(BIN)/uv pip compile pyproject.toml --group dev --group docs --group bench --group stamped \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock' --quiet --output-file requirements.lock

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  \033[1m%-17s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## Stamp a service, start it and show what it can do (CHECK=1: walk through it and stop)
	@$(BIN)/python -m demo $(if $(CHECK),--check)

.PHONY: demo-adopt
demo-adopt: $(READY) ## Inspect a small prototype, adopt it, and serve it through its new service (CHECK=1: and stop)
	@$(BIN)/python -m demo.adopting $(if $(CHECK),--check)

# With that variable each of the thousand processes that the tests start would compile all it imports.
.PHONY: test
test: $(READY) ## Run every test
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 2 --dist worksteal $(ARGS)

.PHONY: lint
lint: $(READY) ## Mend what can be mended by itself, and check the rest
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/mypy

.PHONY: docs
docs: $(READY) ## Build the documentation site
	@$(BIN)/sphinx-build -W -q -b html docs docs/_build && echo "The site is in docs/_build/index.html"

.PHONY: pictures
pictures: $(READY) ## Take the pictures of README.md anew (needs a Chromium)
	@$(BIN)/python -m demo --check --svg docs/pictures/demo.svg
	@$(BIN)/python -m demo.inspection

.PHONY: bench
bench: $(READY) ## Measure a stamped service beside its peers
	@$(BIN)/python -m bench

.PHONY: bench-inspection
bench-inspection: $(READY) ## Measure an inspection beside ast-grep and semgrep
	@PYTHONPATH=assembled $(BIN)/python -m bench.inspection

.PHONY: bench-adoption
bench-adoption: $(READY) ## Measure an adoption, and the facade beside proxies that do nothing else
	@PYTHONPATH=assembled $(BIN)/python -m bench.adoption
	@$(BIN)/python -m bench.facade

.PHONY: lock
lock: $(READY) ## Take the newest versions that pyproject.toml allows into requirements.lock
	@$(LOCK) --upgrade
	@$(MAKE) $(READY)

# Nothing but Python, git and make is needed: pip brings the pinned uv, and uv the rest, every file
# checked against the hash in the lock file.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed. Name one: make PYTHON=python3.13 …" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "$(PYTHON) can't make virtual environments; on Debian: apt install python3-venv" >&2; exit 2; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --require-hashes --no-deps -r .venv/uv.lock 2>.venv/said \
		|| { echo "uv can't be installed: $$(grep '^ERROR' .venv/said | tail -n 1) Is there a network? An index of your own goes into PIP_INDEX_URL." >&2; exit 2; }
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock 2>.venv/said \
		|| { echo "What requirements.lock names can't be installed: $$(tr -s ' \n' ' ' <.venv/said) Is there a network? An index of your own goes into UV_DEFAULT_INDEX." >&2; exit 2; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
