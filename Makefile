# Each target runs a tox environment of tox.ini; `make` alone lists the targets.
# They need a POSIX shell and Python 3.11 or newer; on Windows, run tox itself: `tox run -e NAME`.

PYTHON ?= python3
ARTIFACTS ?= artifacts
TEST ?=
DATA ?=
TARGET ?=
TRAIN_FLAGS ?=
VERIFY_FLAGS ?=
PREDICT_FLAGS ?=
BENCH_FLAGS ?=
LOCK_FLAGS ?=
RETRAIN ?= yes
REPLACE ?=
EXPECT ?= dist/image.json
ACT_FLAGS ?=
AUDIT_FLAGS ?=
TORTURE_FLAGS ?=

# Values are taken as they are typed, and passed on in the environment: neither make nor a shell
# expands what is in them.
override ARTIFACTS := $(value ARTIFACTS)
override TEST := $(value TEST)
override DATA := $(value DATA)
override TARGET := $(value TARGET)
override TRAIN_FLAGS := $(value TRAIN_FLAGS)
override VERIFY_FLAGS := $(value VERIFY_FLAGS)
override PREDICT_FLAGS := $(value PREDICT_FLAGS)
override BENCH_FLAGS := $(value BENCH_FLAGS)
override LOCK_FLAGS := $(value LOCK_FLAGS)
override RETRAIN := $(value RETRAIN)
override REPLACE := $(value REPLACE)
override EXPECT := $(value EXPECT)
override ACT_FLAGS := $(value ACT_FLAGS)
override AUDIT_FLAGS := $(value AUDIT_FLAGS)
override TORTURE_FLAGS := $(value TORTURE_FLAGS)
export ARTIFACTS TEST DATA TARGET TRAIN_FLAGS VERIFY_FLAGS PREDICT_FLAGS BENCH_FLAGS LOCK_FLAGS
export RETRAIN REPLACE ACT_FLAGS AUDIT_FLAGS TORTURE_FLAGS
# without a value it is the gate of California Housing: tools/stages.py
ifneq ($(origin MIN_R2),undefined)
override MIN_R2 := $(value MIN_R2)
export MIN_R2
endif

TOX := .venv/bin/tox
# decides what is to be made: make's own rules would take a user's model for an old one of ours
STAGE = $(PYTHON) tools/stages.py
quoted = '$(subst ','\'',$1)'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lint type-check test test-all lowest coverage devenv train quantize verify predict bench docs site lock lock-check docker smoke docker-reproducible dist sbom audit ci clean
.PHONY: torture workflows act same-digest image-archive upstream required on-main notes push github-release last-release

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lint: $(TOX) ## check style, and that diagrams and the command reference are up to date
	$(TOX) run -e lint

type-check: $(TOX) ## check types with mypy --strict
	$(TOX) run -e type-check

test: $(TOX) ## run the tests on your Python (TEST=tests/data/test_content_split.py)
	+@$(STAGE) tox py TEST

test-all: $(TOX) ## run the tests on each installed Python, 3.11 to 3.14
	$(TOX) run -e py311,py312,py313,py314

lowest: $(TOX) ## run the tests with the oldest supported version of each dependency (needs Python 3.11)
	$(TOX) run -e lowest --skip-missing-interpreters=false

devenv: $(TOX) ## create .venv-dev for your editor: the package (editable) and what the tests need
	$(TOX) devenv -e py .venv-dev

coverage: $(TOX) ## run the tests; fail if they cover too few lines and branches
	$(TOX) run -e coverage

train: $(TOX) ## train the model if anything changed (MIN_R2=0.5; DATA=rows.csv TARGET=y)
	+@$(STAGE) train asked

# After train, if both are asked for: each looks at the folder as it finds it.
quantize: $(TOX) $(filter train,$(MAKECMDGOALS)) ## quantize the model to uint8 if anything changed
	+@$(STAGE) quantize $(filter quantize,$(MAKECMDGOALS))

# It has no prerequisites in the folder: make would rebuild the files that it should check.
verify: $(TOX) ## rebuild the files in ARTIFACTS elsewhere and compare each byte (VERIFY_FLAGS=--data=rows.csv)
	+@$(STAGE) verify

predict: $(TOX) quantize ## predict the sample rows (PREDICT_FLAGS=rows.csv)
	+@$(STAGE) predict

bench: $(TOX) quantize ## compare speed, memory and accuracy with other packages (BENCH_FLAGS=--quick)
	+@$(STAGE) tox bench BENCH_FLAGS

torture: $(TOX) ## attack the commands for 20 minutes; fail if anything breaks (TORTURE_FLAGS=--quick)
	+@$(STAGE) tox torture TORTURE_FLAGS

docs: $(TOX) ## draw the diagrams in docs/ again, and write the command reference
	$(TOX) run -e docs

site: $(TOX) ## build the documentation in site/; fail on a broken link or a missing docstring
	$(TOX) run -e site

lock: $(TOX) ## lock all requirements with hashes (needs Python 3.11; LOCK_FLAGS=--upgrade)
	+@$(STAGE) tox lock LOCK_FLAGS

lock-check: $(TOX) ## fail if a lock is out of date or was changed by hand (needs Python 3.11)
	$(TOX) run -e lock --skip-missing-interpreters=false -- --check

docker: $(TOX) quantize ## build the image cali-reg:test (BASE_IMAGE=python:3.13-slim)
	@$(STAGE) image
	$(TOX) run -e docker -- --record dist/image.json

smoke: $(TOX) docker ## run the image without privileges; its predictions must equal this machine's
	$(TOX) run -e smoke

docker-reproducible: $(TOX) docker ## build the image three times, from different copies of the source; fail if a digest differs
	$(TOX) run -e docker-reproducible

same-digest: $(TOX) quantize ## build the image again; fail if its digest is not the recorded one (EXPECT=dist/image.json)
	$(TOX) run -e docker -- --no-cache --expect $(call quoted,$(EXPECT)) --record dist/image.json

image-archive: $(TOX) ## save the image in dist/ as an OCI archive, for a registry
	$(TOX) run -e image-archive

workflows: $(TOX) ## lint the workflows and the Dockerfile
	$(TOX) run -e workflows

act: $(TOX) ## run the CI workflow here: as it is, then with each job failing (ACT_FLAGS=--wiring)
	+@$(STAGE) tox act ACT_FLAGS

upstream: $(TOX) ## fail if the embedded data differ from scikit-learn's download (needs the network)
	$(TOX) run -e upstream

dist: $(TOX) ## build wheel and sdist in dist/ twice; fail if a byte differs
	$(TOX) run -e release -- packages.py

sbom: $(TOX) ## write an SBOM of requirements.txt to dist/cali-reg.cdx.json (CycloneDX)
	$(TOX) run -e release -- sbom.py

audit: $(TOX) ## look for known vulnerabilities of the locked packages (needs the network; AUDIT_FLAGS=--service=osv)
	+@$(STAGE) tox release AUDIT_FLAGS audit.py

# Only workflows call these. They run without tox: jobs that publish install nothing.
required: ## fail unless all jobs succeeded (NEEDS comes from the workflow)
	@$(PYTHON) tools/ci/required.py

on-main: ## fail unless the commit that is checked out is on main
	@$(PYTHON) tools/ci/publish.py on-main

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
