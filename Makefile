# make test   everything that must pass; installs what it needs below .tools/
# make help   the other targets

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A build must not depend on who owns the checkout, which is what stamping it asks git.
export GOFLAGS := $(strip -buildvcs=false $(GOFLAGS))

TOOLS   := $(CURDIR)/.tools
LINTER  := $(TOOLS)/bin/golangci-lint
MODULES := $(shell sed -n 's/^\t\(\..*\)$$/\1/p' go.work)

# Packages side by side, and how long each fuzz target runs: a time, or a number of inputs with an x.
P        ?= 2
FUZZTIME ?= 5s

# How long make soak runs, and the seed it begins with.
SOAK ?= 1h
SEED ?= $(shell date +%s)

# each runs a command in every module of the workspace, and says what failed where.
in = for module in $(1); do (cd $$module && $(2)) || { echo "$$module: $(strip $(3))" >&2; exit 1; }; done
each = $(call in, $(MODULES), $(1), $(2))
each-but-e2e = $(call in, $(filter-out ./e2e, $(MODULES)), $(1), $(2))

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target what; do \
		printf '  %-20s %s\n' "$$target" "$$what"; done

.PHONY: test
test: check test-go test-e2e ## everything that must pass: check, Go tests, tests against other people's servers and SDKs

.PHONY: test-go
test-go: ## the tests that need nothing but Go
	@$(call each-but-e2e, go test -p $(P) ./..., tests failed)

.PHONY: test-e2e
test-e2e: setup ## the tests against servers and SDKs written by others
	cd e2e && KIN_E2E=required go test -p 1 -timeout 20m ./...

.PHONY: setup
setup: ## install the servers and SDKs that test-e2e uses, pinned, below .tools/
	@e2e/setup.sh

.PHONY: race
race: ## the Go tests under the race detector
	@$(call each-but-e2e, go test -race -p $(P) -timeout 30m ./..., tests failed)

.PHONY: check
check: check-format check-modules check-fix check-platforms ## formatting, go vet, tidy modules, go fix, other platforms

.PHONY: check-format
check-format:
	@unformatted=$$(gofmt -l .); \
		if [[ -n "$$unformatted" ]]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi

# Each module on its own, as its users see it: without the workspace.
.PHONY: check-modules
check-modules: export GOWORK = off
check-modules:
	@$(call each, go mod tidy -diff, go mod tidy would change go.mod or go.sum)
	@$(call each, go vet ./..., go vet failed)

.PHONY: check-fix
check-fix:
	@$(call each, go fix -diff ./..., go fix would change the code)

# Vetting type-checks the tests too; nothing is run.
.PHONY: check-platforms
check-platforms: export CGO_ENABLED = 0
check-platforms:
	@$(call each, GOOS=linux GOARCH=386 go vet ./..., does not build on 32 bits)
	@$(call each, GOOS=windows GOARCH=amd64 go vet ./..., does not build on Windows)

.PHONY: lint
lint: $(LINTER) ## golangci-lint with the rules of .golangci.yaml
	@$(call each, $(LINTER) run --allow-parallel-runners --config $(CURDIR)/.golangci.yaml ./..., lint)

.PHONY: format
format: $(LINTER) ## rewrite all Go files with gofumpt
	@$(call each, $(LINTER) fmt --config $(CURDIR)/.golangci.yaml ./..., format)

$(LINTER): tools/go.mod tools/go.sum
	@echo "building golangci-lint (once, some minutes)"
	@mkdir -p $(@D)
	@cd tools && GOWORK=off go build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

# Every fuzz target there is, found by its name, FUZZTIME each.
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 5s) each
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file target; do \
		target="$${target#func }"; echo "$$target in $$(dirname "$$file")"; \
		(cd "$$(dirname "$$file")" && go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -parallel=2 . | tail -n 3) || exit 1; \
	done

