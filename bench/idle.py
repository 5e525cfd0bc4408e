"""Idle connections: opened, greeted, EHLO said, inside TLS where the workload asks for it; then
held. KiB of memory for each over all processes of the server."""

import socket
import ssl
import time

from measure import many_files, port_free
from servers import Frank, Postfix

SETTLE_S = 2


def connect(port, number, context):
    """A connection behind EHLO; from several addresses, so that ports do not run out."""
    connection = socket.socket()
    connection.settimeout(60)
    connection.bind((f"127.0.{1 + number // 200 % 250}.{1 + number % 200}", 0))
    connection.connect(("127.0.0.1", port))
    connection.recv(512)
    connection.sendall(b"EHLO idle.test\r\n")
    connection.recv(2048)
    if not context:
        return connection
    connection.sendall(b"STARTTLS\r\n")
    connection.recv(512)
    inside = context.wrap_socket(connection)
    inside.sendall(b"EHLO idle.test\r\n")
    inside.recv(2048)
    return inside


def once(server, count, tls):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = server.start(port_free())
    held = []
    try:
        before, cpu = server.tree.pss_kib(), server.tree.cpu_s()
        start = time.monotonic()
        held = [connect(port, number, context) for number in range(count)]
        opened_s = time.monotonic() - start
        cpu = server.tree.cpu_s() - cpu
        time.sleep(SETTLE_S)
        after = server.tree.pss_kib()
    finally:
        for connection in held:
            connection.close()
        server.stop()
    return {"KiB each": (after - before) / count, "opened/s": count / opened_s,
            "CPU ms to open one": cpu * 1000 / count}


def measure(bench, workload, wanted):
    many_files()
    for name, rounds in wanted.items():
        for _ in range(rounds):
            if bench.late():
                return
            count = bench.count(workload, name)
            # Postfix has a process for each.
            server = (Postfix(bench.folder, bench.logs, processes=count + 200)
                      if name == "postfix" else Frank(bench.folder, bench.logs))
            bench.add(workload, name, count, once(server, count, not workload.keep))
