# Environments of their own under .local/: the project's, the emulator's and the AWS CLI's (each pins
# botocore), SAM's, one with the next Django, and one with projects to compare with.
PYTHON ?= python3
PORT ?= 8000
SPA_PORT ?= 8080
WORKERS ?= auto
STATE := .local
VENV := $(STATE)/venv
EMULATOR := $(STATE)/emulator-venv
RUN := $(VENV)/bin/python
SITE := $(VENV)/.site-installed
DEV := $(VENV)/.dev-installed
LOCAL_AWS := $(EMULATOR)/.installed
SAM_CLI := $(STATE)/sam-venv/.installed
AWS_CLI := $(STATE)/aws-venv/.installed
NEXT := $(STATE)/next-venv
LIGHTHOUSE := $(STATE)/node/.lighthouse-12.8.2
SPA := $(STATE)/node/spa
AWS_SAMPLE := $(STATE)/node/aws-sample
BENCHES := login page pages python load start suite growth triggers sync admin outage faults timing ways
PEERS := $(STATE)/bench-venv
# Those that measure other software next to ours.
BESIDE := login page pages load start

# The process environment wins over the file, so what a developer has set must go.
LOCAL := env $(foreach name,$(filter AWS_% COGNITO_% DJANGO_% ACCOUNTS_% SITE_% WEB_% DATABASE_% CACHE_URL LEDGER_FUNCTION TEXTS_FUNCTION,$(.VARIABLES)),-u $(name)) NO_PROXY=* ENV_FILE=$(STATE)/env

# Paths and our own words are in UTF-8, whatever the terminal's language.
export PYTHONUTF8 := 1

# Without bytecode every worker would compile the whole suite again.
TESTED := env -u PYTHONDONTWRITEBYTECODE $(RUN)

# What is served ends with make, also where make is killed (on Linux).
SERVED := $(RUN) localcloud/with_parent.py $(RUN)

.DEFAULT_GOAL := help
.PHONY: help run spa test unit test-next lint defences format messages pictures lighthouse bench \
	soak bench-check admin install manage aws deploy revert undeploy doctor lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: may-run $(SITE) $(LOCAL_AWS) ## Start a local AWS and the site on http://localhost:8000 (PORT=… PUBLIC_CLIENT=1 SIGN_IN_PLAN=…)
	@exec $(SERVED) -m localcloud --port "$(PORT)" $(if $(PUBLIC_CLIENT),--public-client) $(if $(SIGN_IN_PLAN),--sign-in-plan "$(SIGN_IN_PLAN)")

spa: may-spa $(SITE) $(SPA)/.bundled ## Serve the example apps against make run PUBLIC_CLIENT=1 (needs Node 20; SPA_PORT=…)
	@exec $(SERVED) -m localcloud.example --port "$(SPA_PORT)"

test: $(DEV) $(LOCAL_AWS) ## Run the whole suite, browser tests included (ARGS=… go to pytest)
	@$(RUN) -m tests.provision
	@$(TESTED) -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

unit: $(DEV) ## Run what is quick: no emulator, browser, other program or walk through pages (ARGS=… go to pytest)
	@$(TESTED) -m pytest -n $(WORKERS) --dist loadscope -m "not (cloud or browser or programs or pages)" $(ARGS)

test-next: $(NEXT)/.installed $(LOCAL_AWS) ## Run the suite on the next Django (PYTHON=python3.12 or newer)
	@$(NEXT)/bin/python -m tests.provision
	@$(NEXT)/bin/python -m pytest -n $(WORKERS) --dist loadscope $(ARGS)

