"""An SMTP client that sends exactly the bytes it is given, for tests.

smtplib repairs and quotes; a test of a server needs a client that does not.
"""

import base64
import ctypes
import hashlib
import hmac
import os
import re
import socket
import ssl

TIMEOUT = 15
STATUS = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)")


class Closed(Exception):
    """The server closed the connection where a reply was expected."""


class Reply:
    """One reply: code, and its lines without code and separator."""

    def __init__(self, code, lines, raw):
        self.code = code
        self.lines = lines
        self.raw = raw

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def status(self):
        """The enhanced status code of the last line, '' if it has none."""
        match = STATUS.match(self.lines[-1])
        return match.group(0).strip() if match else ""

    @property
    def full(self):
        """'550 5.1.1 text' with lines joined: what failure messages show."""
        return " / ".join(f"{self.code} {line}" for line in self.lines)

    def __repr__(self):
        return f"<{self.full}>"


class SmtpClient:
    """A connection to host:port. Use as a context manager."""

    def __init__(self, host, port, tls=False, timeout=TIMEOUT, source=None):
        self.peer = (host, port)
        self.buffer = b""
        self.features = {}
        self.sock = socket.create_connection(
            (host, port), timeout, source_address=(source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._wrap(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # Bytes and replies.

    def send(self, data):
        """Sends bytes (or text as UTF-8) as they are."""
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        """One line of the server without its CRLF. Raises Closed at the end of the stream."""
        while b"\n" not in self.buffer:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
                data = b""
            if not data:
                raise Closed(f"closed by server; unread: {self.buffer!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), f"reply line ends in a bare LF: {line!r}"
        return line[:-1]

    def reply(self):
        """The next reply, all its lines. Asserts that they are well formed and agree."""
        lines, raw = [], b""
        while True:
            line = self.line()
            raw += line + b"\r\n"
            assert re.match(rb"^[2-5][0-9][0-9]([ -]|$)", line), f"no reply line: {line!r}"
            assert len(line) <= 510, f"reply line of {len(line)} bytes"
            lines.append(line)
            if line[3:4] != b"-":
                break
        codes = {line[:3] for line in lines}
        assert len(codes) == 1, f"codes differ: {lines}"
        return Reply(int(lines[0][:3]), [bytes(x[4:]).decode("utf-8") for x in lines], raw)

    def cmd(self, text, *codes):
        """Sends one command line and returns its reply; with codes asserts that it is one of."""
        self.send((text.encode() if isinstance(text, str) else text) + b"\r\n")
        return self.want(*codes)

    def want(self, *codes):
        """Reads one reply and asserts its code. A number under 10 stands for its whole class."""
        reply = self.reply()
        good = not codes or any(reply.code in (c, ) or reply.code // 100 == c for c in codes)
        assert good, f"wanted {'/'.join(map(str, codes))}, got {reply.full}"
        return reply

    def closed(self, timeout=TIMEOUT):
        """True when the server closes without a further byte within the time."""
        self.sock.settimeout(timeout)
        try:
            return not self.buffer and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLEOFError):
            return True
        except (socket.timeout, ssl.SSLError):
            return False

    def quiet(self, seconds):
        """True when the server sends nothing for this long."""
        self.sock.settimeout(seconds)
        try:
            self.buffer += self.sock.recv(65536)
            return not self.buffer
        except (socket.timeout, TimeoutError):
            return not self.buffer
        finally:
            self.sock.settimeout(TIMEOUT)

    # Dialogue.

    def hello(self, name="client.test", greeting=True):
        """Reads the greeting and says EHLO; features are then {'SIZE': '1000', …}."""
        if greeting:
            self.want(220)
        reply = self.cmd(f"EHLO {name}", 250)
        self.features = {}
        for line in reply.lines[1:]:
            word, _, rest = line.partition(" ")
            self.features[word.upper()] = rest
        return reply

    def starttls(self, hello="client.test"):
        """STARTTLS, handshake and, unless hello is None, a new EHLO."""
        self.cmd("STARTTLS", 220)
        assert not self.buffer, f"bytes after the reply to STARTTLS: {self.buffer!r}"
        self.handshake()
        if hello:
            self.hello(hello, greeting=False)

    def handshake(self):
        self._wrap(None)

    def _wrap(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def mail(self, sender, *recipients, parameters=""):
        """MAIL and RCPT, all accepted."""
        self.cmd(f"MAIL FROM:<{sender}>" + (" " + parameters if parameters else ""), 250)
        for recipient in recipients:
            self.cmd(f"RCPT TO:<{recipient}>", 250)

    def data(self, message, *codes):
        """DATA with the message (CRLF lines, not yet stuffed) and the final reply."""
        self.cmd("DATA", 354)
        self.send(stuff(message) + b".\r\n")
        return self.want(*(codes or (250,)))

    def bdat(self, chunk, last=True, codes=(250,)):
        self.send(b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if last else b"") + chunk)
        return self.want(*codes)

    def quit(self):
        self.cmd("QUIT", 221)
        self.close()

    # AUTH.

    def auth_plain(self, login, password, *codes, authzid=""):
        return self.cmd("AUTH PLAIN " + b64(f"{authzid}\0{login}\0{password}"), *(codes or (235,)))

    def auth_login(self, login, password, *codes):
        self.cmd("AUTH LOGIN", 334)
        self.cmd(b64(login), 334)
        return self.cmd(b64(password), *(codes or (235,)))

    def auth_scram(self, login, password, plus=False, codes=(235,), gs2=None):
        """SCRAM-SHA-256 (RFC 7677), or -PLUS with the binding of the TLS version in use.

        gs2 replaces the header sent ('n', 'y' or 'p=…') for tests of downgrade detection.
        """
        kind = "p=" + self.binding_name() if plus else "n"
        header = f"{gs2 or kind},,"
        binding = self.binding() if plus else b""
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = f"n={login},r={nonce}"
        name = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        reply = self.cmd(f"AUTH {name} " + b64(header + first), 334, 5, 4)
        if reply.code != 334:
            assert reply.code in codes, f"wanted {codes}, got {reply.full}"
            return reply
        challenge = base64.b64decode(reply.lines[0]).decode()
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        assert fields["r"].startswith(nonce), "server does not use our nonce"
        bare = f"c={b64(header.encode() + binding)},r={fields['r']}"
        proof, signature = scram_proof(password, fields, f"{first},{challenge},{bare}")
        reply = self.cmd(b64(f"{bare},p={b64(proof)}"), 334, 235, 5, 4)
        if reply.code == 334:
            final = base64.b64decode(reply.lines[0])
            assert final == b"v=" + base64.b64encode(signature), f"server signature: {final!r}"
            reply = self.cmd("")
        assert reply.code in codes, f"wanted {codes}, got {reply.full}"
        return reply

    def binding_name(self):
        return "tls-exporter" if self.sock.version() == "TLSv1.3" else "tls-server-end-point"

    def binding(self):
        """The channel binding: RFC 9266 for TLS 1.3, RFC 5929 tls-server-end-point below."""
        if self.binding_name() == "tls-exporter":
            return tls_export(self.sock, b"EXPORTER-Channel-Binding", 32)
        return hashlib.sha256(self.sock.getpeercert(binary_form=True)).digest()


def tls_export(sock, label, size):
    """SSL_export_keying_material of a connection, which Python's ssl does not offer.

    The SSL pointer is the second member of the C object behind _sslobj (after its weak or
    borrowed reference to the Python socket).
    """
    head = object.__basicsize__
    pointer = ctypes.c_void_p.from_address(id(sock._sslobj) + head + ctypes.sizeof(ctypes.c_void_p))
    out = ctypes.create_string_buffer(size)
    done = ctypes.CDLL("libssl.so.3").SSL_export_keying_material(
        pointer, out, ctypes.c_size_t(size), label, ctypes.c_size_t(len(label)),
        None, ctypes.c_size_t(0), 0)
    assert done == 1, "SSL_export_keying_material failed"
    return out.raw


def scram_proof(password, fields, auth_message):
    """(client proof, server signature) of RFC 5802 with SHA-256."""
    def mac(key, text):
        return hmac.new(key, text, hashlib.sha256).digest()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]),
                                 int(fields["i"]))
    client = mac(salted, b"Client Key")
    signature = mac(hashlib.sha256(client).digest(), auth_message.encode())
    proof = bytes(a ^ b for a, b in zip(client, signature))
    return proof, mac(mac(salted, b"Server Key"), auth_message.encode())


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def stuff(message):
    """The message with dots stuffed, as DATA carries it."""
    message = message.encode() if isinstance(message, str) else message
    if message.startswith(b"."):
        message = b"." + message
    message = message.replace(b"\r\n.", b"\r\n..")
    return message if message.endswith(b"\r\n") or not message else message + b"\r\n"
