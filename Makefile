# opsdeck: one GNU Makefile, no configure. `make help` lists the targets.
VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= gcc
CFLAGS   ?= -O2 -g
V        ?= 0
WERROR   ?= 0
SAN      ?=
COVERAGE ?=

ROOMS   := base config decode model store net poll ui app
LIBROOMS := $(filter-out app,$(ROOMS))

# ---- what is missing is installed first: `make run`, `make test` and `make` on a bare Debian 12
NEED := build
ifneq ($(filter test check check-% ci bench fuzz,$(MAKECMDGOALS)),)
NEED := build test
endif
ifneq ($(filter ci format format-check tidy lint valgrind,$(MAKECMDGOALS)),)
NEED := build test ci
endif
NO_BUILD_GOALS := help clean format format-check deps uninstall
ifneq ($(filter-out $(NO_BUILD_GOALS),$(or $(MAKECMDGOALS),all)),)
ifeq ($(shell packaging/need.sh --check $(NEED) 2>/dev/null && echo yes),)
ifneq ($(shell packaging/need.sh $(NEED) >&2 && echo yes),yes)
$(error packages are missing, see the lines above)
endif
endif
endif

# ---- flags
variant := plain
ifneq ($(SAN),)
variant := san
SANFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
ifneq ($(COVERAGE),)
variant := cov
SANFLAGS += --coverage
endif
B := build/$(variant)

PKGS      := ncursesw libcurl libcjson sqlite3 libfyaml libutf8proc expat libpcre2-8 zlib libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lpthread -lm
SIM_LIBS   := $(shell pkg-config --libs libmicrohttpd 2>/dev/null)
WARN := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wnull-dereference -Wimplicit-fallthrough
ifeq ($(WERROR),1)
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SAN)$(COVERAGE),)
HARDEN += -D_FORTIFY_SOURCE=2
LDHARD := -Wl,-z,relro,-z,now,-z,noexecstack
endif
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DOPSDECK_VERSION='"$(VERSION)"' -DOPSDECK_DATADIR='"$(PREFIX)/share/opsdeck"' \
             -DOPSDECK_BUILDTREE='"$(CURDIR)"' -Iinclude $(WARN) $(HARDEN) $(SANFLAGS) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie $(LDHARD) $(SANFLAGS) $(LDFLAGS)

ifeq ($(V),0)
Q := @
say = @printf '  %-5s %s\n' "$(1)" "$(2)"
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all
# Only the plain build is put at the top: a sanitizer build must not be installed by mistake.
ifeq ($(variant),plain)
all: opsdeck opsdeck-sim
else
all: $(B)/opsdeck $(B)/opsdeck-sim
endif

