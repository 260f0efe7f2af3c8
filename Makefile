# The front door: each target wraps a tox environment. `make` alone lists them.
# Needs a POSIX shell and Python 3.11 or newer; on Windows run the tox commands of the README.

PYTHON ?= python3
ARTIFACTS ?= artifacts
TEST ?=
DATA ?=
TARGET ?=
# the gate of California Housing; of other data, if any, it is the user's
MIN_R2 ?= $(if $(DATA),,0.5)
TRAIN_FLAGS ?=
VERIFY_FLAGS ?=
PREDICT_FLAGS ?=
RETRAIN ?= yes
EXPECT ?= dist/image.json
ACT_FLAGS ?=
AUDIT_FLAGS ?=

TOX := .venv/bin/tox
TRAIN := --artifacts $(ARTIFACTS) $(if $(MIN_R2),--min-r2 $(MIN_R2)) \
	$(if $(DATA),--data $(DATA) --target $(TARGET)) $(TRAIN_FLAGS)
SOURCES := $(shell find src -name '*.py' -o -name '*.gz') pyproject.toml requirements.in requirements.txt $(wildcard $(DATA) $(addsuffix /*,$(DATA)))
TRAINED := $(addprefix $(ARTIFACTS)/,linear_model.joblib moments.json)
QUANTIZED := $(addprefix $(ARTIFACTS)/,quant_params.joblib scale.joblib)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lint type-check test test-all lowest coverage devenv train quantize verify predict bench docs site lock lock-check docker smoke docker-reproducible dist sbom audit ci clean FORCE
.PHONY: workflows act same-digest image-archive upstream required notes push github-release last-release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lint: $(TOX) ## check style, and that the drawings are current
	$(TOX) run -e lint

type-check: $(TOX) ## check types, strictly
	$(TOX) run -e type-check

test: $(TOX) ## run the tests on the Python at hand (TEST=tests/data/test_content_split.py)
	$(TOX) run -e py $(if $(TEST),-- $(TEST))

test-all: $(TOX) ## run the tests on every Python 3.11 to 3.14 found
	$(TOX) run -e py311,py312,py313,py314

lowest: $(TOX) ## run the tests with the lowest allowed versions of all dependencies (needs Python 3.11)
	$(TOX) run -e lowest --skip-missing-interpreters=false

devenv: $(TOX) ## make .venv-dev for your editor: the package as it is in src, and what tests need
	$(TOX) devenv -e py .venv-dev

coverage: $(TOX) ## run the tests, and fail if they run too little of the package's code
	$(TOX) run -e coverage

train: $(ARTIFACTS)/model.json $(TRAINED) ## fit the model, if anything changed (MIN_R2=0.5; DATA=rows.csv TARGET=y)

quantize: $(ARTIFACTS)/quantized.json $(QUANTIZED) ## turn the model into uint8 codes, if anything changed

# It reads the folder as it is: had it prerequisites there, it would make what it is to check.
verify: $(TOX) ## make the files of ARTIFACTS again elsewhere, and compare each byte (VERIFY_FLAGS=--data=rows.csv)
	@$(TOX) -qq run -e verify -- --artifacts $(ARTIFACTS) $(VERIFY_FLAGS)

predict: $(TOX) quantize ## predict the sample rows (PREDICT_FLAGS=rows.csv)
	@$(TOX) -qq run -e predict -- --artifacts $(ARTIFACTS) $(PREDICT_FLAGS)

bench: $(TOX) quantize ## measure speed, memory and correct digits against others (BENCH_FLAGS=--quick)
	$(TOX) run -e bench -- $(BENCH_FLAGS)

docs: $(TOX) ## draw docs/*.svg anew
	$(TOX) run -e docs

site: $(TOX) ## build the documentation site in site/; fail for a broken link or a missing docstring
	$(TOX) run -e site

lock: $(TOX) ## lock the requirements with hashes (needs Python 3.11; LOCK_FLAGS=--upgrade)
	$(TOX) run -e lock --skip-missing-interpreters=false -- $(LOCK_FLAGS)

lock-check: $(TOX) ## fail if a lock is stale or was tampered with (needs Python 3.11)
	$(TOX) run -e lock --skip-missing-interpreters=false -- --check

docker: $(TOX) quantize ## build the image cali-reg:test (BASE_IMAGE=python:3.13-slim)
	@test '$(ARTIFACTS)' = artifacts || { echo 'make docker: the image takes its model from artifacts; leave ARTIFACTS out' >&2; exit 2; }
	$(TOX) run -e docker -- --record dist/image.json

smoke: $(TOX) docker ## run the image locked down, and compare each digit with this machine's
	$(TOX) run -e smoke

docker-reproducible: $(TOX) docker ## build the image from unequal copies, and fail unless the digest is one
	$(TOX) run -e docker-reproducible

same-digest: $(TOX) quantize ## build the image anew, fail if the digest is not the recorded one (EXPECT=dist/image.json)
	$(TOX) run -e docker -- --no-cache --expect $(EXPECT) --record dist/image.json

image-archive: $(TOX) ## save the image in dist, as registries take it
	$(TOX) run -e image-archive

workflows: $(TOX) ## lint the workflows and the Dockerfile
	$(TOX) run -e workflows

act: $(TOX) ## run the CI workflow on this machine, green and with each job failing (ACT_FLAGS=--wiring)
	$(TOX) run -e act -- $(ACT_FLAGS)

upstream: $(TOX) ## fail if scikit-learn downloads other data than ours (needs the network)
	$(TOX) run -e upstream

dist: $(TOX) ## build wheel and sdist in dist/, twice, and fail unless the bytes are the same
	$(TOX) run -e release -- packages.py

sbom: $(TOX) ## list what the lock installs in dist/cali-reg.cdx.json (CycloneDX)
	$(TOX) run -e release -- sbom.py

audit: $(TOX) ## ask for known flaws of what the locks hold (needs the network; AUDIT_FLAGS=--service=osv)
	$(TOX) run -e release -- audit.py $(AUDIT_FLAGS)

# What only a workflow calls; those that publish install nothing, not even tox.
required: ## fail unless all jobs succeeded (NEEDS, from a workflow)
	@$(PYTHON) tools/ci/required.py

notes: ## print the changelog's section, fail if TAG is not this version (TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py notes

push: ## push dist/image.tar as it is (REPOSITORY=ghcr.io/owner/name TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py push

github-release: ## make the release on GitHub, with all of dist (TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py release

last-release: ## fetch the files of the last release from GitHub
	@$(PYTHON) tools/ci/publish.py last

ci: lint type-check lock-check workflows site test-all coverage train quantize verify docker smoke docker-reproducible dist sbom ## all that CI runs

clean: ## delete all that was made: artifacts, environments, caches
	rm -rf .venv .venv-dev .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis dist site last-release
	find artifacts -mindepth 1 ! -name .gitignore -delete

$(TOX): requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("cali-reg needs Python 3.11 or newer; found " + sys.version.split()[0] + ": make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

ifeq ($(RETRAIN),no)
# The files come from elsewhere, and their times mean nothing: take them as they are.
$(ARTIFACTS)/model.json $(ARTIFACTS)/quantized.json $(TRAINED) $(QUANTIZED):
	@echo '$@: not found, and RETRAIN=no; leave that out, or fetch the file' >&2; exit 2
else
$(ARTIFACTS)/model.json: $(SOURCES) $(ARTIFACTS)/.train-flags | $(TOX)
	$(TOX) -q run -e train -- $(TRAIN)

$(ARTIFACTS)/quantized.json: $(ARTIFACTS)/model.json $(TRAINED) | $(TOX)
	$(TOX) -q run -e quantize -- --artifacts $(ARTIFACTS) $(if $(DATA),--data $(DATA))

# One run writes several files; should one of the others be gone, the run is repeated.
$(TRAINED): $(ARTIFACTS)/model.json
	@test -e $@ || { rm -f $<; $(MAKE) --no-print-directory $<; }

$(QUANTIZED): $(ARTIFACTS)/quantized.json
	@test -e $@ || { rm -f $<; $(MAKE) --no-print-directory $<; }

# Other flags are a change, too.
$(ARTIFACTS)/.train-flags: FORCE
	@mkdir -p $(ARTIFACTS)
	@echo '$(TRAIN)' | cmp -s - $@ || echo '$(TRAIN)' > $@
endif
