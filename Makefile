# A menu: the logic is in crates/xtask and deploy/. Arguments: make run ARGS="--port 9000"
.DEFAULT_GOAL := help
.PHONY: help run demo test bench chaos fuzz fuzz-api lint fmt tidy openapi apis docs audit

help: ## Show this menu
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: ## Start Plinth: databases, migrations and all services (Ctrl-C stops all)
	@deploy/local/prerequisites.sh && cargo run -p plinth -- dev $(ARGS)

demo: ## Walk the main flow against the Plinth that runs
	@cargo run -q -p plinth -- demo $(ARGS)

test: ## Run all tests with a private PostgreSQL and Redis
	@deploy/local/prerequisites.sh --tests && cargo xtask test $(ARGS)

bench: ## Measure what is to be fast, beside its limit or a peer
	@deploy/local/prerequisites.sh --bench && cargo build --profile bench -p bench -p plinth -p auth -p prefs -p webhook -p gateway && target/release/bench $(ARGS)

chaos: ## Play faults against the gateway and webhook, and hold what their clients see to what is promised
	@deploy/local/prerequisites.sh && cargo build --profile bench -p chaos -p gateway -p auth -p webhook -p plinth && target/release/chaos $(ARGS)

fuzz: ## Throw at what reads others' words whatever leads further in (cargo-fuzz)
	@deploy/local/fuzz.sh $(ARGS)

fuzz-api: ## Check the API document, and throw at the API what it allows, and more (spectral, schemathesis)
	@deploy/local/prerequisites.sh --tests && cargo build -q -p plinth -p auth -p prefs -p webhook -p gateway -p standins && deploy/local/fuzz-api.sh

lint: ## Check format, architecture, clippy, docs and API documents
	@cargo xtask lint

fmt: ## Format all code
	@cargo fmt --all && cargo fmt --manifest-path deploy/fuzz/Cargo.toml

tidy: ## Check the architecture alone, within a second
	@cargo xtask tidy

openapi: ## Write each service's openapi.json
	@cargo xtask openapi write

apis: ## Show who calls whom, and all routes
	@cargo xtask ls-apis

docs: ## Open the documentation of all crates
	@cargo doc --workspace --no-deps --open

audit: ## Check advisories and licences of the dependencies (needs cargo-deny)
	@cargo deny --all-features check
