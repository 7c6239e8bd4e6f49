# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make            build/boundby
# make demo       install what is missing, build, diagnose a sample program (root)
# make test       install what is missing, build, run all tests (root)
# make test-freethreaded  build a free-threaded Python once, run its tests (root)
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
.PHONY: all clean demo test test-freethreaded install-freethreaded unit bench install uninstall install-build install-demo install-test \
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
PURE_CAPTURE := user/capture/allowance.c user/capture/fold.c user/capture/governor.c user/capture/mem.c \
	user/capture/sysclass.c \
	$(patsubst %,user/capture/python_%.c,attr code image lines names str threads) \
	$(patsubst %,user/capture/%.c,elf maps native perf_map procfs symbols)
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(OUT)/tests/%: tests/workloads/%.c $(wildcard tests/workloads/*.h)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) $< -o $@ -pthread -lm

$(OUT)/tests/test_%: tests/unit/test_%.c $(TEST_LIB) $(PURE_SRC) $(PURE_CAPTURE) $(wildcard tests/lib/*.h) | $(GEN)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -O2,$(ALL_CFLAGS)) $(SAN) $< $(TEST_LIB) $(PURE_SRC) $(PURE_CAPTURE) -o $@ -lcmocka -ljansson -lelf -lm

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

workloads: $(WORKLOAD_BIN) $(PYTHON_BIN) $(OUT)/tests/pollclock.so $(OUT)/tests/gil_oracle

unit: $(UNIT_BIN)
	$(Q)for t in $(UNIT_BIN); do echo "  RUN      $$t"; $$t || exit 1; done

test: install-test
	$(Q)$(MAKE) --no-print-directory all workloads $(UNIT_BIN)
	$(Q)OUT=$(OUT) PYTHON=$(PYTHON) tests/run

# takes minutes the first time, so it is no part of `make test`
test-freethreaded: install-test install-freethreaded
	$(Q)$(MAKE) --no-print-directory all workloads
	$(Q)python=$(if $(FREETHREADED),$(FREETHREADED),$$(tools/make-freethreaded $(FREETHREADED_DIR))) && \
		OUT=$(OUT) PYTHON=$(PYTHON) TESTS=freethreaded BB_FREETHREADED=$$python tests/run

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
