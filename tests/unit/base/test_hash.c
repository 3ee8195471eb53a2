// SPDX-License-Identifier: BSD-3-Clause
/* SHA-256 and SHA-512 of messages around every edge of the padding. */
#include <stdio.h>

#include "base/hash.h"
#include "unit.h"

#define MESSAGE_MAX 5001U

struct vector {
	size_t size; /* of a message whose byte i is 7 * i + size */
	const char *sha_256;
	const char *sha_512;
};

/* Made with another implementation: Python's hashlib. */
static const struct vector vectors[] = {
	{0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	{1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
	 "7b54b66836c1fbdd13d2441d9e1434dc62ca677fb68f5fe66a464baadecdbd00"
	 "576f8d6b5ac3bcc80844b7d50b1cc6603444bbe7cfcf8fc0aa1ee3c636d9e339"},
	{3, "6ab0dba1f4f1dfbb37b4f9eeb092c09fca4900ad32bdcd147d8dde35d6c87c35",
	 "8853167ab14c043919981a6409307ef68b5b726f4b80dcab259daa24b7cabcb8"
	 "b4bbfd3e2e36ed98465059661f672e6529cdcc673e7eabfa78dd3186745b112a"},
	{55, "81afe5b788dc2ce138ff83d9b20164db75a94d75d2b2432eea4a0ef605088c72",
	 "19910fbb344bf57448fff9ee9a58106f31e23a8a339aa91f8c31e8efd180595f"
	 "6aea94cf4abb7262b5d93e3d70efc38703ccc204e3a3b95faa54c503aceb3f62"},
	{56, "2aba54f0ac632420a2b502431408866e40e1d5e430df4cd822642c78ab2eb9c1",
	 "87fffcf68777e021d6068baeb18a877d98dd19c758435d1964f96d26865a0006"
	 "0a0f4493381d59414f483f38e72aaa8fc364fd0605a2aea92c709861e28b43c9"},
	{63, "733d3d4ee79ee67145bf73da13588f6f235d37414fc64b14a2f00f1762792f5e",
	 "a2df1363c3caa5f2744cb66cd03885632cd6fe8e8c9272976761c7eb2b0f4382"
	 "47a201902914ec616b3b38352efe6c3457a0e90b8e62ebf8ab99f9d92b8fb4db"},
	{64, "79322907b3e9d013d7dc2c2f256674dbf733045cde01df3539271c6f5605feb8",
	 "afba2b1a4441b2333a7f48688f7a6e3839312024bad590da5237c383821c3a9e"
	 "a75ffba852ccf5b85d87726128501dbd6b8073cbc85c091f293f683542c3ed9d"},
	{65, "d85c007c6eb440f085afa2b84f6f2bce4658b240e9f62cb1364bf0485a57e720",
	 "2cbdc26833af6d9d8d4175d4cf30278d4184810bfc30110fa796fb26b1fcded8"
	 "5f58847aabce07308851e81bdf4c7bd40a08a7f81a3570235e61175591bd4539"},
	{111, "b41ae5233b9ec35d8576a032034d2857b667a618c7038714d727d4dae3aa2525",
	 "df79e18538ec82120d0eb59f92ade93fc786e47b5c622121a065503708882f78"
	 "01fa4b115197504b74feb420ee58fb85718ab98a5bf461bf7f8897472c26be4d"},
	{112, "0949563bc78e5ccd85603fa20368a33ed3d2da0141c8284a3b1515fe4683cdd7",
	 "d7377bc7047400daa33483946a6e2ec47609bc5f64b8309effd8d38b764b6ef2"
	 "50086511cc4cc9b4e5806613ecdf2a7b86ffcf0b9c88a571b869b32dfeca4b0a"},
	{119, "6c87eedf096b345de205b702e5223b73b447a3207791ded3ea007ba15ed6736e",
	 "1efae71e30c3bdc6cde724788736a10053fe52f4ae1841dc25003aa000a35c1b"
	 "e915429404dc73719cee9945f55b816cc3390936885bd78ce11ec56721f12957"},
	{120, "42500cf6a1e3936d6b9e0bcfe296d654b63255e525487d3634d0b15fde591c4d",
	 "ad2a8e4e76a1d9eeca549852ed03e8bda1590120cd1fabe7f7d6f0b211be0b1d"
	 "58b833091ead363c5c9564938efd45ec95830411e4a5c19de4d613dd10aad2e5"},
	{127, "68f6ff710276900c0ffbbc57426f67e00c2e01f0750c7edc25ac06b8ce7a8095",
	 "82b7fc0e1e5d1bb8e56e25cef83ba1205d3b3b44c9efacb33b11b13ffc47d150"
	 "2beb4b9cc885239d9a03a255757c582ee9aaa270c742f8bfd959228443704bf5"},
	{128, "489d55fea9a73af36b6dd0be7b4117d8e5683386d39544e8a44c99a87f368707",
	 "eb5119a4c3e176a3e0cb2bf8a6237bdc1e474f9f501f27c84284d2289b1ade3a"
	 "5a1913236a2b771e0f435f2a9b17792eb23eb92248a199f991228ff65de55d09"},
	{129, "4e1556b2e9a50a3cc9478f3254727b01065f9ac5d2c3a8b4cd538ae7240bb87d",
	 "06e68bf71185b1fda1d64bc8dc221aeaa9040b40d202d6030f840940ff2e5300"
	 "56550e68bd5d7a68d6fcf910077cd5b6c0befa877a436ddae766dd278592d2b6"},
	{191, "335b3bf2c22790fea5a53aeb3bc5964e315479ea95077e3425e53031703c6ef0",
	 "b7c01ed6cd7424c50a35a7307e373e14d7d9b04fbe61044cfe2085a1cda4a2d5"
	 "d197a2333e3529ce167e02aaff48f9bc405e90b3bc74c5af0d201c858e124bbb"},
	{192, "8670a48b392a0d3059954d2bd00de898822e9581ab3f85145e5183d9ad740dea",
	 "814aaea2a3a26184d226e539dbc6049e530364f18712db68ee6bd417c4691726"
	 "78adabe6c5acfca7b916dfb8529fad7ff60694871c7549a3ecb00d146d7fce0b"},
	{239, "ed3c5b14a0f887df5e03f300c117bd28431c0d914bcda3c1e09dc657a09e2a30",
	 "511f3b02317c383e27eb7064cc6e1d721d2c0ffd7efb5cb70647f0655ea93288"
	 "052d566892f4a1b14342adf14f96740e7433346b58d521d84fa8bcfae11ca9f8"},
	{240, "c7b6cc74a2af2bc6a42289d95a89fb76d02f9b4cb3c792e1c90683c3603606ac",
	 "774d6a1206485a1c2342cfddc586d2b0af9e78f4ed95b69ff18bf6fa3ecbe59f"
	 "d7ae11bdc5afd460f44fd84b5af08016e8986b0474d1515148ef9d8068e8dede"},
	{255, "a00e7f00e2acf6905080c3b78319b8a4f159b5974f853484e1486c157151299a",
	 "eeca349bbe7fea8643043b6beedfe770fc596b69ab3c8ee5a4ef8e6fc9b96c50"
	 "acaa19db9a1d3608c6e1e98ca3069fb8228fb0ed600934d1d9319aa9cfbee30b"},
	{256, "cd0f337ab3e6f7b4f9a40b8278670d102c8101075f064e9960dd29729702712e",
	 "ca6e7d0c2e4ae8774b65b1353a44154f9858ff2c6eb8c50c645eb37b39e37ad9"
	 "8184883dddacf1557a791307ad592e31e9d824c2c3e2da33b0f5e5a90d779316"},
	{1000, "6b0df76627243d095b0c4400cb658b7e804dd03461cc03aee8fc8fe0bcada168",
	 "5c9833a6b6d14cabd5256ae50e9217163760d44bafa40d2e0e64ee13a2b74ec3"
	 "f10d965a04c7381d12383c59ee449c75241303eb3806dcf1d8ca0c566fe1ed6a"},
	{4096, "d010f6d76d0eb4dce5d5b5b34014a8a157ec4380a66c24d7d455a9bf652db14a",
	 "c24141dfa8abd7ddb4843f9b2314b7d1325e1b6c030664931b677d0dc3f81da0"
	 "830365259781e1bab89ac6be51d7261674cb16f995d150861ee7859de86333a1"},
	{5001, "0763a8f85e2edd7719989f70652f8355e67e81aaed74119aee2d0a747beae936",
	 "edd093bb53aff498d3aa12c330c333ce1dca1a9c915609d863905c15104ba6a5"
	 "aa378a4f2fe7b67f1dca384c68e83276902cf602dd19a930ff8e0d520ce8dbe9"},
};

static uint8_t message[MESSAGE_MAX];

static void make_message(size_t size)
{
	for (size_t i = 0; i < size; i++) {
		message[i] = (uint8_t)(7 * i + size);
	}
}

static void assert_hash(const uint8_t *hash, const char *hex)
{
	char text[2 * HASH_SIZE_MAX + 1] = {0};
	size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++) {
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	}
	assert_string_equal(text, hex);
	for (size_t i = size; i < HASH_SIZE_MAX; i++) {
		assert_int_equal(hash[i], 0);
	}
}

