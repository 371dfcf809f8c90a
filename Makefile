# "make demo" and "make test" are all that a newcomer needs; see README.md.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c

# Released executables: static, which also makes them a quarter faster to start.
# The tags leave out what the light one has no use for, and a tenth of its
# start-up with it: a Markdown library that only makes man pages, and HTTP/2,
# which gains nothing where a command makes one request. Functions are not aligned:
# nearly 1 MB less is mapped.
BUILD = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -funcalign=1$(STAMP)" -tags urfave_cli_no_docs

# What a cached token does not run is not inlined in the light one: a twentieth less
# to map.
LIGHT = $(addprefix -gcflags=,$(addsuffix =-l,net net/http crypto/tls crypto/x509 math/big mime/... text/template/... regexp/... log/slog/... \
	vendor/golang.org/x/... golang.org/x/oauth2/... github.com/urfave/cli/v2 rsc.io/... \
	compress/... encoding/asn1 crypto/rsa crypto/ecdsa crypto/hpke os/exec \
	$(addprefix github.com/tokentoss/tokentoss/,frontends/cli/... core/authcode/... core/device/... core/forward/... core/iap/...)))

# VERSION=v1.2.3 is what the executables of a release say of themselves.
STAMP = $(if $(VERSION), -X github.com/tokentoss/tokentoss/frontends/cli.release=$(VERSION))

# Where the executables go, and what their names end in.
BIN ?= bin
EXE ?=

# The packages in which goroutines share things: all but the commands and what drives them from outside.
CONCURRENT = ./core ./core/authcode ./core/device ./core/forward ./core/frontendtest ./core/googleid/... ./core/iap/... ./core/iap/iapgrpc ./core/lease ./core/oidc \
	./core/peercred ./core/privatefile ./core/storetest ./emulator/... ./profile ./stores/file ./stores/memory ./stores/encrypted ./stores/keyring \
	./stores/etcd ./stores/postgres/... ./plugins/... ./frontends/http/... ./frontends/mcp ./frontends/signin ./frontends/notebook ./frontends/notebook/rpc \
	./frontends/notebook/gonb

PREFIX ?= /usr/local

.PHONY: build man install release demo test test-clients test-hosts test-providers test-browsers test-systemd test-tunnel windows-test arm64-test check docs fleet soak widget-check wheel python-check race fuzz bench tidy setup proto proto-check

build:
	$(BUILD),nethttpomithttp2 $(LIGHT) -o $(BIN)/tokentoss$(EXE) ./frontends/cli/cmd/tokentoss
	$(BUILD) -o $(BIN)/tokentoss-host$(EXE) ./frontends/cli/cmd/tokentoss-host

# The man pages, from the command tree.
man:
	@rm -rf $(BIN)/man
	go run ./frontends/cli/man -version "$(VERSION)" -date "$$(git log -1 --format=%cs 2>/dev/null || echo 1970-01-01)" $(BIN)/man

install: build man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install $(BIN)/tokentoss $(BIN)/tokentoss-host $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BIN)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

# make release VERSION=v1.2.3: all that is offered for download, into dist/. The same
# commit gives the same bytes. SYSTEMS="linux/amd64 darwin/arm64" for some only.
release:
	.ci/release "$(VERSION)" dist $(SYSTEMS)

# The main job, step by step, against the emulator.
demo: build
	bin/tokentoss demo

# Every test that needs no more than Go, Python and npm, and what make setup installs.
test: setup
	.ci/gotest work
	$(MAKE) -s python-check

# Tests that download more: programs and libraries that are given tokens, what notebooks run in beside
# Jupyter's own applications, and OpenID providers and guards of others.
test-clients: setup wheel
	TOKENTOSS_TEST_SUITES=clients .ci/gotest ./e2e -run 'Git|Kubectl|Google|MCP(Clients|Inspector|Claude|Gemini|Codex)'
	.ci/clients

