#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs of Debian, unmodified, in two realms made from packages: they talk over a link, and the
host sees nothing of it. Runs inside the environment; `make apps` makes what it needs.

Each step is printed as it happens and written as a test result. Ends with status 0, or says which
step failed.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import sys
import time

sys.dont_write_bytecode = True
import run as demo  # noqa: E402
import paths  # noqa: E402
import stack  # noqa: E402
from tap import Failure, expect  # noqa: E402

IMAGES = os.path.join(paths.BUILD, "apps")
SERVER, CLIENT, RUNNER = "server", "client", "runner"
# The interface of each link is named alike in both realms; each is a network of its own.
LINKS = {"csm0": (SERVER, CLIENT), "csm1": (SERVER, RUNNER), "csm2": (CLIENT, RUNNER)}
MEMORY, WINDOW = "512M", "128M"
# Half of the memory is no room for the files of the packages and for those that the steps make.
CMDLINE = "quiet console=hvc0 swiotlb=8192 cma=128M arm64.nomops initramfs_options=size=80%"
LINK_SECONDS = 600
REQUESTS = 100
FILE_MIB = 4
VSOCK_PORT = 7000
DATABASE_MIB = 50
COPY_KIB = 8 << 10  # what a program and its kernel take for themselves while they read a database
NGINX = ("daemon on; user root; pid /run/nginx.pid; error_log /tmp/nginx.log; events {{ }} http {{ "
         "access_log off; sendfile on; server {{ listen {0}:80; root /csm/{1}; }} server {{ "
         "listen {0}:443 ssl; ssl_certificate /etc/ssl/realm.crt; ssl_certificate_key "
         "/etc/ssl/realm.key; root /csm/{1}; }} }}")
HOME = "/srv/home"  # of the only user; its parents are checked by sshd
SSH = f"ssh -i {HOME}/.ssh/key -o StrictHostKeyChecking=yes -o BatchMode=yes"
LLAMA = "--no-repack -fit off -lm mmap -t 1 -c 256"
SQL = ("SELECT count(*), sum(length(data)), hex(max(substr(data, 1, 8))), "
       "hex(min(substr(data, -8))) FROM t;")
FILL = ("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION "
        "ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO t SELECT i, randomblob(4000) FROM n;")
# Asks, and stays; its answer is complete when /tmp/asked is there. {0}: file, {1}: query
SQLITE = (
    "rm -f /tmp/ask /tmp/asked /tmp/answer; mkfifo /tmp/ask; "
    "(sqlite3 'file:{0}?immutable=1' <>/tmp/ask >/tmp/sqlite; echo ended $? >>/tmp/sqlite) "
    ">/dev/null 2>&1 & "
    "grep MemAvailable /proc/meminfo; printf '%s\\n' 'PRAGMA mmap_size=268435456;' "
    "'.output /tmp/answer' '{1}' .output '.shell touch /tmp/asked' >/tmp/ask; "
    "until [ -e /tmp/asked ] || grep -q ^ended /tmp/sqlite; do usleep 50000; done; "
    "grep MemAvailable /proc/meminfo; pid=$(pidof sqlite3) && grep -c ' {0}$' /proc/$pid/maps; "
    "grep Anonymous: /proc/$pid/smaps_rollup; cat /tmp/answer")


def image(name):
    """The initramfs of a realm."""
    return os.path.join(IMAGES, f"{name}.cpio.zst")


def address(link, name):
    """The address of a realm at one of its links."""
    return f"10.9.{list(LINKS).index(link)}.{LINKS[link].index(name) + 1}"


def other(link, name):
    """Who is at the other end."""
    return next(end for end in LINKS[link] if end != name)


AT_SERVER = address("csm0", SERVER)


