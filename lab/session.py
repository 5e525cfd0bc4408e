"""The SMTP dialogue of one connection, spoken by one host with its temper.

A good server by default; the rules of hosts.conf replace single replies. What the client does
wrong is logged as a "violation" and then answered as well as can be: the lab reports, it does
not punish.
"""

import asyncio
import base64
import binascii
import itertools
import ssl

import check
from wire import Gone

LINE_MAX = 8192
ENDLESS_BYTES_MAX = 64 * 1024 * 1024
IDLE_SECONDS = 600
CONTROLS = {"{bel}": "\a", "{esc}": "\x1b"}
NUMBERS = itertools.count(1)


class Mail:
    """One mail transaction."""

    def __init__(self, sender, parameters):
        self.sender = sender
        self.parameters = parameters
        self.recipients = []        # (address, parameters) of the accepted ones
        self.asked = 0
        self.chunks = None          # body so far, once BDAT has begun


class Session:
    """Runs from connect to close; `tools` has log, store and the TLS context."""

    def __init__(self, host, wire, tools):
        self.host = host
        self.wire = wire
        self.log = tools.log
        self.store = tools.store
        self.tls_context = tools.tls_context
        self.id = next(NUMBERS)
        self.client = wire.transport.get_extra_info("peername")[0]
        self.tls = None
        self.login = None
        self.hello = None
        self.esmtp = False
        self.announced = set()
        self.mail = None
        self.mails = 0
        self.broken = []
        self.said = ""              # the last reply
        self.sent_ahead = 0         # bytes that had come when a MAIL was refused
        self.unaware = False        # the command is among them: its sender did not know
        self.pipelined = False

    async def run(self):
        """The whole connection."""
        end = "client closed"
        self.event("connect")
        try:
            await asyncio.wait_for(self.talk(), IDLE_SECONDS)
            end = "host closed"
        except Gone:
            pass
        except asyncio.TimeoutError:
            end = "too long"
        except (ssl.SSLError, OSError) as err:
            end = f"error: {err}"
        self.wire.close()
        self.event("close", end=end, mails=self.mails)

    async def talk(self):
        code = await self.reply("connect", f"220 {self.host.mx} ESMTP lab")
        while code != 0:
            line = await self.wire.line(LINE_MAX)
            self.unaware = self.sent_ahead > 0
            self.sent_ahead -= min(len(line), self.sent_ahead)
            code = await self.command(line)

    def event(self, event, **fields):
        self.log.event(event, host=self.host.name, session=self.id, client=self.client, **fields)

    def violation(self, rule, evidence=b""):
        self.broken.append(rule)
        self.event("violation", violation=rule, bytes=evidence[:200].decode("latin-1"))

    def violations(self, rules, evidence=b""):
        for rule in rules:
            self.violation(rule, evidence)

    # Replies.

    async def reply(self, stage, usual, who=""):
        """Sends the reply of the host's rule for the stage, or the usual one.

        Returns the code of the last line, 0 when the connection has to end.
        """
        sender = self.mail.sender if self.mail else who
        rule = self.host.rule(stage, who, (self.client, sender, who))
        return await self.send(rule.lines if rule else usual.split("\n"), stage)

    async def send(self, lines, stage=""):
        code, text = 200, b""
        for line in lines:
            if line.startswith("@inject "):
                text += line[len("@inject "):].encode() + b"\r\n"
                continue
            if line.startswith("@"):
                await self.wire.send(text, self.host.pace)
                text = b""
                if not await self.act(line.split()):
                    return 0
                continue
            for name, value in dict(CONTROLS, **{"{client}": self.client,
                                                 "{mx}": self.host.mx}).items():
                line = line.replace(name, value)
            text += line.encode() + b"\r\n"
            if line[:3].isdigit():
                code = int(line[:3])
            elif line[:1].isdigit():
                code = int(line[0]) * 100
        if stage == "connect" and self.wire.buffer:
            self.violation("talks-before-greeting", bytes(self.wire.buffer[:80]))
        self.said = text.decode("utf-8", "replace")
        self.event("reply", stage=stage, code=code, text=text.decode("utf-8", "replace").rstrip())
        await self.wire.send(text, self.host.pace)
        return code

    async def act(self, words):
        """One @action of a rule. False when the connection ends with it."""
        self.event("action", action=" ".join(words))
        if words[0] == "@wait":
            await asyncio.sleep(float(words[1]))
        elif words[0] == "@keep":
            self.keep(self.body)
        elif words[0] == "@silence":
            while True:
                await self.wire.more()
        elif words[0] in ("@endless", "@endless-lines"):
            chunk = b"220-" + b"x" * 60 + (b"\r\n" if words[0] == "@endless-lines" else b"")
            for _ in range(ENDLESS_BYTES_MAX // len(chunk)):
                await self.wire.send(chunk, 0)
                await asyncio.sleep(0.0001)
            return False
        elif words[0] == "@reset":
            self.wire.reset()
            return False
        elif words[0] == "@close":
            return False
        return True

    # Commands. Each handler returns the code it replied, 0 to end the connection.

    async def command(self, line):
        self.violations(check.command_line(line), line)
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        verb, _, rest = text.partition(" ")
        verb = verb.upper()
        self.event("command", text=text[:500] if verb != "AUTH" else "AUTH ...")
        self.check_group(verb, line)
        handler = self.HANDLERS.get(verb)
        if not handler:
            self.violation("unknown-command", line)
            return await self.send(["500 5.5.1 Unknown command"])
        return await handler(self, text, rest)

    def check_group(self, verb, line):
        """What follows in the same packet may be there only with PIPELINING."""
        if not self.wire.buffer or verb == "BDAT" and "PIPELINING" in self.announced:
            return
        self.pipelined = True
        if "PIPELINING" not in self.announced:
            self.violation("pipelining-without-extension", line)
        elif verb in check.LAST_IN_GROUP:
            self.violation("not-last-in-group", line + bytes(self.wire.buffer[:80]))

    async def do_ehlo(self, _text, rest):
        if not check.EHLO_NAME.match(rest.strip()):
            self.violation("hello-name", rest.encode())
        lines = [self.host.mx] + self.host.extensions
        if self.host.size:
            lines.append(f"SIZE {self.host.size}")
        if self.host.tls != "no" and not self.tls:
            lines.append("STARTTLS")
        if self.host.auth and (self.tls or self.host.tls != "only"):
            lines.append("AUTH PLAIN LOGIN")
        usual = [f"250-{line}" for line in lines]
        usual[-1] = "250 " + lines[-1]
        code = await self.reply("ehlo", "\n".join(usual))
        if code // 100 == 2:
            self.announced = {line[4:].partition(" ")[0] for line in self.said.splitlines()[1:]}
            self.hello, self.esmtp, self.mail = rest.strip(), True, None
        return code

    async def do_helo(self, _text, rest):
        if not check.EHLO_NAME.match(rest.strip()):
            self.violation("hello-name", rest.encode())
        code = await self.reply("helo", f"250 {self.host.mx}")
        if code // 100 == 2:
            self.hello, self.esmtp, self.announced, self.mail = rest.strip(), False, set(), None
        return code

    async def do_starttls(self, _text, rest):
        if "STARTTLS" not in self.announced:
            self.violation("starttls-without-extension")
            return await self.send(["502 5.5.1 Not offered"])
        if rest:
            self.violation("syntax", rest.encode())
        if self.wire.buffer:
            self.violation("plaintext-after-starttls", bytes(self.wire.buffer[:80]))
            self.wire.buffer.clear()
        code = await self.reply("starttls", "220 2.0.0 Ready to start TLS")
        if code != 220:
            return code
        await self.wire.start_tls(self.tls_context)
        self.tls = self.wire.tls_version()
        self.event("tls", version=self.tls, name=self.wire.tls_name())
        self.hello, self.announced, self.mail, self.login = None, set(), None, None
        return code

    async def do_auth(self, _text, rest):
        if "AUTH" not in self.announced:
            self.violation("auth-without-extension")
            return await self.send(["502 5.5.1 Not offered"])
        mechanism, _, initial = rest.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                given = (await self.challenge("", initial)).split("\0")[1:]
            else:
                given = [await self.challenge("Username:", initial),
                         await self.challenge("Password:", "")]
        except (binascii.Error, UnicodeDecodeError):
            self.violation("base64")
            return await self.send(["501 5.5.2 Bad base64"])
        if ":".join(given) != self.host.auth:
            return await self.send(["535 5.7.8 Wrong login"])
        code = await self.reply("auth", "235 2.7.0 Welcome")
        self.login = given[0] if code == 235 else None
        return code

    async def challenge(self, prompt, initial):
        if not initial:
            await self.send(["334 " + base64.b64encode(prompt.encode()).decode()])
            line = await self.wire.line(LINE_MAX)
            initial = line.rstrip(b"\r\n").decode("ascii", "replace")
        return base64.b64decode("" if initial == "=" else initial, validate=True).decode()

    def refuse_mail(self):
        """The reply that stands in the way of MAIL, or None."""
        if not self.hello or self.mail:
            self.violation("order", b"MAIL")
            return "503 5.5.1 Bad sequence of commands"
        if self.host.tls == "only" and not self.tls:
            return "530 5.7.0 Must issue a STARTTLS command first"
        if self.host.auth and not self.login:
            return "530 5.7.0 Authentication required"
        if self.mails >= self.host.limits.get("MAILMAX", 1 << 30):
            self.violation("more-than-mailmax")
            return "451 4.5.3 Too many messages in this connection"
        return None

    def order(self, evidence):
        """Without a transaction; no fault in a group behind a MAIL refused (RFC 2920 3.1)."""
        if self.mail or not self.unaware:
            self.violation("order", evidence)

    async def do_mail(self, text, rest):
        code = await self.mail_answer(text, rest)
        if code // 100 != 2:
            self.sent_ahead = len(self.wire.buffer)
        return code

    async def mail_answer(self, text, _rest):
        refusal = self.refuse_mail()
        if refusal:
            return await self.send([refusal], "mail")
        address, given, broken = check.path_read(text)
        self.violations(broken, text.encode())
        if address is None:
            return await self.send(["501 5.5.4 Syntax: MAIL FROM:<address>"], "mail")
        self.violations(check.parameters("MAIL", address, given, self.announced,
                                         "SMTPUTF8" in given), text.encode())
        size = given.get("SIZE", "0")
        if self.host.size and size.isdigit() and int(size) > self.host.size:
            return await self.send(["552 5.3.4 Message too big"], "mail")
        code = await self.reply("mail", "250 2.1.0 Sender OK", address)
        if code // 100 == 2:
            self.mail = Mail(address, given)
        return code

    async def do_rcpt(self, text, _rest):
        if not self.mail or self.mail.chunks is not None:
            self.order(b"RCPT")
            return await self.send(["503 5.5.1 Need MAIL first"], "rcpt")
        address, given, broken = check.path_read(text)
        self.violations(broken, text.encode())
        if not address:
            return await self.send(["501 5.5.4 Syntax: RCPT TO:<address>"], "rcpt")
        self.violations(check.parameters("RCPT", address, given, self.announced,
                                         "SMTPUTF8" in self.mail.parameters), text.encode())
        self.mail.asked += 1
        if self.mail.asked > self.host.limits.get("RCPTMAX", 1 << 30):
            if self.host.announced:
                self.violation("more-than-rcptmax")
            return await self.send(["452 4.5.3 Too many recipients"], "rcpt")
        code = await self.reply("rcpt", "250 2.1.5 Recipient OK", address)
        if code // 100 == 2:
            self.mail.recipients.append((address, given))
        return code

    async def do_data(self, _text, _rest):
        if not self.mail or self.mail.chunks is not None:
            self.order(b"DATA")
            return await self.send(["503 5.5.1 Need MAIL and RCPT first"], "data")
        usual = "354 Go ahead" if self.mail.recipients else "554 5.5.1 No valid recipients"
        code = await self.reply("data", usual)
        if code != 354:
            return code
        raw = await self.wire.until_dot()
        if self.wire.buffer and "PIPELINING" not in self.announced:
            self.violation("pipelining-without-extension", bytes(self.wire.buffer[:80]))
        self.violations(check.body(raw, True, self.mail.parameters), self.sample(raw))
        return await self.finish(check.unstuff(raw))

    async def do_bdat(self, text, rest):
        words = rest.upper().split()
        if "CHUNKING" not in self.announced:
            self.violation("bdat-without-extension", text.encode())
        if not words or not words[0].isdigit() or words[1:] not in ([], ["LAST"]):
            self.violation("syntax", text.encode())
            return await self.send(["501 5.5.4 Syntax: BDAT size [LAST]"], "data")
        chunk = await self.wire.exactly(int(words[0]))
        self.sent_ahead -= min(len(chunk), self.sent_ahead)
        if not self.mail or not self.mail.recipients:
            self.order(b"BDAT")
            return await self.send(["503 5.5.1 Need MAIL and RCPT first"], "data")
        self.mail.chunks = (self.mail.chunks or b"") + chunk
        if not words[1:]:
            return await self.reply("data", f"250 2.0.0 {len(chunk)} octets received")
        raw = self.mail.chunks
        self.violations(check.body(raw, False, self.mail.parameters), self.sample(raw))
        return await self.finish(raw)

    @staticmethod
    def sample(raw):
        """Enough of a body to find it again."""
        return raw[:200]

    async def finish(self, body):
        """The message is complete: say so, and keep it if the answer is yes."""
        self.body = body
        usual = "250 2.0.0 Message accepted"
        if self.host.size and len(body) > self.host.size:
            usual = "552 5.3.4 Message too big"
        if not self.mail.recipients:
            usual = "554 5.5.1 No valid recipients"
        rule = self.host.rule("dot", "", (self.client, self.mail.sender,
                                          tuple(a for a, _ in self.mail.recipients)))
        lines = rule.lines if rule else [usual]
        if lines[-1].startswith("2"):
            self.keep(body)
        else:
            self.event("not kept", sender=self.mail.sender, size=len(body))
        code = await self.send(lines, "dot")
        self.mail = None
        return code

    def keep(self, body):
        self.mails += 1
        used = [name for name, is_used in (
            ("PIPELINING", self.pipelined), ("STARTTLS", bool(self.tls)),
            ("AUTH", bool(self.login)), ("CHUNKING", self.mail.chunks is not None),
            ("SIZE", "SIZE" in self.mail.parameters), ("8BITMIME", "BODY" in self.mail.parameters),
            ("SMTPUTF8", "SMTPUTF8" in self.mail.parameters),
            ("DSN", any(k in ("RET", "ENVID") for k in self.mail.parameters) or
             any(given for _, given in self.mail.recipients))) if is_used]
        envelope = {
            "host": self.host.name, "session": self.id, "client": self.client,
            "hello": self.hello, "esmtp": self.esmtp, "tls": bool(self.tls),
            "tls_version": self.tls, "tls_name": self.wire.tls_name(), "login": self.login,
            "sender": self.mail.sender, "mail_parameters": self.mail.parameters,
            "recipients": [{"address": a, "parameters": given}
                           for a, given in self.mail.recipients],
            "extensions_used": used, "violations": list(self.broken)}
        seq = self.store.keep(self.host.name, body, envelope)
        self.event("message", seq=seq, sender=self.mail.sender, size=len(body),
                   recipients=[a for a, _ in self.mail.recipients], violations=self.broken)

    async def do_rset(self, _text, _rest):
        self.mail = None
        return await self.reply("rset", "250 2.0.0 OK")

    async def do_noop(self, _text, _rest):
        return await self.reply("noop", "250 2.0.0 OK")

    async def do_vrfy(self, _text, _rest):
        return await self.send(["252 2.1.5 Cannot verify, but will try"])

    async def do_quit(self, _text, _rest):
        await self.reply("quit", "221 2.0.0 Bye")
        return 0

    HANDLERS = {
        "EHLO": do_ehlo, "HELO": do_helo, "STARTTLS": do_starttls, "AUTH": do_auth,
        "MAIL": do_mail, "RCPT": do_rcpt, "DATA": do_data, "BDAT": do_bdat,
        "RSET": do_rset, "NOOP": do_noop, "VRFY": do_vrfy, "QUIT": do_quit,
    }