static void abc(void **state)
{
	uint8_t out[HASH_SIZE_MAX];

	(void)state;
	hash_of(HASH_SHA_256, "abc", 3, out);
	assert_hash(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_of(HASH_SHA_512, "abc", 3, out);
	assert_hash(out, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			 "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void at_once(void **state)
{
	uint8_t out[HASH_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		make_message(vectors[i].size);
		hash_of(HASH_SHA_256, message, vectors[i].size, out);
		assert_hash(out, vectors[i].sha_256);
		hash_of(HASH_SHA_512, message, vectors[i].size, out);
		assert_hash(out, vectors[i].sha_512);
	}
}

static void in_pieces_of(size_t piece, const struct vector *vector, uint8_t algo)
{
	struct hash hash;
	uint8_t out[HASH_SIZE_MAX];

	hash_begin(&hash, algo);
	for (size_t at = 0; at < vector->size; at += piece) {
		hash_add(&hash, message + at, min_u64(piece, vector->size - at));
	}
	hash_end(&hash, out);
	assert_hash(out, algo == HASH_SHA_256 ? vector->sha_256 : vector->sha_512);
	for (size_t i = 0; i < sizeof(hash); i++) {
		assert_int_equal(((const uint8_t *)&hash)[i], 0);
	}
}

static void in_pieces(void **state)
{
	static const size_t pieces[] = {1, 3, 63, 64, 65, 127, 128, 129, 200, 256, 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		make_message(vectors[i].size);
		for (size_t j = 0; j < ARRAY_LENGTH(pieces); j++) {
			in_pieces_of(pieces[j], &vectors[i], HASH_SHA_256);
			in_pieces_of(pieces[j], &vectors[i], HASH_SHA_512);
		}
	}
}

/* Twice the same, so that the second starts anew; each hash where the message was. */
static void in_series(void **state)
{
	static uint64_t words[4096 / 8];
	struct hash_series series;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LENGTH(vectors); i++) {
		const struct vector *vector = &vectors[i / 2];
		uint8_t algo = i % 2 == 0 ? HASH_SHA_256 : HASH_SHA_512;

		if (vector->size == 0 || vector->size % 128 != 0) {
			continue;
		}
		make_message(vector->size);
		hash_series_begin(&series, algo, vector->size);
		for (unsigned int again = 0; again < 2; again++) {
			memcpy(words, message, vector->size);
			hash_series_next(&series, words, words);
			assert_hash((const uint8_t *)words,
				    algo == HASH_SHA_256 ? vector->sha_256 : vector->sha_512);
		}
		hash_series_end(&series);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("hash of abc", abc),
		PLAIN_TEST("hash of messages of every edge size", at_once),
		PLAIN_TEST("hash of messages one after the other", in_series),
		PLAIN_TEST("hash in pieces", in_pieces),
	};

	return unit_run(tests);
}
