# Every target works in a fresh clone with Python >= 3.10 and nothing else: Node comes from its wheel.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
LINK := $(VENV)/share/jupyter/labextensions/kimi-jupyter
BUNDLE := kimi_jupyter/labextension/static/third-party-licenses.json
MODULES := labextension/node_modules/.installed-lock.json
SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f -not -path '*/__tests__/*')
ARGS ?=

export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help build run test check fix bench wire clean
.DELETE_ON_ERROR:

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

build: $(VENV)/.installed ## everything that the other targets need

run: build ## JupyterLab with Kimi on a sample workspace: make run ARGS="--no-browser --port 8899"
	@$(BIN)/python scripts/demo.py $(ARGS)

test: build ## Python, a real browser, TypeScript: make test ARGS="-k stop"
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/pytest $(ARGS)
	cd labextension && npm run --silent test

check: $(VENV)/.dependencies $(MODULES) ## what a machine can see without running the product
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	PYTHONPATH=. $(BIN)/python scripts/wire.py --check
	$(BIN)/python scripts/guard.py
	cd labextension && npm run --silent types && npm run --silent lint

fix: $(VENV)/.dependencies $(MODULES) ## put style right where a machine can
	-$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd labextension && npm run --silent fix

bench: build ## measure, and print every number beside its limit
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m benchmarks $(ARGS)

wire: $(VENV)/.dependencies ## write wire.ts and the settings schema from kimi_jupyter/protocol
	PYTHONPATH=. $(BIN)/python scripts/wire.py

clean: ## remove the venv, all that was built and the sample workspace
	rm -rf $(VENV) build dist .jupyterlab-demo kimi_jupyter/labextension
	rm -rf labextension/node_modules labextension/lib labextension/tsconfig.tsbuildinfo

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed. Name one: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	@touch $@

$(VENV)/.dependencies: pyproject.toml | $(VENV)/.made
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r pyproject.toml --extra dev
	@touch $@

$(MODULES): labextension/package-lock.json | $(VENV)/.dependencies
	cmp -s $< $@ || { cd labextension && npm ci --no-audit --no-fund; }
	@cp $< $@

$(BUNDLE): $(MODULES) labextension/package.json labextension/tsconfig.json $(SOURCES)
	cd labextension && npm run --silent build:prod

# The hook that builds the bundle is passed over, for the bundle is there. An editable install copies it; the link
# in its place shows every later build at once. The link goes first, or an uninstall deletes the bundle through it.
$(VENV)/.installed: $(VENV)/.dependencies install.json jupyter-config/server/kimi_jupyter.json $(BUNDLE)
	@test ! -L $(LINK) || rm $(LINK)
	SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@rm -rf $(LINK) && ln -s $(CURDIR)/kimi_jupyter/labextension $(LINK)
	@touch $@
