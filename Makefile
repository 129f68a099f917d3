# diffc: build, test, install. `make help` lists the targets.
# MODE=release|debug|asan|fuzz, BLAS=openblas|blis|accelerate|mkl|netlib|none, OPENMP=no for one thread,
# MPI=1 builds for several machines, into build/mpi (MPICC=mpicc.mpich: by another MPI, into build/mpicc.mpich), V=1 shows commands, WERROR=1 makes warnings errors,
# NO_SKIP=1 makes skipped tests failures. All CPUs are used unless -j says otherwise.

MODE    ?= release
CC      ?= cc
PREFIX  ?= /usr/local
# MPI=1: with MPI, whose compiler wrapper is MPICC and whose launcher is beside it; programs of each have a folder of their own.
MPI     ?=
MPICC   ?= mpicc
MPIRUN  ?= $(subst mpicc,mpirun,$(MPICC))
MPI_DIR := $(if $(filter mpicc,$(MPICC)),mpi,$(notdir $(MPICC)))
BUILD   ?= $(if $(MPI),build/$(MPI_DIR),build)
OUT     := $(BUILD)/$(MODE)
PKGS    := libcjson stb zlib
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
# The library of the level "blas": openblas, blis, accelerate, mkl, netlib, none, or linker flags. It is
# loaded when that level is chosen (src/math/product_blas.c); the build only asks for its name.
BLAS    ?= $(if $(findstring darwin,$(MACHINE)),accelerate,openblas)

ifeq (,$(filter release debug asan fuzz,$(MODE)))
$(error MODE is '$(MODE)'; it must be release, debug, asan or fuzz)
endif

# Open MPI, MPICH and those made of them show what their wrapper adds: "gcc -I... -L... -lmpi".
MPI_FLAGS := $(if $(MPI),$(wordlist 2,1000,$(shell $(MPICC) -show 2>/dev/null)))

SYSTEM := $(shell uname -s)
# Apple's clang takes OpenMP from brew's libomp; without it the program has one thread and says so.
ifeq ($(SYSTEM),Darwin)
LIBOMP := $(wildcard $(shell brew --prefix libomp 2>/dev/null))
OPENMP ?= $(if $(findstring clang,$(shell $(CC) --version)),$(if $(LIBOMP),libomp,no))
endif
OPENMP_CFLAGS := $(if $(filter no,$(OPENMP)),-Wno-unknown-pragmas -Wno-unused,$(if \
    $(filter libomp,$(OPENMP)),-Xpreprocessor -fopenmp -I$(LIBOMP)/include,-fopenmp))
OPENMP_LIBS   := $(if $(filter no,$(OPENMP)),,$(if \
    $(filter libomp,$(OPENMP)),-L$(LIBOMP)/lib -lomp,-fopenmp))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wdouble-promotion $(if $(WERROR),-Werror)
# Never -ffast-math: it removes the NaN checks. Multiply-adds are fused only where the source says so
# (lanes_fma in src/math/vec_simd.h), so results do not depend on what a compiler contracts.
FP           := -fno-math-errno -ffp-contract=off
# One set of objects for the program and the shared library, which exports what include/diffc.h marks.
PIC          := -fPIC -fvisibility=hidden
OPT.release  := -O3 -g
OPT.debug    := -O0 -g3 -DDIFFC_CHECKS
OPT.asan     := -O1 -g -DDIFFC_CHECKS -DDIFFC_SANITIZED -fno-omit-frame-pointer \
                -fsanitize=address,undefined -fno-sanitize-recover=all
OPT.fuzz     := $(OPT.asan) -fsanitize=fuzzer-no-link

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs libcjson zlib 2>/dev/null) $(filter-out -I% -D%,$(MPI_FLAGS))
ALL_CFLAGS  = -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -D_DARWIN_C_SOURCE -Isrc -Iinclude $(if $(findstring tests/,$<),-Itests) $(WARN) $(FP) $(PIC) $(OPT.$(MODE)) \
              $(OPENMP_CFLAGS) -MMD -MP $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS    = $(OPT.$(MODE)) $(OPENMP_LIBS) $(LDFLAGS) $(PKG_LIBS) -ldl -lm

