"""One destination takes 30 s for each reply and has a long queue: how long does mail for others
take?

Probes go one at a time, 20 in a second, to a host that answers at once; its time is from our
DATA's 250 until it has the message. First with nothing else in the queue, then with the slow one's.
"""

import os
import socket
import socketserver
import statistics
import threading
import time

from measure import Sink, generate, port_free, wait_count, wait_port
from servers import Frank

SLOW, FAST, MANY = "127.0.7.1", "127.0.7.2", "127.0.7.3"
REPLY_S = 30
PROBES, PROBE_EVERY_S = 200, 0.05
MANY_MESSAGES, RATE_ROUNDS = 5000, 5
PER_RUN = 200000
ZONE = "".join(f"{name}.test 60 MX 10 mx.{name}.test\nmx.{name}.test 60 A {address}\n"
               for name, address in (("slow", SLOW), ("fast", FAST), ("many", MANY)))


class Host(socketserver.ThreadingTCPServer):
    """A mail host that waits before each reply and notes when each message was there."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, port, wait_s):
        self.wait_s, self.seen = wait_s, {}
        super().__init__((address, port), Talk)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Talk(socketserver.StreamRequestHandler):
    """One connection to it."""

    def reply(self, text):
        time.sleep(self.server.wait_s)
        self.wfile.write(text.encode() + b"\r\n")

    disable_nagle_algorithm = True

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass

    def talk(self):
        self.reply("220 host ESMTP")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.reply("354 go")
                self.take()
            elif verb == b"EHLO":
                self.reply("250-host\r\n250 PIPELINING")
            else:
                self.reply("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return

    def take(self):
        for line in self.rfile:
            if line.startswith(b"Subject: probe "):
                self.server.seen[int(line.split()[2])] = time.monotonic()
            if line == b".\r\n":
                break
        self.reply("250 ok")


class Client:
    """Our side: probes over one connection."""

    def __init__(self, port):
        self.file = socket.create_connection(("127.0.0.1", port), timeout=30).makefile("rwb")
        self.reply()
        self.say("EHLO bench.test")

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        if line[:1] not in b"23":
            raise SystemExit("probe refused: " + line.decode())

    def say(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()
        self.reply()

    def probe(self, number):
        """When its 250 was there."""
        self.say("MAIL FROM:<probe@bench.test>")
        self.say("RCPT TO:<probe@fast.test>")
        self.say("DATA")
        self.say(f"Subject: probe {number}\r\n\r\nprobe\r\n.")
        return time.monotonic()


def delays(port, host, first):
    """Milliseconds of each probe."""
    client, sent = Client(port), {}
    for number in range(first, first + PROBES):
        sent[number] = client.probe(number)
        time.sleep(PROBE_EVERY_S)
    deadline = time.monotonic() + 60
    while not all(number in host.seen for number in sent) and time.monotonic() < deadline:
        time.sleep(0.05)
    lost = [number for number in sent if number not in host.seen]
    if lost:
        raise SystemExit(f"{len(lost)} probes did not arrive in a minute")
    return sorted(max(0.0, (host.seen[number] - sent[number]) * 1000) for number in sent)


def figures_of(name, times):
    return {f"{name} ms": statistics.median(times),
            f"{name} p99 ms": times[int(len(times) * 0.99)], f"{name} worst ms": times[-1]}


def rate(port, sink):
    """Messages a second of many sessions to a third host: the median of some rounds."""
    rates = []
    for _ in range(RATE_ROUNDS):
        before, start = sink.count, time.monotonic()
        generate(port, 20, MANY_MESSAGES, 1024, True, recipient="user@many.test")
        rates.append(MANY_MESSAGES / wait_count(sink, before + MANY_MESSAGES, start))
    return statistics.median(rates)


def once(bench, count):
    hop = port_free()
    zone = os.path.join(bench.folder, "zone")
    with open(zone, "w", encoding="utf-8") as file:
        file.write(ZONE)
    server = Frank(bench.folder, bench.logs,
                   [f"zone-file {zone}", f"smtp-out-port {hop}", "relay-trusted 127.0.0.0/8",
                    "lifetime 5d", "delay-notice-after 4h", "retry-schedule 15m"])
    slow, fast = Host(SLOW, hop, REPLY_S), Host(FAST, hop, 0)
    sink = Sink(hop, host=MANY)
    port = server.start()
    wait_port(port)
    try:
        delays(port, fast, 0)  # warms up
        alone = delays(port, fast, 1000)
        rate_alone = rate(port, sink)
        for begun in range(0, count, PER_RUN):      # a session takes only messages-max
            generate(port, 50, min(PER_RUN, count - begun), 1024, True,
                     recipient="user@slow.test", timeout=900)
        beside = delays(port, fast, 2000)
        rate_beside = rate(port, sink)
        queued = server.queued()
    finally:
        server.stop()
        sink.stop()
        for host in (slow, fast):
            host.shutdown()
            host.server_close()
    return {**figures_of("others alone", alone), **figures_of("others", beside),
            "many alone/s": rate_alone, "many/s": rate_beside, "queued for the slow": queued}


def measure(bench, workload, wanted):
    for _ in range(wanted.get("frank", 0)):
        if bench.late():
            return
        count = bench.count(workload, "frank")
        bench.add(workload, "frank", count, once(bench, count))
