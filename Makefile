# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make            build/boundby
# make demo       install what is missing, build, diagnose a sample program (root)
# make test       install what is missing, build, run all tests (root)
# make test-freethreaded  build a free-threaded Python once, run its tests (root)
# make test-runtimes      install Go, Java, Node.js and Rust, run the tests of their programs (root)
# make test-services  install PostgreSQL, Redis and fio, run the tests with them (root)
# make corpus     hold the verdicts against programs whose bound is known, for an hour (root)
# make whatif     predict what changes bring, make them, compare (root; minutes)
# make bench      measure the cost, side by side with other tools (root)
# make install    DESTDIR and PREFIX are honoured
#
# V=1 shows the commands, DEBUG=1 builds without optimisation, SANITIZE=1 with
# ASan and UBSan, SKIP_INSTALL=1 leaves the packages alone.
# FREETHREADED_DIR is where a free-threaded Python is built and kept; FREETHREADED is
# the path of one that is there already.

VERSION := 0.1.0
OUT := build
PREFIX ?= /usr/local
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
LLVM_STRIP ?= llvm-strip
PYTHON ?= /usr/bin/python3
GO ?= /usr/bin/go
FREETHREADED_DIR ?= /var/cache/boundby-freethreaded
FREETHREADED ?=

ifeq ($(V),1)
Q :=
msg =
else
Q := @
msg = @printf '  %-8s %s\n' "$(1)" "$(patsubst $(OUT)/%,%,$(2))";
endif

ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF_ARCH_x86 := -D__x86_64__
BPF_ARCH_arm64 := -D__aarch64__

WARN := -Wall -Wextra -Wshadow -Wsign-compare -Wundef -Werror
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) $(BPF_ARCH_$(ARCH)) \
	$(WARN) -Wno-unused-parameter -Wno-missing-declarations
