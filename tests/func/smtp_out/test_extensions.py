"""What the peer offers is used, what it does not offer is never used."""

from harness import table

PARALLEL = 4
EIGHT = "Grün und 8 Bit breit.\r\n".encode()


def test_uses_what_is_offered(lab):
    """Issue 8b: PIPELINING, SIZE."""
    token = lab.token()
    lab.submit(["a@accept.test", "b@accept.test", "c@accept.test"], lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert "PIPELINING" in mail.used and "SIZE" in mail.used
    assert abs(int(mail.parameters()["SIZE"]) - len(mail.body)) < 100


@table([("starttls", "starttls.test"), ("only", "tls.test")])
def test_opportunistic_tls(lab, host):
    """Issue 8b: STARTTLS where offered, a self-signed certificate is good enough."""
    token = lab.token()
    lab.submit(f"{token}@{host}", lab.message(token))
    mail, = lab.hosts.wait_mail(host, token)
    assert mail.envelope["tls"] and mail.envelope["tls_name"] == f"mx.{host}"
    hellos = [x for x in lab.hosts.session_of(mail) if x.get("text", "").upper().startswith("EHLO")]
    assert len(hellos) == 2, "EHLO once before and once after STARTTLS"


@table([("broken", "tlsbroken.test"), ("unavailable", "tls454.test")])
def test_plain_where_tls_fails(lab, host):
    """Issue 8b: opportunistic means that a broken STARTTLS does not stop mail."""
    token = lab.token()
    lab.submit(f"{token}@{host}", lab.message(token))
    mail, = lab.hosts.wait_mail(host, token)
    assert not mail.envelope["tls"]


def test_injection_before_tls(lab):
    """conformance: 3207 STARTTLS (the client drops buffered text and pre-TLS capabilities)."""
    token = lab.token()
    lab.submit(f"{token}@tlsinject.test", lab.message(token))
    lab.hosts.wait_mail("tlsinject.test", token, timeout=30)
    assert not lab.ann.messages(f"{token}@tlsinject.test"), "the injected SIZE was believed"


def test_eight_bit_passes(lab):
    """conformance: 6152 8BITMIME (peer with it: sent as it is, with BODY=8BITMIME)."""
    token = lab.token()
    lab.submit("x@accept.test", lab.message(token, EIGHT), parameters="BODY=8BITMIME")
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.parameters().get("BODY") == "8BITMIME" and mail.body.endswith(EIGHT)


@table([("declared", "BODY=8BITMIME"), ("undeclared", "")])
def test_eight_bit_without(lab, parameters):
    """conformance: 6152 8BITMIME (peer without it: encoded or bounced 5.6.3, never sent raw)."""
    token = lab.token()
    address = f"{token}@no8bit.test"
    lab.submit(address, lab.message(token, EIGHT, more="MIME-Version: 1.0\r\nContent-Type: "
                                    "text/plain; charset=utf-8\r\n"
                                    "Content-Transfer-Encoding: 8bit\r\n"), parameters=parameters)

    def outcome():
        return lab.hosts.mail("no8bit.test", token) or lab.ann.messages(address)
    from hosts import wait_until
    wait_until(outcome, 20, "delivered or bounced")
    for mail in lab.hosts.mail("no8bit.test", token):
        assert mail.body.isascii() and not mail.envelope["violations"]
        assert "BODY" not in mail.parameters() or mail.parameters()["BODY"] == "7BIT"
    if not lab.hosts.mail("no8bit.test", token):
        assert lab.ann.bounce(token).of(address)["status"] == "5.6.3"


def test_seven_bit_to_peer_without(lab):
    """conformance: 6152 8BITMIME (declared 8 bit, but plain ASCII: nothing to convert)."""
    token = lab.token()
    lab.submit("x@no8bit.test", lab.message(token), parameters="BODY=8BITMIME")
    mail, = lab.hosts.wait_mail("no8bit.test", token)
    assert "BODY" not in mail.parameters() and mail.body.endswith(b"Hello.\r\n")


def test_utf8_passes(lab):
    """conformance: 6531 SMTPUTF8 (passed on where the peer has it)."""
    token = lab.token()
    lab.submit("jürgen@accept.test", lab.message(token, more="X-Name: Jürgen\r\n"),
               parameters="SMTPUTF8")
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert "SMTPUTF8" in mail.parameters() and mail.recipients == ["jürgen@accept.test"]


@table([("address", "jürgen", ""), ("header", "", "X-Name: Jürgen\r\n")])
def test_utf8_without(lab, local, more):
    """conformance: 6531 SMTPUTF8 (peer without it: 5.6.7 report)."""
    token = lab.token()
    address = f"{local or token}@noutf8.test"
    lab.submit(address, lab.message(token, more=more), parameters="SMTPUTF8")
    report = lab.ann.bounce(token)
    assert report.recipients[0]["status"] == "5.6.7", report.recipients
    assert not lab.hosts.mail("noutf8.test", token)


def test_utf8_not_needed(lab):
    """conformance: 6531 SMTPUTF8 (flag given, but all ASCII: unaffected by such a peer)."""
    token = lab.token()
    lab.submit("x@noutf8.test", lab.message(token), parameters="SMTPUTF8")
    mail, = lab.hosts.wait_mail("noutf8.test", token)
    assert "SMTPUTF8" not in mail.parameters()


def test_dsn_passed_on(lab):
    """conformance: 3461 DSN (ENVID, ORCPT, RET, NOTIFY are sent on; no report from us)."""
    token = lab.token()
    lab.submit("x@accept.test", lab.message(token), parameters=f"RET=HDRS ENVID={token}+2B",
               rcpt_parameters="NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o+2Bx@example.test")
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.parameters()["RET"] == "HDRS"
    assert mail.parameters()["ENVID"] == token + "+2B"
    rcpt = mail.parameters("x@accept.test")
    assert sorted(rcpt["NOTIFY"].split(",")) == ["FAILURE", "SUCCESS"]
    assert rcpt["ORCPT"].lower() == "rfc822;o+2bx@example.test"
    assert not [m for m in lab.ann.messages(token)]


def test_dsn_to_peer_without(lab):
    """conformance: 3461 DSN (SUCCESS through a hop without DSN: "relayed" from us)."""
    token = lab.token()
    address = f"{token}@nodsn.test"
    lab.submit(address, lab.message(token), rcpt_parameters="NOTIFY=SUCCESS")
    mail, = lab.hosts.wait_mail("nodsn.test", token)
    assert mail.parameters(address) == {}
    assert lab.ann.bounce(token).of(address)["action"] == "relayed"


def test_size_known_before(lab):
    """Issue 8b: a message over the peer's SIZE is not sent; 5.3.4."""
    token = lab.token()
    lab.submit(f"{token}@small.test", lab.message(token, b"x" * 70 + b"\r\n" + b"y\r\n" * 9000))
    assert lab.ann.bounce(token).of(f"{token}@small.test")["status"] == "5.3.4"
    said = lab.hosts.events(event="command", host="small.test")
    assert not [x for x in said if token in x["text"]]


def test_size_without_doubled_dots(lab):
    """conformance: 1870 SIZE (a message that fits, though not with its dots doubled, is sent)."""
    token = lab.token()
    lab.submit(f"{token}@small.test", lab.message(token, b".\r\n" * 2800))
    mail, = lab.hosts.wait_mail("small.test", token)
    assert int(mail.parameters()["SIZE"]) == len(mail.body) <= 10000


@table([("announced", "limits.test", 7, 3), ("not-announced", "few.test", 5, 2)])
def test_recipients_limited(lab, host, count, most):
    """conformance: 9422 LIMITS (RCPTMAX honoured); 452 4.5.3: the rest goes in further mails."""
    token = lab.token()
    names = [f"r{n}-{token}@{host}" for n in range(count)]
    lab.submit(names, lab.message(token))
    mails = lab.hosts.wait_mail(host, token, count=-(-count // most), timeout=40)
    assert max(len(m.recipients) for m in mails) <= most
    assert sorted(r for m in mails for r in m.recipients) == sorted(names)


def test_messages_limited(lab):
    """conformance: 9422 LIMITS (MAILMAX per session honoured)."""
    tokens = [lab.token() for _ in range(5)]
    for token in tokens:
        lab.submit("x@mailmax.test", lab.message(token))
    for token in tokens:
        lab.hosts.wait_mail("mailmax.test", token, timeout=30)
    lab.hosts.assert_clean("mailmax.test")


def test_connection_reused(lab):
    """Issue 8b: many messages for one host need few connections."""
    tokens = [lab.token() for _ in range(20)]
    with lab.logged_in() as client:
        for token in tokens:
            client.mail(lab.ann.address, "x@late.test")
            client.data(lab.message(token))
    for token in tokens:
        lab.hosts.wait_mail("late.test", token, timeout=30)
    sessions = {m.envelope["session"] for m in lab.hosts.mail("late.test")}
    assert len(sessions) <= 20 and len(sessions) < len(tokens), f"{len(sessions)} connections"
