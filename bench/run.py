#!/usr/bin/python3
"""Measures Frank beside Postfix, on the same disk in the same run.

    bench/run.py relay                  1 KiB, 50 sessions, many messages over each connection
    bench/run.py relay --sessions 1     other numbers: --size --messages --runs --one
    bench/run.py idle [--tls]           memory of idle connections

Every 250 of both servers is durable (Frank: fdatasync of its segment; Postfix: fsync of its queue
file). Rates count until the sink has the last message. Medians of the runs; the servers take
turns, so that a noisy minute hits both. Exit 0 whatever the figures are: they are for reading.
"""

import argparse
import json
import os
import resource
import socket
import ssl
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Disk, Sink, generate, port_free          # noqa: E402
from servers import Frank, Postfix                           # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRAIN_SECONDS = 120
COLUMNS = ("messages/s", "accepted/s", "CPU ms/msg", "flushes/msg", "KiB/msg", "PSS MiB")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("workload", nargs="?", default="relay", choices=("relay", "idle"))
    add("--sessions", type=int, default=50)
    add("--size", type=int, default=1024)
    add("--messages", type=int, default=10000, help="for Frank")
    add("--peer-messages", type=int, default=2000, help="for Postfix, which is slower")
    add("--runs", type=int, default=3)
    add("--one", action="store_true", help="a connection for each message")
    add("--no-peer", action="store_true", help="Frank alone")
    add("--idle", type=int, default=10000, help="idle: connections")
    add("--tls", action="store_true", help="idle: inside TLS")
    add("--json", action="store_true")
    return parser.parse_args()


def relay_once(server, port, sink, disk, messages, args):
    """One run against a server that runs; a row of figures."""
    before, cpu, (kib, flushes) = sink.count, server.tree.cpu_s(), disk.read()
    start = time.monotonic()
    accepted_s = generate(port, args.sessions, messages, args.size, not args.one)
    while sink.count - before < messages:
        if time.monotonic() - start > DRAIN_SECONDS:
            raise SystemExit(f"{server.name}: {sink.count - before} of {messages} arrived in "
                             f"{DRAIN_SECONDS} s")
        time.sleep(0.005)
    total_s = time.monotonic() - start
    pss = server.tree.pss_kib() / 1024
    time.sleep(0.5)  # what is written late counts too
    kib_after, flushes_after = disk.read()
    return (messages / total_s, messages / accepted_s,
            (server.tree.cpu_s() - cpu) * 1000 / messages,
            (flushes_after - flushes) / messages, (kib_after - kib) / messages, pss)


def relay(args, folder):
    servers = [Frank(folder)] + ([] if args.no_peer else [Postfix(folder)])
    counts = {"frank": args.messages, "postfix": args.peer_messages}
    rows = {server.name: [] for server in servers}
    disk = Disk(folder)
    sinks = {server.name: (port, Sink(port)) for server in servers for port in [port_free()]}
    started = []
    try:
        ports = {}
        for server in servers:
            ports[server.name] = server.start(sinks[server.name][0])
            started.append(server)
        for number in range(args.runs + 1):
            for server in servers:
                row = relay_once(server, ports[server.name], sinks[server.name][1], disk,
                                 counts[server.name] if number else 500, args)
                if number:  # the first warms up
                    rows[server.name].append(row)
    finally:
        for server in started:
            server.stop()
        for _, sink in sinks.values():
            sink.stop()
    return {name: [statistics.median(column) for column in zip(*found)]
            for name, found in rows.items()}


def relay_print(figures, args):
    if args.json:
        print(json.dumps({name: dict(zip(COLUMNS, row)) for name, row in figures.items()}))
        return
    print(f"relay, {args.size} bytes, {args.sessions} sessions, "
          f"{'one message' if args.one else 'many messages'} per connection, every 250 durable; "
          f"medians of {args.runs}")
    print(f"{'':<10}" + "".join(f"{name:>13}" for name in COLUMNS))
    for name, row in figures.items():
        print(f"{name:<10}" + "".join(f"{value:>13.2f}" for value in row))
    if "postfix" in figures:
        print(f"{'ratio':<10}{figures['frank'][0] / figures['postfix'][0]:>13.2f}  "
              "(Frank to Postfix, messages/s)")


def idle_connect(port, context):
    """A connection behind EHLO, inside TLS if context is given."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
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


def idle(args, folder):
    """KiB of memory per idle connection over all of Frank's processes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    context = None
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    server = Frank(folder)
    port = server.start(port_free())
    held = []
    try:
        before = server.tree.pss_kib()
        held = [idle_connect(port, context) for _ in range(args.idle)]
        time.sleep(2)
        after = server.tree.pss_kib()
    finally:
        for connection in held:
            connection.close()
        server.stop()
    per = (after - before) / args.idle
    if args.json:
        print(json.dumps({"connections": args.idle, "tls": args.tls, "KiB": per}))
    else:
        print(f"{args.idle} idle {'TLS' if args.tls else 'plaintext'} connections: "
              f"{per:.2f} KiB each over all processes")


def main():
    args = arguments()
    build = os.path.join(ROOT, "build")
    with tempfile.TemporaryDirectory(prefix="frank-bench-", dir=build) as folder:
        os.chmod(folder, 0o755)
        if args.workload == "idle":
            idle(args, folder)
        else:
            relay_print(relay(args, folder), args)


if __name__ == "__main__":
    main()
