# SPDX-License-Identifier: BSD-3-Clause
"""The example of libccatoken(3), compiled as it is printed, judges tokens."""

import os
import re
import shutil
import subprocess

from harness import HERE, Skip, expect, path, pem_der, test, write

MAIN = r"""
int main(int argc, char **argv)
{
	static unsigned char data[16384];
	unsigned char challenge[64];
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
	size_t size = file != NULL ? fread(data, 1, sizeof(data), file) : 0;

	for (int i = 0; i < 64; i++) {
		challenge[i] = (unsigned char)(0x40 + i);
	}
	return is_good(data, size, argv[1], challenge) ? 0 : 1;
}
"""


@test
def library_example_of_the_manual():
    if shutil.which("gcc") is None:
        raise Skip("no compiler")
    with open(os.path.join(HERE, "..", "libccatoken.3"), encoding="utf-8") as file:
        example = re.search(r"^\.SH EXAMPLES\n\.nf\n(.*?)^\.fi", file.read(), re.M | re.S).group(1)
    expect(len(pem_der("platform.pem")) > 64, "an anchor")
    write("example.c", example.replace("\\e", "\\") + MAIN)
    library = os.path.join(os.environ["PLAIN_BIN"], "libccatoken.a")
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(HERE, ".."),
                    "-o", "example", "example.c", library, "-lcrypto", "-ljansson"],
                   cwd=path(""), check=True, timeout=300)
    rim = bytes(range(0x10, 0x30)).hex()
    write("library.json", '{"caec-policy": 1, "anchors": ["platform.pem"], '
          f'"realm": {{"rim": "{rim}"}}}}')
    write("nothing.json", '{"caec-policy": 1, "anchors": ["platform.pem"]}')
    for policy, token, wanted in (("library.json", "good.cbor", 0),
                                  ("nothing.json", "good.cbor", 1),
                                  ("library.json", "badplatform.cbor", 1),
                                  ("library.json", "debug.cbor", 1),
                                  ("library.json", "sha512.cbor", 1),
                                  ("missing.json", "good.cbor", 1)):
        done = subprocess.run([path("example"), policy, token], cwd=path(""), check=False,
                              capture_output=True, timeout=300)
        expect(done.returncode == wanted, policy, token, done)