class Apps(demo.Demo):
    """The steps, and what they share."""

    program = "apps"

    def __init__(self, args):
        args.tamper = False
        super().__init__(args)
        self.name = "apps"
        self.realms = [SERVER, CLIENT] + ([RUNNER] if args.runner else [])
        self.links = [link for link, ends in LINKS.items() if set(ends) <= set(self.realms)]
        self.table, self.figures, self.failed, self.regions = [], [], [], {}

    def start(self, name, initrd=""):
        """rvm run in the background."""
        initrd = initrd or f"/{name}.cpio"
        self.machine.start(name, f"--kernel /Image --initrd {initrd} --mem {MEMORY} --cpus 1 "
                                 f"--csm {WINDOW} --cmdline '{CMDLINE}' "
                                 f"--console file:/tmp/{name}.con")

    @staticmethod
    def policy_of(name):
        """What the verifier demands of a realm."""
        return os.path.join(IMAGES, f"policy-{name}.json")

    # -------------------------------------------------------------- steps

    def measure(self):
        """What the realms must measure, from the images that the packages became."""
        for name in self.realms:
            text = demo.tool("cca-measure", "--kernel", self.args.kernel, "--initrd", image(name),
                             "--cmdline", CMDLINE, "--mem", MEMORY, "--cpus", "1", "--csm", WINDOW,
                             "--policy", "--anchor", demo.ANCHOR)
            with open(self.policy_of(name), "w", encoding="utf-8") as file:
                file.write(text)
            self.rims[name] = next(iter(re.findall(r"[0-9a-f]{64,}", text)))
        return ", ".join(f"{name} {rim[:16]}... ({os.path.getsize(image(name)) >> 20} MiB)"
                         for name, rim in self.rims.items())

    def again_packed(self):
        """One image was packed twice."""
        sums = [hashlib.sha256(open(path, "rb").read()).hexdigest()
                for path in (image(CLIENT), os.path.join(IMAGES, "again.cpio.zst"))]
        expect(sums[0] == sums[1], "the images differ")
        return f"SHA-256 {sums[0][:16]}..."

    def boot(self):
        """The host."""
        self.machine = demo.Machine(self.name, self.args.kernel, self.steps, IMAGES, self.realms,
                                    counted=True)
        self.machine.host.wait("HOST: ready", stack.BOOT_SECONDS)
        return " ".join(self.machine.run("uname -sr"))

    def start_realms(self):
        """One after the other: building them needs the whole machine."""
        for name in self.realms:
            self.start(name)
            self.machine.wait_for(f"grep -q 'realm is up' /tmp/{name}.con",
                                  2 * stack.SHELL_SECONDS, name)
        for name in self.realms:
            self.ids[name] = self.in_realm(name, "csmctl id | sed -n \"s/^realm: //p\"")[0]
        return ", ".join(self.in_realm(SERVER, "redis-server --version | cut -d \" \" -f 1-3; "
                                               "nginx -v; python3 --version"))

    def attest(self):
        """The token of each realm has the RIM that was predicted from the image."""
        for name in self.realms:
            challenge = secrets.token_hex(64)
            text = "".join(self.in_realm(name, f"work_token {challenge}"))
            path = os.path.join(IMAGES, f"token-{name}.cbor")
            with open(path, "wb") as file:
                file.write(demo.base64.b64decode(text))
            said = demo.tool("cca-verify", "--challenge", challenge, "--policy",
                             self.policy_of(name), "--realm-id-only", path).strip()
            expect(said == self.ids[name], f"the {name} is {said}, not {self.ids[name]}")
        return "all realms are the images that were measured"

    def link_up(self, link, name):
        """csmctl link up in one realm, in the background; it accepts that image only."""
        peer, file = other(link, name), f"/tmp/{link}"
        up = (f"csmctl link up {link} {self.ids[peer]} --timeout {LINK_SECONDS} "
              f"--address {address(link, name)}/24 --rim {self.rims[peer]}")
        self.in_realm(name, f"rm -f {file}; ({up} >{file} 2>&1; echo status $? >>{file}) "
                            "</dev/null >/dev/null 2>&1 &")

    def link_is_up(self, link, name):
        """Waits for what link_up() has started."""
        lines = self.in_realm(name, f"until grep -q ^status /tmp/{link}; do usleep 200000; done; "
                                    f"cat /tmp/{link}", LINK_SECONDS + 300)
        expect(lines[-1] == "status 0", f"{link}, {name}: {lines}")

    def link(self):
        """Every pair of realms has one."""
        ends = [(link, name) for link in self.links for name in LINKS[link]]
        for end in ends:
            self.link_up(*end)
        for end in ends:
            self.link_is_up(*end)
        for link in self.links:
            first, second = LINKS[link]
            self.in_realm(second, f"ping -c 3 {address(link, first)} && ping -6 -c 1 "
                                  f"fe80::{':'.join(re.findall('....', self.ids[first]))}%{link}")
        return ", ".join(f"{link}: {' and '.join(LINKS[link])}" for link in self.links)

    def redis(self):
        """redis-server and redis-benchmark."""
        self.in_realm(SERVER, f"redis-server --bind {AT_SERVER} --protected-mode no "
                              "--save '' --daemonize yes >/dev/null")
        lines = self.in_realm(CLIENT, f"redis-benchmark -h {AT_SERVER} -n {REQUESTS} -c 4 "
                                      "-d 1024 -t set,get --csv")
        rates = {row[0]: row[1] for row in (line.replace('"', "").split(",") for line in lines)
                 if row[0] in ("SET", "GET")}
        expect(set(rates) == {"SET", "GET"}, f"{lines}")
        self.table.append(("redis-server, redis-benchmark",
                           f"{REQUESTS} SET and GET of 1 KiB, 4 connections"))
        return ", ".join(f"{name} {rate}/s" for name, rate in rates.items()) + " of emulation"

    def counted(self, action):
        """What action gives, and the millions of instructions that both realms executed."""
        before = self.machine.instructions()[0]
        seen = action()
        return seen, self.machine.instructions()[0] - before

    def publish(self, name, path, label):
        """A file of one realm that the others see in csmfs; where."""
        to = "".join(f" --to {self.ids[peer]}" for peer in self.realms if peer != name)
        lines = self.in_realm(name, f"csmctl --json put {path} --label {label} --seal{to}")
        self.regions[label] = json.loads(" ".join(lines))["region"]
        return f"/csm/{self.ids[name]}/{label}"

    def csmfs(self):
        """csmfs in each realm."""
        for name in self.realms:
            self.in_realm(name, "mkdir -p /csm && mount -t csmfs -o mode=0644 none /csm")

    def ask(self, path):
        """sqlite3 in the client: (answer, mapped, KiB of memory less, KiB of its own)."""
        lines = self.in_realm(CLIENT, SQLITE.format(path, SQL))
        expect(len(lines) == 5, f"{lines} {self.in_realm(CLIENT, 'cat /tmp/sqlite')}")
        before, after, mapped, own = (int(re.sub("[^0-9]", "", line)) for line in lines[:4])
        return lines[4], mapped, before - after, own

    def end_of_sqlite(self):
        """The program's last words."""
        return self.in_realm(CLIENT, "until grep -q ^ended /tmp/sqlite; do usleep 50000; done; "
                                     "cat /tmp/sqlite")

    def sqlite(self):
        """A database that the server publishes, and the client reads in place."""
        rows = DATABASE_MIB * 256
        self.in_realm(SERVER, f"rm -f /tmp/db; sqlite3 /tmp/db '{FILL.format(rows)}'")
        here = self.in_realm(SERVER, f"sqlite3 /tmp/db '{SQL.replace(chr(39), '')}'")[0]
        path = self.publish(SERVER, "/tmp/db", "db")
        (there, mapped, less, own), shared = self.counted(lambda: self.ask(path))
        expect(here == there, f"{here} is not {there}")
        expect(mapped > 0, "sqlite3 has not mapped the file")
        expect(max(less, own) < COPY_KIB, f"{less} KiB of memory less, {own} KiB of its own")
        self.in_realm(CLIENT, "kill $(pidof sqlite3); mount -t tmpfs -o size=75% copy /mnt && "
                              f"cp {path} /mnt/db")
        (copied, *_), private = self.counted(lambda: self.ask("/mnt/db"))
        self.in_realm(CLIENT, "kill $(pidof sqlite3); until umount /mnt; do usleep 100000; done")
        expect(copied == here, f"of the copy: {copied}")
        for where, count in (("csmfs", shared), ("tmpfs", private)):
            self.figures.append((f"sqlite3, {DATABASE_MIB} MiB mapped from {where}",
                                 f"{count:.0f} million instructions in the realms"))
        self.table.append(("sqlite3", f"{rows} rows of {DATABASE_MIB} MiB in csmfs, mapped"))
        return (f"{there.split('|')[0]} rows, equal; memory {less} KiB less, {own} KiB are the "
                "program's own")

    def sqlite_revoked(self):
        """The grant ends under a program that has the file mapped."""
        self.ask(f"/csm/{self.ids[SERVER]}/db")
        self.in_realm(SERVER, f"csmctl revoke {self.regions['db']} {self.ids[CLIENT]}")
        self.in_realm(CLIENT, f"echo '{SQL}' >/tmp/ask")
        lines = self.end_of_sqlite()
        expect(lines[-1] == "ended 135", f"not by SIGBUS: {lines}")
        self.in_realm(SERVER, f"csmctl destroy {self.regions.pop('db')} && rm /tmp/db")
        self.in_realm(CLIENT, "! dmesg | grep -E 'Internal error|Call trace|WARNING:|BUG:'")
        return "sqlite3 has ended by SIGBUS, the kernel of its realm is healthy"

    def ssh(self):
        """Keys are exchanged as regions: each realm knows whose they are."""
        home = (f"sed -i s,^root:.*,root:*:0:0:root:{HOME}:/bin/sh, /etc/passwd; "
                f"mkdir -p {HOME}/.ssh && chmod 700 {HOME} {HOME}/.ssh && ")
        self.in_realm(SERVER, "grep -q ^sshd /etc/passwd || echo sshd:x:101:65534::/run/sshd:"
                              f"/usr/sbin/nologin >>/etc/passwd; {home} mkdir -p /run/sshd && "
                              "rm -f /etc/ssh/ssh_host_ed25519_key && ssh-keygen -q -t ed25519 "
                              "-N '' -f /etc/ssh/ssh_host_ed25519_key")
        self.in_realm(CLIENT, f"{home} rm -f {HOME}/.ssh/key && "
                              f"ssh-keygen -q -t ed25519 -N '' -f {HOME}/.ssh/key")
        host = self.publish(SERVER, "/etc/ssh/ssh_host_ed25519_key.pub", "hostkey")
        user = self.publish(CLIENT, f"{HOME}/.ssh/key.pub", "userkey")
        self.in_realm(SERVER, f"cat {user} >{HOME}/.ssh/authorized_keys && "
                              f"chmod 600 {HOME}/.ssh/authorized_keys && "
                              "/usr/sbin/sshd -f /usr/share/openssh/sshd_config -o "
                              f"ListenAddress={AT_SERVER} -o UsePAM=no -E /tmp/sshd.log")
        self.in_realm(CLIENT, f"echo {AT_SERVER} $(cut -d ' ' -f 1,2 {host}) "
                              f">{HOME}/.ssh/known_hosts")
        said = self.in_realm(CLIENT, f"{SSH} root@{AT_SERVER} csmctl id")
        expect(any(self.ids[SERVER] in line for line in said), said)
        self.table.append(("sshd, ssh", "a command in the other realm, keys exchanged by csmfs"))
        return next(line for line in said if self.ids[SERVER] in line)

    def throughput(self):
        """The same file over the link, plain, over TLS, and through ssh."""
        path = f"/csm/{self.ids[CLIENT]}/file"
        expected = self.in_realm(SERVER, f"sha256sum <{path}")
        url = f"://{AT_SERVER}/file"
        ways = {"curl http": f"curl -sSf http{url}",
                "curl https": f"curl -sSf --cacert /tmp/realm.crt https{url}",
                "ssh": f"{SSH} root@{AT_SERVER} cat {path}"}
        costs = {}
        for way, command in ways.items():
            begun = time.monotonic()
            _, count = self.counted(lambda get=command: self.in_realm(CLIENT, f"{get} >/tmp/got"))
            took = time.monotonic() - begun
            expect(self.in_realm(CLIENT, "sha256sum </tmp/got") == expected, f"{way}: other bytes")
            costs[way] = count / FILE_MIB
            self.figures.append((f"{way}, {FILE_MIB} MiB over csm0",
                                 f"{costs[way]:.1f} million instructions in the realms per MiB, "
                                 f"{took:.1f} s of emulation"))
        return ", ".join(f"{way} {cost:.1f}" for way, cost in costs.items()) + " million per MiB"

    def nginx(self):
        """nginx with sendfile, and curl."""
        self.in_realm(CLIENT, f"head -c {FILE_MIB}M /dev/urandom >/tmp/file")
        path = self.publish(CLIENT, "/tmp/file", "file")
        # A realm has no clock that survives: its time begins anew at each start.
        self.in_realm(SERVER, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                              "-nodes -not_before 19700101000000Z -not_after 20991231235959Z "
                              "-subj /CN=server -addext "
                              f"subjectAltName=IP:{AT_SERVER} -keyout /etc/ssl/realm.key "
                              "-out /etc/ssl/realm.crt 2>&1")
        there = self.publish(SERVER, "/etc/ssl/realm.crt", "cert")
        self.in_realm(CLIENT, f"cat {there} >/tmp/realm.crt")
        config = NGINX.format(AT_SERVER, self.ids[CLIENT])
        self.in_realm(SERVER, f"mkdir -p /var/log/nginx /var/lib/nginx && echo '{config}' "
                              ">/tmp/nginx.conf && nginx -c /tmp/nginx.conf")
        here = self.in_realm(CLIENT, "sha256sum </tmp/file")
        there = self.in_realm(CLIENT, f"curl -sSf http://{AT_SERVER}/file | sha256sum")
        expect(here == there, f"{here} is not {there}")
        self.in_realm(SERVER, f"cmp {path} {path}")
        self.table.append(("nginx, curl", f"{FILE_MIB} MiB by sendfile from csmfs"))
        return f"{FILE_MIB} MiB of a file that the client publishes, SHA-256 equal"

    def vsock(self):
        """socat over AF_VSOCK: a file from the client, by the CID of the server."""
        for name, peer in ((SERVER, CLIENT), (CLIENT, SERVER)):
            up = (f"csmctl link up vs0 {self.ids[peer]} --vsock --timeout {LINK_SECONDS} "
                  f"--rim {self.rims[peer]}")
            self.in_realm(name, f"rm -f /tmp/vs0; ({up} >/tmp/vs0 2>&1; echo status $? >>/tmp/vs0) "
                                "</dev/null >/dev/null 2>&1 &")
        for name in (SERVER, CLIENT):
            self.link_is_up("vs0", name)
        self.in_realm(SERVER, f"socat -u VSOCK-LISTEN:{VSOCK_PORT} OPEN:/tmp/stream,creat,trunc "
                              "</dev/null >/tmp/socat 2>&1 &")
        links = json.loads(self.in_realm(CLIENT, "csmctl --json link list")[-1])["links"]
        cid = next(link["peer_address"] for link in links if link["link"] == "vs0").split(":")[1]
        sent = self.in_realm(CLIENT, f"socat -u OPEN:/tmp/file VSOCK-CONNECT:{cid}:{VSOCK_PORT},"
                                     "retry=60 && sha256sum </tmp/file")
        got = self.in_realm(SERVER, "while pidof socat >/dev/null; do usleep 200000; done; "
                                    "sha256sum </tmp/stream && rm /tmp/stream")
        expect(got[-1:] == sent[-1:], f"{got} is not {sent}")
        for name in (SERVER, CLIENT):
            self.in_realm(name, "csmctl link down vs0")
        self.table.append(("socat", f"{FILE_MIB} MiB over AF_VSOCK"))
        return f"{FILE_MIB} MiB to CID {cid}, SHA-256 equal"

    def agent(self):
        """python3: an agent asks a tool in the other realm."""
        self.in_realm(SERVER, f"tool-server {AT_SERVER} 9000 >/tmp/tool 2>&1 </dev/null & "
                              "sleep 1")
        lines = self.in_realm(CLIENT, f"for i in 1 2 3 4 5 6 7 8 9 10; do tool-agent "
                                      f"{AT_SERVER} 9000 100 && exit; sleep 2; done; exit 1")
        expect(lines[-1] == "100 requests answered", lines)
        self.table.append(("python3, an agent and its tool", "100 requests as lines of JSON"))
        return lines[-1]

    def agent_channel(self):
        """python3 with import csm: the same without sockets, over a channel."""
        self.in_realm(SERVER, f"rm -f /tmp/tools; (agent.py serve {self.ids[CLIENT]} >/tmp/tools "
                              "2>&1; echo status $? >>/tmp/tools) </dev/null >/dev/null 2>&1 &")
        said = self.in_realm(SERVER, "until grep -qE '^(region|status)' /tmp/tools; do "
                                     "usleep 200000; done; cat /tmp/tools")
        expect(said[0].startswith("region "), said)
        lines = self.in_realm(CLIENT, f"agent.py ask {self.ids[SERVER]} {said[0].split()[1]} "
                                      "'{\"tool\": \"add\", \"numbers\": [1, 2, 3]}' "
                                      "'{\"tool\": \"none\"}'")
        expect(lines[0] == '{"result": 6}' and "KeyError" in lines[1], lines)
        said = self.in_realm(SERVER, "until grep -q ^status /tmp/tools; do usleep 200000; done; "
                                     "cat /tmp/tools")
        expect(said[-1] == "status 0", said)
        self.table.append(("python3, import csm", "the same over a channel, in asyncio"))
        return "2 requests, and the channel's end"

    def model(self):
        """A model that the server publishes; the runner uses it in place, and then a copy."""
        self.in_realm(SERVER, "make-model /tmp/model")
        path = self.publish(SERVER, "/tmp/model", "model")
        self.in_realm(SERVER, "rm /tmp/model")
        said, costs = {}, {}
        self.in_realm(RUNNER, f"cp {path} /tmp/copy")
        for where in (path, "/tmp/copy"):
            said[where], costs[where] = self.counted(
                lambda model=where: self.in_realm(RUNNER, f"llama-completion -m {model} {LLAMA} "
                                                          "-no-cnv -n 16 -s 7 --temp 1 -p hello "
                                                          "2>/tmp/llama | base64"))
        expect(said[path] == said["/tmp/copy"] and len("".join(said[path])) > 16, f"{said}")
        for name, where in (("csmfs", path), ("tmpfs", "/tmp/copy")):
            self.figures.append((f"llama.cpp, 16 tokens, model mapped from {name}",
                                 f"{costs[where]:.0f} million instructions in the realms"))
        self.in_realm(RUNNER, "rm /tmp/copy")
        return "16 tokens, the same as with a copy of the model"

    def model_server(self):
        """The runner answers another realm."""
        path = f"/csm/{self.ids[SERVER]}/model"
        at = address("csm2", RUNNER)
        free = "sed -n 's/MemAvailable: *//p' /proc/meminfo"
        before = self.in_realm(RUNNER, free)[0]
        self.in_realm(RUNNER, f"llama-server -m {path} {LLAMA} --host {at} --port 8080 "
                              "</dev/null >/tmp/llama-server 2>&1 &")
        question = json.dumps({"prompt": "hello", "n_predict": 8, "temperature": 1, "seed": 7})
        lines = self.in_realm(CLIENT, f"until curl -sf http://{at}:8080/health; do sleep 1; done; "
                                      f"curl -sSf http://{at}:8080/completion -d '{question}'")
        expect(json.loads(lines[-1][lines[-1].index("{"):])["tokens_predicted"] == 8, lines)
        lines = self.in_realm(RUNNER, f"{free}; pid=$(pidof llama-server); "
                                      f"grep -c ' {path}$' /proc/$pid/maps; "
                                      "grep Anonymous: /proc/$pid/smaps_rollup; kill $pid")
        less = (int(before.split()[0]) - int(lines[0].split()[0])) >> 10
        expect(int(lines[1]) > 0, f"the model is not mapped: {lines}")
        self.table.append(("llama-server, curl", "8 tokens, the model mapped from csmfs"))
        return f"8 tokens over csm2; the realm has {less} MiB less, {lines[2].split()[1]} KiB own"

    def seen_by_host(self, text):
        """How often the host finds a text in all that it shares with each realm."""
        found = {}
        for name in self.realms:
            pid = self.machine.run(f"cat /tmp/{name}.pid")[-1]
            lines = self.machine.run(f"host-search {pid} {text}", stack.WORK_SECONDS)
            values = dict(line.split() for line in lines)
            expect(int(values["bytes"]) > 1 << 20, f"the host has looked at little: {values}")
            found[name] = int(values["found"])
        return found

    def hidden(self):
        """A marker crosses the link. It is made in the realm: the host carries only its seed."""
        seed = secrets.token_hex(16)
        marker = hashlib.sha256(seed.encode()).hexdigest()
        mark = f"$(printf {seed} | sha256sum | cut -c 1-64)"
        server = f"redis-cli -h {AT_SERVER}"
        self.in_realm(CLIENT, f"{server} set marker \"$(for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "
                              f"printf {mark}; done)\"")
        expect(self.in_realm(CLIENT, f"{server} get marker | grep -c {mark}") == ["1"],
               "the marker has not crossed the link")
        found = self.seen_by_host(marker)
        expect(not any(found.values()), f"the host has found the marker: {found}")
        said = self.in_realm(CLIENT, f"{server} get marker")
        expect(marker in said[0], f"another marker: {said}")
        found = self.seen_by_host(marker)
        expect(found[CLIENT] > 0, f"a marker that went over virtio is not found: {found}")
        return f"0 times after it crossed the link, {found[CLIENT]} times after it went over virtio"

    def cut(self):
        """The server ends its link under a client that waits."""
        server = f"redis-cli -h {AT_SERVER}"
        self.in_realm(CLIENT, f"({server} blpop nothing 0 >/tmp/blpop 2>&1; "
                              "echo ended >>/tmp/blpop) </dev/null >/dev/null 2>&1 & sleep 1")
        self.in_realm(SERVER, f"until {server} client list | grep -q cmd=blpop; do sleep 0.5; "
                              "done")
        self.in_realm(SERVER, "csmctl link down csm0")
        lines = self.in_realm(CLIENT, "until grep -q ^ended /tmp/blpop; do sleep 0.2; done; "
                                      "cat /tmp/blpop; csmctl --json link list")
        state = next(link["state"] for link in json.loads(lines[-1])["links"]
                     if link["link"] == "csm0")
        expect(state == "waiting", f"the client's link is {state}")
        return " ".join(lines[:-2])

    def again(self):
        """The server's link comes back, and the client's joins it."""
        self.link_up("csm0", SERVER)
        self.link_is_up("csm0", SERVER)
        lines = self.in_realm(CLIENT, f"until redis-cli -h {AT_SERVER} ping; do sleep 1; "
                                      "done")
        expect(lines[-1] == "PONG", lines)
        return "redis answers again"

    def teardown(self):
        """Nothing is left."""
        for name in self.realms:
            self.machine.run(f"rvm exec {name} --timeout {stack.WORK_SECONDS} poweroff -f",
                             2 * stack.WORK_SECONDS, check=False)
        self.machine.settle()
        expect(not self.machine.host.trouble, "; ".join(self.machine.host.trouble[:3]))
        return "no granule left delegated, host kernel healthy"

    def independent(self, name, step):
        """A step on which no other one depends: the rest is run although it fails."""
        try:
            self.steps.run(name, step)
        except Failure as failure:
            self.failed.append(f"{name}: {failure}")

    def everything(self):
        """All steps in order."""
        for name, step in (
                ("expected measurements of the images made from packages", self.measure),
                ("an image is the same when it is packed again", self.again_packed),
                ("host boots", self.boot),
                ("the realms boot from the images", self.start_realms),
                ("the realms' tokens have the predicted RIMs", self.attest),
                ("a link between each two of them, with those RIMs as policy", self.link),
                ("csmfs in each", self.csmfs)):
            self.steps.run(name, step)
        for name, step in (
                ("redis-server and redis-benchmark", self.redis),
                ("nginx and curl", self.nginx),
                ("sqlite3 reads a database in place", self.sqlite),
                ("a revocation under sqlite3", self.sqlite_revoked),
                ("ssh from one realm to the other", self.ssh),
                ("the same file over the link: plain, TLS, ssh", self.throughput),
                ("socat over AF_VSOCK", self.vsock),
                ("python3: an agent asks a tool in the other realm", self.agent),
                ("python3: an agent and its tool over a channel, with import csm",
                 self.agent_channel),
                *((("llama.cpp uses a model of another realm in place", self.model),
                   ("llama-server answers another realm over a link", self.model_server))
                  if self.args.runner else ()),
                ("the host looks for a marker in all memory that it shares with the realms",
                 self.hidden),
                ("a link that ends resets its connections", self.cut),
                ("a link that comes back", self.again),
                ("teardown", self.teardown)):
            self.independent(name, step)
        expect(not self.failed, "; ".join(self.failed))


def main():
    """Arguments, all steps, the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runner", action="store_true",
                        help="with a third realm, which runs a language model")
    parser.add_argument("--tap", metavar="FILE", help="also write test results")
    args = parser.parse_args()
    args.kernel = paths.kernel()
    apps = Apps(args)
    begun = time.monotonic()
    status = 0
    print("CAEC applications: programs of Debian in two realms, over confidential shared memory")
    try:
        apps.everything()
    except Failure as failure:
        status = 1
        print(f"apps: stopped: {demo.plain(str(failure))}")
        demo.last_words(apps)
    finally:
        if apps.machine:
            apps.machine.close()
        apps.steps.close()
    if status == 0:
        print(f"\nShown in {time.monotonic() - begun:.0f} s of emulation (no time on hardware):")
        for who, what in apps.table:
            print(f"  {who:34} {what}")
        print("\nFigures:")
        for what, figure in apps.figures:
            print(f"  {what:34} {figure}")
    return status


if __name__ == "__main__":
    sys.exit(main())
