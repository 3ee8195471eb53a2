# SPDX-License-Identifier: BSD-3-Clause
# CAEC: what a person types. Every target makes what it needs and runs inside the Debian 13
# environment by itself (env/run); the work is in scripts and sub-makes, so this file stays thin.

ifneq ($(words $(CURDIR)),1)
$(error make cannot work below a folder with a space in its name: move this checkout)
endif

SHELL := /bin/bash
BUILD := $(CURDIR)/build
IN    := env/run
CSM   ?= on
# Two lanes of about the same time for two CPUs.
UNITS := tests/unit tests/fuzz tests/random user
TOOLS := vmm verifier
# $(call parts,FOLDER...): the checks of these folders, one after the other; status 1 if one fails.
parts = bad=0; for part in $(1); do $(IN) $(MAKE) --no-print-directory -C $$part check || bad=1; done; exit $$bad
export BUILD CSM DESTDIR PREFIX

.DEFAULT_GOAL := help
.PHONY: help site pictures release apps demo demo-test shell host-shell shell-test packages realm-image env env-test firmware verifier unit proof host guest system-test target-test bench-rmm model lint quick test test-long random-long csm-long fuzz-long verifier-long sharing-test install clean distclean

help: ## list the targets
	@echo "CAEC targets:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

env: ## make the Debian 13 environment (once; cached outside the checkout)
	@env/make

firmware: ## build rmm.img, its ELF and the flash images; print text/data/bss
	@$(IN) $(MAKE) --no-print-directory -C rmm firmware

verifier: ## cca-verify and cca-measure, into build/native/verifier
	@$(IN) $(MAKE) --no-print-directory -C verifier

env-test: ## env/make and env/run when things go wrong, with stand-ins for what downloads
	@$(IN) true || exit; tests/env/check

unit: ## firmware, VMM, verifier and library sources on x86-64: unit tests under sanitizers
	@$(IN) true || exit; bad=0; tools/beside '$(call parts,$(UNITS))' '$(call parts,$(TOOLS))' || bad=1; \
	shopt -s nullglob; tools/tally $(BUILD)/results/{unit,fuzz,random,verifier,layout,vmm,user}*.tap; exit $$bad

proof: ## bounded proofs of firmware sources (CBMC)
	@$(IN) $(MAKE) --no-print-directory -C tests/cbmc check

target-test: ## firmware with a bare-metal host and realms in QEMU
	@$(IN) $(MAKE) --no-print-directory -C tests/target check

host: ## host module, rvm: build/linux/host/caec_host.ko, build/arm64/vmm/rvm
	@$(IN) $(MAKE) --no-print-directory -C linux/host modules
	@$(IN) $(MAKE) --no-print-directory -C vmm rvm

guest: ## guest module, libcsm, csmctl: build/linux/guest/caec_guest.ko, build/arm64/user, build/native/user
	@$(IN) $(MAKE) --no-print-directory -C linux/guest modules
	@$(IN) $(MAKE) --no-print-directory -C user all

system-test: ## whole stack: stock Linux host and realms in QEMU; guest module on a stock kernel
	@$(IN) true || exit; $(call parts,linux/guest/tests tests/system)

demo: ## the main job, shown: two realms attest each other and share memory [FILE=path] [TAMPER=1]
	@$(if $(FILE),mkdir -p "$(BUILD)/demo" && cp -- "$(FILE)" "$(BUILD)/demo/file",:)
	@$(IN) $(MAKE) --no-print-directory -C demo run $(if $(TAMPER),TAMPER=1)

demo-test: ## the demonstration and its tampered variant, as tests
	@$(IN) $(MAKE) --no-print-directory -C demo check

shell: ## a terminal on the emulated host, with two realms that run; the checkout is in all of them
	@$(IN) $(MAKE) --no-print-directory -C demo shell

host-shell: ## the same without realms
	@$(IN) $(MAKE) --no-print-directory -C demo shell HOST_ONLY=1

