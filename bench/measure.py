"""What a run costs: messages through generator and sink, CPU of a process tree, disk counters.

Generator and sink are Postfix's smtp-source and smtp-sink. All traffic stays on 127.0.0.0/8; every
wait is bounded.
"""

import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
ARRIVE_SECONDS = 120
PEAK_EVERY_S = 0.5


def find(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise SystemExit(f"{program} is missing: ./dev setup installs it (package postfix)")
    return path


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, seconds=20, host="127.0.0.1"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {host}:{port} after {seconds} s")


def many_files():
    """For a child, or for ourselves: as many descriptors as may be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end(process, seconds=10):
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def log_folder():
    """Logs lie in memory, where there is some, so that the disk counters show the spool alone."""
    shared = "/dev/shm"
    folder = tempfile.mkdtemp(prefix="frank-bench-log-",
                              dir=shared if os.access(shared, os.W_OK) else None)
    os.chmod(folder, 0o755)
    return folder


# --- processes and disk ---------------------------------------------------------------------------


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


def pss_of(pid):
    """KiB, or 0 when it has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
    except (OSError, AttributeError):
        return 0


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
        return sum(pss_of(pid) for pid in self.pids())

    def named(self, name):
        """The one whose program has this name, or None."""
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if os.path.basename(file.read().split(b"\0")[0].decode()) == name:
                        return pid
            except OSError:
                pass
        return None


class Nothing:
    """The tree of a server that is none."""

    def cpu_s(self):
        return 0.0

    def pss_kib(self):
        return 0


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


def machine_busy_s():
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(word) for word in file.readline().split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / TICKS


def children_cpu_s():
    """Of generators that have ended, and of this process."""
    ended, own = (resource.getrusage(who)
                  for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return ended.ru_utime + ended.ru_stime + own.ru_utime + own.ru_stime


class Meter:
    """The costs of a server between start and figures(); others: pids of sinks, which are ours."""

    def __init__(self, server, disk, others=()):
        self.server, self.disk, self.others = server, disk, [Tree(pid) for pid in others]
        self.peak_kib = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.before = self.read()
        self.thread.start()

    def read(self):
        return (self.server.tree.cpu_s(), *self.disk.read(), machine_busy_s(),
                children_cpu_s() + sum(tree.cpu_s() for tree in self.others))

    def watch(self):
        while not self.done.wait(PEAK_EVERY_S):
            self.peak_kib = max(self.peak_kib, self.server.tree.pss_kib())

    def figures(self, messages):
        """Per message. What is written late counts too, so it waits a little."""
        self.done.set()
        self.thread.join()
        self.peak_kib = max(self.peak_kib, self.server.tree.pss_kib())
        time.sleep(0.3)
        cpu, kib, flushes, busy, ours = (new - old for new, old in zip(self.read(), self.before))
        return {"cpu_ms": cpu * 1000 / messages, "flushes": flushes / messages,
                "kib": kib / messages, "pss_mib": self.peak_kib / 1024,
                "strangers_s": busy - cpu - ours}


# --- messages -------------------------------------------------------------------------------------


class Sink:
    """smtp-sink on a port, counting messages."""

    def __init__(self, port, host="127.0.0.1", options=()):
        self.count = 0
        self.process = subprocess.Popen(
            [find("smtp-sink"), "-c", "-4", *(["-u", "nobody"] if os.getuid() == 0 else []), "-m",
             "2000", *options, f"{host}:{port}", "1024"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=many_files)
        threading.Thread(target=self.watch, daemon=True).start()
        wait_port(port, host=host)

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


class Mute:
    """A next hop that takes connections and never says a word."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen(256)

    def stop(self):
        self.socket.close()


class Boxes:
    """Maildirs in which messages arrive: the files in */new of the folders."""

    def __init__(self, folders):
        self.folders = [os.path.join(folder, "new") for folder in folders]

    @property
    def count(self):
        total = 0
        for folder in self.folders:
            try:
                with os.scandir(folder) as entries:
                    total += sum(1 for _ in entries)
            except OSError:
                pass
        return total

    def stop(self):
        pass


def generate(port, sessions, messages, size, keep, sender="sender@bench.test",
             recipient="user@sink.test", numbered=False, timeout=ARRIVE_SECONDS):
    """Runs smtp-source to its end; seconds that it took. numbered: a number before each
    recipient."""
    command = [find("smtp-source"), "-4", "-s", str(sessions), "-m", str(messages), "-l",
               str(size), "-f", sender, "-t", recipient, *(["-d"] if keep else []),
               *(["-N"] if numbered else []), f"127.0.0.1:{port}"]
    start = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, preexec_fn=many_files, check=False)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{messages} messages were not taken in {timeout} s") from None
    if done.returncode:
        raise SystemExit(f"smtp-source failed: {done.stderr[-500:]}")
    return time.monotonic() - start


def wait_count(sink, wanted, start, seconds=ARRIVE_SECONDS):
    """Until the sink has so many; seconds since start."""
    pause = 0.1 if isinstance(sink, Boxes) else 0.005
    while sink.count < wanted:
        if time.monotonic() - start > seconds:
            raise SystemExit(f"{wanted - sink.count} messages were still missing after "
                             f"{seconds} s")
        time.sleep(pause)
    return time.monotonic() - start
