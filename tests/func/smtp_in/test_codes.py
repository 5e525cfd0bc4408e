"""Which reply code belongs to which mistake, and that each has its enhanced status."""

from harness import table

CODES = [
    # name, lines before, line, codes
    ("unknown", [], "XYZZY", [500]),
    ("empty", [], "", [500]),
    ("turn", [], "TURN", [502]),
    ("etrn", [], "ETRN example.test", [502]),
    ("expn", [], "EXPN list", [502]),
    ("vrfy", [], "VRFY bob", [252]),
    ("vrfy-empty", [], "VRFY", [501]),
    ("help", [], "HELP", [214]),
    ("noop", [], "NOOP", [250]),
    ("noop-argument", [], "NOOP anything", [250]),
    ("rset", [], "RSET", [250]),
    ("rset-argument", [], "RSET x", [501]),
    ("quit-argument", [], "QUIT x", [501]),
    ("data-argument", ["MAIL FROM:<a@accept.test>", "RCPT TO:<bob@example.test>"], "DATA x",
     [501]),
    ("ehlo-empty", [], "EHLO", [501]),
    ("helo-empty", [], "HELO", [501]),
    ("mail-empty", [], "MAIL", [501]),
    ("mail-to", [], "MAIL TO:<a@accept.test>", [501]),
    ("rcpt-first", [], "RCPT TO:<bob@example.test>", [503]),
    ("data-first", [], "DATA", [503]),
    ("data-no-rcpt", ["MAIL FROM:<a@accept.test>"], "DATA", [503, 554]),
    ("mail-twice", ["MAIL FROM:<a@accept.test>"], "MAIL FROM:<a@accept.test>", [503]),
    ("bdat-first", [], "BDAT 0 LAST", [503]),
    ("mail-parameter", [], "MAIL FROM:<a@accept.test> FOO=bar", [555]),
    ("mail-parameter-word", [], "MAIL FROM:<a@accept.test> FOO", [555]),
    ("rcpt-parameter", ["MAIL FROM:<a@accept.test>"], "RCPT TO:<bob@example.test> FOO=bar", [555]),
    ("mail-body", [], "MAIL FROM:<a@accept.test> BODY=9BIT", [501, 504, 555]),
    ("mail-size", [], "MAIL FROM:<a@accept.test> SIZE=x", [501]),
    ("mail-size-empty", [], "MAIL FROM:<a@accept.test> SIZE=", [501]),
    ("mail-twice-size", [], "MAIL FROM:<a@accept.test> SIZE=1 SIZE=2", [501, 555]),
    ("unknown-user", ["MAIL FROM:<a@accept.test>"], "RCPT TO:<nobody@example.test>", [550]),
    ("auth-on-mx", [], "AUTH PLAIN AGEAYg==", [502]),
]


@table(CODES)
def test_code(lab, before, line, codes):
    """conformance: 5321 codes (500, 501, 502, 503, 504, 555, 252), 2034 (status of that class)."""
    with lab.connect() as client:
        client.hello()
        for text in before:
            client.cmd(text, 250)
        reply = client.cmd(line, *codes)
        if reply.code not in (214, ):
            assert reply.status.startswith(f"{reply.code // 100}."), f"no status: {reply.full}"
        client.cmd("NOOP", 250)


def test_status_on_all_lines(lab):
    """conformance: 2034/3463/5248 (same status on every line; none in greeting, EHLO, 354)."""
    with lab.connect() as client:
        assert client.want(220).status == ""
        hello = client.cmd("EHLO client.test", 250)
        assert hello.status == "" and "ENHANCEDSTATUSCODES" in hello.lines
        replies = [client.cmd("MAIL FROM:<a@accept.test>", 250),
                   client.cmd("RCPT TO:<bob@example.test>", 250),
                   client.cmd("RCPT TO:<nobody@example.test>", 550)]
        assert client.cmd("DATA", 354).status == ""
        client.send(lab.message(lab.token()) + b".\r\n")
        replies += [client.want(250), client.cmd("NOOP", 250), client.cmd("QUIT", 221)]
    for reply in replies:
        status = {line.split(" ")[0] for line in reply.lines}
        assert len(status) == 1 and reply.status, reply.full
        assert reply.status[0] == str(reply.code)[0], reply.full
    assert replies[0].status == "2.1.0" and replies[1].status == "2.1.5"
    assert replies[2].status == "5.1.1"


def test_mail_needs_hello(lab):
    """conformance: 5321 codes (MAIL before EHLO: 503)."""
    with lab.connect() as client:
        client.want(220)
        client.cmd("MAIL FROM:<a@accept.test>", 503)


def test_helo(lab):
    """conformance: 5321 codes (HELO: one line, no extensions, mail works)."""
    token = lab.token()
    with lab.connect() as client:
        client.want(220)
        assert len(client.cmd("HELO client.test", 250).lines) == 1
        client.mail("a@accept.test", lab.bob.address)
        client.data(lab.message(token))
    message, = lab.bob.wait(token)
    assert " with SMTP " in message.headers("Received")[0] + " "


def test_hello_resets(lab):
    """RFC 5321 4.1.4: a second EHLO clears the transaction."""
    with lab.connect() as client:
        client.hello()
        client.mail("a@accept.test", lab.bob.address)
        client.hello(greeting=False)
        client.cmd("DATA", 503)


@table([("lower", "ehlo client.test"), ("mixed", "eHlO client.test"),
        ("literal", "EHLO [192.0.2.1]"), ("literal6", "EHLO [IPv6:2001:db8::1]"),
        ("blank-at-end", "EHLO client.test ")])
def test_hello_forms(lab, line):
    """RFC 5321 2.4 and 4.1.1.1: verbs in any case, address literals."""
    with lab.connect() as client:
        client.want(220)
        client.cmd(line, 250)


def test_no_credentials_in_greeting(lab):
    """The MX listener offers no AUTH (conformance: 6409 submission)."""
    with lab.connect() as client:
        client.hello()
        assert "AUTH" not in client.features
        client.starttls()
        assert "AUTH" not in client.features


def test_extensions(lab):
    """Issue 4a: what EHLO offers."""
    with lab.connect() as client:
        client.hello()
        wanted = {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING",
                  "DSN", "STARTTLS", "LIMITS"}
        assert wanted <= set(client.features), wanted - set(client.features)
