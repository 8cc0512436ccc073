# Every target makes what it needs by itself; the stamp files under .venv keep the second time quick.
PYTHON ?=
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
STATIC := optional

# Tests of this process and SQLite alone, for the loop while writing.
QUICK := not (live or browser or node or postgresql or slow)

.PHONY: run assets test quick lint bench demo screenshots lock system
.DELETE_ON_ERROR:

run: .venv/runtime.stamp .venv/static.stamp
	$(BIN)/pharos migrate
	exec $(BIN)/pharos serve --host $(HOST) --port $(PORT)

assets: .venv/runtime.stamp
	@tools/npm-packages console/static required
	touch .venv/static.stamp

test: STATIC := required
test: system .venv/development.stamp .venv/node.stamp .venv/static.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

quick: .venv/development.stamp
	$(BIN)/python -m pytest -q -n logical --dist worksteal -m "$(QUICK)" $(ARGS)

lint: .venv/development.stamp
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/sizes.py

bench: .venv/development.stamp
	$(BIN)/python -m bench $(ARGS)

demo: .venv/runtime.stamp .venv/static.stamp
	$(BIN)/python -m demo --port $(PORT) $(ARGS)

screenshots: STATIC := required
screenshots: system .venv/development.stamp .venv/static.stamp
	$(BIN)/python tools/screenshots.py $(ARGS)

system:
	@tools/system-packages

lock: .venv/development.stamp
	tools/lock

.venv/runtime.stamp: requirements.lock pyproject.toml tools/install
	@PYTHON="$(PYTHON)" tools/install requirements.lock
	@touch $@

.venv/development.stamp: requirements-dev.lock pyproject.toml tools/install
	@PYTHON="$(PYTHON)" tools/install requirements-dev.lock
	@touch $@ .venv/runtime.stamp

.venv/static.stamp: | .venv/runtime.stamp
.venv/static.stamp: console/static/package-lock.json console/static/package.json console/static/beacon/beacon.js
	@tools/npm-packages console/static $(STATIC)
	@test ! -d console/static/node_modules || touch $@

.venv/node.stamp: tests/node/package-lock.json tests/node/runtime/package-lock.json
	@tools/npm-packages tests/node required
	@touch $@
