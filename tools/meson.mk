# SPDX-License-Identifier: BSD-3-Clause
# For the makefiles of the products that Meson builds. They set TOP and BUILD first.
#
# $(MESON) KIND TARGET...            builds targets; kinds are those of tools/build
# $(call meson_test,KIND,SUITE,NAME) builds and runs the tests of a suite, and makes
#                                    build/results/NAME.tap of what they printed
export BUILD V
MESON := $(TOP)/tools/build

define meson_test
mkdir -p $(BUILD)/results; rm -f $(BUILD)/$(1)/tap/$(2)-*.tap $(BUILD)/results/$(3).tap; \
$(MESON) $(1) || exit 1; \
meson test -C $(BUILD)/$(1) --no-rebuild --suite $(2) $(MESON_TEST_ARGS) \
	$(if $(V),--verbose,--quiet --print-errorlogs) >$(BUILD)/$(1)/$(2)-test.log 2>&1 || \
	$(if $(V),,grep -E '^(not ok|#)' $(BUILD)/$(1)/tap/$(2)-*.tap | sed 's|^[^:]*:||' | head -100); \
cat $(BUILD)/$(1)/tap/$(2)-*.tap >$(BUILD)/results/$(3).tap; \
$(TOP)/tools/tally $(BUILD)/results/$(3).tap
endef
