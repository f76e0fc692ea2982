# davit: build, test, install. `make help` lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
NODE ?= node
BUN := node_modules/bun/bin/bun.exe
ARCH := $(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
OUT := build
LIBEXEC := $(OUT)/libexec/davit
VERSION := $(shell sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

CFLAGS_ALL := -std=gnu11 -O2 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion \
	-fno-strict-aliasing -fstack-protector-strong
LDFLAGS_ALL := -Wl,-z,noexecstack,-z,relro,-z,now,--build-id=none -s
# davit-init has no libc: its own entry point, a stack guard of its own, fixed addresses (nothing to relocate).
CFLAGS_INIT := $(CFLAGS_ALL) -ffreestanding -fno-builtin -fno-pic -fno-pie -fno-asynchronous-unwind-tables
ifeq ($(ARCH),x64)
CFLAGS_INIT += -mstack-protector-guard=global -fcf-protection
endif
EXECUTOR := native/reader.c native/run.c native/ops_file.c native/ops_mount.c native/ops_sync.c native/ops_proc.c
HEADERS := $(wildcard native/*.h)
SOURCES := $(shell find src -name '*.ts' -o -name '*.js') package.json

DEFINES = --define DAVIT_VERSION='"$(VERSION)"' --define DAVIT_COMMIT='"$(COMMIT)"'

.PHONY: all build help demo test check bench install uninstall clean generate deps conformance fuzz native

all: build

build: $(OUT)/davit $(OUT)/davit.js $(OUT)/lib/src/index.js  ## build/davit, build/davit.js, the library

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

deps: node_modules/.davit-deps

# bun's own install script only moves its binary into place; no other package needs one.
node_modules/.davit-deps: package-lock.json
	npm ci --ignore-scripts
	$(NODE) node_modules/bun/install.js
	touch $@

native: $(LIBEXEC)/davit-init $(LIBEXEC)/libdavit.so $(LIBEXEC)/koffi.node

$(LIBEXEC)/davit-init: native/init.c $(EXECUTOR) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_INIT) -nostdlib -static -no-pie -Wl,-z,separate-code $(LDFLAGS_ALL) -o $@ native/init.c $(EXECUTOR)

$(LIBEXEC)/libdavit.so: native/launch.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -fPIC -shared -fvisibility=hidden -D_FORTIFY_SOURCE=2 $(LDFLAGS_ALL) -o $@ native/launch.c

$(LIBEXEC)/koffi.node: node_modules/.davit-deps
	@mkdir -p $(@D)
	install -m 755 node_modules/@koromix/koffi-linux-$(ARCH)/linux_$(ARCH)/koffi.node $@

# The two autoload switches are a matter of security: without them the executable runs bunfig.toml and .env of the
# directory it is started in, which is the bundle.
$(OUT)/davit: $(SOURCES) node_modules/.davit-deps native
	$(BUN) build src/main.ts --compile --bytecode --minify --format=esm --splitting --no-compile-autoload-bunfig --no-compile-autoload-dotenv \
		$(DEFINES) --define DAVIT_EDITION='"exe"' --outfile $@ >/dev/null

$(OUT)/davit.js: $(SOURCES) node_modules/.davit-deps native
	$(BUN) build src/main.ts --target node --format esm $(DEFINES) --define DAVIT_EDITION='"bundle"' \
		--banner '#!/usr/bin/env node' --outfile $@ >/dev/null
	chmod 755 $@

$(OUT)/lib/src/index.js: $(SOURCES) node_modules/.davit-deps
	node_modules/.bin/tsc -p tsconfig.lib.json

clean:  ## remove what was built
	rm -rf $(OUT)
