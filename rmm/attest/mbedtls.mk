# SPDX-License-Identifier: BSD-3-Clause
# The part of Mbed TLS that attest/ uses, from Debian's source package as it is. For a Makefile that
# has set OUT, CC, TOP and MBEDTLS_CFLAGS (code generation only); gives it MBEDTLS_OBJECTS, and
# MBEDTLS_INCLUDE for the files of attest/.

MBEDTLS := /usr/src/caec/mbedtls
MBEDTLS_NAMES := asn1parse asn1write bignum bignum_core constant_time ecdsa ecp ecp_curves \
	hmac_drbg md platform platform_util psa_crypto psa_crypto_client \
	psa_crypto_driver_wrappers_no_static psa_crypto_ecp psa_crypto_hash \
	psa_crypto_mac psa_crypto_rsa psa_crypto_slot_management psa_util sha256 sha512
MBEDTLS_OBJECTS := $(MBEDTLS_NAMES:%=$(OUT)/obj/mbedtls/%.o)
MBEDTLS_INCLUDE := -isystem $(MBEDTLS)/include -DMBEDTLS_CONFIG_FILE='"attest/mbedtls_config.h"'

# Not our code: the warnings that hold for the rest of the tree are not asked for here.
$(OUT)/obj/mbedtls/%.o: $(MBEDTLS)/library/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@$(CC) $(MBEDTLS_CFLAGS) -w $(MBEDTLS_INCLUDE) -I$(MBEDTLS)/library -I$(TOP)/rmm \
		-I$(TOP)/rmm/arch/include -MMD -MP -MT $@ -c $< -o $@