shell-test: ## make shell, driven by a test: prompts and commands in host and realm, and its end
	@$(IN) $(MAKE) --no-print-directory -C demo shell-check

realm-image: ## a realm's initramfs of Debian packages: NAME=... PACKAGES="..." -> build/realm/NAME.cpio.zst
	@[[ "$(NAME)" =~ ^[A-Za-z0-9_.-]+$$ ]] || { echo "make realm-image needs NAME=... and PACKAGES=..." >&2; exit 2; }
	@$(IN) true || exit; root=$$(env/realm-root $(PACKAGES)) && \
		$(IN) $(MAKE) --no-print-directory -C demo realm-image NAME=$(NAME) ROOT=$$root

APPS_SERVER := redis-server nginx openssh-server openssl python3 socat sqlite3
APPS_CLIENT := redis-tools curl openssh-client python3 socat sqlite3
APPS_RUNNER := --suite sid llama.cpp-tools
apps: ## unmodified programs of Debian in two realms; LLM=1: in three, with llama.cpp of sid
	@$(IN) true || exit; server=$$(env/realm-root $(APPS_SERVER)) && client=$$(env/realm-root $(APPS_CLIENT)) && \
		runner=$(if $(LLM),$$(env/realm-root $(APPS_RUNNER))) && $(IN) $(MAKE) --no-print-directory -C demo apps \
		SERVER=$$server CLIENT=$$client RUNNER=$$runner

bench-rmm: ## instructions of every command at R-EL2, as a table and build/results/bench-rmm.json
	@$(IN) $(MAKE) --no-print-directory -C bench rmm

model: ## Promela model of the locks and lifetimes of CSM, checked with spin
	@$(IN) $(MAKE) --no-print-directory -C tests/model check

lint: ## format, include direction, size budgets, condition ids, references, headers alone
	@$(IN) tools/lint

quick: ## what a change of the firmware needs: lint, unit, target-test; minutes
	@tools/run-tests lint unit target-test

test: ## all of the above; ends with "N passed, N failed"
	@tools/run-tests env-test lint unit proof target-test system-test demo-test model

random-long: # a million random calls, against a model
	@$(IN) $(MAKE) --no-print-directory -C tests/random long

csm-long: # a million random acts of realms that share memory, beside a model
	@$(IN) $(MAKE) --no-print-directory -C tests/unit long

fuzz-long: # twenty minutes of fuzzing
	@$(IN) $(MAKE) --no-print-directory -C tests/fuzz long

verifier-long: # the verifier's tests and a longer fuzzing run
	@$(IN) $(MAKE) --no-print-directory -C verifier check-long

sharing-test: ## of system-test, only what two stock realms share
	@$(IN) $(MAKE) --no-print-directory -C tests/system check ONLY=csm

test-long: ## make shell, long random and fuzzing runs; 40 minutes; ends with "N passed, N failed"
	@tools/run-tests shell-test random-long csm-long verifier-long fuzz-long

install: ## all for this machine [DESTDIR=] [PREFIX=/usr/local] [PARTS="user firmware modules docs"]
	@$(IN) tools/install $(PARTS)

packages: ## Debian packages for amd64 and arm64, checked with lintian: build/packages/*.deb
	@CAEC_ENV=packaging $(IN) tools/packages

pictures: ## docs/pictures/*.svg from their sources (Graphviz)
	@CAEC_ENV=packaging $(IN) tools/pictures

site: ## documents and manual pages as HTML: build/site/index.html; fails if a link leads nowhere
	@CAEC_ENV=packaging $(IN) tools/pictures --check
	@CAEC_ENV=packaging $(IN) tools/site

release: ## of the last commit: tarball, SBOM and checksums in build/release
	@$(IN) tools/release

clean: ## remove build results
	@rm -rf "$(BUILD)"

distclean: clean ## remove build results and the cached environment
	@env/remove
