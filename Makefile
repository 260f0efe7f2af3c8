# Each target runs a tox environment of tox.ini; `make` alone lists the targets.
# They need a POSIX shell and Python 3.11 or newer; on Windows, run tox itself: `tox run -e NAME`.

PYTHON ?= python3
ARTIFACTS ?= artifacts
TEST ?=
DATA ?=
TARGET ?=
# the least R² that is accepted for California Housing; for other data, the user may set one
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

lint: $(TOX) ## check style, and that diagrams and the command reference are up to date
	$(TOX) run -e lint

type-check: $(TOX) ## check types with mypy --strict
	$(TOX) run -e type-check

test: $(TOX) ## run the tests on your Python (TEST=tests/data/test_content_split.py)
	$(TOX) run -e py $(if $(TEST),-- $(TEST))

test-all: $(TOX) ## run the tests on each installed Python, 3.11 to 3.14
	$(TOX) run -e py311,py312,py313,py314

lowest: $(TOX) ## run the tests with the oldest supported version of each dependency (needs Python 3.11)
	$(TOX) run -e lowest --skip-missing-interpreters=false

devenv: $(TOX) ## create .venv-dev for your editor: the package (editable) and what the tests need
	$(TOX) devenv -e py .venv-dev

coverage: $(TOX) ## run the tests; fail if they cover too few lines and branches
	$(TOX) run -e coverage

train: $(ARTIFACTS)/model.json $(TRAINED) ## train the model if anything changed (MIN_R2=0.5; DATA=rows.csv TARGET=y)

quantize: $(ARTIFACTS)/quantized.json $(QUANTIZED) ## quantize the model to uint8 if anything changed

# It has no prerequisites in the folder: make would rebuild the files that it should check.
verify: $(TOX) ## rebuild the files in ARTIFACTS elsewhere and compare each byte (VERIFY_FLAGS=--data=rows.csv)
	@$(TOX) -qq run -e verify -- --artifacts $(ARTIFACTS) $(VERIFY_FLAGS)

predict: $(TOX) quantize ## predict the sample rows (PREDICT_FLAGS=rows.csv)
	@$(TOX) -qq run -e predict -- --artifacts $(ARTIFACTS) $(PREDICT_FLAGS)

bench: $(TOX) quantize ## compare speed, memory and accuracy with other packages (BENCH_FLAGS=--quick)
	$(TOX) run -e bench -- $(BENCH_FLAGS)

docs: $(TOX) ## draw the diagrams in docs/ again, and write the command reference
	$(TOX) run -e docs

site: $(TOX) ## build the documentation in site/; fail on a broken link or a missing docstring
	$(TOX) run -e site

lock: $(TOX) ## lock all requirements with hashes (needs Python 3.11; LOCK_FLAGS=--upgrade)
	$(TOX) run -e lock --skip-missing-interpreters=false -- $(LOCK_FLAGS)

lock-check: $(TOX) ## fail if a lock is out of date or was changed by hand (needs Python 3.11)
	$(TOX) run -e lock --skip-missing-interpreters=false -- --check

docker: $(TOX) quantize ## build the image cali-reg:test (BASE_IMAGE=python:3.13-slim)
	@test '$(ARTIFACTS)' = artifacts || { echo 'make docker: the image takes its model from the folder artifacts; leave ARTIFACTS out' >&2; exit 2; }
	$(TOX) run -e docker -- --record dist/image.json

smoke: $(TOX) docker ## run the image without privileges; its predictions must equal this machine's
	$(TOX) run -e smoke

docker-reproducible: $(TOX) docker ## build the image three times, from different copies of the source; fail if a digest differs
	$(TOX) run -e docker-reproducible

same-digest: $(TOX) quantize ## build the image again; fail if its digest is not the recorded one (EXPECT=dist/image.json)
	$(TOX) run -e docker -- --no-cache --expect $(EXPECT) --record dist/image.json

image-archive: $(TOX) ## save the image in dist/ as an OCI archive, for a registry
	$(TOX) run -e image-archive

workflows: $(TOX) ## lint the workflows and the Dockerfile
	$(TOX) run -e workflows

act: $(TOX) ## run the CI workflow here: as it is, then with each job failing (ACT_FLAGS=--wiring)
	$(TOX) run -e act -- $(ACT_FLAGS)

upstream: $(TOX) ## fail if the embedded data differ from scikit-learn's download (needs the network)
	$(TOX) run -e upstream

dist: $(TOX) ## build wheel and sdist in dist/ twice; fail if a byte differs
	$(TOX) run -e release -- packages.py

sbom: $(TOX) ## write an SBOM of requirements.txt to dist/cali-reg.cdx.json (CycloneDX)
	$(TOX) run -e release -- sbom.py

audit: $(TOX) ## look for known vulnerabilities of the locked packages (needs the network; AUDIT_FLAGS=--service=osv)
	$(TOX) run -e release -- audit.py $(AUDIT_FLAGS)

# Only workflows call these. They run without tox: jobs that publish install nothing.
required: ## fail unless all jobs succeeded (NEEDS comes from the workflow)
	@$(PYTHON) tools/ci/required.py

notes: ## print the release notes of TAG; fail if it is not this version (TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py notes

push: ## push dist/image.tar to a registry (REPOSITORY=ghcr.io/owner/name TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py push

github-release: ## create the release on GitHub with the files in dist/ (TAG=v0.1.0)
	@$(PYTHON) tools/ci/publish.py release

last-release: ## download the files of the last release from GitHub
	@$(PYTHON) tools/ci/publish.py last

ci: lint type-check lock-check workflows site test-all coverage train quantize verify docker smoke docker-reproducible dist sbom ## run all checks of CI

clean: ## delete artifacts, environments and caches
	rm -rf .venv .venv-dev .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis dist site last-release
	find artifacts -mindepth 1 ! -name .gitignore -delete

$(TOX): requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("cali-reg needs Python 3.11 or newer; found " + sys.version.split()[0] + ": make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

ifeq ($(RETRAIN),no)
# The files were downloaded, so their times mean nothing: use them as they are.
$(ARTIFACTS)/model.json $(ARTIFACTS)/quantized.json $(TRAINED) $(QUANTIZED):
	@echo '$@: not found, and RETRAIN=no; leave RETRAIN out, or download the file' >&2; exit 2
else
$(ARTIFACTS)/model.json: $(SOURCES) $(ARTIFACTS)/.train-flags | $(TOX)
	$(TOX) -q run -e train -- $(TRAIN)

$(ARTIFACTS)/quantized.json: $(ARTIFACTS)/model.json $(TRAINED) | $(TOX)
	$(TOX) -q run -e quantize -- --artifacts $(ARTIFACTS) $(if $(DATA),--data $(DATA))

# One run writes several files. If one of them is missing, run again.
$(TRAINED): $(ARTIFACTS)/model.json
	@test -e $@ || { rm -f $<; $(MAKE) --no-print-directory $<; }

$(QUANTIZED): $(ARTIFACTS)/quantized.json
	@test -e $@ || { rm -f $<; $(MAKE) --no-print-directory $<; }

# Train again if the flags changed.
$(ARTIFACTS)/.train-flags: FORCE
	@mkdir -p $(ARTIFACTS)
	@echo '$(TRAIN)' | cmp -s - $@ || echo '$(TRAIN)' > $@
endif
