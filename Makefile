# A menu: the logic is in crates/xtask (`cargo xtask --help` has more) and deploy/. Arguments: make run ARGS="--port 9000"
.DEFAULT_GOAL := help
.PHONY: help run demo test bench chaos fuzz fuzz-api lint images validate validate-mutations upgrade drill kind-up kind-down

help: ## Show this menu
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

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

images: ## Build an image of each service (Docker or buildah), and say how large it is
	@deploy/docker/images.sh $(ARGS)

validate: ## Check images, compose, Kubernetes, Argo CD, Terraform and alerts, without a cluster
	@deploy/local/prerequisites.sh --validate && deploy/validate/validate.sh $(ARGS)

validate-mutations: ## Sow faults into what `validate` checks, and see that each is found
	@deploy/local/prerequisites.sh --validate && deploy/validate/validate.sh --mutations $(ARGS)

upgrade: ## Serve by the release before, under load, while this one's migrations run
	@deploy/local/prerequisites.sh && cargo xtask upgrade $(ARGS)

drill: ## Lose a PostgreSQL, and restore it to a moment before a mistake
	@deploy/local/prerequisites.sh && deploy/drills/point-in-time.sh $(ARGS)

kind-up: ## Start the dev environment in a cluster on this machine (Docker, Terraform)
	@deploy/local/kind.sh up

kind-down: ## Throw that cluster away, with all that is in it
	@deploy/local/kind.sh down
