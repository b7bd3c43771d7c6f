# lephi: one binary, one PostgreSQL. Every source file under a room is found by name; adding a file needs no change here.
#
#   make                build/lephi and build/lephi-sandbox (release)
#   make run            a working service on 127.0.0.1:8080, with everything it needs
#   make demo           one working day of a provincial centre, checked step by step
#   make test           unit, flow, audit and browser tests under ASan and UBSan
#   make lint           formatting, static analysis, floors
#   make fuzz           every fuzz target for FUZZ_SECONDS each
#   make bench          ratios against limits and peers, build/bench.json
#   make test-full      the long volumes, resumable, build/test-full.json
#   make install        binary, SQL, pages, catalogue, units, man page under DESTDIR and PREFIX

SHELL        := /bin/bash
.DELETE_ON_ERROR:

PREFIX       ?= /usr/local
DESTDIR      ?=
FUZZ_SECONDS ?= 60
CC           ?= gcc
FUZZ_CC      ?= clang

ROOMS        := core payments receipts postal reconciliation
PACKAGES     := libpq openssl expat libzip libcurl libqrencode jansson libmicrohttpd libxml-2.0 xmlsec1-openssl libpng pangocairo xlsxwriter
WARNINGS     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
                -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-unused-parameter -Wno-format-truncation
DEFINES      := -D_GNU_SOURCE -DLEPHI_VERSION='"$(shell git describe --always --dirty 2>/dev/null || echo unknown)"' \
                -DLEPHI_PREFIX='"$(PREFIX)"'
CPPFLAGS     += -I. $(DEFINES)
# xmlsec1's own pkg-config flags ask for engines and dynamic loading that we do not use.
PACKAGE_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-DXMLSEC_DL_LIBLTDL=1//')
PACKAGE_LIBS   = -Wl,--as-needed $(shell pkg-config --libs $(PACKAGES)) -lzint -lm
CFLAGS_BASE  = -std=gnu11 -pthread -fno-strict-aliasing $(WARNINGS) $(PACKAGE_CFLAGS)

# Three flavours of the same objects, each in a folder of its own.
MODE         ?= release
ifeq ($(MODE),release)
  MODE_CFLAGS := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
  OUT         := build
else ifeq ($(MODE),san)
  MODE_CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
  OUT         := build/san
else ifeq ($(MODE),tsan)
  MODE_CFLAGS := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
  OUT         := build/tsan
else ifeq ($(MODE),fuzz)
  CC          := $(FUZZ_CC)
  MODE_CFLAGS := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
                 -Wno-unknown-warning-option -Wno-format-nonliteral
  OUT         := build/fuzz
endif

LIB_SOURCES     := $(sort $(shell find $(ROOMS) -name '*.c'))
APP_SOURCES     := $(sort $(shell find app -name '*.c'))
SANDBOX_SOURCES := $(sort $(shell find tests/sandbox -name '*.c' 2>/dev/null))
FLOW_SOURCES    := $(sort $(shell find tests/support -name '*.c' 2>/dev/null))
UNIT_TESTS      := $(sort $(shell find tests/unit -name '*_test.c' 2>/dev/null))
FLOW_TESTS      := $(sort $(shell find tests/flow tests/audit -name '*_test.c' 2>/dev/null))
FUZZ_TARGETS    := $(sort $(shell find tests/fuzz -name '*_fuzz.c' 2>/dev/null))
BENCHES         := $(sort $(shell find tests/bench -name '*_bench.c' 2>/dev/null))
DEMO_SOURCES    := $(sort $(shell find tests/demo -name '*.c' 2>/dev/null))

