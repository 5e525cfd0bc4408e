"""The servers under test: Frank, those beside it, and what stands for the limits of the machine.

start(hop, mail) returns the port to send to: hop is the port on 127.0.0.1 that all mail for others
goes to, mail says that users have boxes. tree is the process tree whose cost counts; stop() ends
it. Servers whose programs are not here are named by missing(), with the reason.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

from measure import (Nothing, Tree, end, find, many_files, port_free, pss_of,
                     wait_port)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.environ.get("FRANK_BENCH_PEERS", os.path.join(ROOT, "..", "shared", "bench"))
BOXES = 100
# smtp-source puts a number before each recipient: so many addresses exist.
NUMBERED = 20000
BENCH_UID = 5000


class Frank:
    """./dev run, all other mail to one port."""

    name = "frank"
    domain = "example.test"
    sender = "ann@example.test"

    def __init__(self, folder, logs, options=()):
        self.folder, self.logs = os.path.join(folder, "frank"), logs
        self.options = list(options)
        self.tree = None
        self.info = {}

    @staticmethod
    def missing():
        return None

    def lab(self, *words):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "lab", "run.py"), *words],
                              check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"lab/run.py {' '.join(words)}: {done.stderr}")

    def start(self, hop=None, mail=False, keep=False, later_s=0):
        """later_s: its clock is so far ahead of ours."""
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        now = ["--now", str(int(time.time() + later_s))] if later_s else []
        sets = [f"log {self.logs}/frank.log", *self.options]
        to = ["--relay-to", f"127.0.0.1:{hop}"] if hop else []
        self.lab("--background", self.folder, *to, *now, *(w for s in sets for w in ("--set", s)))
        with open(os.path.join(self.folder, "lab.json"), encoding="utf-8") as file:
            self.info = json.load(file)
        self.tree = Tree(self.info["pid"])
        if mail:
            self.boxes_fill()
        return self.info["listeners"]["mx"]["port"]

    def stop(self):
        self.lab("--stop", self.folder)

    def boxes_fill(self):
        """Boxes u0, u1 ... and an address for each number, in one step: by the command it would
        take minutes."""
        path = os.path.join(self.folder, "state", "directory.db")
        with sqlite3.connect(path, timeout=20) as db:
            db.execute("INSERT INTO mailbox (name, postoffice, crypt, salt, iterations, "
                       "stored_key, server_key) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT "
                       f"i + 1 FROM n WHERE i + 1 < {BOXES}) SELECT 'u' || i, postoffice, crypt, "
                       "salt, iterations, stored_key, server_key FROM mailbox, n "
                       "WHERE mailbox.name = 'ann'")
            db.execute("INSERT INTO address (local, domain, mailbox) WITH RECURSIVE n(i) AS "
                       "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < "
                       f"{NUMBERED}) SELECT i || 'user', d.id, m.id FROM n JOIN domain d ON "
                       f"d.name = '{self.domain}' JOIN mailbox m ON m.name = 'u' || (i % {BOXES})")
        db.close()

    def boxes(self, names):
        base = os.path.join(self.info["mail"], self.domain)
        return [os.path.join(base, name, "Maildir") for name in names]

    def box_names(self):
        return [f"u{i}" for i in range(BOXES)]

    sender_box = "ann"

    def tool(self, *words):
        """The frank command; what it printed."""
        return subprocess.run([self.info["tool"], "--socket", self.info["control"], *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False).stdout

    def status(self):
        return json.loads(self.tool("--json", "status"))["counters"]

    # For the backlog.

    def queued(self):
        return self.status()["queue.messages"]

    def settled(self):
        """Each message has had its first attempt."""
        counters = self.status()
        return counters["queue.waiting"] == counters["queue.recipients"]

    lists = {"list 100": ("queue", "list", "--limit", "100"),
             "by destination": ("queue", "list", "--limit", "100", "--destination", "sink.test"),
             "by sender": ("queue", "list", "--limit", "100", "--sender", "sender@bench.test"),
             "no such destination": ("queue", "list", "--limit", "100", "--destination",
                                     "none.test"),
             "no such sender": ("queue", "list", "--limit", "100", "--sender", "no@none.test"),
             "no such recipient": ("queue", "list", "--limit", "100", "--rcpt", "no@none.test")}

    def list_command(self, words):
        return [self.info["tool"], "--socket", self.info["control"], *words]

    def all_due(self, hop):
        """Starts with the queue that it has, an hour later: everything is due."""
        self.start(hop, keep=True, later_s=3600)

    def queue_memory_kib(self):
        """Of the process that holds the queue in memory."""
        return pss_of(self.tree.named("frank-queue"))


MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {logs}/maillog
maillog_file_prefixes = {logs}
myhostname = bench.test
mydestination = bench.test
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{hop}
biff = no
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
in_flow_delay = 0
default_process_limit = {processes}
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 40
qmgr_message_active_limit = 60000
qmgr_message_recipient_limit = 60000
smtp_connection_cache_destinations = [127.0.0.1]:{hop}
smtp_connection_reuse_count_limit = 10000
smtp_connection_reuse_time_limit = 600s
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
max_use = 10000
smtp_destination_concurrency_failed_cohort_limit = 10
minimal_backoff_time = 1000s
maximal_backoff_time = 1000s
queue_run_delay = 300s
message_size_limit = 52428800
"""

