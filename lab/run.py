#!/usr/bin/python3
"""Runs Frank in a lab: its own folder, high loopback ports, users ann and bob, and the small
internet of lab/hosts.py around it.

    lab/run.py                      in the foreground, in ./lab-run; Ctrl-C ends it
    lab/run.py --background DIR     returns when the server is ready; DIR/lab.json says where,
                                    as long as it runs
    lab/run.py --stop [DIR]         ends it; the folder stays, and starting again goes on with it

The programs are those of $FRANK_BUILD (./dev run sets it).
"""

import argparse
import contextlib
import json
import os
import secrets
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import dovecot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
READY_SECONDS = 40
STOP_SECONDS = 20
UID_BASE = 42000
POSTOFFICE = "example.test"
USERS = ("ann", "bob")
ADDRESSES = {"postmaster": "ann", "abuse": "ann", "ann": "ann", "bob": "bob"}
IMAP_PORT = 2143                        # of a Dovecot, which only the user starts
# In the foreground, where free; in the background any free ports.
PORTS = {"mx": 2525, "submission": 2587, "submissions": 2465}


def arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--background", metavar="DIR", help="return when ready; all files in DIR")
    add("--stop", metavar="DIR", nargs="?", const=os.path.join(ROOT, "lab-run"),
        help="end the one that runs in DIR (./lab-run)")
    add("--relay-to", metavar="HOST:PORT", help="all outbound mail to one host, without DNS, and "
        "127.0.0.0/8 may relay: for benchmarks")
    add("--zone", metavar="FILE", help="this zone file instead of the lab's")
    add("--now", metavar="EPOCH", help="the wall clock starts here")
    add("--set", metavar="'OPTION VALUE'", action="append", default=[],
        help="a line of the configuration; 'mx.OPTION VALUE' for that listener")
    add("--fresh", action="store_true", help="forget what an earlier run left in the folder")
    args = parser.parse_args(words)
    for name in ("background", "stop", "zone"):
        if getattr(args, name):
            setattr(args, name, os.path.join(os.environ.get("FRANK_CWD", os.getcwd()),
                                             getattr(args, name)))
    return args


