# SPDX-License-Identifier: BSD-3-Clause
# The firmware's portable sources on the simulated machine, as one archive. For a Makefile that has
# set BUILD, TOP, KIND and OUT; gives it HOST_LIBRARY, CC, CFLAGS, LIBRARIES, SANITIZER_OPTIONS.
#
# KIND: asan, clang (address and undefined behaviour sanitizers), tsan, fuzz (clang, with coverage
# for libFuzzer)

CC_asan  := gcc
CC_clang := clang
CC_tsan  := gcc
CC_fuzz  := clang
CC       := $(CC_$(KIND))

CHECKS_asan  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CHECKS_clang := $(CHECKS_asan)
CHECKS_tsan  := -fsanitize=thread -fno-omit-frame-pointer
CHECKS_fuzz  := $(CHECKS_asan)
COVERAGE     := $(if $(filter fuzz,$(KIND)),-fsanitize=fuzzer-no-link)

SANITIZER_OPTIONS := ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=halt_on_error=1
LIBRARIES := -lpthread
# Each program takes the whole archive, so linking is a good part of a build: the fastest linker.
LINK := -fuse-ld=lld

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
	-Wwrite-strings
CFLAGS = -std=gnu11 -O1 -g -ffile-prefix-map=$(TOP)=. -fno-common -DABI_COMMANDS_CSM_RMI -DABI_COMMANDS_CSM_RSI $(CHECKS_$(KIND)) $(WARNINGS) $(CFLAGS_$(CC_$(KIND))) \
	-I$(TOP)/rmm -I$(TOP)/rmm/arch/include -I$(TOP)/rmm/arch/host/inline -I$(TOP)/tests -I$(TOP)
# What a test changes inside MACHINE_STOP_OF() it does not use afterwards; gcc sees only setjmp().
CFLAGS_gcc   := -Wno-clobbered
CFLAGS_clang := -Wno-gnu-zero-variadic-macro-arguments

# The checkers of the machine must not order what the RMM leaves unordered: not for the thread sanitizer.
PLAIN_CHECKS := $(if $(filter tsan,$(KIND)),,$(CHECKS_$(KIND)))

RMM_FOLDERS    := base feat granule map s2 realm rec csm attest cmd core
RMM_SOURCES    := $(sort $(filter-out %/csm/off.c,$(wildcard $(RMM_FOLDERS:%=$(TOP)/rmm/%/*.c))))
HOST_SOURCES   := $(RMM_SOURCES) $(sort $(wildcard $(TOP)/rmm/arch/host/*.c $(TOP)/tests/sim/*.c))
HOST_OBJECTS   := $(HOST_SOURCES:$(TOP)/%.c=$(OUT)/obj/%.o)
HOST_LIBRARY   := $(OUT)/world.a

MBEDTLS_CFLAGS := -std=gnu11 -O1 -g -ffile-prefix-map=$(TOP)=.
include $(TOP)/rmm/attest/mbedtls.mk
$(OUT)/obj/rmm/attest/%.o: CFLAGS += $(MBEDTLS_INCLUDE)

$(HOST_LIBRARY): $(HOST_OBJECTS) $(MBEDTLS_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(OUT)/obj/rmm/arch/host/%.o: $(TOP)/rmm/arch/host/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC   rmm/arch/host/$*.c ($(KIND))"
	@$(CC) $(if $(filter copy,$*),$(CFLAGS),$(filter-out $(CHECKS_tsan),$(CFLAGS))) -MMD -MP -MT $@ -c $< -o $@

$(OUT)/obj/rmm/%.o: $(TOP)/rmm/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC   rmm/$*.c ($(KIND))"
	@$(CC) $(CFLAGS) $(COVERAGE) -Wconversion -MMD -MP -MT $@ -c $< -o $@

$(OUT)/obj/tests/sim/%.o: $(TOP)/tests/sim/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC   tests/sim/$*.c ($(KIND))"
	@$(CC) $(CFLAGS) -MMD -MP -MT $@ -c $< -o $@

.PHONY: force
$(OUT)/flags: force
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS) $(COVERAGE)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(COVERAGE)' > $@

-include $(HOST_OBJECTS:.o=.d) $(MBEDTLS_OBJECTS:.o=.d)
