# Two environments, both under .local/: the project's own, and the emulator's, which pins botocore.
PYTHON ?= python3
PORT ?= 8000
# One more than there are cores: tests of time limits wait, and others compute meanwhile.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
STATE := .local
VENV := $(STATE)/venv
EMULATOR := $(STATE)/emulator-venv
RUN := $(VENV)/bin/python
SITE := $(VENV)/.site-installed
DEV := $(VENV)/.dev-installed
LOCAL_AWS := $(EMULATOR)/.installed
LIGHTHOUSE := $(STATE)/node/.lighthouse-12.8.2

# The process environment wins over the file, so what a developer has set must go.
LOCAL := env $(foreach name,$(filter AWS_% COGNITO_% DJANGO_% ACCOUNTS_% DATABASE_URL,$(.VARIABLES)),-u $(name)) NO_PROXY=* ENV_FILE=$(STATE)/env

# Without bytecode every worker would compile the whole suite again.
TESTED := env -u PYTHONDONTWRITEBYTECODE $(RUN)

.DEFAULT_GOAL := help
.PHONY: help run test lint format messages pictures lighthouse bench-triggers bench-sync bench-admin admin manage lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(SITE) $(LOCAL_AWS) ## Start a local AWS and the site on http://localhost:8000 (PORT=…)
	@exec $(RUN) -m localcloud --port $(PORT)

test: $(DEV) $(LOCAL_AWS) ## Run the whole suite, browser tests included (ARGS=… go to pytest)
	@$(RUN) -m tests.provision
	@$(TESTED) -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

lint: $(DEV) ## Check format, lint, types, the template and the migrations
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/cfn-lint lambdas/template.yaml
	DJANGO_SETTINGS_MODULE=tests.settings $(RUN) manage.py makemigrations --check --dry-run

format: $(DEV) ## Format the code and mend what can be mended
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

messages: $(DEV) ## Bring locale/ in step with the strings of the site, and say what is untranslated
	@$(RUN) -m tests.messages

pictures: $(DEV) $(LOCAL_AWS) ## Take the pictures of the README and the docs anew
	@PICTURES=1 $(RUN) -m pytest tests/browser/test_pictures.py tests/browser/test_admin_figures.py

lighthouse: $(DEV) $(LOCAL_AWS) $(LIGHTHOUSE) ## Run Lighthouse on the sign-in pages (needs Node 20; writes docs/lighthouse.md)
	@$(RUN) -m tests.lighthouse

bench-triggers: $(DEV) $(LOCAL_AWS) ## Measure the triggers: size, imports, what the ledger costs
	@$(RUN) -m tests.bench.triggers

bench-sync: $(DEV) ## Measure the comparison with a user pool of a million (ARGS=--users=…)
	@$(RUN) -m tests.bench.sync $(ARGS)

bench-admin: $(DEV) ## Measure the admin on PostgreSQL, at a million users and five million events
	@$(RUN) -m tests.provision
	@$(RUN) -m tests.bench.admin

admin: $(SITE) ## Make an operator while make run is running: make admin PHONE=+12015550123
	@$(LOCAL) $(RUN) manage.py make_admin "$(PHONE)"

manage: $(SITE) ## Run a Django command against make run: make manage ARGS="shell"
	@$(LOCAL) $(RUN) manage.py $(ARGS)

lock: $(DEV) ## Compile the requirements.in files into hashed locks
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements.in -o requirements.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-emulator.in -o requirements-emulator.txt

UV_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

clean: ## Remove all local state: users, texts, environments
	rm -rf $(STATE)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(SITE): requirements.txt | $(VENV)/bin/python
	@echo "Installing the site's packages …"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt | $(SITE)
	@echo "Installing the development packages …"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(LIGHTHOUSE):
	@echo "Installing Lighthouse …"
	@npm install --silent --no-audit --no-fund --prefix $(STATE)/node lighthouse@12.8.2
	@touch $@

$(LOCAL_AWS): requirements-emulator.txt
	@echo "Installing the local AWS …"
	@$(PYTHON) -m venv $(EMULATOR)
	@$(EMULATOR)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-emulator.txt
	@touch $@
