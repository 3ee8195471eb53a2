# SPDX-License-Identifier: BSD-3-Clause
"""Cases for check-version."""

TOOL = "check-version"
GOOD = {
    "VERSION": "1.2\n",
    "debian/changelog": "caec (1.2) trixie; urgency=medium\n\n  * More.\n\ncaec (1.1) trixie;\n",
    "linux/host/dkms.conf": 'PACKAGE_NAME="caec-host"\nPACKAGE_VERSION="1.2"\n',
    "user/libcsm/include/libcsm.h": '#define LIBCSM_VERSION "1.2"\n',
    "vmm/man/rvm.1": '.TH RVM 1 "" "CAEC 1.2" "User commands"\n',
}
CASES = [
    ("one version everywhere", None, "", {}),
    ("an old changelog", "version", "this is 1.1, VERSION is 1.2",
     {"debian/changelog": "caec (1.1) trixie; urgency=medium\n"}),
    ("an old module", "version", "linux/host/dkms.conf:2",
     {"linux/host/dkms.conf": 'PACKAGE_NAME="caec-host"\nPACKAGE_VERSION="1.1"\n'}),
    ("an old manual page", "version", "vmm/man/rvm.1:1",
     {"vmm/man/rvm.1": '.TH RVM 1 "" "CAEC 1.1" "User commands"\n'}),
    ("a file without its version", "version", "no version found",
     {"user/libcsm/include/libcsm.h": "#define LIBCSM_H\n"}),
    ("words in VERSION", "version", "VERSION:1",
     {"VERSION": "next\n", "debian/changelog": "caec (next)\n", "linux/host/dkms.conf": None,
      "user/libcsm/include/libcsm.h": None, "vmm/man/rvm.1": None}),
]
