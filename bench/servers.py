"""The servers under test: Frank, and Postfix beside it. Each relays all it accepts to one port.

start() returns the port to send to; tree is the process tree whose cost counts; stop() ends it.
"""

import json
import os
import shutil
import subprocess
import sys

from measure import Tree, find, port_free, wait_port

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Frank:
    """./dev run --relay-to."""

    name = "frank"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "frank")
        self.tree = None

    def start(self, sink_port):
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, os.path.join(ROOT, "lab", "run.py"), "--background",
                        self.folder, "--relay-to", f"127.0.0.1:{sink_port}"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(self.folder, "lab.json"), encoding="utf-8") as file:
            info = json.load(file)
        self.tree = Tree(info["pid"])
        return info["listeners"]["mx"]["port"]

    def stop(self):
        subprocess.run([sys.executable, os.path.join(ROOT, "lab", "run.py"), "--stop",
                        self.folder], check=True)


MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = bench.test
mydestination = bench.test
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{sink}
biff = no
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
in_flow_delay = 0
default_process_limit = 200
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 40
qmgr_message_active_limit = 60000
qmgr_message_recipient_limit = 60000
smtp_connection_cache_destinations = [127.0.0.1]:{sink}
smtp_connection_reuse_count_limit = 10000
smtp_connection_reuse_time_limit = 600s
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
max_use = 10000
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
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A second instance with its own configuration and queue, tuned for throughput."""

    name = "postfix"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postfix")
        self.tree = None

    def postfix(self, verb, check=True):
        return subprocess.run([find("postfix"), "-c", self.folder + "/etc", verb], check=check,
                              capture_output=True, text=True)

    def start(self, sink_port):
        if os.getuid() != 0:
            raise SystemExit("Postfix starts only as root: run this bench as root")
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("etc", "data", "spool"):
            os.makedirs(os.path.join(self.folder, name))
        os.chmod(self.folder, 0o755)
        shutil.chown(self.folder + "/data", "postfix")
        port = port_free()
        with open(self.folder + "/etc/main.cf", "w", encoding="utf-8") as file:
            file.write(MAIN_CF.format(folder=self.folder, sink=sink_port))
        with open(self.folder + "/etc/master.cf", "w", encoding="utf-8") as file:
            file.write(MASTER_CF.format(port=port))
        with open(self.folder + "/maillog", "w", encoding="utf-8"):
            pass
        shutil.chown(self.folder + "/maillog", "postfix")
        done = self.postfix("start", check=False)
        if done.returncode:
            raise SystemExit(f"Postfix did not start: {done.stderr[-800:]}")
        wait_port(port)
        with open(self.folder + "/spool/pid/master.pid", encoding="utf-8") as file:
            self.tree = Tree(int(file.read()))
        return port

    def stop(self):
        self.postfix("stop", check=False)