lint: $(DEV) ## Check format, lint, types, the template, the image, the migrations, secrets and known faults
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/cfn-lint lambdas/template.yaml
	$(RUN) -m tests.hadolint Dockerfile
	DJANGO_SETTINGS_MODULE=tests.settings $(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -m tests.secret_scan
	$(RUN) -m tests.audit requirements*.txt

defences: $(DEV) $(LOCAL_AWS) ## Take each defence out of a copy, and show the test that fails without it
	@$(RUN) -m tests.defences

format: $(DEV) ## Format the code and repair what can be repaired
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

messages: $(DEV) ## Bring locale/ in step with the strings of the site, and say what is untranslated
	@$(RUN) -m tests.messages

pictures: $(DEV) $(LOCAL_AWS) ## Take the pictures of the docs, and of every state of every page
	@PICTURES=1 $(RUN) -m pytest tests/browser/test_pictures.py tests/browser/test_admin_*.py \
		tests/browser/test_gallery.py

lighthouse: $(DEV) $(LOCAL_AWS) $(LIGHTHOUSE) ## Run Lighthouse on the sign-in pages (needs Node 20; writes docs/lighthouse.md)
	@$(RUN) -m tests.lighthouse

bench: may-bench $(DEV) $(LOCAL_AWS) $(if $(filter $(BESIDE),$(WHAT)),$(PEERS)/.installed) $(if $(filter triggers,$(WHAT)),$(AWS_SAMPLE)/.bundled) ## Measure: make bench WHAT=… (docs/benchmarks.md; ARGS=… go to it)
	@$(if $(filter load admin outage faults growth,$(WHAT)),$(RUN) -m tests.provision)
	@$(TESTED) -m tests.bench.$(WHAT) $(ARGS)

soak: $(DEV) ## Let people sign in for 30 minutes, some with faults, some attacking (ARGS="--minutes 3 --rate 5")
	@$(RUN) -m tests.provision
	@$(TESTED) -m tests.bench.soak $(ARGS)

bench-check: $(DEV) $(PEERS)/.installed ## Measure what is quick, and fail where it is slower than docs/benchmarks.json has it
	@$(TESTED) -m tests.bench.check

admin: may-admin $(SITE) ## Make an operator while make run is running: make admin PHONE=+12015550123
	@$(LOCAL) $(RUN) manage.py make_admin "$(PHONE)"

install: $(SITE) ## Install what manage.py needs into .local/venv; the other targets do so themselves

manage: may-manage $(SITE) ## Run a Django command against make run: make manage ARGS="shell"
	@$(LOCAL) $(RUN) manage.py $(ARGS)

aws: may-aws $(AWS_CLI) ## Ask the local AWS of make run, as its owner: make aws ARGS="cognito-idp list-users …"
	@$(LOCAL) AWS_CONFIG_FILE=$(STATE)/aws-config AWS_SHARED_CREDENTIALS_FILE=/dev/null $(STATE)/aws-venv/bin/python -m awscli $(ARGS)

deploy: $(SITE) $(SAM_CLI) ## Deploy a stage of deploy.toml to AWS: make deploy STAGE=prod (USER_POOL_ID=… YES=1)
	@$(RUN) -m cognito_admin.deploy up --stage "$(STAGE)" $(if $(USER_POOL_ID),--user-pool-id "$(USER_POOL_ID)") $(if $(YES),--yes)

revert: $(SITE) ## Bring back what was changed past the stack: make revert STAGE=prod (YES=1)
	@$(RUN) -m cognito_admin.revert --stage "$(STAGE)" $(if $(YES),--yes)

undeploy: $(SITE) ## Delete a stage from AWS; its pool and table stay: make undeploy STAGE=test
	@$(RUN) -m cognito_admin.deploy down --stage "$(STAGE)" $(if $(YES),--yes)

doctor: $(SITE) ## Examine a stage on AWS with the settings of .env: make doctor STAGE=prod
	@$(RUN) manage.py cognito_doctor --stage "$(STAGE)"

lock: $(DEV) ## Compile the requirements.in files into hashed locks
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements.in -o requirements.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-emulator.in -o requirements-emulator.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-deploy.in -o requirements-deploy.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-aws.in -o requirements-aws.txt
	$(VENV)/bin/uv pip compile $(UV_FLAGS) requirements-bench.in -c requirements.txt -o requirements-bench.txt

UV_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

clean: may-clean ## Remove all local state: users, texts, environments
	rm -rf $(STATE)

# Before anything is installed, which may take a minute.
may-%:
	@$(NEW_ENOUGH)
	@$(PYTHON) -m localcloud.preflight $* --state "$(STATE)" --port "$(PORT)" --phone "$(PHONE)"

may-spa:
	@$(NEW_ENOUGH)
	@$(PYTHON) -m localcloud.preflight spa --port "$(SPA_PORT)"

may-bench:
	@$(if $(filter $(BENCHES),$(WHAT)),:,echo "make bench: Which one? make bench WHAT=… with one of: $(BENCHES)" >&2; exit 1)

# $(call install,an environment,what pip takes). One that was killed half-way is made again.
define install
@$(1)/bin/python -m pip --version >/dev/null 2>&1 || { $(NEW_ENOUGH) && $(PYTHON) -m venv --clear $(1); }
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2) \
	|| { $(NOT_INSTALLED); }
