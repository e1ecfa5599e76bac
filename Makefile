# Everything runs in a virtual environment inside the checkout; a stamp file says what it already holds.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# JavaScript is linted and tested where node and npm are, with the tools that its lockfile names.
NODE   := $(if $(shell command -v npm),$(shell command -v node))
SCRIPT := tests/javascript
TOOLS  := $(SCRIPT)/node_modules

.PHONY: help run test sweep lint fuzz mutants kills versions agreement bench truth docs outputs clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/.all: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[all]'
	@touch $@

$(TOOLS)/.stamp: $(SCRIPT)/package.json $(SCRIPT)/package-lock.json
	cd $(SCRIPT) && npm ci --silent --no-audit --no-fund
	@touch $@

run: $(VENV)/.base ## Set up and show ResNet50, without any framework
	@$(BIN)/resnet-inspect summary

test: $(VENV)/.all $(if $(NODE),$(TOOLS)/.stamp) ## Set up everything and run all tests
ifneq ($(NODE),)
	$(NODE) --test $(wildcard $(SCRIPT)/*.test.js)
else
	@echo "node or npm is missing: JavaScript isn't tested"; test -z "$$REQUIRE_BROWSER"
endif
	$(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile

sweep: $(VENV)/.all ## Test all models of torchvision and Keras where the suite takes one of each family: half an hour
	ZOO=all $(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile $(shell grep -lr --include='*.py' '"ZOO"' tests)

lint: $(VENV)/.dev $(if $(NODE),$(TOOLS)/.stamp) ## Style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
ifneq ($(NODE),)
	$(TOOLS)/.bin/biome ci --error-on-warnings
	$(TOOLS)/.bin/tsc --project $(SCRIPT)
else
	@echo "node or npm is missing: JavaScript isn't checked"; test -z "$$REQUIRE_BROWSER"
endif

fuzz: $(VENV)/.all ## Change honest files of every kind, and try every property, with N=20000 examples by chance: hours
	FUZZ_EXAMPLES=$(or $(N),20000) FUZZ_REPORT=fuzz-report $(BIN)/pytest -q -n auto --dist worksteal tests/fuzz \
		$(shell grep -lr --include='*.py' '@given' tests)

mutants: $(VENV)/.dev ## Make N=400 mistakes in the core and count what the tests notice: ten minutes; hours without N
	$(BIN)/python -m tests.mutation $(or $(N),all) $(or $(SEED),0)

kills: $(VENV)/.all ## Kill batch, diff --base and the cache at N=500 random moments: half an hour
	KILLS=$(or $(N),500) $(BIN)/pytest -q tests/batch/test_kills.py tests/answers/test_revision.py tests/answers/test_cache_folder.py -k "kill"

versions: $(VENV)/.dev ## Run beside every version that is declared, one environment at a time, and write VERSIONS.md: an hour
	$(BIN)/python constraints/matrix.py record $(ARGS)

agreement: $(VENV)/.dev ## Write AGREEMENT.md: what each reader says of the same network
	$(BIN)/python -m tests.agreement.page

bench: $(VENV)/.all ## Measure ours beside its peers, which are installed into an environment of their own: minutes
	$(BIN)/python benchmarks/run.py $(ARGS)

truth: $(VENV)/.all ## Ask ours and nine others for parameters and MACs of 134 networks, beside the truth: 15 minutes
	$(BIN)/python benchmarks/truth/run.py

# Sphinx has an environment of its own: what it needs must not hold anything back beside the frameworks.
.venv-docs/.stamp: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

docs: .venv-docs/.stamp ## Build the documentation into docs/_build; a warning or a broken link is an error
	.venv-docs/bin/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build

outputs: $(VENV)/.all ## Write the outputs of the commands on all pages again, as they are now
	$(BIN)/python -m tests.docs

clean: ## Remove the virtual environments, node's modules and caches
	rm -rf $(VENV) $(TOOLS) .venv-peers .venv-truth .venv-torchvista .venv-docs docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
