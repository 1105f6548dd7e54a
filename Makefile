# Loupe: `make run` starts it, `make test` checks and tests everything. Both install what they need into .venv first.

PYTHON ?= python3
PORT ?= 8501
CHROMIUM ?= /usr/bin/chromium
WORKERS ?= 2
export CHROMIUM

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --no-input --disable-pip-version-check
RUN_READY := $(VENV)/.installed
TEST_READY := $(VENV)/.installed-dev

TRAIN := $(BIN)/python -m engine train --models models/shipped --seed 0

.PHONY: help run test check format samples configs models screenshots chromium clean

help:
	@echo "make run      start Loupe at http://127.0.0.1:$(PORT) (another port: make run PORT=8600)"
	@echo "make test     lint, format, types, and every test, with a browser"
	@echo "make check    lint, format and types only"
	@echo "make format   put the code into the house's format"
	@echo "make samples  write sample_data/ again"
	@echo "make configs  write configs/ again"
	@echo "make models   train the shipped models again"
	@echo "make screenshots  take the pictures in docs/ again"
	@echo "make clean    remove .venv and caches; data and models stay"

run: $(RUN_READY)
	@echo "Loupe is starting at http://127.0.0.1:$(PORT) (Ctrl+C stops it)"
	@exec $(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: check chromium
	$(BIN)/python -m pytest -ra -n $(WORKERS) --dist worksteal --ignore tests/browser
	$(BIN)/python -m pytest -ra -n $(WORKERS) --dist worksteal tests/browser

check: $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TEST_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

samples: $(RUN_READY)
	$(BIN)/python -m engine.data.synthetic

configs: $(RUN_READY)
	$(BIN)/python -m engine.config_template

# The models that come with the project, one for each sample; they replace those of before.
models: $(RUN_READY)
	rm -rf models/shipped
	$(TRAIN) sample_data/card_transactions.csv --label is_fraud --detector isolation_forest --name card-payments
	$(TRAIN) sample_data/access_events.xlsx --label event_class --detector one_class_svm --name doors-and-servers
	$(TRAIN) sample_data/machine_sensor.csv --label anomaly --ignore anomaly_type --detector isolation_forest --name air-compressor
	$(TRAIN) sample_data/machine_sensor.csv --label anomaly --ignore anomaly_type --first 2880 --detector masked_series --set d_model=32 --name compressor-windows
	$(TRAIN) sample_data/bearing_vibration.csv --label failing --detector isolation_forest --name bearings
	$(TRAIN) sample_data/shop_orders_eu.csv --detector autoencoder --name shop-orders
	rm -rf models/shipped/.lock models/shipped/.staging

screenshots: $(TEST_READY) chromium
	$(BIN)/python -m docs.screenshots

# The browser tests are never skipped: without Chromium this fails and says what to do.
chromium:
	@if [ -x "$(CHROMIUM)" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	fi; \
	if [ ! -x "$(CHROMIUM)" ]; then \
		echo "The browser tests need Chromium, and there is none at $(CHROMIUM)." >&2; \
		echo "On Debian: sudo apt-get install chromium. Elsewhere: make test CHROMIUM=/path/to/chromium" >&2; \
		exit 1; \
	fi

$(RUN_READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Loupe needs Python 3.11 or later, got " + sys.version.split()[0] + "; name another with make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing what Loupe needs into $(VENV); the first time takes some minutes"
	$(PIP_INSTALL) --quiet -r requirements.txt
	@touch $@

$(TEST_READY): requirements-dev.txt $(RUN_READY)
	$(PIP_INSTALL) --quiet -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
