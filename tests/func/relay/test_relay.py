"""Who may send where: no address form makes an open relay."""

from harness import table

DOM = "accept.test"          # not ours; its lab host would take anything
LOCAL = "example.test"

# The forms of the row, as they stand in RCPT TO; {ip} is the address of the listener.
FORMS = [
    ("plain", f"<user@{DOM}>"),
    ("percent-local", f"<user%{DOM}@{LOCAL}>"),
    ("quoted-at-local", f'<"user@{DOM}"@{LOCAL}>'),
    ("quoted-percent-local", f'<"user%{DOM}"@{LOCAL}>'),
    ("bang", f"<{DOM}!user>"),
    ("bang-local", f"<{DOM}!user@{LOCAL}>"),
    ("route", f"<@{LOCAL}:user@{DOM}>"),
    ("quoted-at", f'<"user@{DOM}">'),
    ("quoted-percent", f'<"user%{DOM}">'),
    ("at-end", f"<user@{DOM}@>"),
    ("two-at", f"<user@{DOM}@{LOCAL}>"),
    ("literal", "<user@[{ip}]>"),
    ("percent-literal", f"<user%{DOM}@[{{ip}}]>"),
    ("percent-localhost", f"<user%{DOM}@localhost>"),
    ("quoted-localhost", f'<"user@{DOM}"@localhost>'),
    ("percent-end", f"<user@{DOM}%>"),
    ("dot-end", f"<user@{DOM}.>"),
    ("percent-at-end", f"<user%{DOM}@>"),
    ("blank", f"<user@ {DOM}>"),
    ("no-brackets", f"user@{DOM}"),
    ("only-domain", f"<@{DOM}>"),
    # A detail behind + must not hide one either.
    ("detail-quoted", f'<"bob+user@{DOM}"@{LOCAL}>'),
    ("detail-percent", f"<bob+user%{DOM}@{LOCAL}>"),
]

SENDERS = [("null", ""), ("foreign", "a@elsewhere.test"), ("own-domain", f"ann@{LOCAL}"),
           ("own-literal", "ann@[{ip}]"), ("localhost", "ann@localhost")]


@table([(f"{form[0]}-from-{sender[0]}", form[1], sender[1])
        for form in FORMS for sender in SENDERS])
def test_refused(lab, recipient, sender):
    """conformance: relay (550 5.7.1 at RCPT, or 501/553 where it is no address)."""
    address = lab.listeners["mx"][0]
    with lab.connect() as client:
        client.hello()
        reply = client.cmd(f"MAIL FROM:<{sender.format(ip=address)}>")
        if reply.code != 250:
            assert reply.code in (501, 550, 553), reply.full
            return
        reply = client.cmd("RCPT TO:" + recipient.replace("{ip}", address))
        assert reply.code in (550, 501, 553), reply.full
        assert reply.code != 550 or reply.status == "5.7.1", reply.full
        assert client.cmd("DATA").code in (503, 554)


def test_local_is_no_relay(lab):
    """Issue 5: local recipients need no login, unknown ones are refused at RCPT, never bounced."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.cmd("MAIL FROM:<a@accept.test>", 250)
        assert client.cmd("RCPT TO:<nobody@example.test>", 550).status == "5.1.1"
        client.cmd("RCPT TO:<bob@example.test>", 250)
        client.data(lab.message(token))
    lab.bob.wait(token)


def test_mixed(lab):
    """Issue 5: a refused relay recipient does not spoil the local one."""
    token = lab.token()
    with lab.connect() as client:
        client.hello()
        client.cmd("MAIL FROM:<a@elsewhere.test>", 250)
        assert client.cmd(f"RCPT TO:<{token}@{DOM}>", 550).status == "5.7.1"
        client.cmd("RCPT TO:<bob@example.test>", 250)
        client.data(lab.message(token))
    lab.bob.wait(token)
    assert not lab.hosts.mail(DOM, token)


def test_login_may_relay(lab):
    """Issue 5: after AUTH mail for others is taken."""
    token = lab.token()
    lab.submit(f"x@{DOM}", lab.message(token))
    lab.hosts.wait_mail(DOM, token)


def test_submission_without_login(lab):
    """conformance: 6409 submission (587 without AUTH: 530 5.7.0, for local mail too)."""
    for listener in ("submission", "submissions"):
        with lab.connect(listener) as client:
            client.hello()
            if listener == "submission":
                client.starttls()
            assert client.cmd("MAIL FROM:<ann@example.test>", 530).status == "5.7.0"
