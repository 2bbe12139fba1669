# Every step of CI is a target here. `make run` shows the product on the
# reference platform, `make test` proves it.
SHELL       := /bin/bash -euo pipefail
GO          ?= go
BIN         := bin
SOURCES     := $(shell git ls-files -co --exclude-standard -- '*.go' '*.rego' 'docs/rules/*.md' go.mod go.sum 2>/dev/null)
EMPTY_TREE  := 4b825dc642cb6eb9a060e54bf8d69288fbee4904

.PHONY: build run test lint generate verify bench fuzz clean e2e e2e-leftovers e2e-tools e2e-up e2e-down

build: $(BIN)/strake

$(BIN)/strake: $(SOURCES)
	@mkdir -p $(BIN)
	$(GO) build -ldflags '-s -w' -o $@ ./cmd/strake

# Pinned programs that tests and lint use, each built from a module of its own.
$(BIN)/golangci-lint: .ci/tools/go.mod .ci/tools/go.sum
	@mkdir -p $(BIN)
	cd .ci/tools && $(GO) build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

# Programs of e2e/tools are built into a cache that outlives the clone.
$(BIN)/kustomize $(BIN)/conftest: $(BIN)/%: e2e/tools/%/go.mod e2e/tools/%/go.sum
	@mkdir -p $(BIN)
	e2e/tools.sh $*
	@ln -sf "$$(e2e/tools.sh --dir $*)/$*" $@

# Render the reference platform, check it, show the Applications that deliver it,
# and the pull requests that would be opened if the branch on GitHub were still
# empty.
run: build
	$(BIN)/strake render
	$(BIN)/strake check
	$(BIN)/strake apps
	$(BIN)/strake propose --dry-run --base $(EMPTY_TREE)

test: $(BIN)/kustomize
	$(GO) test -race -timeout 45m ./...

lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run ./...

# Everything that is generated and checked in: field docs, schema, reference
# page, rule index, and the reference platform.
generate: build
	$(GO) generate ./...
	$(BIN)/strake render --force

# What is checked in is what would be generated, formatted and linted.
verify: generate lint
	@git diff --exit-code --stat || { echo 'make generate changes files: commit them'; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard -- base environments overlays docs generator)" || \
		{ git status --short; echo 'make generate made new files: commit them'; exit 1; }
	$(BIN)/strake render --check
	$(BIN)/strake check --fail-on warning

bench: build $(BIN)/kustomize $(BIN)/conftest
	$(GO) test -run '^$$' -bench . -benchtime 3x ./generator/cli
	e2e/bench.sh

# The rendered platform against a real control plane, Argo CD, Argo Workflows
# and PostgreSQL (docs/e2e.md): make e2e ARGS='-test.run TestRights'
e2e:
	e2e/rig.sh test $(ARGS)

# Nothing is left behind, also when a run is interrupted or killed.
e2e-leftovers:
	e2e/leftovers.sh

# The programs it runs, built once into a cache outside of the clone.
e2e-tools:
	e2e/debian.sh
	e2e/tools.sh

# Leave it running, with a kubeconfig to play with; and stop it.
e2e-up:
	e2e/rig.sh up

e2e-down:
	e2e/rig.sh down

# Each fuzz target for a short while: make fuzz FUZZTIME=1m
FUZZTIME ?= 20s
fuzz:
	@for pkg in $$($(GO) list ./generator/...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

clean:
	rm -rf $(BIN) .strake
