# Every command a person types. `make` alone lists them.
#
# Each target sets up what it needs, pinned, inside this checkout (.tools, .local, target); nothing needs root or a
# container engine. Needed beforehand: Rust through rustup (rust-toolchain.toml names the version), Python 3.11 or newer.

PYTHON ?= python3
NAME ?= dev
PORT ?= 4566
ARCH ?= arm64

TOOLS := .tools/venv/bin/python
GATEHOUSE := $(TOOLS) infra/local/gatehouse.py
PYTEST := $(TOOLS) -m pytest --quiet -p no:cacheprovider

.DEFAULT_GOAL := help
.PHONY: help setup up down demo logs outbox invoke test test-unit test-e2e test-clients test-vendor bench lint fmt deploy deploy-build deploy-check clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the pinned tools into .tools (the other targets do it by themselves)
	@$(PYTHON) infra/tools.py tests/requirements.txt .tools/venv

setup-build:
	@$(PYTHON) infra/tools.py tests/requirements-build.txt .tools/build

# ---- a whole bundle on this machine

up: setup ## build, start the emulator, deploy and seed; prints the base URL and how to get a token
	@$(GATEHOUSE) up --name $(NAME) --port $(PORT)

down: setup ## stop it
	@$(GATEHOUSE) down --name $(NAME)

demo: up ## the onboarding story, for real: each request, reply and webhook
	@$(TOOLS) tests/story/demo.py .local/$(NAME)/environment.json

invoke: up ## call one function: make invoke FUNCTION=customer-create EVENT=personal
	@$(GATEHOUSE) invoke --name $(NAME) $(FUNCTION) $(EVENT)

logs: setup ## print a function's log lines: make logs FUNCTION=scan-worker
	@$(GATEHOUSE) logs --name $(NAME) $(FUNCTION)

outbox: setup ## print sent e-mails and text messages, and dead letters
	@$(GATEHOUSE) outbox --name $(NAME)

# ---- tests

test: test-unit test-e2e deploy-check ## everything

test-unit: setup ## unit and store tests, and the checks of the template and the documents
	cargo test --workspace --lib --test "*" --quiet
	$(PYTEST) --confcutdir tests/docs infra tests/docs tests/clients/test_fixture_proxy.py

test-e2e: setup ## end to end against a bundle of its own on a free port, other people's clients included
	$(GATEHOUSE) run --name test -- $(PYTEST) tests/e2e tests/clients

test-clients: setup ## only the stories told with the Straddle SDKs (Python, and Node where there is one)
	$(GATEHOUSE) run --name clients -- $(PYTEST) tests/clients

test-vendor: setup ## the Straddle SDK's own published test suites, through a fixture proxy
	$(GATEHOUSE) run --name vendor -- $(TOOLS) tests/clients/vendor.py

bench: setup ## start-up, size, memory, and DynamoDB cost of each operation
	$(TOOLS) benches/run.py

# ---- the code

lint: setup ## formatting, clippy and the template, as CI wants them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(TOOLS) infra/deploy_check.py lint

fmt: ## format the code
	cargo fmt --all

# ---- AWS

deploy-check: setup setup-build ## what can be known of a deployment without an account
	$(TOOLS) infra/deploy_check.py

deploy-build: setup-build ## build the packages for AWS: ARCH=arm64 (default) or x86_64
	@$(TOOLS) infra/deploy.py build $(ARCH)

deploy: setup setup-build ## build and deploy to an account with SAM: make deploy STACK=gatehouse ISSUER=https://…
	@$(PYTHON) infra/tools.py tests/requirements-deploy.txt .tools/deploy
	@$(TOOLS) infra/deploy.py deploy $(ARCH) $(SAM_ARGS) --stack "$(STACK)" --issuer "$(ISSUER)"

clean: ## remove what was built and installed here
	@if [ -x $(TOOLS) ]; then for bundle in .local/*/; do [ -d "$$bundle" ] && $(GATEHOUSE) down --name "$$(basename $$bundle)"; done; fi; true
	rm -rf target .tools .local
