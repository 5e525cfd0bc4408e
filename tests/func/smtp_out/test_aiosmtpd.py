"""A server from elsewhere that misbehaves once and then takes the mail: aiosmtpd."""

from harness import Skip, queue_id, table
from hosts import wait_until

HOST = "nohost.test"            # an address of the lab where nobody listens, until we do
LATER = "451 4.3.0 not now"


class Once:
    """A handler of aiosmtpd. Each method of `first` is used at its first call, instead of what a
    good server says; all messages are kept."""

    def __init__(self, **first):
        self.first = first
        self.kept = []
        self.said = []

    def turn(self, name, server):
        action = self.first.pop(name, None)
        if action is None:
            return None
        self.said.append(name)
        return action(server)

    async def handle_RCPT(self, server, _session, envelope, address, options):
        answer = self.turn("RCPT", server)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, _session, envelope):
        answer = self.turn("DATA", server)
        if answer:
            return answer
        self.kept.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 kept"


def close(server):
    server.transport.close()
    return LATER                # which nobody hears


def serve(handler, address):
    try:
        from aiosmtpd.controller import Controller
    except ImportError as err:
        raise Skip("no python3-aiosmtpd") from err
    host, port = address
    controller = Controller(handler, hostname=host, port=port, ready_timeout=20)
    controller.start()
    return controller


@table([
    # Not a reply at all: the attempt fails, the mail does not.
    ("nonsense", {"RCPT": lambda _: "what do you want?"}, "later"),
    ("gone-at-rcpt", {"RCPT": close}, "later"),
    ("gone-after-dot", {"DATA": close}, "later"),
    ("wrong-class", {"DATA": lambda _: "354 go on"}, "later"),
    ("code-out-of-range", {"DATA": lambda _: "999 done"}, "later"),
    ("no-status", {"RCPT": lambda _: "450 busy"}, "450 busy"),
    # Accepted, with more to say than anybody asked for: once is enough.
    ("two-replies", {"DATA": lambda _: "250 2.0.0 taken\r\n250 2.0.0 and again"}, ""),
])
def test_misbehaves(lab, first, says):
    """Issue, with real parts: aiosmtpd misbehaves; the mail arrives all the same, whole and once,
    and the trace says what went wrong before."""
    handler, wanted = Once(**first), list(first)
    controller = serve(handler, ("127.0.1.9", lab.hosts.address("accept.test")[1]))
    try:
        token = lab.token()
        identity = queue_id(lab.submit(f"x@{HOST}", lab.message(token, "one\r\n..two\r\n.\r\n")))
        if says:
            wait_until(lambda: handler.kept, 40, "the mail is taken")
            sender, recipients, content = handler.kept[0]
            assert (sender, recipients) == (lab.ann.address, [f"x@{HOST}"])
            assert content.endswith(b"\r\n\r\none\r\n..two\r\n.\r\n"), content[-80:]
        text = wait_until(lambda: (t := lab.frank("trace", identity)) and "250 2.0.0" in t and t,
                          40, "it is done")
        assert says in text, text
        assert not lab.queue(identity)
        assert handler.said == wanted and len(handler.kept) == bool(says)
        assert not lab.ann.messages(token), "a report came back"
    finally:
        controller.stop()