# Files whose name ends in _simd.c are compiled once per instruction set, with SIMD_LEVEL set; the
# level is chosen at run time (src/math/vec.h).
ifneq (,$(findstring x86_64,$(MACHINE)))
LEVELS := plain avx2 avx512
endif
LEVELS       ?= plain
SIMD.plain   := -DSIMD_LEVEL=plain
SIMD.avx2    := -DSIMD_LEVEL=avx2 -mavx2 -mfma
SIMD.avx512  := -DSIMD_LEVEL=avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma \
                -mprefer-vector-width=512
LEVEL_FLAGS  := $(if $(filter avx512,$(LEVELS)),-DSIMD_X86)

SIMD_SRC := $(wildcard src/*/*_simd.c)
# ROOMS: some of the folders of src alone, for tests that need no more.
SRC      := $(filter-out $(SIMD_SRC),$(foreach room,$(or $(ROOMS),*),$(wildcard src/$(room)/*.c src/$(room)/*/*.c)))
LIB_OBJ  := $(patsubst %.c,$(OUT)/%.o,$(filter-out src/cli/main.c,$(SRC))) \
            $(foreach l,$(LEVELS),$(patsubst %.c,$(OUT)/%.$(l).o,$(SIMD_SRC)))
TESTS    := $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/*/test_*.c))
TEST_OBJ := $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/*.c))
REPLAYS  := $(patsubst tests/fuzz/%.c,$(OUT)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

Q := $(if $(V),,@)
FAULTS   := $(addprefix $(OUT)/,$(patsubst %.c,%,$(wildcard tests/faults/sweep.c)) \
                               $(patsubst %.c,%.so,$(wildcard tests/faults/faults.c)))

.PHONY: all demo test check faults fuzz bench lint deps install uninstall clean help tests needs
.SECONDARY:

# All CPUs; a -j of the command line or of a calling make wins. Several goals are made one after the
# other (demo and test would build the same files at once), except those that only build.
ifeq (0,$(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)))
MAKEFLAGS += -j$(or $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null),1)
endif
ifneq (,$(if $(filter-out all tests,$(MAKECMDGOALS)),$(word 2,$(MAKECMDGOALS))))
.NOTPARALLEL:
endif
# A line a file, unless -s or V=1; the end of a build is said when it was asked for by itself.
SILENT := $(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))
say     = $(if $(SILENT)$(V),@:,@printf '  %-5s %s\n' $(1) '$(2)')
PROGRAM = $(if $(filter release,$(MODE)),$(BUILD),$(OUT))/diffc
ALONE   = $(if $(SILENT)$(filter-out 0,$(MAKELEVEL))$(filter-out all,$(MAKECMDGOALS)),,yes)

all: $(OUT)/diffc ## Build diffc (build/release/diffc, linked as ./build/diffc)
	@$(if $(ALONE),echo "$(PROGRAM) is up to date; 'make install' puts it on the PATH and 'make help' lists the rest",:)

# What the build cannot do without is looked for before the first file is compiled.
needs:
	@CC='$(CC)' BLAS='$(BLAS)' MPICC='$(if $(MPI),$(MPICC))' OPENMP='$(OPENMP_CFLAGS)' .ci/deps.sh --check

$(OUT)/diffc: $(OUT)/src/cli/main.o $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)
	$(Q)[ $(MODE) != release ] || ln -sf release/diffc $(BUILD)/diffc

# The library is one object: of src/api and what it calls, with no other symbol to be seen.
ifeq ($(SYSTEM),Darwin)
SHARED       := libdiffc.0.dylib
SHARED_FLAGS := -dynamiclib -install_name $(PREFIX)/lib/$(SHARED)
else
SHARED       := libdiffc.so.0
SHARED_FLAGS := -shared -Wl,-soname,$(SHARED) -Wl,-z,defs -Wl,--as-needed
endif
LIBRARY := $(OUT)/libdiffc.a $(OUT)/$(SHARED)
$(OUT)/libdiffc.o: $(LIB_OBJ)
	$(Q)rm -f $(OUT)/all.a && ar rc $(OUT)/all.a $^
	$(Q)$(CC) -r -nostdlib -o $@ $(filter $(OUT)/src/api/%,$^) $(OUT)/all.a
	$(Q)! command -v objcopy >/dev/null || objcopy --localize-hidden $@
	$(Q)rm $(OUT)/all.a

$(OUT)/libdiffc.a: $(OUT)/libdiffc.o
	$(call say,link,$@)
	$(Q)rm -f $@ && ar rcs $@ $<

$(OUT)/$(SHARED): $(OUT)/libdiffc.o
	$(call say,link,$@)
	$(Q)$(CC) $(SHARED_FLAGS) -o $@ $< $(ALL_LIBS)

# The name of the BLAS in a file that BLAS=... names, so that another choice is another file.
BLAS_FILE := $(OUT)/blas/$(subst /,+,$(subst $() ,+,$(BLAS)))
$(BLAS_FILE): .ci/blas.sh | needs
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)CC='$(CC)' LDFLAGS='$(LDFLAGS)' .ci/blas.sh '$(BLAS)' >$@ || { rm -f $@; exit 1; }

$(OUT)/%.o: %.c Makefile | needs $(BLAS_FILE)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(LEVEL_FLAGS) -c $< -o $@

# stb's plain inverse transform (what it has on arm64) overflows on hostile coefficients that are valid
# one by one: let it wrap. The gate before it (src/data/image_gate.h) excludes the rest.
$(OUT)/src/data/image.o: FP += -fwrapv

$(OUT)/src/base/world_mpi.o: FP += $(if $(MPI),-DDIFFC_MPI $(filter -I% -D%,$(MPI_FLAGS)))

$(OUT)/src/math/product_blas.o: $(BLAS_FILE)
$(OUT)/src/math/product_blas.o: FP += -DBLAS_LIBRARY='"$(shell cat $(BLAS_FILE))"'

define SIMD_RULE
$$(OUT)/%_simd.$(1).o: %_simd.c Makefile | needs $(BLAS_FILE)
	@mkdir -p $$(@D)
	$$(call say,cc,$$< for $(1))
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(SIMD.$(1)) -c $$< -o $$@
endef
$(foreach l,$(LEVELS),$(eval $(call SIMD_RULE,$(l))))

# A test takes of these what it calls.
$(OUT)/tests/helpers.a: $(TEST_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(TESTS): %: %.o $(OUT)/tests/helpers.a $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

# A file for tests/mpi/share.sh.
$(OUT)/tests/mpi/write_inception: $(OUT)/tests/mpi/write_inception.o $(OUT)/tests/helpers.a $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

$(OUT)/tests/suites/verdicts: $(OUT)/tests/suites/verdicts.o $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

# The fuzz targets on their seeds, as ordinary tests.
$(OUT)/tests/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(OUT)/tests/fuzz/replay.o $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ -fsanitize=fuzzer $(ALL_LIBS)

# The sweep of faults and the library that it preloads; never with a sanitizer of their own.
TOOL_FLAGS := -std=c11 -D_DEFAULT_SOURCE $(WARN) -O1 -g
$(OUT)/tests/faults/sweep: $(wildcard $(addprefix tests/faults/,s*.[ch] judge.[ch]))
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(TOOL_FLAGS) -o $@ $(filter %.c,$^)

$(OUT)/tests/faults/faults.so: $(wildcard tests/faults/faults.c tests/faults/unsynced.[ch])
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(TOOL_FLAGS) -fPIC -shared -o $@ $(filter %.c,$^) -ldl

tests: $(TESTS) $(REPLAYS) $(FAULTS)
	@:

demo: ## Install what is missing, build, train on Fashion-MNIST for five minutes, write grid.png
	$(Q)CC='$(CC)' BLAS='$(BLAS)' .ci/deps.sh dataset-fashion-mnist
	$(Q)$(MAKE) --no-print-directory all
	$(Q)PROGRAM='$(PROGRAM)' .ci/demo.sh

test: ## Build and run every test
	$(Q)CC='$(CC)' BLAS='$(BLAS)' .ci/deps.sh --optional dataset-fashion-mnist
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)tests/run.sh $(if $(NO_SKIP),--no-skip) $(OUT)

test-levels: ## Every test at every level of this machine: plain, avx2, avx512, blas
	$(Q)CC='$(CC)' BLAS='$(BLAS)' .ci/deps.sh --optional dataset-fashion-mnist
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)failed=0; for level in plain avx2 avx512 blas; do \
		echo "== $$level"; tests/run.sh --level $$level $(OUT) || failed=1; done; exit $$failed
.PHONY: test-levels

check: ## The tests under the sanitizers, and third-party suites in SUITES=FOLDER
	$(Q)$(MAKE) --no-print-directory MODE=asan all tests
	$(Q)tests/run.sh --faults 20 $(if $(NO_SKIP),--no-skip) $(BUILD)/asan
	$(Q)[ -z '$(SUITES)' ] || { $(MAKE) --no-print-directory MODE=asan $(BUILD)/asan/tests/suites/verdicts && \
		tests/suites/run.sh $(BUILD)/asan '$(SUITES)'; }

test-mpi: ## Several processes by mpirun train and sample to the same bits, and survive faults (MPICC=mpicc.mpich: by MPICH)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory MPI=1 BUILD=$(BUILD)/$(MPI_DIR) all $(addprefix $(BUILD)/$(MPI_DIR)/$(MODE)/tests/,base/test_world mpi/write_inception)
	$(Q)MPIRUN='$(MPIRUN)' tests/mpi.sh $(BUILD)/$(MPI_DIR)/$(MODE)/diffc $(OUT)/diffc
	$(Q)MPIRUN='$(MPIRUN)' tests/mpi/share.sh $(BUILD)/$(MPI_DIR)/$(MODE)/diffc $(OUT)/diffc $(BUILD)/$(MPI_DIR)/$(MODE)/tests/mpi/write_inception
.PHONY: test-mpi

check-arm64: ## Build for arm64 and run its tests under qemu (tests/arm64.sh)
	$(Q)tests/arm64.sh
.PHONY: check-arm64

check-musl: ## Build for musl, without OpenMP and BLAS, and run the tests of math and ops (Debian's musl-tools)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/musl CC=$(if $(filter cc,$(CC)),musl-gcc,'$(CC)') OPENMP=no BLAS=none \
		LDFLAGS=-static ROOMS='base math ops' PKG_LIBS= musl-tests
MUSL_TESTS := $(filter $(foreach room,math ops,$(OUT)/tests/$(room)/%),$(TESTS))
musl-tests: $(MUSL_TESTS)
	$(Q)for test in $^; do printf '%s: ' $$(basename $$test) && DIFFC_CPU=plain $$test >$$test.log 2>&1; status=$$?; \
		tail -n 1 $$test.log; [ $$status = 0 ] || { cat $$test.log; failed=1; }; done; [ -z "$$failed" ]
.PHONY: check-musl musl-tests

faults: all $(FAULTS) ## Every file call and every allocation of every command fails once (tests/faults), ten minutes
	$(Q)$(OUT)/tests/faults/sweep $(OUT)/diffc $(OUT)/tests/faults/faults.so

fuzz: ## Build the fuzz targets with clang and run each for FUZZ_SECONDS (default 60)
	$(Q)$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzzers
	$(Q)tests/fuzz/run.sh $(BUILD)/fuzz $(or $(FUZZ_SECONDS),60)
.PHONY: fuzzers
fuzzers: $(FUZZERS)

bench: all $(OUT)/tests/bench/sgemm_bench ## Measure training and sampling speed, ten minutes (BUDGET seconds); build/bench.md
	$(Q)tests/bench/bench.sh

$(OUT)/tests/bench/sgemm_bench: PKG_LIBS += $(shell pkg-config --libs openblas 2>/dev/null)

bench-conv: $(OUT)/tests/bench/conv_bench ## Measure the 3x3 convolution layer by layer
	$(Q)$<
.PHONY: bench-conv

$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(LIB_OBJ)
	$(call say,link,$@)
	$(Q)$(CC) -o $@ $^ $(ALL_LIBS)

lint: ## Include directions, formatting, warnings of gcc and clang, headers alone
	$(Q)tests/lint.sh

deps: ## Install the packages diffc needs (apt), or name them
	$(Q)CC='$(CC)' BLAS='$(BLAS)' MPICC='$(if $(MPI),$(MPICC))' .ci/deps.sh --install dataset-fashion-mnist

install: all $(LIBRARY) ## Install program, library and header to PREFIX (default /usr/local), DESTDIR is respected
	$(Q)SHARED=$(SHARED) OPENMP_LIBS='$(OPENMP_LIBS)' .ci/install.sh install "$(OUT)" "$(PREFIX)" "$(DESTDIR)"

uninstall: ## Remove what install put there
	$(Q)SHARED=$(SHARED) OPENMP_LIBS='$(OPENMP_LIBS)' .ci/install.sh uninstall "$(OUT)" "$(PREFIX)" "$(DESTDIR)"

clean: ## Remove build/
	rm -rf $(BUILD)

help: ## This list, and what can be set
	@sed -n '2,/^$$/s/^# //p' Makefile
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
