# "make demo" and "make test" are all that a newcomer needs; see README.md.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c

# Released executables: static, which also makes them a quarter faster to start.
# The tags leave out what the light one has no use for, and a tenth of its
# start-up with it: a Markdown library that only makes man pages, and HTTP/2,
# which gains nothing where a command makes one request. Functions are aligned to
# 16 bytes, half of what the linker does otherwise: half a megabyte less is mapped.
BUILD = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -funcalign=16" -tags urfave_cli_no_docs

# The packages in which goroutines share things.
CONCURRENT = ./core ./core/authcode ./core/iap ./core/storetest ./core/frontendtest ./core/profile \
	./stores/file ./stores/encrypted ./stores/keyring ./stores/etcd ./plugins/... \
	./frontends/cli/agent ./frontends/http/proxy ./frontends/notebook/engine ./e2e/emulator

PREFIX ?= /usr/local

# Where build puts the executables, and how their names end.
BIN ?= bin
EXE ?=

.PHONY: build install demo test check widget-check wheel python-check race fuzz bench tidy setup proto proto-check

build:
	$(BUILD),nethttpomithttp2 -o $(BIN)/tokentoss$(EXE) ./frontends/cli/cmd/tokentoss
	$(BUILD) -o $(BIN)/tokentoss-host$(EXE) ./frontends/cli/cmd/tokentoss-host

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install bin/tokentoss bin/tokentoss-host $(DESTDIR)$(PREFIX)/bin

# The main job, step by step, against the emulator.
demo: build
	@.ci/setup curl # which plays the browser
	bin/tokentoss demo

# Every test.
test: setup
	go test -timeout 15m work

# What the tests use beside Go. It installs what is missing, and says so.
setup:
	@.ci/setup

# What reads the code rather than runs it.
check:
	.ci/check

# The widget: its types, and its tests with node.
widget-check:
	.ci/widget

# The Python package, with the executables in it, into dist/. It is for this machine,
# or for another one: make wheel WHEEL_OS=darwin WHEEL_ARCH=arm64
WHEEL_OS ?= $(shell go env GOHOSTOS)
WHEEL_ARCH ?= $(shell go env GOHOSTARCH)
WHEEL_BIN = .cache/wheel/$(WHEEL_OS)-$(WHEEL_ARCH)

wheel:
	GOOS=$(WHEEL_OS) GOARCH=$(WHEEL_ARCH) $(MAKE) build BIN=$(WHEEL_BIN) EXE=$(if $(filter windows,$(WHEEL_OS)),.exe)
	.ci/wheel $(WHEEL_OS) $(WHEEL_ARCH) $(WHEEL_BIN)

# What reads the Python package, and its tests, against the built wheel.
python-check: wheel
	.ci/python

race:
	go test -race -timeout 20m $(CONCURRENT)

# Each fuzz target for a few seconds; FUZZTIME=10m for longer.
FUZZTIME ?= 5s
fuzz:
	.ci/fuzz $(FUZZTIME)

# Both sides of each comparison in one run; prints ratios.
bench: build
	go run ./e2e/bench

# The Go code of the wire protocol, after changing plugins/proto. The tools for it
# are built from source, which takes minutes the first time.
proto:
	.ci/proto generate

# Whether the wire protocol still fits what was released.
proto-check:
	.ci/proto check

# After changing imports.
tidy:
	go run ./e2e/tools/modules tidy
