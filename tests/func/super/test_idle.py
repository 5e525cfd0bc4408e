"""What an idle session costs over all processes. On a build as it ships: a sanitizer's memory is
its own."""

import os
import resource
import socket
import ssl
import time

from harness import Skip, table

CONNECTIONS = 2000
FRESH = True
SANITIZED = '"name": "b_sanitize", "value": "none"'


def build_is_plain():
    build = os.environ.get("FRANK_BUILD", "")
    with open(os.path.join(build, "meson-info", "intro-buildoptions.json"),
              encoding="utf-8") as file:
        if SANITIZED not in file.read():
            raise Skip("memory is measured without sanitizers")


def pss_kib(pids):
    """Memory of all, what they share counted once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def read_reply(connection):
    """One reply, whole."""
    text = b""
    while not text.endswith(b"\r\n") or text.splitlines()[-1][3:4] != b" ":
        got = connection.recv(4096)
        assert got, text
        text += got
    return text


def connect(address, context):
    """A connection behind EHLO, inside TLS when a context is given."""
    connection = socket.create_connection(address, timeout=60)
    read_reply(connection)
    for command in (b"EHLO idle.test\r\n", b"STARTTLS\r\n" if context else b"NOOP\r\n"):
        connection.sendall(command)
        assert read_reply(connection).startswith(b"2")
    if context:
        connection = context.wrap_socket(connection)
        connection.sendall(b"EHLO idle.test\r\n")
        assert read_reply(connection).startswith(b"250")
    return connection


@table([("plaintext", False, 16), ("tls", True, 64)])
def test_memory(lab, tls, most_kib):
    """Issue, how well: idle inbound connections, at most 16 KiB each, 64 KiB inside TLS."""
    build_is_plain()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 100:
        raise Skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CONNECTIONS + 100), hard))
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pids = [lab.info["pid"], *lab.children()]
    held = []
    try:
        before = pss_kib(pids)
        held = [connect(lab.listeners["mx"], context) for _ in range(CONNECTIONS)]
        time.sleep(1)
        each = (pss_kib(pids) - before) / CONNECTIONS
        assert lab.children() == pids[1:], "a process died"
        held[0].sendall(b"NOOP\r\n")
        assert read_reply(held[0]).startswith(b"250")
    finally:
        for connection in held:
            connection.close()
    assert 0.5 < each <= most_kib, f"{each:.1f} KiB each, of at most {most_kib}"
