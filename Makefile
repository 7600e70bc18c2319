# What one does here. CI runs the same: .ci/run

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.SILENT:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

help:  ## Show this list
	grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: runtime  ## Start everything on this machine: http://127.0.0.1:8000 (PORT=… for another)
	exec $(BIN)/python -m workers.serve

setup: .venv  ## Install what developers need into .venv
	if ! cmp -s requirements-dev.lock .venv/dev.lock; then
	  echo "安装开发依赖…… Installing what developers need …"
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	  cp requirements-dev.lock .venv/dev.lock
	  cp requirements.lock .venv/run.lock  # the developers' lock holds it all
	fi

check: setup  ## Format, lint, types, floors, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=config.settings.test $(BIN)/python manage.py makemigrations --check --dry-run

test: setup  ## All tests: on SQLite and, beside it, on PostgreSQL, RabbitMQ and Redis where installed
	$(BIN)/python manage.py compile_catalogs
	exec $(BIN)/python tests/harness/twice.py $(ARGS)

bench: setup  ## Measure the stored path beside a bare chat, on both kinds of servers
	$(BIN)/python manage.py compile_catalogs
	DJANGO_SETTINGS_MODULE=config.settings.test $(BIN)/python manage.py bench $(ARGS)

evaluate: setup  ## Measure the model beside a linear baseline (ARGS="--data DIR": on real messages too)
	$(BIN)/python -m workers.understanding.evaluation $(ARGS)

fmt: setup  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup  ## Pin dependencies anew, with their hashes
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

runtime: .venv
	if ! cmp -s requirements.lock .venv/run.lock; then
	  echo "首次安装，需要几分钟…… Installing, this takes a few minutes …"
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	  cp requirements.lock .venv/run.lock
	fi

.venv:
	if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
	  echo "需要 Python 3.11，请先安装它，或指定路径：make PYTHON=/path/to/python3.11 run。" >&2
	  echo "Python 3.11 is needed; install it, or say where it is: make PYTHON=/path/to/python3.11 run." >&2
	  exit 1
	fi
	"$(PYTHON)" -m venv .venv

.PHONY: help run setup check test bench evaluate fmt lock runtime