class Lab:
    """One lab and its folder."""

    def __init__(self, folder, args):
        self.folder = os.path.abspath(folder)
        self.args = args
        self.build = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
        self.ports = {}
        self.hosts = []
        self.children = {}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    # What lies in the folder.

    def programs_link(self):
        """bin/: every program of the build side by side, as they are when installed."""
        os.makedirs(self.path("bin"), exist_ok=True)
        source = os.path.join(self.build, "src")
        programs = [os.path.join(source, "tool", "frank")]
        for name in sorted(os.listdir(os.path.join(source, "proc"))):
            programs.append(os.path.join(source, "proc", name, "frank-" + name))
        for program in programs:
            link = self.path("bin", os.path.basename(program))
            if os.path.lexists(link):
                os.unlink(link)
            if os.access(program, os.X_OK):
                os.symlink(program, link)

    def certificate_make(self):
        if os.path.exists(self.path("cert.pem")):
            return
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365",
                        "-subj", "/CN=mx." + POSTOFFICE, "-addext",
                        f"subjectAltName=DNS:mx.{POSTOFFICE},DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
                       check=True, capture_output=True)

    def users_load(self):
        """{name: password}; made once per folder."""
        path = self.path("users.json")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8", opener=private) as file:
                json.dump({name: secrets.token_urlsafe(9) for name in USERS}, file)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def ports_choose(self):
        for name, wanted in PORTS.items():
            port = wanted
            if self.args.background or not port_is_free(port):
                port = port_free()
            while port in self.ports.values():      # nobody listens there yet
                port = port_free()
            self.ports[name] = port

    def configuration(self):
        """The lines of frank.conf: the lab's, then those of --set in place of them."""
        lines = {
            "hostname": "mx." + POSTOFFICE, "spool": "spool", "mail": "mail", "state": "state",
            "run": "run", "log": "frank.log", "tls-certificate": "cert.pem", "tls-key": "key.pem",
            "disk-reserve": "64M",
        }
        if os.getuid() == 0:
            lines["uid-base"] = str(UID_BASE)
        if self.args.relay_to:
            lines.update({"smart-host": self.args.relay_to, "relay-trusted": "127.0.0.0/8",
                          "allow-loopback-destinations": "on"})
        else:
            lines.update({
                "smtp-out-port": str(self.hosts[0]["port"]), "allow-loopback-destinations": "on",
                "zone-file": self.args.zone or "lab/zone", "retry-schedule": "2s 4s 8s",
                "retry-jitter-percent": "0", "lifetime": "60s", "delay-notice-after": "30s",
                "probe-wait": "5s", "probe-wait-max": "20s",
                "out-time-connect": "5s", "out-time-greeting": "15s", "out-time-command": "15s",
                "out-time-data": "15s", "out-time-block": "15s", "out-time-final": "15s",
            })
        # Everybody in a lab is 127.0.0.1.
        common = {"connections-per-network": "20000", "connection-rate": "10000000"}
        also = " [::1]:{0}" if ipv6_works() else ""
        blocks = {name: {"address": ("127.0.0.1:{0}" + also).format(port), "kind": name, **common}
                  for name, port in self.ports.items()}
        for line in self.args.set:
            option, _, value = line.partition(" ")
            block, dot, name = option.partition(".")
            (blocks[block] if dot else lines)[name if dot else option] = value
        text = [f"{option} {value}" for option, value in lines.items()]
        for block, options in blocks.items():
            text += [f"listener {block} {{", *(f"\t{o} {v}" for o, v in options.items()), "}"]
        return "\n".join(text) + "\n"

    # Starting.

    def hosts_start(self):
        if self.args.relay_to:
            return
        os.makedirs(self.path("lab"), exist_ok=True)
        ready = self.path("lab", "ready.json")
        if os.path.exists(ready):
            os.unlink(ready)
        self.spawn("hosts", [sys.executable, os.path.join(ROOT, "lab", "hosts.py"), "--dir",
                             self.path("lab")])
        self.wait("hosts", lambda: os.path.exists(ready), "the lab's hosts")
        with open(ready, encoding="utf-8") as file:
            self.hosts = json.load(file)["hosts"]

    def server_start(self):
        with open(self.path("frank.conf"), "w", encoding="utf-8") as file:
            file.write(self.configuration())
        checked = self.frank("--config", self.path("frank.conf"), "check")
        if checked.returncode:
            raise SystemExit(checked.stdout + checked.stderr)
        command = [self.path("bin", "frank-super"), "--config", self.path("frank.conf"),
                   "--programs", self.path("bin")]
        if self.args.now:
            command += ["--now", self.args.now]
        self.spawn("super", command)
        self.wait("super", lambda: self.frank("status").returncode == 0, "frank status")
        self.wait("super", self.listening, "the listeners")

    def spawn(self, name, command):
        with open(self.path(name + ".out"), "ab") as output:
            self.children[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                start_new_session=True)

    def wait(self, name, condition, what):
        """Until the condition holds; ends with the child's output when it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self.children[name].poll() is not None or time.monotonic() > deadline:
                with open(self.path(name + ".out"), encoding="utf-8", errors="replace") as file:
                    said = file.read()[-3000:]
                log = self.path("frank.log")
                if os.path.exists(log):
                    with open(log, encoding="utf-8", errors="replace") as file:
                        said += file.read()[-3000:]
                self.end()
                raise SystemExit(f"Not ready: {what}. It said:\n{said}")
            time.sleep(0.05)

    def listening(self):
        for port in self.ports.values():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
        return True

    def frank(self, *words, text=None):
        return subprocess.run([self.path("bin", "frank"), "--socket",
                               self.path("run", "control.sock"), *words], input=text or "",
                              capture_output=True, text=True, timeout=60, check=False)

    def directory_fill(self, users):
        """Postoffice, domain, mailboxes and addresses, unless an earlier start made them."""
        if os.path.exists(self.path("filled")):
            return
        self.must("postoffice", "add", POSTOFFICE)
        self.must("domain", "add", POSTOFFICE, POSTOFFICE)
        for name, password in users.items():
            self.must("mailbox", "add", f"{name}@{POSTOFFICE}", "--password-stdin", text=password)
        for local, name in ADDRESSES.items():
            self.must("address", "add", f"{local}@{POSTOFFICE}", f"{name}@{POSTOFFICE}")
        with open(self.path("filled"), "w", encoding="utf-8"):
            pass

    def must(self, *words, text=None):
        done = self.frank(*words, text=text)
        if done.returncode:
            self.end()
            raise SystemExit(f"frank {' '.join(words)}: {done.stderr}{done.stdout}")

    def lab_json(self, users):
        """What outside tests need to know."""
        def place(port):
            return {"host": "127.0.0.1", "port": port}
        pids = {name: child.pid for name, child in self.children.items()}
        info = {
            "listeners": {name: place(port) for name, port in self.ports.items()},
            "hosts": self.hosts,
            "users": [{"login": f"{name}@{POSTOFFICE}", "password": password,
                       "address": f"{name}@{POSTOFFICE}",
                       "maildir": self.path("mail", POSTOFFICE, name, "Maildir")}
                      for name, password in users.items()],
            "pid": pids["super"], "hosts_pid": pids.get("hosts"),
            "started": {name: process_started(pid) for name, pid in pids.items()},
            "control": self.path("run", "control.sock"), "spool": self.path("spool"),
            "mail": self.path("mail"), "log": self.path("frank.log"),
            "config": self.path("frank.conf"), "tool": self.path("bin", "frank"),
        }
        temporary = self.path("lab.json.new")
        with open(temporary, "w", encoding="utf-8", opener=private) as file:
            json.dump(info, file, indent=1)
        os.rename(temporary, self.path("lab.json"))

    def dovecot_conf(self, users):
        """For a Dovecot on the Maildirs; they belong to whom their folder belongs."""
        folder = self.path("dovecot")
        owner = os.stat(self.path("mail"))
        os.makedirs(os.path.join(folder, "control"), exist_ok=True)
        os.chown(os.path.join(folder, "control"), owner.st_uid, owner.st_gid)
        text = dovecot.configuration(
            folder, self.path("mail", POSTOFFICE, "%n", "Maildir"), (owner.st_uid, owner.st_gid),
            IMAP_PORT, {f"{name}@{POSTOFFICE}": password for name, password in users.items()})
        with open(self.path("dovecot.conf"), "w", encoding="utf-8", opener=private) as file:
            file.write(text)

    def refuse_second(self):
        """Before anything is written: the folder belongs to the one that runs in it."""
        pid = running(self.folder)
        if pid:
            raise SystemExit(f"Frank already runs in {self.folder} (process {pid}); "
                             f"./dev stop {self.folder} ends it.")

    def start(self):
        self.refuse_second()
        if self.args.fresh and os.path.exists(self.folder):
            shutil.rmtree(self.folder)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.programs_link()
        self.certificate_make()
        users = self.users_load()
        self.ports_choose()
        self.hosts_start()
        self.server_start()
        self.directory_fill(users)
        self.dovecot_conf(users)
        self.lab_json(users)
        return users

    def end(self):
        for name in ("super", "hosts"):
            if name in self.children:
                child_end(self.children[name])

    def foreground(self, users):
        print(self.welcome(users), flush=True)
        try:
            while self.children["super"].poll() is None:
                time.sleep(0.2)
            print("Frank has ended.", flush=True)
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
        self.end()
        lab_json_forget(self.folder)

    def welcome(self, users):
        lines = ["", "Frank is running, with a small internet of its own.", ""]
        lines += [f"  {name:<12} 127.0.0.1:{port}" for name, port in self.ports.items()]
        lines += [f"  login        {name}@{POSTOFFICE}   password {password}"
                  for name, password in users.items()]
        if self.args.relay_to:
            return "\n".join(lines + [f"  relays to    {self.args.relay_to}", ""])
        return "\n".join(lines + [
            "", "Try, in another terminal:", "",
            "  ./dev mail --to bob@example.test        delivered to bob",
            "  ./dev mail --to carol@accept.test       relayed to another server",
            "  ./dev mail --to dave@gateway.test       they do not let us in: kept, explained", "",
            f"Log: {self.path('frank.log')}   mail: {self.path('mail')}",
            f"The frank command: {self.path('bin', 'frank')} --config {self.path('frank.conf')}",
            "Ctrl-C stops it.", ""])


def private(path, flags):
    return os.open(path, flags, 0o600)


def can_bind(family, address, port):
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
        return True
    except OSError:
        return False


def ipv6_works():
    return can_bind(socket.AF_INET6, "::1", 0)


def port_is_free(port):
    return can_bind(socket.AF_INET, "127.0.0.1", port) and (
        not ipv6_works() or can_bind(socket.AF_INET6, "::1", port))


def port_free():
    """A port that is free on both families; one that is not is rare, so a few tries do."""
    for _ in range(20):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port_is_free(port):
            return port
    raise SystemExit("No port is free on both 127.0.0.1 and ::1.")


def child_end(child):
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def process_started(pid):
    """When it was started, in ticks since the boot; with the number this names one process. None
    when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def running(folder):
    """The process id of the Frank that lab.json names, if it lives."""
    try:
        with open(os.path.join(folder, "lab.json"), encoding="utf-8") as file:
            info = json.load(file)
    except (OSError, ValueError):
        return None
    since = info.get("started", {}).get("super")
    return info["pid"] if since and process_started(info["pid"]) == since else None