# ---- objects, one archive a room
src_of = $(sort $(wildcard src/$(1)/*.c) $(if $(filter ui,$(1)),$(wildcard src/ui/panes/*.c)) $(if $(filter poll,$(1)),$(wildcard src/poll/connectors/*.c)))
obj_of = $(patsubst %.c,$(B)/%.o,$(call src_of,$(1)))
define room_rule
$(B)/lib$(1).a: $(call obj_of,$(1))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(B)/flags: FORCE
	@mkdir -p $(B); printf '%s\n' '$(CC) $(subst ','\'',$(ALL_CFLAGS) $(ALL_LDFLAGS))' | cmp -s - $@ || printf '%s\n' '$(CC) $(subst ','\'',$(ALL_CFLAGS) $(ALL_LDFLAGS))' > $@
.PHONY: FORCE
FORCE:

$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What a room's tests and programs link: itself, then what it may include, lowest last.
link_base   := base
link_config := config base
link_decode := decode base
link_model  := model base
link_net    := net decode base
link_store  := store decode model base
link_sim    := config net decode base
link_poll   := poll net config store decode model base
link_ui     := ui config store decode model base
link_app    := app ui poll net config store decode model base
libs_of = $(patsubst %,$(B)/lib%.a,$(link_$(1)))

opsdeck: $(B)/opsdeck
	$(Q)cp --remove-destination $< $@
opsdeck-sim: $(B)/opsdeck-sim
	$(Q)cp --remove-destination $< $@
$(B)/opsdeck: $(B)/src/main.o $(call libs_of,app)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
SIM_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard src/sim/*.c)))
$(B)/opsdeck-sim: $(SIM_OBJ) $(call libs_of,sim)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS) $(PKG_LIBS)

# ---- run
.PHONY: run
run: all
	./opsdeck $(ARGS)

# ---- tests
UNIT_ROOMS := $(if $(ROOM),$(ROOM),$(ROOMS))
UNIT_SRC := $(sort $(foreach r,$(UNIT_ROOMS),$(wildcard tests/unit/$(r)/test_*.c)))
UNIT_BIN := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
define unit_rule
$(patsubst %.c,$(B)/%,$(1)): $(patsubst %.c,$(B)/%.o,$(1)) $(call libs_of,$(word 3,$(subst /, ,$(1))))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ -lcmocka $$(PKG_LIBS)
endef
$(foreach s,$(UNIT_SRC),$(eval $(call unit_rule,$(s))))
.SECONDARY:

PTY_BIN := $(B)/tests/pty/ptyterm
$(PTY_BIN): $(B)/tests/pty/ptyterm.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lvterm -lutil

# Small programs that tests and benches drive.
TOOL_BIN := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/tools/*.c)))
$(TOOL_BIN): $(B)/tests/tools/%: $(B)/tests/tools/%.o $(call libs_of,net)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Preloaded by tests: they make calls fail that do not fail by themselves.
SHIMS := $(patsubst %.c,$(B)/%.so,$(sort $(wildcard tests/shims/*.c)))
$(B)/tests/shims/%.so: tests/shims/%.c $(B)/flags
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $< -ldl

RUNNER := tests/run.sh
.PHONY: test check check-unit check-screen check-pty check-integration build-tests
build-tests: all $(UNIT_BIN) $(TOOL_BIN) $(SHIMS) $(if $(wildcard tests/pty/ptyterm.c),$(PTY_BIN))
test check: build-tests
	$(Q)B=$(B) $(RUNNER) integration pty lint unit
check-unit: $(UNIT_BIN)
	$(Q)B=$(B) $(RUNNER) unit $(addprefix room=,$(ROOM))
# The screen goldens (tests/screen/) are walked by a unit test of the ui room.
check-screen: build-tests
	$(Q)B=$(B) $(RUNNER) unit room=ui
check-pty: build-tests
	$(Q)B=$(B) $(RUNNER) pty
check-integration: build-tests
	$(Q)B=$(B) $(RUNNER) integration

# Figures, not tests: ratios against a peer or a floor of the same run.
.PHONY: bench
bench: build-tests
	$(Q)for f in tests/bench/*.py; do B=$(B) python3 $$f || exit 1; done

# ---- lint
HEADERS := $(sort $(shell find include src -name '*.h'))
SOURCES := $(sort $(shell find src tests -name '*.c'))
.PHONY: check-headers check-layers check-docs format format-check tidy lint
check-headers:
	$(Q)for h in $(HEADERS); do \
	  $(CC) $(ALL_CFLAGS) -Isrc/$$(echo $$h | cut -d/ -f2) -Werror -fsyntax-only -x c $$h || exit 1; done; echo "headers: $(words $(HEADERS)) compile alone"
check-layers:
	$(Q)tests/lint/layers.py
check-docs: all
	$(Q)tests/lint/docs.sh
format:
	$(Q)clang-format -i $(SOURCES) $(HEADERS)
format-check:
	$(Q)clang-format --dry-run -Werror $(SOURCES) $(HEADERS) && echo "format: $(words $(SOURCES) $(HEADERS)) files in style"
tidy:
	$(Q)clang-tidy --quiet $(filter src/%,$(SOURCES)) -- $(ALL_CFLAGS)
lint: check-headers check-layers check-docs format-check

# ---- install
DATA := recipes panes keymaps runbooks demo demo/answers
.PHONY: install uninstall dist clean deps help
install: all
	$(Q)packaging/install.sh install "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"
uninstall:
	$(Q)packaging/install.sh uninstall "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"
dist:
	$(Q)git archive --prefix=opsdeck-$(VERSION)/ -o opsdeck-$(VERSION).tar.gz HEAD && echo opsdeck-$(VERSION).tar.gz
clean:
	$(Q)rm -rf build opsdeck opsdeck-sim
deps:
	$(Q)packaging/need.sh build test ci
help:
	@echo "all run test (= check) bench check-unit check-screen check-pty check-integration check-headers check-layers check-docs"
	@echo "format format-check tidy lint install uninstall dist deps clean"
	@echo "variables: PREFIX DESTDIR CC CFLAGS LDFLAGS V=1 WERROR=1 SAN=address,undefined COVERAGE=1 ROOM=store (check-unit) ARGS= (run)"

-include $(shell find build -name '*.d' 2>/dev/null)