endef

# The same, by the site's Python and its pip: one in each would take 25 MB, and seconds to make.
define install_beside
@$(1)/bin/python -c "" 2>/dev/null || $(RUN) -m venv --clear --without-pip $(1)
@$(RUN) -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check $(2) \
	|| { $(NOT_INSTALLED); }
endef

NOT_INSTALLED = echo "make: Not installed; see above. Is there a network? Then do the same again." >&2; exit 1

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'

$(SITE): requirements.txt
	@echo "Installing the site's packages …"
	$(call install,$(VENV),--require-hashes -r $<)
	@touch $@

$(DEV): requirements-dev.txt | $(SITE)
	@echo "Installing the development packages …"
	$(call install,$(VENV),--require-hashes -r $<)
	@touch $@

$(LIGHTHOUSE):
	@echo "Installing Lighthouse …"
	@npm install --silent --no-audit --no-fund --prefix $(STATE)/node lighthouse@12.8.2
	@touch $@

$(SPA)/.bundled: examples/spa/package.json examples/spa/package-lock.json
	@echo "Installing the libraries of the example apps …"
	@mkdir -p $(SPA)
	@cp $^ $(SPA)
	@cd $(SPA) && npm ci --loglevel=error --no-audit --no-fund >/dev/null && npm run --silent bundle
	@touch $@

$(AWS_SAMPLE)/.bundled: tests/bench/aws_sample/package.json tests/bench/aws_sample/package-lock.json
	@echo "Installing AWS's sample of triggers …"
	@mkdir -p $(AWS_SAMPLE)
	@cp $^ $(AWS_SAMPLE)
	@cd $(AWS_SAMPLE) && npm ci --loglevel=error --no-audit --no-fund >/dev/null && npm run --silent bundle
	@touch $@

$(LOCAL_AWS): requirements-emulator.txt | $(SITE)
	@echo "Installing the local AWS …"
	$(call install_beside,$(EMULATOR),--require-hashes -r $<)
	@touch $@

$(AWS_CLI): requirements-aws.txt | $(SITE)
	@echo "Installing the AWS CLI …"
	$(call install_beside,$(STATE)/aws-venv,--require-hashes -r $<)
	@touch $@

$(PEERS)/.installed: requirements-bench.txt | $(SITE)
	@echo "Installing the projects that the site is compared with …"
	$(call install_beside,$(PEERS),--require-hashes -r $<)
	@touch $@

# The lock is complete; pip does not see that a package with extras is the one without.
$(SAM_CLI): requirements-deploy.txt | $(SITE)
	@echo "Installing AWS SAM …"
	$(call install_beside,$(STATE)/sam-venv,--no-deps --require-hashes -r $<)
	@touch $@

$(NEXT)/.installed: NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit("The next Django needs Python 3.12 or newer: make test-next PYTHON=python3.13" if sys.version_info < (3, 12) else 0)'
$(NEXT)/.installed: requirements-dev.txt
	$(call install,$(NEXT),--require-hashes -r $<)
	@$(NEXT)/bin/python -m pip install --quiet --disable-pip-version-check 'Django>=6.1,<6.2'
	@touch $@