def lab_json_forget(folder):
    """Whoever comes first: --stop, and the one in the foreground that it ends."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, "lab.json"))


def process_end(pid, started):
    """By SIGTERM, or SIGKILL after a while: that process, never another that has its number."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if process_started(pid) != started:
            return
        signal.pidfd_send_signal(fd, signal.SIGTERM)
        if not select.select([fd], [], [], STOP_SECONDS)[0]:
            print(f"Process {pid} did not end in {STOP_SECONDS} s: killed.", file=sys.stderr)
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        pass                            # between two of these lines
    finally:
        os.close(fd)


def stop(folder):
    """Ends what lab.json names, and takes it away; 0 when all is gone."""
    path = os.path.join(folder, "lab.json")
    try:
        with open(path, encoding="utf-8") as file:
            info = json.load(file)
    except FileNotFoundError:
        print(f"Nothing runs in {folder}: there is no {path}.", file=sys.stderr)
        return 1
    started = info.get("started", {})
    for name, key in (("super", "pid"), ("hosts", "hosts_pid")):
        if info[key] and name in started:
            process_end(info[key], started[name])
    lab_json_forget(folder)
    return 0


def main():
    args = arguments()
    if args.stop:
        return stop(args.stop)
    lab = Lab(args.background or os.path.join(ROOT, "lab-run"), args)
    try:
        users = lab.start()
    except BaseException:
        lab.end()
        raise
    if args.background:
        print(lab.path("lab.json"), flush=True)
        print(f"Try: ./dev mail --dir {shlex.quote(lab.folder)}\n"
              f"End: ./dev stop {shlex.quote(lab.folder)}", file=sys.stderr)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lab.foreground(users)
    return 0


if __name__ == "__main__":
    sys.exit(main())