MAIL_CF = """virtual_mailbox_domains = local.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_limit = 0
virtual_mailbox_maps = hash:{folder}/etc/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_destination_concurrency_limit = 20
"""

TLS_CF = """smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/etc/cert.pem
smtpd_tls_key_file = {folder}/etc/key.pem
"""

MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A second instance with its own configuration and queue, tuned for throughput."""

    name = "postfix"
    domain = "local.test"
    sender = "sender@local.test"
    sender_box = "sender"

    def __init__(self, folder, logs, processes=200):
        self.folder, self.logs = os.path.join(folder, "postfix"), logs
        self.processes = processes
        self.tree = None

    @staticmethod
    def missing():
        return None if os.getuid() == 0 else "Postfix starts only as root"

    def postfix(self, verb):
        return subprocess.run([find("postfix"), "-c", self.folder + "/etc", verb], check=False,
                              capture_output=True, text=True)

    def write(self, name, text):
        with open(os.path.join(self.folder, "etc", name), "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, hop, mail, port):
        for name in ("etc", "data", "spool", "mail"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        os.chmod(self.folder, 0o755)
        shutil.chown(self.folder + "/data", "postfix")
        os.chown(self.folder + "/mail", BENCH_UID, BENCH_UID)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365", "-subj",
                        "/CN=bench.test", "-keyout", self.folder + "/etc/key.pem", "-out",
                        self.folder + "/etc/cert.pem"], check=True, capture_output=True)
        text = MAIN_CF + TLS_CF + (MAIL_CF if mail else "")
        self.write("main.cf", text.format(folder=self.folder, logs=self.logs, hop=hop,
                                          uid=BENCH_UID, processes=self.processes))
        self.write("master.cf", MASTER_CF.format(port=port))
        self.write("boxes", "sender@local.test sender/\n" + "".join(
            f"{i}user@local.test u{i % BOXES}/\n" for i in range(NUMBERED)))
        if mail:
            subprocess.run([find("postmap"), "-c", self.folder + "/etc",
                            f"hash:{self.folder}/etc/boxes"], check=True)
        # Else it would refuse to start after a crash: it logs before postlogd runs.
        with open(self.logs + "/maillog", "a", encoding="utf-8"):
            pass
        shutil.chown(self.logs + "/maillog", "postfix")

    def start(self, hop=None, mail=False, keep=False):
        port = port_free()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.configure(hop, mail, port)
        done = self.postfix("start")
        if done.returncode:
            raise SystemExit(f"Postfix did not start: {done.stderr[-800:]}")
        wait_port(port)
        with open(self.folder + "/spool/pid/master.pid", encoding="utf-8") as file:
            self.tree = Tree(int(file.read()))
        return port

    def stop(self):
        self.postfix("stop")

    def boxes(self, names):
        return [os.path.join(self.folder, "mail", name) for name in names]

    def box_names(self):
        return [f"u{i}" for i in range(BOXES)]

    # For the backlog.

    def queued(self):
        return sum(len(files) for name in ("active", "deferred", "incoming", "maildrop")
                   for _, _, files in os.walk(os.path.join(self.folder, "spool", name)))

    def settled(self):
        return not any(files for name in ("active", "incoming") for _, _, files in
                       os.walk(os.path.join(self.folder, "spool", name)))

    lists = {"list all": ()}

    def list_command(self, words):
        return [find("postqueue"), "-c", self.folder + "/etc", "-p", *words]

    def all_due(self, hop):
        self.start(hop, keep=True)
        subprocess.run([find("postqueue"), "-c", self.folder + "/etc", "-f"], check=False,
                       capture_output=True)

    def queue_memory_kib(self):
        return self.tree.pss_kib()


class Toy:
    """ceiling.c: a relay that does only what none can leave out; stands for the machine's limit."""

    name = "toy"
    source = os.path.join(PEERS, "tools", "ceiling.c")

    def __init__(self, folder, logs):
        self.folder = os.path.join(folder, "toy")
        self.process = self.tree = None
        del logs

    @classmethod
    def missing(cls):
        return None if os.path.exists(cls.source) else "there is no " + os.path.relpath(
            cls.source, ROOT)

    def start(self, hop=None, mail=False):
        assert not mail
        os.makedirs(self.folder, exist_ok=True)
        program, port = os.path.join(self.folder, "ceiling"), port_free()
        subprocess.run(["cc", "-O2", "-w", "-pthread", "-o", program, self.source], check=True)
        self.process = subprocess.Popen([program, str(port), str(hop), self.folder + "/log", "20",
                                         "sync"], stdin=subprocess.DEVNULL, preexec_fn=many_files)
        wait_port(port)
        self.tree = Tree(self.process.pid)
        return port

    def stop(self):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Null:
    """The generator straight into the sink."""

    name = "none"
    tree = Nothing()

    def __init__(self, folder, logs):
        del folder, logs

    @staticmethod
    def missing():
        return None

    @staticmethod
    def start(hop=None, mail=False):
        assert not mail
        return hop

    def stop(self):
        pass


