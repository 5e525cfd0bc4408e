#!/usr/bin/python3
"""tls_source.py PORT SESSIONS MESSAGES SIZE keep|one: sends messages after STARTTLS, in as many
threads as sessions, in two processes; keep: many inside each connection, one: a handshake for each.
"""

import os
import socket
import ssl
import sys
import threading

PROCESSES = 2
SECONDS = 60


def context_make():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Client:
    """One connection."""

    def __init__(self, port, context):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expect("220")
        self.say("EHLO bench.test", "250")
        self.say("STARTTLS", "220")
        self.socket = context.wrap_socket(self.socket)
        self.say("EHLO bench.test", "250")

    def expect(self, code):
        """One reply, however it comes in pieces."""
        text = b""
        while not (text.endswith(b"\n") and text.splitlines()[-1][3:4] != b"-"):
            piece = self.socket.recv(4096)
            if not piece:
                raise SystemExit("tls_source: the server closed the connection")
            text += piece
        if not text.startswith(code.encode()):
            raise SystemExit(f"tls_source: wanted {code}, got {text.decode()}")

    def say(self, line, code):
        self.socket.sendall(line.encode() + b"\r\n")
        self.expect(code)

    def mail(self, body):
        self.say("MAIL FROM:<sender@bench.test>", "250")
        self.say("RCPT TO:<user@sink.test>", "250")
        self.say("DATA", "354")
        self.socket.sendall(body)
        self.expect("250")

    def close(self):
        self.say("QUIT", "221")
        self.socket.close()


def body_make(size):
    head = "From: <sender@bench.test>\r\nTo: <user@sink.test>\r\nSubject: bench\r\n\r\n"
    line = "x" * 62 + "\r\n"
    return (head + line * max(1, (size - len(head)) // len(line)) + ".\r\n").encode()


def session(port, messages, size, keep):
    context, body = context_make(), body_make(size)
    client = None
    for _ in range(messages):
        client = client or Client(port, context)
        client.mail(body)
        if not keep:
            client.close()
            client = None
    if client:
        client.close()


def process_run(port, shares, size, keep):
    """Ends the process: 0 when all threads did their work."""
    done = []

    def work(share):
        session(port, share, size, keep)
        done.append(share)

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(0 if len(done) == len(shares) else 1)


def main():
    port, sessions, messages, size = (int(word) for word in sys.argv[1:5])
    keep = sys.argv[5] == "keep"
    shares = [messages // sessions + (i < messages % sessions) for i in range(sessions)]
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            process_run(port, shares[number::PROCESSES], size, keep)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