test-hosts: setup
	TOKENTOSS_TEST_SUITES=hosts .ci/gotest ./e2e/jupyter -run GoNB
	TOKENTOSS_TEST_SUITES=hosts .ci/gotest ./e2e/hosts

# The page and the widget in Chromium, Firefox and WebKitGTK, and axe-core in all of them.
test-browsers: setup
	.ci/setup firefox-esr WebKitWebDriver Xvfb
	TOKENTOSS_TEST_SUITES=browsers .ci/gotest ./e2e/page

test-providers: setup
	TOKENTOSS_TEST_SUITES=providers .ci/gotest ./e2e -run 'Provider|OAuth2Proxy'

# systemd itself with the units of docs/operate.md, in namespaces of its own: for root, on a
# machine that is made for tests.
test-systemd: setup
	TOKENTOSS_TEST_SUITES=systemd .ci/gotest ./e2e -run Systemd

# A gigabyte each way through a tunnel whose link breaks every 50 MB: some 40 seconds, and not a part of CI.
test-tunnel: setup
	TOKENTOSS_TEST_SUITES=tunnel .ci/gotest ./e2e -run Gigabyte

# The tests for other systems: Windows by Wine, and Linux on arm64 by QEMU. What they say
# of docs/platforms.md is compared; PLATFORMS=-write writes it.
windows-test:
	.ci/windows

arm64-test:
	.ci/arm64

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

# Its executables say that they are of the package's version.
WHEEL_VERSION = v$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' frontends/notebook/python/src/tokentoss/_version.py)

wheel:
	GOOS=$(WHEEL_OS) GOARCH=$(WHEEL_ARCH) $(MAKE) build VERSION=$(or $(VERSION),$(WHEEL_VERSION)) BIN=$(WHEEL_BIN) EXE=$(if $(filter windows,$(WHEEL_OS)),.exe)
	.ci/wheel $(WHEEL_OS) $(WHEEL_ARCH) $(WHEEL_BIN)

# What reads the Python package, and its tests, against the built wheel.
python-check: wheel
	.ci/python

# Processes that are killed, and disks that are full, tell nothing more here.
race:
	.ci/gotest '$(CONCURRENT)' -race -skip '^(TestKilledRefresh|TestPowerCut|TestRefreshOnAFullDisk)$$'

# Each fuzz target for a few seconds; FUZZTIME=10m for longer.
FUZZTIME ?= 5s
fuzz:
	.ci/fuzz $(FUZZTIME)

# Both sides of each comparison in one run; prints ratios.
bench: build
	go run ./e2e/bench

# Ten thousand people at one provider, simulated, and docs/fleet/*.svg of what it saw: two
# or three minutes. "make test" does the same with a thousand.
PEOPLE ?= 10000
DAYS ?= 500
fleet:
	mkdir -p .cache/fleet
	go test ./e2e/fleet -count=1 -timeout 30m -v -people $(PEOPLE) -days $(DAYS) -out $(CURDIR)/.cache/fleet
	GOWORK=off go run -C e2e/tools/plot . $(CURDIR)/.cache/fleet $(CURDIR)/docs/fleet

# Processes killed in a refresh, over each store: so many over files and the keyring, a tenth
# of that by the agent and over etcd and PostgreSQL, which is an hour or two. Power cuts and
# full disks, too. docs/security.md has the last result.
SOAK ?= 10000
soak: setup
	TOKENTOSS_SOAK=$(SOAK) go test ./stores/... ./stores/keyring ./stores/etcd ./stores/postgres ./e2e -count=1 -timeout 10h -v -run 'Killed|PowerCut|FullDisk'

# The Go code of the wire protocol, after changing plugins/proto. The tools for it
# are built from source, which takes minutes the first time.
proto:
	.ci/proto generate

# Whether the wire protocol still fits what was released.
proto-check:
	.ci/proto check

# The pages of what the doctor knows, of clients, and of the emulator's control API. Tests fail while they are stale.
docs:
	go generate ./frontends/cli/doctor ./e2e/clients ./emulator/control

# After changing imports.
tidy:
	go run ./e2e/tools/modules tidy
