"""frank run: it finds the server's programs wherever they lie."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import table
from hosts import ROOT, wait_until

SERVER = "none"
BUILD = os.environ.get("FRANK_BUILD", os.path.join(ROOT, "build", "release"))
UID_BASE = 43000
NOW = 1000000000                        # 2001-09-09 01:46:40


def programs():
    source = os.path.join(BUILD, "src")
    names = [os.path.join(source, "proc", name, "frank-" + name)
             for name in os.listdir(os.path.join(source, "proc"))]
    return [os.path.join(source, "tool", "frank"),
            *(name for name in names if os.path.isfile(name))]


def place_links(folder):
    """As the lab does: links side by side."""
    for program in programs():
        os.symlink(program, os.path.join(folder, os.path.basename(program)))
    return os.path.join(folder, "frank")


def place_copies(folder):
    """All in one folder, and called by a link from another one."""
    os.mkdir(os.path.join(folder, "all"))
    for program in programs():
        shutil.copy(program, os.path.join(folder, "all"))
    os.symlink("all/frank", os.path.join(folder, "frank"))
    return os.path.join(folder, "frank")


def place_installed(folder):
    """meson install, whose prefix a package is free to choose."""
    done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"],
                          env={**os.environ, "DESTDIR": folder}, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
    tool = [name for name in found if name.endswith("bin/frank")]
    assert len(tool) == 1, found
    assert {os.path.basename(p) for p in programs()} <= {os.path.basename(p) for p in found}
    pages = {"frank.8", "frank.conf.5", "frank-kb.7"}
    assert pages <= {os.path.basename(p) for p in found}, found
    others = [path for path in found
              if os.path.basename(path).startswith("frank-") and "/man/" not in path]
    assert all("/libexec/frank/" in path for path in others), others
    return tool[0]


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(folder, port):
    lines = ["hostname mx.example.test", *(f"{name} {name}" for name in
                                           ("spool", "mail", "state", "run", "log"))]
    if os.getuid() == 0:
        lines.append(f"uid-base {UID_BASE}")
    lines.append(f"listener mx {{\n\taddress 127.0.0.1:{port}\n}}\n")
    with open(os.path.join(folder, "frank.conf"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    with open(os.path.join(folder, "zone"), "w", encoding="utf-8") as file:
        file.write("accept.test A 192.0.2.1\n")


def log_text(folder):
    try:
        with open(os.path.join(folder, "log"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def child(tool, folder):
    return subprocess.Popen([tool, "--config", "frank.conf", "run", "--zone", "zone", "--now",
                             str(NOW)], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@table([("links", place_links), ("copies", place_copies), ("installed", place_installed)])
def test_run(_lab, place):
    """Issue 2e, product.md: frank run with --zone and --now, from each layout."""
    folder = tempfile.mkdtemp(prefix="frank-run.")
    server = None
    try:
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, "programs"), 0o755)
        port = port_free()
        configure(folder, port)
        server = child(place(os.path.join(folder, "programs")), folder)
        wait_until(lambda: server.poll() is not None or " ready" in log_text(folder), 30, "ready")
        assert server.poll() is None, server.stdout.read() + log_text(folder)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            assert client.recv(200).startswith(b"220 mx.example.test")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        assert re.match(r"2001-09-09T01:4[6-9]:", log_text(folder)), log_text(folder)[:80]
        assert " error " not in log_text(folder), log_text(folder)
    finally:
        if server:
            server.kill()
            server.wait()
            server.stdout.close()
        shutil.rmtree(folder)


@table([("certificate", "tls-certificate bad\ntls-key bad\n", "name=smtpin"),
        ("zone", "zone-file bad\n", "name=dns"),
        ("missing", "tls-certificate no\ntls-key no\n", "file_unreadable")])
def test_unusable_files_do_not_start(_lab, lines, says):
    """Issue 4b, 11: rather no server than one without TLS and AUTH that says it is ready."""
    folder = tempfile.mkdtemp(prefix="frank-run.")
    try:
        os.chmod(folder, 0o755)
        configure(folder, port_free())
        for name, text in (("bad", "garbage\n"), ("frank.conf", None)):
            path = os.path.join(folder, name)
            if text is None:
                with open(path, encoding="utf-8") as file:
                    text = lines + file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        os.mkdir(os.path.join(folder, "programs"), 0o755)
        done = subprocess.run([place_links(os.path.join(folder, "programs")), "--config",
                               "frank.conf", "run"], cwd=folder, capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 78 and says in done.stderr, done.stderr
        assert " ready" not in log_text(folder)
    finally:
        shutil.rmtree(folder)


def test_programs_are_missing(_lab):
    """Alone in its folder, it says what is missing and where it looked."""
    folder = tempfile.mkdtemp(prefix="frank-run.")
    try:
        tool = shutil.copy(programs()[0], folder)
        done = subprocess.run([tool, "run"], capture_output=True, text=True, check=False,
                              timeout=20)
        assert done.returncode == 66 and "libexec/frank" in done.stderr, done.stderr
    finally:
        shutil.rmtree(folder)