class Exim:
    """As the shared bench starts it, tuned. EXIM_ROOT: where its packages were unpacked."""

    name = "exim"
    group = "frank-bench-exim"

    def __init__(self, folder, logs):
        self.environment = {**os.environ, "BENCH_TMP": os.path.join(folder, "peers"),
                            "BENCH_CG": self.group}
        self.tree = self
        del logs

    @staticmethod
    def missing():
        program = os.environ.get("EXIM_ROOT", "") + "/usr/sbin/exim4"
        if os.getuid() != 0:
            return "Exim starts only as root"
        if not os.path.exists(os.path.join(PEERS, "peers", "exim", "start.sh")):
            return "there is no " + os.path.relpath(PEERS, ROOT)
        return None if os.access(program, os.X_OK) else f"there is no {program}"

    def script(self, name, *words):
        subprocess.run([os.path.join(PEERS, "peers", "exim", name), *words], check=True,
                       env=self.environment, stdout=subprocess.DEVNULL)

    def start(self, hop=None, mail=False):
        assert not mail
        port = port_free()
        os.makedirs(self.environment["BENCH_TMP"], exist_ok=True)
        self.script("start.sh", "--in", str(port), "--out", str(hop), "--variant", "tuned")
        return port

    def stop(self):
        self.script("stop.sh")

    # Its processes leave their parents: they are counted by their group.

    def group_file(self, name):
        for base in ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"):
            path = os.path.join(base, self.group, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    return file.read()
        return ""

    def cpu_s(self):
        usage = self.group_file("cpuacct.usage")
        if usage:
            return int(usage) / 1e9
        found = re.search(r"usage_usec (\d+)", self.group_file("cpu.stat"))
        return int(found.group(1)) / 1e6 if found else 0.0

    def pss_kib(self):
        return sum(pss_of(int(pid)) for pid in self.group_file("cgroup.procs").split())


SERVERS = {server.name: server for server in (Frank, Postfix, Toy, Null, Exim)}