CFLAGS ?= -O2 -g
ifeq ($(DEBUG),1)
CFLAGS := -O0 -g3
endif
ifeq ($(SANITIZE),1)
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
# labels are cut to their buffers on purpose: no format-truncation
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DBB_VERSION='"$(VERSION)"' $(WARN) -Wno-format-truncation -I$(OUT) $(CFLAGS)
LIBS := -lbpf -lelf -lz -ljansson -lcap -lm

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_HDR := $(wildcard bpf/*.h vmlinux/*.h)

PURE_SRC := $(wildcard user/model/*.c user/diagnose/*.c user/emit/*.c user/util/*.c)
CAPTURE_SRC := $(wildcard user/capture/*.c)
SRC := user/main.c user/options.c $(PURE_SRC) $(CAPTURE_SRC)
OBJ := $(SRC:%.c=$(OUT)/%.o)
PURE_OBJ := $(PURE_SRC:%.c=$(OUT)/%.o)
GEN := $(OUT)/boundby.skel.h $(OUT)/syscall_names.h $(OUT)/schema.h

.DELETE_ON_ERROR:
.PHONY: all clean demo test test-freethreaded install-freethreaded test-runtimes install-runtimes runtimes \
	test-services install-services unit corpus whatif bench install uninstall install-build install-demo install-test \
	format check-format workloads

all: $(OUT)/boundby

$(OUT)/boundby.bpf.o: $(BPF_SRC) $(BPF_HDR)
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c bpf/boundby.bpf.c -o $@

$(OUT)/boundby.skel.h: $(OUT)/boundby.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name boundby_bpf > $@

$(OUT)/syscall_names.h: tools/gen-syscall-names
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)CC="$(CC)" tools/gen-syscall-names > $@

$(OUT)/schema.h: docs/schema.json
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $< > $@

$(OUT)/%.o: %.c | $(GEN)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/boundby: $(OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(LIBS) -o $@

-include $(OBJ:.o=.d)

# ---- tests

WORKLOAD_BIN := $(patsubst tests/workloads/%.c,$(OUT)/tests/%,$(wildcard tests/workloads/*.c))
UNIT_BIN := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/*.c))
TEST_LIB := $(filter-out tests/lib/py%.c tests/lib/pollclock.c,$(wildcard tests/lib/*.c))
PYTHON_BIN := $(patsubst tests/lib/%.c,$(OUT)/tests/%,$(wildcard tests/lib/py*.c))
# of the capture, what needs no kernel
PURE_CAPTURE := user/capture/allowance.c user/capture/ends.c user/capture/fold.c user/capture/governor.c user/capture/mem.c \
	user/capture/sliced.c user/capture/sliced_give.c user/capture/sysclass.c \
	$(patsubst %,user/capture/python_%.c,attr code image lines names str threads) \
	$(patsubst %,user/capture/%.c,elf files maps native peers perf_map place pollset procfs sockets symbols)
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(OUT)/tests/%: tests/workloads/%.c $(wildcard tests/workloads/*.h)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer $(WARN) $< -o $@ -pthread -lm

SAN_CFLAGS = $(filter-out -O2,$(ALL_CFLAGS)) $(SAN)
SAN_OBJ := $(patsubst %.c,$(OUT)/san/%.o,$(TEST_LIB) $(PURE_SRC) $(PURE_CAPTURE))

# once for all tests
$(OUT)/san/%.o: %.c | $(GEN)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -MMD -MP -c $< -o $@

-include $(SAN_OBJ:.o=.d)

$(OUT)/tests/test_%: $(OUT)/san/tests/unit/test_%.o $(SAN_OBJ)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) $^ -o $@ -lcmocka -ljansson -lelf -lm

-include $(patsubst $(OUT)/tests/%,$(OUT)/san/tests/unit/%.d,$(UNIT_BIN))

# what reads a process without the kernel's help
PYTHON_SRC := user/capture/elf.c user/capture/maps.c user/capture/mem.c user/util/fmt.c \
	$(filter-out $(patsubst %,user/capture/python_%.c,blocked stacks),$(wildcard user/capture/python*.c))

$(PYTHON_BIN): $(OUT)/tests/%: tests/lib/%.c $(PYTHON_SRC)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $^ -o $@ -lelf -lz

# preloaded into programs of any language
$(OUT)/tests/pollclock.so: tests/lib/pollclock.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -shared -fPIC $< -o $@ -ldl

# the oracle of the GIL's tests: uprobes, on its own
$(OUT)/tests/gil_oracle.bpf.o: tests/oracle/gil_oracle.bpf.c tests/oracle/gil_oracle.h bpf/compat.bpf.h
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(OUT)/tests/gil_oracle: tests/oracle/gil_oracle.c $(OUT)/tests/gil_oracle.bpf.o
	$(call msg,CC,$@)
	$(Q)$(BPFTOOL) gen skeleton $(OUT)/tests/gil_oracle.bpf.o name gil_oracle_bpf > $(OUT)/tests/gil_oracle.skel.h
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -I$(OUT)/tests $< -o $@ -lbpf -lelf -lz

# programs of other runtimes, by Debian's compilers, whatever else is in PATH
RUNTIME_BIN := $(addprefix $(OUT)/runtimes/,go Java.class openmp tokio-forms)

$(OUT)/runtimes/go: tests/runtimes/go.go
	$(call msg,GO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)GO111MODULE=off GOFLAGS= GOCACHE=$(abspath $(@D))/gocache $(GO) build -o $@ $<

$(OUT)/runtimes/Java.class: tests/runtimes/Java.java
	$(call msg,JAVAC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)/usr/bin/javac -d $(@D) $<

$(OUT)/runtimes/openmp: tests/runtimes/openmp.c tests/workloads/workload.h
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) -fopenmp $< -o $@

# the libraries are those of Debian's packages; cargo writes beside its manifest
$(OUT)/runtimes/tokio-forms: tests/runtimes/tokio/Cargo.toml tests/runtimes/tokio/src/main.rs
	$(call msg,CARGO,$@)
	$(Q)mkdir -p $(@D)/tokio/home
	$(Q)cp -r tests/runtimes/tokio/Cargo.toml tests/runtimes/tokio/src $(@D)/tokio/
	$(Q)cd $(@D)/tokio && CARGO_HOME=$$PWD/home RUSTC=/usr/bin/rustc /usr/bin/cargo build -q --offline --release \
		--config 'source.crates-io.replace-with="debian"' \
		--config 'source.debian.directory="/usr/share/cargo/registry"'
	$(Q)cp $(@D)/tokio/target/release/tokio-forms $@

runtimes: $(RUNTIME_BIN)

workloads: $(WORKLOAD_BIN) $(PYTHON_BIN) $(OUT)/tests/pollclock.so $(OUT)/tests/gil_oracle

unit: $(UNIT_BIN)
	$(Q)for t in $(UNIT_BIN); do echo "  RUN      $$t"; $$t || exit 1; done

test: install-test
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all workloads $(UNIT_BIN)
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) tests/run

# takes minutes the first time, so it is no part of `make test`
test-freethreaded: install-test install-freethreaded
	$(Q)$(MAKE) --no-print-directory all workloads
	$(Q)python=$(if $(FREETHREADED),$(FREETHREADED),$$(tools/make-freethreaded $(FREETHREADED_DIR))) && \
		OUT=$(OUT) PYTHON=$(PYTHON) TESTS=freethreaded BB_FREETHREADED=$$python tests/run

# compilers of other languages are much to install, so it is no part of `make test`
test-runtimes: install-test install-runtimes
	$(Q)$(MAKE) --no-print-directory all runtimes
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) TESTS=runtimes tests/run

# real servers, which a machine that only builds need not have
test-services: install-test install-services
	$(Q)$(MAKE) --no-print-directory all
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) TESTS=services tests/run

# CORPUS has its options; what other runtimes are not installed is left out
corpus: install-test
	$(Q)$(MAKE) --no-print-directory all workloads
	-$(Q)$(MAKE) --no-print-directory -k runtimes
	$(Q)OUT=$(OUT) BB_BIN=$(abspath $(OUT))/boundby BB_TESTS=$(abspath $(OUT))/tests $(PYTHON) tests/corpus/run $(CORPUS)

# not part of `make test`, but for three of them: it takes minutes, and an idle machine
whatif: install-test
	$(Q)$(MAKE) --no-print-directory all workloads
	$(Q)$(PYTHON) tests/whatif/run.py

demo: install-demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) tools/demo

bench: install-test
	$(Q)$(MAKE) --no-print-directory all workloads
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) tools/bench/run

install-freethreaded:
ifneq ($(SKIP_INSTALL),1)
	$(Q)[ -n "$(FREETHREADED)" ] || tools/install-packages freethreaded
endif

install-runtimes:
ifneq ($(SKIP_INSTALL),1)
	$(Q)tools/install-packages runtimes
endif

install-services:
ifneq ($(SKIP_INSTALL),1)
	$(Q)tools/install-packages services
endif

install-build install-demo install-test:
ifneq ($(SKIP_INSTALL),1)
	$(Q)tools/install-packages build $(patsubst test,test vm,$(patsubst install-%,%,$(filter-out install-build,$@)))
endif

# ---- style

FORMAT_SRC := $(wildcard bpf/*.[ch] user/*/*.[ch] user/*.c vmlinux/*.h tests/*/*.[ch])

format:
	$(Q)clang-format -i $(FORMAT_SRC)

check-format:
	$(call msg,FORMAT,check)
	$(Q)clang-format --dry-run --Werror $(FORMAT_SRC)

# ---- install

install: $(OUT)/boundby
	install -D -m 0755 $(OUT)/boundby $(DESTDIR)$(PREFIX)/bin/boundby
	install -D -m 0644 docs/boundby.8 $(DESTDIR)$(PREFIX)/share/man/man8/boundby.8
	install -D -m 0644 docs/schema.json $(DESTDIR)$(PREFIX)/share/boundby/schema.json

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/boundby $(DESTDIR)$(PREFIX)/share/man/man8/boundby.8 \
		$(DESTDIR)$(PREFIX)/share/boundby/schema.json

clean:
	rm -rf $(OUT)