# Whole groups in virtual time, from seed to seed. Each run of make begins at another seed.
SIMTIME ?= 60s
SIMFIRST ?= $(shell date +%s)000000
.PHONY: sim
sim: ## simulate groups for SIMTIME (default 60s), small ones and large ones
	@go build -o $(TOOLS)/bin/kinsim ./internal/sim/cmd/kinsim
	$(TOOLS)/bin/kinsim -time $(SIMTIME) -first $(SIMFIRST)
	$(TOOLS)/bin/kinsim -time $(SIMTIME) -first $(SIMFIRST) -large

# What is measured is also kept, in the format that benchstat reads.
.PHONY: bench
bench: setup ## figures of the server, the codec, reader, producer and groups, side by side (30 minutes)
	@cd e2e && go build -o $(TOOLS)/bin/benchtable ./cmd/benchtable
	@echo "measuring; all figures go to $(TOOLS)/bench.txt"
	@{ (cd e2e && KIN_E2E=required go test -run '^$$' -bench 'Records|PutRecord$$|Push' -benchtime 3s -timeout 20m ./bench) && \
		(cd e2e && KIN_E2E=required go test -run '^$$' -bench 'Put$$' -benchtime 2s ./bench) && \
		(cd e2e && KIN_E2E=required go test -run '^$$' -bench 'Memory|PutDelay' -benchtime 1x ./bench) && \
		(cd e2e && KIN_E2E=required go test -run '^$$' -bench Group -benchtime 1x -timeout 20m ./group) && \
		go test -run '^$$' -bench . -benchtime 1s ./wire && \
		go test -run '^$$' -bench 'Read$$|Consume$$|Put$$' -benchtime 2s . && \
		go test -run '^$$' -bench 'Plan$$' -benchtime 1s ./internal/assign && \
		go test -run 'TestConsumerOfIdleShards$$' -count=1 -v . && \
		KIN_LIMIT_TIME=10m go test -run 'TestProducerAtTheLimits$$' -count=1 -timeout 30m -v . && \
		go test -run 'TestThroughput$$/^aggregated,_64_shards' -count=1 -v ./internal/outbox && \
		(cd e2e && KIN_E2E=required go test -run 'TestCost$$' -count=1 ./stores) ; } >$(TOOLS)/bench.txt 2>&1 || { tail -n 20 $(TOOLS)/bench.txt; exit 1; }
	@$(TOOLS)/bin/benchtable <$(TOOLS)/bench.txt
	@printf '\nThe producer at the limits of 64 shards, 5 %% of throttling, 10 minutes: '; sed -n 's/.*: \(stored .*\)/\1/p' $(TOOLS)/bench.txt
	@printf '\nProducer, 64 shards, 5 %% of records and calls throttled:\n\n'; sed -n 's/.*: limit: /  /p' $(TOOLS)/bench.txt
	@printf '\nOne process: '; sed -n 's/.*: \(.* idle shards: .*\)/\1/p' $(TOOLS)/bench.txt
	@printf '\nDynamoDB, as TestCost has just computed it:\n\n'; sed -n '/^<!-- bill/,/^<!-- end/{/^|/p}' docs/costs.md

# Worker processes in all combinations of servers and stores, with new seeds each time.
.PHONY: soak
soak: setup ## kill, stop and cut off worker processes for SOAK (default 1h); SEED chooses where to begin
	cd e2e && KIN_E2E=required go test -count=1 -timeout 0 -tags soak -run TestSoak ./group -soak=$(SOAK) -seed=$(SEED)

.PHONY: conformance
conformance: setup ## rewrite docs/conformance.md from what the servers answer
	cd e2e && KIN_E2E=required go test -count=1 ./conformance -run TestConformance -update

.PHONY: costs
costs: setup ## rewrite docs/costs.md from counted calls and units of capacity
	cd e2e && KIN_E2E=required go test -count=1 ./stores -run 'TestCost$$' -update -v

.PHONY: clean
clean: ## remove what make installed
	chmod -R u+w $(TOOLS) 2>/dev/null || true
	rm -rf $(TOOLS)
