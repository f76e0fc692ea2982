# davit: build, test, install. `make help` lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CXX ?= c++
NODE ?= node
RUNTIME ?= $(OUT)/davit
BUN := node_modules/bun/bin/bun.exe
VITEST := $(NODE) node_modules/vitest/vitest.mjs run --config test/vitest.config.ts
ARCH := $(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
OUT := build
LIBEXEC := $(OUT)/libexec/davit
VERSION := $(shell sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json)
KOFFI_VERSION := $(shell sed -n 's/.*"koffi": "\(.*\)".*/\1/p' package.json)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

CFLAGS_ALL := -std=gnu11 -O2 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion \
	-fno-strict-aliasing -fstack-protector-strong
LDFLAGS_ALL := -Wl,-z,noexecstack,-z,relro,-z,now,--build-id=none -s
# davit-init has no libc: its own entry point, a stack guard of its own, fixed addresses (nothing to relocate).
CFLAGS_INIT := $(CFLAGS_ALL) -ffreestanding -fno-builtin -fno-pic -fno-pie -fno-asynchronous-unwind-tables
ifeq ($(ARCH),x64)
CFLAGS_INIT += -mstack-protector-guard=global -fcf-protection
endif
LINK_INIT := -nostdlib -static -no-pie -Wl,-z,separate-code
CFLAGS_SO := $(CFLAGS_ALL) -fPIC -shared -pthread -fvisibility=hidden -D_FORTIFY_SOURCE=2
EXECUTOR := native/reader.c native/run.c native/ops_file.c native/ops_mount.c native/ops_sync.c native/ops_proc.c \
	native/ops_protect.c native/ops_copy.c
ENTRY := native/entry.c native/prepared.c native/watch.c native/bare.c $(EXECUTOR)
INIT := native/init.c native/bare.c $(EXECUTOR)
HEADERS := $(wildcard native/*.h)
PARENT := native/parent.c native/launch.c
SOURCES := $(shell find src -name '*.ts' -o -name '*.js') package.json

DEFINES = --define DAVIT_VERSION='"$(VERSION)"' --define DAVIT_COMMIT='"$(COMMIT)"'
# The autoload switches are a matter of security: without them the executable runs bunfig.toml and .env of the
# directory it is started in, which is the bundle; the two others are off by default, and must stay so.
EXE_FLAGS := --compile --bytecode --minify --format=esm --splitting --no-compile-autoload-bunfig \
	--no-compile-autoload-dotenv --no-compile-autoload-tsconfig --no-compile-autoload-package-json

# What is used by whom beyond Node, npm and make. .ci/need installs what is missing, where it can.
BUILD_TOOLS := gcc g++ headers
DEMO_TOOLS := $(BUILD_TOOLS) busybox
ENGINE_TOOLS := busybox gcc headers libseccomp runc ip iptables debootstrap flock script setpriv unshare nsenter dockerd docker \
	docker-init docker-compose containerd ctr cni podman buildah conmon netavark aardvark-dns catatonit newuidmap useradd slirp4netns fuse-overlayfs
DEB_TOOLS := dpkg-deb dpkg-shlibdeps md5sum
VM_TOOLS := $(BUILD_TOOLS) mmdebstrap mke2fs xz zstd unshare archive-keyring
TEST_TOOLS := $(DEMO_TOOLS) chromium $(DEB_TOOLS) clang libseccomp zsh fish groff mandoc man lintian strace hyperfine runc crun ip pgrep specs $(ENGINE_TOOLS) $(VM_TOOLS)
BENCH_TOOLS := $(DEMO_TOOLS) libseccomp hyperfine runc crun

# A result appears whole or not at all: two makes at once, or one that is killed, leave nothing half-written.
INTO = t=$$(mktemp -d $(OUT)/.tmp.XXXXXX) && trap 'rm -rf "$$t"' EXIT &&
PUT = && mv -f "$$t/$(@F)" $@

# A build that another target starts uses all CPUs, unless the caller has said how many.
BUILD = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all build help deps native native-aarch64 demo test check lint types up-to-date test-unit test-native \
	test-system vm-test engine-test bench bench-containerd bench-docker conformance conformance-docs conformance-docs-v2 conformance-docs-systemd conformance-docs-runsc load crash \
	fuzz libfuzzer libfuzzer-corpus native-tests generate install install-runtime uninstall clean FORCE
.DELETE_ON_ERROR:

all: build

build: native $(LIBEXEC)/davit $(OUT)/davit.js $(OUT)/lib/src/index.js $(OUT)/man/davit.8 $(OUT)/davit-conformance  ## build/davit, build/davit.js, the library, the manual, build/davit-conformance

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

demo:  ## run a container made of this machine's busybox, and show what it sees and leaves (root)
	@.ci/need $(DEMO_TOOLS)
	$(BUILD) build
	@docs/demo.sh

test:  ## everything: unit, native and system tests, then lint and types (root; installs what is missing)
	@.ci/need $(TEST_TOOLS)
	$(BUILD) build
	$(VITEST) --reporter=default --reporter=json --outputFile.json=$(OUT)/test/results.json
	$(VM) --core
	+@$(MAKE) --no-print-directory lint types up-to-date

check: build lint types up-to-date test-unit  ## lint, types, layers, generated files, unit tests (no root)

lint: node_modules/.davit-deps
	node_modules/.bin/biome ci --error-on-warnings --colors=off

types: node_modules/.davit-deps
	node_modules/.bin/tsc --noEmit -p .

up-to-date: node_modules/.davit-deps
	$(BUN) src/wire/generate.ts --check
	$(BUN) spec/build.ts --check

generate: node_modules/.davit-deps  ## write the generated files anew: the C header, validators, types
	$(BUN) src/wire/generate.ts
	$(BUN) spec/build.ts

test-unit: build
	$(VITEST) --project unit

test-native: build
	$(VITEST) --project native

test-system: build
	$(VITEST) --project system

VM := $(BUN) test/vm/main.ts
vm-test:  ## system tests and conformance on pure cgroup v2, with systemd and without, on two kernels, emulated (root)
	@.ci/need $(VM_TOOLS)
	$(BUILD) build
	$(VM) $(VM_FLAGS)

engine-test:  ## Docker, containerd, Podman and Buildah on davit: make engine-test RUNTIME=/usr/sbin/runc (root)
	@.ci/need $(ENGINE_TOOLS)
	$(BUILD) build
	RUNTIME=$(RUNTIME) $(VITEST) --project engine

bench:  ## measure davit, runc and crun side by side (root)
	@.ci/need $(BENCH_TOOLS)
	$(BUILD) build $(OUT)/bench/measure
	$(BUN) bench/run.ts

bench-containerd:  ## time `ctr run` and `ctr task exec` with davit, runc and crun (root)
	@.ci/need $(BENCH_TOOLS) $(ENGINE_TOOLS)
	$(BUILD) build
	$(BUN) bench/containerd.ts

bench-docker:  ## time `docker run` and `docker exec` with davit, runc and crun (root)
	@.ci/need $(BENCH_TOOLS) $(ENGINE_TOOLS)
	$(BUILD) build
	$(BUN) bench/docker.ts

conformance:  ## check runtimes against the specification: make conformance RUNTIME=/usr/sbin/runc (root)
	@.ci/need $(DEMO_TOOLS)
	$(BUILD) build
	$(OUT)/davit-conformance $(addprefix --runtime ,$(RUNTIME)) $(CONFORMANCE_FLAGS)

LIFECYCLES ?= 10000
load:  ## 200 containers at once, then 10,000 one after the other: make load RUNTIME=/usr/sbin/runc LIFECYCLES=1000 (root)
	@.ci/need $(DEMO_TOOLS)
	$(BUILD) build
	$(OUT)/davit-conformance $(addprefix --runtime ,$(RUNTIME)) --group load --lifecycles $(LIFECYCLES) \
		--format md --format html --out $(OUT)/load

crash:  ## kill davit, or let the kernel refuse, at every system call of create, start, exec and delete (root, an hour)
	@.ci/need $(DEMO_TOOLS) strace
	$(BUILD) build
	CRASH_STRIDE=1 $(VITEST) --project system test/system/crash_every.test.ts

conformance-docs:  ## judge davit, runc and crun, and write docs/conformance/ (root)
	@.ci/need runc crun
	$(BUILD) build
	$(OUT)/davit-conformance --runtime $(OUT)/davit $(foreach name,runc crun,--runtime $(shell command -v $(name) || echo $(name))) \
		--lifecycles 1000 --format md --format html --out docs/conformance

conformance-docs-v2:  ## the same in guests with nothing but v2, docs/conformance/cgroup_v2.md (root)
	@.ci/need $(VM_TOOLS)
	$(BUILD) build
	$(VM) --conformance --init fast --kernel 6.12 $(VM_FLAGS)

conformance-docs-systemd:  ## the same of cgroups where systemd makes them, docs/conformance/cgroup_systemd.md (root)
	@.ci/need $(VM_TOOLS)
	$(BUILD) build
	$(VM) --conformance --init systemd --kernel 6.12

# It runs where there is no KVM and no network of its own; it has a kernel of its own, which many cases look past.
conformance-docs-runsc:  ## the same of gVisor, docs/conformance/runsc.md (root)
	@.ci/need runsc
	$(BUILD) build
	mkdir -p $(OUT)/test/runsc
	printf '#!/bin/sh\nexec runsc --platform=ptrace --network=none "$$@"\n' >$(OUT)/test/runsc/runsc
	chmod 755 $(OUT)/test/runsc/runsc
	$(OUT)/davit-conformance --runtime $(OUT)/test/runsc/runsc --format md --format html --out $(OUT)/test/runsc || test $$? = 1
	cp $(OUT)/test/runsc/conformance.md docs/conformance/runsc.md
	cp $(OUT)/test/runsc/conformance.html docs/conformance/runsc.html

deps: node_modules/.davit-deps

# bun's own install script only moves its binary into place; no other package needs one. The lock is for two makes
# at once: the second finds the work done.
node_modules/.davit-deps: package-lock.json
	@$(NODE) -e 'process.exitCode = +(parseInt(process.versions.node) < 20)' || { echo "Node 20 or newer is needed" >&2; exit 1; }
	flock package-lock.json sh -ec 'if test -e $@ && ! test package-lock.json -nt $@; then exit 0; fi; \
		npm ci --ignore-scripts; $(NODE) node_modules/bun/install.js; touch $@'

native: $(OUT)/davit $(LIBEXEC)/davit-init $(LIBEXEC)/libdavit.so $(LIBEXEC)/koffi.node

# Rewritten only when it changes: what depends on it is built anew when the version, the commit or a flag does.
$(OUT)/.flags: FORCE
	@mkdir -p $(LIBEXEC)
	@echo '$(CC) $(CFLAGS_INIT) $(CFLAGS_SO) $(LINK_INIT) $(LDFLAGS_ALL)' | cmp -s - $@ || \
		echo '$(CC) $(CFLAGS_INIT) $(CFLAGS_SO) $(LINK_INIT) $(LDFLAGS_ALL)' >$@

$(OUT)/.edition: FORCE
	@mkdir -p $(LIBEXEC)
	@echo '$(VERSION) $(COMMIT) $(EXE_FLAGS)' | cmp -s - $@ || echo '$(VERSION) $(COMMIT) $(EXE_FLAGS)' >$@

# davit itself: cleans the environment, then executes the engine in libexec.
$(OUT)/davit: $(ENTRY) $(HEADERS) $(OUT)/.flags
	@$(INTO) set -x && $(CC) $(CFLAGS_INIT) $(LINK_INIT) $(LDFLAGS_ALL) -o "$$t/$(@F)" $(ENTRY) $(PUT)

$(LIBEXEC)/davit-init: $(INIT) $(HEADERS) $(OUT)/.flags
	@$(INTO) set -x && $(CC) $(CFLAGS_INIT) $(LINK_INIT) $(LDFLAGS_ALL) -o "$$t/$(@F)" $(INIT) $(PUT)

$(LIBEXEC)/libdavit.so: $(PARENT) $(HEADERS) $(OUT)/.flags
	@$(INTO) set -x && $(CC) $(CFLAGS_SO) $(LDFLAGS_ALL) -o "$$t/$(@F)" $(PARENT) $(PUT)

# koffi from its own sources, as its CMakeLists.txt builds it, but with the C++ library linked in and few trampolines
# for callbacks, of which davit has none: the package's own binary loads libstdc++.so, which costs every start 2 ms.
KOFFI := node_modules/koffi
KOFFI_ABI := $(if $(filter x64,$(ARCH)),x64sysv,arm64)
KOFFI_OBJECTS := $(patsubst %,$(OUT)/koffi/%.o,ffi.cc call.cc interp.cc parser.cc type.cc util.cc uv.cc win32.cc base.cc \
	$(KOFFI_ABI).cc $(KOFFI_ABI)_asm.S)
KOFFI_FLAGS := -O2 -w -std=gnu++20 -fPIC -fno-semantic-interposition -fvisibility=hidden -fdata-sections \
	-ffunction-sections -fno-strict-aliasing -fno-delete-null-pointer-checks -fwrapv -fno-exceptions -fno-rtti \
	-fno-finite-loops -fstack-protector-strong -D_FILE_OFFSET_BITS=64 -DNDEBUG -DFELIX_TARGET=koffi \
	-DNAPI_VERSION=NAPI_VERSION_EXPERIMENTAL -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS \
	-DNODE_ADDON_API_REQUIRE_BASIC_FINALIZERS \
	-I$(KOFFI)/src/koffi -I$(KOFFI) -I$(KOFFI)/vendor/node-addon-api -I$(KOFFI)/vendor/node-api-headers/include \
	-I$(OUT)/koffi/trampolines

$(OUT)/koffi/trampolines/gnu.inc: node_modules/.davit-deps
	@mkdir -p $(@D)
	$(NODE) $(KOFFI)/src/koffi/src/trampolines.cjs $(CURDIR)/$(@D) 64

# What nobody asks for, and every start would make: functions for each type that memory could be decoded as, all error
# numbers by name, types of a fixed byte order, and all functions of the module but load and decode. Half a millisecond.
KOFFI_UNUSED := -e '/^ *obj\.Set("/d' -e '/codes\.Set(info\.name/d' -e '/RegisterPrimitiveType.*_[lb]e_t"/d' \
	-e '/^    exports\.Set("load"/b' -e '/^    exports\.Set("[A-Za-z]*", CreateFunction/d' \
	-e '/^    exports\.Set("[A-Za-z]*", Napi::Function::New/d'

# The sources come with the dependencies, so no prerequisite can name them before those are there.
$(KOFFI_OBJECTS): $(OUT)/koffi/%.o: $(OUT)/koffi/trampolines/gnu.inc node_modules/.davit-deps
	@for f in $(KOFFI)/src/koffi/src/$* $(KOFFI)/src/koffi/src/abi/$* $(KOFFI)/lib/native/base/$*; do \
		if test -e $$f; then echo "$(CXX) -o $@ -c $$f"; \
			case $$f in *.S) cat $$f;; *) sed $(KOFFI_UNUSED) $$f;; esac | $(CXX) $(KOFFI_FLAGS) -I$${f%/*} \
				-DVERSION=$(KOFFI_VERSION) -o $@.$$$$ -x $$(case $$f in *.S) echo assembler-with-cpp;; *) echo c++;; esac) \
				-c - && mv -f $@.$$$$ $@; exit; fi; \
	done; echo "$*: not in $(KOFFI)" >&2; exit 1

$(LIBEXEC)/koffi.node: $(KOFFI_OBJECTS)
	@$(INTO) set -x && $(CXX) -shared -static-libstdc++ -static-libgcc -Wl,--gc-sections,--exclude-libs,ALL $(LDFLAGS_ALL) \
		-o "$$t/$(@F)" $^ $(PUT)

# Written anew in pages of 2 MiB: each start takes a quarter fewer page faults. Whoever copies it writes such pieces, too;
# so does the build once more, as the compiler has left hardly any such page free when it ends.
COPY_HUGE = sh -c 'rm -f "$$2" && dd if="$$1" of="$$2" bs=2M status=none && chmod 755 "$$2"' copy
$(LIBEXEC)/davit: $(SOURCES) node_modules/.davit-deps $(OUT)/.edition .ci/align.ts
	@$(INTO) set -x && $(BUN) build src/main.ts $(EXE_FLAGS) $(DEFINES) --define DAVIT_EDITION='"exe"' \
		--metafile="$$t/meta.json" --outfile "$$t/made" >"$$t/log" && mv "$$t/meta.json" $(OUT)/meta.json && \
		$(BUN) .ci/align.ts "$$t/made" "$$t/aligned" && $(COPY_HUGE) "$$t/aligned" "$$t/$(@F)" $(PUT)

$(OUT)/davit.js: $(SOURCES) node_modules/.davit-deps $(OUT)/.edition
	@$(INTO) set -x && $(BUN) build src/main.ts --target node --format esm $(DEFINES) --define DAVIT_EDITION='"bundle"' \
		--banner '#!/usr/bin/env node' --outfile "$$t/$(@F)" >"$$t/log" && chmod 755 "$$t/$(@F)" $(PUT)

# The compiler writes each file whole, in place; the folder is the library.
$(OUT)/lib/src/index.js: $(SOURCES) node_modules/.davit-deps tsconfig.json src/tsconfig.json
	node_modules/.bin/tsc -p src/tsconfig.json
	@touch $@

# The conformance suite, as one file that needs nothing of davit's: a static busybox, which its containers are made of,
# is inside.
CONFORMANCE := $(shell find conformance -type f) package.json

$(OUT)/conformance/busybox:
	@.ci/need busybox
	@mkdir -p $(@D)
	@$(INTO) set -x && cp "$$(command -v busybox)" "$$t/$(@F)" $(PUT)

$(OUT)/davit-conformance: $(CONFORMANCE) $(OUT)/conformance/busybox node_modules/.davit-deps
	@$(INTO) set -x && $(BUN) build conformance/executable.ts $(filter-out --bytecode --splitting,$(EXE_FLAGS)) \
		--outfile "$$t/$(@F)" >"$$t/log" $(PUT)

# The licences of what is inside the executable and beside it.
$(OUT)/THIRD-PARTY-LICENSES: $(LIBEXEC)/davit $(OUT)/conformance/busybox .ci/licenses.ts
	@$(INTO) $(BUN) .ci/licenses.ts $(OUT)/meta.json $(OUT)/conformance/busybox >"$$t/$(@F)" $(PUT)

$(OUT)/bench/measure: bench/measure.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@.tmp $< && mv -f $@.tmp $@

# The executor by itself, with the sanitizers: run on real plans, and on a made-up kernel with plans from a fuzzer.
SANITIZE := -Inative -Itest/native -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
FUZZ_SOURCES := test/native/fuzz.c $(filter-out native/reader.c,$(EXECUTOR))

$(OUT)/test/native-run: test/native/test_main.c $(EXECUTOR) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@.tmp test/native/test_main.c $(EXECUTOR) && mv -f $@.tmp $@

$(OUT)/test/native-fuzz: test/native/fuzz_driver.c native/reader.c $(FUZZ_SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -DDAVIT_FUZZ -o $@.tmp test/native/fuzz_driver.c $(FUZZ_SOURCES) && mv -f $@.tmp $@

$(OUT)/test/native-smash: test/native/test_smash.c native/init.c native/bare.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) -Inative $(CFLAGS_INIT) $(LINK_INIT) $(LDFLAGS_ALL) -o $@.tmp test/native/test_smash.c && mv -f $@.tmp $@

native-tests: $(OUT)/test/native-run $(OUT)/test/native-fuzz $(OUT)/test/native-smash

# Everything of ours that reads what others wrote, each part for the same share of FUZZ_SECONDS. The executor by clang's
# libFuzzer, which is guided by coverage; the rest by test/fuzz, by structure. What libFuzzer finds stays in build/test.
FUZZ_SECONDS ?= 3600
FUZZ_SEED ?= $(shell date +%s)
FUZZ_SHARE = $$(($(FUZZ_SECONDS) / 7 + 1))
fuzz: $(OUT)/test/native-libfuzzer $(OUT)/test/native-fuzz  ## an hour of fuzzing, or FUZZ_SECONDS: executor, config.json, command lines, state, what is prepared and other files (root)
	$(BUILD) build
	$(MAKE) --no-print-directory libfuzzer FUZZ_SECONDS=$(FUZZ_SHARE)
	$(BUN) test/fuzz/main.ts $(FUZZ_SHARE) $(FUZZ_SEED)

$(OUT)/test/native-libfuzzer: test/native/fuzz_driver.c $(FUZZ_SOURCES) test/native/fuzz.h native/reader.c $(HEADERS)
	@.ci/need clang
	@mkdir -p $(@D)
	clang $(SANITIZE) -fsanitize=fuzzer -DDAVIT_FUZZ -DDAVIT_LIBFUZZER -o $@.tmp test/native/fuzz_driver.c $(FUZZ_SOURCES) && mv -f $@.tmp $@

LIBFUZZER = $(OUT)/test/native-libfuzzer -max_len=32768 -print_final_stats=1
libfuzzer: $(OUT)/test/native-libfuzzer node_modules/.davit-deps
	@mkdir -p $(OUT)/test/libfuzzer
	$(BUN) test/native/corpus.ts $(OUT)/test/corpus
	$(LIBFUZZER) -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(OUT)/test/ $(OUT)/test/libfuzzer \
		test/native/corpus $(OUT)/test/corpus-libfuzzer

# The fewest inputs that reach all that was reached become the corpus of the repository.
libfuzzer-corpus: $(OUT)/test/native-libfuzzer
	rm -rf test/native/corpus && mkdir -p test/native/corpus
	$(OUT)/test/native-libfuzzer -max_len=32768 -use_counters=0 -set_cover_merge=1 test/native/corpus $(OUT)/test/libfuzzer $(OUT)/test/corpus-libfuzzer

# aarch64 is compiled only, with Debian's cross compiler: nothing of it is run.
native-aarch64:  ## compile the native parts for aarch64 (not part of the product)
	@.ci/need aarch64
	@mkdir -p $(OUT)/aarch64
	aarch64-linux-gnu-gcc $(filter-out -mstack-protector-guard=global -fcf-protection,$(CFLAGS_INIT)) \
		$(LINK_INIT) $(LDFLAGS_ALL) -o $(OUT)/aarch64/davit-init $(INIT)
	aarch64-linux-gnu-gcc $(filter-out -mstack-protector-guard=global -fcf-protection,$(CFLAGS_INIT)) \
		$(LINK_INIT) $(LDFLAGS_ALL) -o $(OUT)/aarch64/davit $(ENTRY)
	aarch64-linux-gnu-gcc $(CFLAGS_SO) $(LDFLAGS_ALL) -o $(OUT)/aarch64/libdavit.so $(PARENT)

# The manual, from the table of commands.
DATE := $(if $(SOURCE_DATE_EPOCH),$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%F),$(shell git log -1 --format=%cs 2>/dev/null || date +%F))
MAN_SOURCES := $(wildcard docs/man/*.ts)
MAN_PAGES = davit.8 $(shell sed -n 's/^  \([a-z]*\): {$$/davit-\1.8/p' docs/man/*_pages.ts)

$(OUT)/man/davit.8: $(MAN_SOURCES) $(SOURCES) node_modules/.davit-deps $(OUT)/.edition
	@$(INTO) $(BUN) docs/man/build.ts "$$t/man" $(VERSION) $(DATE) && rm -rf $(OUT)/man && mv "$$t/man" $(OUT)/man

# Where shells look for what completes davit: the script of a shell, by its name.
COMPLETIONS := bash-completion/completions/davit zsh/site-functions/_davit fish/vendor_completions.d/davit.fish

install: install-runtime  ## install below $(DESTDIR)$(PREFIX)
	install -m 755 $(OUT)/davit-conformance $(DESTDIR)$(PREFIX)/bin/davit-conformance

install-runtime: build $(OUT)/THIRD-PARTY-LICENSES
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/davit share/doc/davit share/man/man8 \
		$(addprefix share/,$(dir $(COMPLETIONS))))
	install -m 755 $(OUT)/davit $(DESTDIR)$(PREFIX)/bin/davit
	$(COPY_HUGE) $(LIBEXEC)/davit $(DESTDIR)$(PREFIX)/libexec/davit/davit
	install -m 755 $(LIBEXEC)/davit-init $(LIBEXEC)/libdavit.so $(LIBEXEC)/koffi.node $(DESTDIR)$(PREFIX)/libexec/davit/
	install -m 644 README.md CHANGELOG.md LICENSE $(OUT)/THIRD-PARTY-LICENSES docs/*.md $(DESTDIR)$(PREFIX)/share/doc/davit/
	install -m 644 $(addprefix $(OUT)/man/,$(MAN_PAGES)) $(DESTDIR)$(PREFIX)/share/man/man8/
	for script in $(COMPLETIONS); do shell=$${script%%[-/]*}; $(OUT)/davit completion $$shell >$(OUT)/completion.$$shell && \
		install -m 644 $(OUT)/completion.$$shell $(DESTDIR)$(PREFIX)/share/$$script || exit; done

uninstall:  ## remove what install put there
	rm -rf $(DESTDIR)$(PREFIX)/libexec/davit $(DESTDIR)$(PREFIX)/share/doc/davit
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,davit davit-conformance) $(addprefix $(DESTDIR)$(PREFIX)/share/man/man8/,$(MAN_PAGES)) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))

# Without the conformance suite: whoever runs containers does not need it, and it is as large as davit.
# -z6, dpkg's own, takes four times as long for a tenth less.
DEB_FLAGS ?= -Zxz -z1
deb: build $(OUT)/THIRD-PARTY-LICENSES  ## a Debian package, in build/ (DEB_FLAGS are for dpkg-deb)
	@.ci/need $(DEB_TOOLS)
	@$(INTO) $(MAKE) --no-print-directory -s install-runtime DESTDIR="$$t/debian/davit" PREFIX=/usr && \
		.ci/deb/build "$$t" $(VERSION) $(DATE) "$(DEB_FLAGS)" && mv -f "$$t"/*.deb $(OUT)/ && ls $(OUT)/*.deb

clean:  ## remove what was built
	rm -rf $(OUT)
