# SoS: `make demo` runs the service, `make test` proves it, `make help` lists the rest.
# Everything is installed into .venv here, from the lock files; nothing outside this folder is changed.

PYTHON ?= python3
DATA ?=
PORT ?=
STATE ?=
TESTS ?= -n auto --dist loadfile

BIN := .venv/bin
# The environment knows its own path, so a clone that was moved or copied makes a new one.
PLACE := $(shell pwd | cksum | cut -d ' ' -f 1)
MADE := .venv/made-$(PLACE)
USERS := .venv/users-$(PLACE)
DEVELOPERS := .venv/developers-$(PLACE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
BENCH ?=
.PHONY: demo test test-fast lint types bench image lock help
# Python may keep what it compiled, whatever the caller prefers: half of a second start would be compiling.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

demo: $(USERS)  ## from nothing to a running service; DATA=DIR real tables, PORT=N, STATE=DIR
	@exec $(BIN)/sos $(if $(STATE),--state "$(STATE)") demo $(if $(DATA),--data "$(DATA)") $(if $(PORT),--port "$(PORT)")

test: $(DEVELOPERS)  ## the whole test suite
	@exec $(BIN)/pytest $(TESTS)

test-fast: $(DEVELOPERS)  ## the test suite without the proofs that take minutes
	@exec $(BIN)/pytest $(TESTS) -m "not slow"

lint: $(DEVELOPERS)  ## style, import contracts, Dockerfile and docker-compose.yml
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

types: $(DEVELOPERS)  ## mypy, strict
	$(BIN)/mypy

bench: $(DEVELOPERS)  ## speed, each measurement beside the limit of this machine; BENCH="--only http" for one
	@exec $(BIN)/python -m bench.run $(BENCH)

image:  ## container images for docker-compose.yml (needs Docker)
	docker build --target service --tag sos .
	docker build --target database --tag sos-database .

lock: .uv/made  ## choose the newest versions that pyproject.toml allows, for requirements*.lock
	.uv/bin/uv pip compile --upgrade $(COMPILE) pyproject.toml -o requirements.lock
	.uv/bin/uv pip compile --upgrade $(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	echo uv | .uv/bin/uv pip compile --upgrade $(COMPILE) - -o .ci/requirements-uv.lock
COMPILE := --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

.uv/made: .ci/requirements-uv.lock .ci/bootstrap
	@sh .ci/bootstrap "$(PYTHON)"

$(MADE): | .uv/made
	.uv/bin/uv venv --quiet --clear --python "$(PYTHON)" .venv
	@touch $@

$(USERS): requirements.lock pyproject.toml $(MADE)
	.uv/bin/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	.uv/bin/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(DEVELOPERS): requirements-dev.lock $(USERS)
	.uv/bin/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