LIB_OBJECTS     := $(LIB_SOURCES:%.c=$(OUT)/obj/%.o)
APP_OBJECTS     := $(APP_SOURCES:%.c=$(OUT)/obj/%.o)
SANDBOX_OBJECTS := $(SANDBOX_SOURCES:%.c=$(OUT)/obj/%.o)
SUPPORT_OBJECTS := $(FLOW_SOURCES:%.c=$(OUT)/obj/%.o)
DEMO_OBJECTS    := $(DEMO_SOURCES:%.c=$(OUT)/obj/%.o)
UNIT_PROGRAMS   := $(UNIT_TESTS:tests/%.c=$(OUT)/tests/%)
FLOW_PROGRAMS   := $(FLOW_TESTS:tests/%.c=$(OUT)/tests/%)
FUZZ_PROGRAMS   := $(FUZZ_TARGETS:tests/%.c=$(OUT)/tests/%)
BENCH_PROGRAMS  := $(BENCHES:tests/%.c=$(OUT)/tests/%)

.PHONY: all run demo test test-full bench lint fuzz install clean packages packages-test binaries unit-programs \
        flow-programs fuzz-programs bench-programs check-unit format

all: binaries

binaries: $(OUT)/lephi $(if $(SANDBOX_SOURCES),$(OUT)/lephi-sandbox) $(if $(DEMO_SOURCES),$(OUT)/lephi-demo)

$(OUT)/liblephi.a: $(LIB_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(OUT)/lephi: $(APP_OBJECTS) $(OUT)/liblephi.a
	@echo "  link  $@"
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# The sandbox plays the outside world and shares only the rooms' public headers; it is never linked into lephi.
$(OUT)/lephi-sandbox: $(SANDBOX_OBJECTS) $(OUT)/liblephi.a
	@echo "  link  $@"
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(OUT)/lephi-demo: $(DEMO_OBJECTS) $(SUPPORT_OBJECTS) $(OUT)/liblephi.a
	@echo "  link  $@"
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS_BASE) $(MODE_CFLAGS) -MMD -MP -c -o $@ $<

# The profiles of bank exports are built in as they stand (.incbin).
$(OUT)/obj/reconciliation/table/profile.o: $(wildcard reconciliation/profiles/*.csv)

$(OUT)/tests/%_test: $(OUT)/obj/tests/%_test.o $(SUPPORT_OBJECTS) $(OUT)/liblephi.a
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -o $@ $^ -lcmocka $(PACKAGE_LIBS)

$(OUT)/tests/%_bench: $(OUT)/obj/tests/%_bench.o $(SUPPORT_OBJECTS) $(OUT)/liblephi.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(OUT)/tests/%_fuzz: $(OUT)/obj/tests/%_fuzz.o $(OUT)/liblephi.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_BASE) $(MODE_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(PACKAGE_LIBS)

unit-programs: $(UNIT_PROGRAMS)
flow-programs: $(FLOW_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)
bench-programs: $(BENCH_PROGRAMS)

# Unit tests alone, for the developer's loop (make check-unit MODE=san).
check-unit: unit-programs
	@fail=0; for t in $(UNIT_PROGRAMS); do ./$$t >$(OUT)/unit.log 2>&1 || { fail=1; cat $(OUT)/unit.log; }; done; exit $$fail

packages:
	@bash app/run/packages.sh run
packages-test:
	@bash app/run/packages.sh test

run: packages
	@$(MAKE) --no-print-directory binaries
	@exec bash app/run/run.sh serve

demo: packages-test
	@$(MAKE) --no-print-directory binaries
	@exec bash app/run/run.sh demo

test: packages-test
	@exec bash tests/run.sh

test-full: packages-test
	@exec bash tests/run-full.sh

bench: packages-test
	@$(MAKE) --no-print-directory binaries bench-programs
	@exec bash tests/bench/run.sh

lint:
	@bash tests/lint/run.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

fuzz: packages-test
	@$(MAKE) --no-print-directory MODE=fuzz fuzz-programs
	@exec bash tests/fuzz/run.sh $(FUZZ_SECONDS)

install: all
	@bash app/packaging/install.sh "$(OUT)" "$(DESTDIR)$(PREFIX)"

clean:
	rm -rf build

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
