"""What a run costs: messages through generator and sink, CPU of a process tree, disk counters.

Generator and sink are Postfix's smtp-source and smtp-sink. All traffic stays on 127.0.0.1; every
wait is bounded.
"""

import os
import re
import resource
import shutil
import socket
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def find(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise SystemExit(f"{program} is missing: ./dev setup installs it (package postfix)")
    return path


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on 127.0.0.1:{port} after {seconds} s")


def many_files():
    """For a child: as many descriptors as may be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end(process, seconds=10):
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def process_table():
    """{pid: (parent, fields of /proc/PID/stat behind the name)}"""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        table[int(name)] = (int(fields[1]), fields)
    return table


class Tree:
    """A process and its descendants."""

    def __init__(self, root):
        self.root = root

    def pids(self, table=None):
        table = table or process_table()
        found, more = {self.root} & set(table), True
        while more:
            children = {pid for pid, (parent, _) in table.items() if parent in found} - found
            found, more = found | children, bool(children)
        return found

    def cpu_s(self):
        """User and system seconds of all that live, and of the dead that the root waited for."""
        table = process_table()
        ticks = 0
        for pid in self.pids(table):
            fields = table[pid][1]
            ticks += int(fields[11]) + int(fields[12])
            if pid == self.root:
                ticks += int(fields[13]) + int(fields[14])
        return ticks / TICKS

    def pss_kib(self):
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                    total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
            except (OSError, AttributeError):
                pass
        return total


class Disk:
    """Counters of the block device below a folder; zeros where the system shows none."""

    def __init__(self, folder):
        device = os.stat(folder).st_dev
        self.path = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat"

    def read(self):
        """(KiB written, flushes)"""
        try:
            with open(self.path, encoding="utf-8") as file:
                fields = [int(word) for word in file.read().split()]
        except OSError:
            return 0, 0
        return fields[6] // 2, fields[15] if len(fields) > 15 else 0


class Sink:
    """smtp-sink on a port, counting messages."""

    def __init__(self, port):
        self.count = 0
        self.process = subprocess.Popen(
            [find("smtp-sink"), "-c", "-4", *(["-u", "nobody"] if os.getuid() == 0 else []), "-m",
             "2000", f"127.0.0.1:{port}", "1024"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=many_files)
        threading.Thread(target=self.watch, daemon=True).start()
        wait_port(port)

    def watch(self):
        """smtp-sink rewrites one line of counters with carriage returns."""
        rest = b""
        while True:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return
            found = re.findall(rb"mesg=(\d+)(?=\D)", rest + piece)
            if found:
                self.count = int(found[-1])
            rest = (rest + piece)[-64:]

    def stop(self):
        end(self.process)


def generate(port, sessions, messages, size, keep, sender="sender@bench.test",
             recipient="user@sink.test", timeout=120):
    """Runs smtp-source to its end; seconds that it took."""
    command = [find("smtp-source"), "-4", "-s", str(sessions), "-m", str(messages), "-l",
               str(size), "-f", sender, "-t", recipient, *(["-d"] if keep else []),
               f"127.0.0.1:{port}"]
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, preexec_fn=many_files, check=False)
    if done.returncode:
        raise SystemExit(f"smtp-source failed: {done.stderr[-500:]}")
    return time.monotonic() - start
