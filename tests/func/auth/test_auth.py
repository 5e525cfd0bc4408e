"""RFC 4954 and the mechanisms, on 587 and 465."""

import time

from harness import b64, table

EXPECT_LOG = [r" warn \S+ \S*(login|auth)"]
LISTENERS = [("submission", "submission"), ("submissions", "submissions")]


def ready(lab, listener="submission"):
    """A client inside TLS, after EHLO."""
    client = lab.connect(listener)
    client.hello()
    if listener == "submission":
        client.starttls()
    return client


def test_never_before_tls(lab):
    """conformance: 4954 AUTH (not offered before TLS; 538/530 if tried)."""
    with lab.connect("submission") as client:
        client.hello()
        assert "AUTH" not in client.features
        reply = client.auth_plain(lab.ann.login, lab.ann.password, 538, 530)
        assert reply.status.startswith("5.7."), reply.full
        client.cmd("AUTH LOGIN", 538, 530)
        client.cmd("MAIL FROM:<ann@example.test>", 530)


@table(LISTENERS)
def test_offer(lab, listener):
    """conformance: 4954 AUTH, 9266 (mechanisms offered inside TLS)."""
    with ready(lab, listener) as client:
        offered = set(client.features["AUTH"].split())
        assert offered == {"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, offered


@table([(f"{how}-{listener[0]}", how, listener[0])
        for how in ("plain", "login", "scram", "scram-plus", "plain-challenge", "login-initial")
        for listener in LISTENERS])
def test_works(lab, how, listener):
    """conformance: 4954 AUTH, 9266 / SCRAM-PLUS (each mechanism logs in; 235 2.7.0)."""
    user = lab.ann
    with ready(lab, listener) as client:
        if how == "plain":
            reply = client.auth_plain(user.login, user.password)
        elif how == "login":
            reply = client.auth_login(user.login, user.password)
        elif how == "scram":
            reply = client.auth_scram(user.login, user.password)
        elif how == "scram-plus":
            reply = client.auth_scram(user.login, user.password, plus=True)
        elif how == "plain-challenge":
            assert client.cmd("AUTH PLAIN", 334).raw == b"334 \r\n"
            reply = client.cmd(b64(f"\0{user.login}\0{user.password}"), 235)
        else:
            client.cmd("AUTH LOGIN " + b64(user.login), 334)
            reply = client.cmd(b64(user.password), 235)
        assert reply.status == "2.7.0", reply.full
        client.mail(user.address, "x@accept.test")


@table([
    ("plain-password", "plain", "ann", "wrong"), ("plain-user", "plain", "nobody", "wrong"),
    ("login-password", "login", "ann", "wrong"), ("login-user", "login", "nobody", "wrong"),
    ("scram-password", "scram", "ann", "wrong"), ("scram-user", "scram", "nobody", "wrong"),
    ("empty", "plain", "ann", ""),
])
def test_wrong(lab, how, name, password):
    """conformance: 4954 AUTH (wrong login: 535 5.7.8, the same for unknown users)."""
    login = lab.ann.login.replace("ann", name, 1)
    with ready(lab) as client:
        if how == "scram":
            reply = client.auth_scram(login, password, codes=(535,))
        else:
            reply = getattr(client, "auth_" + how)(login, password, 535, 501)
        assert reply.status in ("5.7.8", "5.5.2"), reply.full
        client.cmd("MAIL FROM:<ann@example.test>", 530)


def test_constant_time(lab):
    """conformance: 4954 AUTH (an unknown user takes as long as a wrong password)."""
    def took(login):
        times = []
        for _ in range(5):
            with ready(lab) as client:
                began = time.monotonic()
                client.auth_plain(login, "wrong", 535)
                times.append(time.monotonic() - began)
        return sorted(times)[2]
    known, unknown = took(lab.ann.login), took(lab.ann.login.replace("ann", "nobody"))
    assert abs(known - unknown) < 0.5 * max(known, unknown) + 0.01, f"{known:.3f} {unknown:.3f}"


@table([
    ("plain-empty", ["AUTH PLAIN ="], [501, 535]),
    ("plain-bad-base64", ["AUTH PLAIN !!!"], [501]),
    ("plain-half-base64", ["AUTH PLAIN AGF"], [501]),
    ("plain-cancel", ["AUTH PLAIN", "*"], [501]),
    ("login-cancel", ["AUTH LOGIN", "*"], [501]),
    ("login-cancel-late", ["AUTH LOGIN", b64("ann"), "*"], [501]),
    ("scram-cancel", ["AUTH SCRAM-SHA-256", "*"], [501]),
    ("plain-no-nul", ["AUTH PLAIN " + b64("ann")], [501, 535]),
    ("plain-many-nul", ["AUTH PLAIN " + b64("\0a\0b\0c")], [501, 535]),
    ("unknown-mechanism", ["AUTH CRAM-MD5"], [504]),
    ("no-mechanism", ["AUTH"], [501]),
    ("long", ["AUTH PLAIN " + "A" * 20000], [500, 501]),
    ("scram-garbage", ["AUTH SCRAM-SHA-256 " + b64("garbage")], [501, 535]),
    ("scram-plus-without-binding", ["AUTH SCRAM-SHA-256-PLUS " + b64("n,,n=ann,r=abc")],
     [501, 535]),
    ("scram-unknown-binding",
     ["AUTH SCRAM-SHA-256-PLUS " + b64("p=tls-unique,,n=ann,r=abcdefgh")], [501, 535]),
])
def test_dialogue(lab, lines, codes):
    """conformance: 4954 AUTH (empty response, `*`, bad base64: 501; the session goes on)."""
    with ready(lab) as client:
        for line in lines[:-1]:
            client.cmd(line, 334)
        client.cmd(lines[-1], *codes)
        client.cmd("NOOP", 250)
        client.auth_plain(lab.ann.login, lab.ann.password)


def test_downgrade(lab):
    """conformance: 9266 / SCRAM-PLUS (flag y while -PLUS was offered: a downgrade, 535)."""
    with ready(lab) as client:
        client.auth_scram(lab.ann.login, lab.ann.password, gs2="y", codes=(535,))


def test_authzid(lab):
    """conformance: 4954 AUTH (authzid is checked and never used as login)."""
    with ready(lab) as client:
        client.auth_plain(lab.ann.login, lab.ann.password, 535, 501, authzid=lab.bob.login)
        client.auth_plain(lab.ann.login, lab.ann.password, authzid=lab.ann.login)
        assert client.cmd(f"MAIL FROM:<{lab.bob.address}>", 550).status == "5.7.1"


def test_order(lab):
    """conformance: 4954 AUTH (second AUTH 503; AUTH in a transaction 503)."""
    with ready(lab) as client:
        client.auth_plain(lab.ann.login, lab.ann.password)
        client.auth_plain(lab.ann.login, lab.ann.password, 503)
        client.mail(lab.ann.address, "x@accept.test")
        client.auth_plain(lab.ann.login, lab.ann.password, 503)


def test_failures_end_session(lab):
    """Issue 4d: failed logins of one session (login-failures-max 3): 421 and the end."""
    with ready(lab) as client:
        codes = [client.auth_plain(lab.ann.login, "wrong", 535, 421).code for _ in range(3)]
        if codes[-1] != 421:
            client.cmd("NOOP", 421)
        assert client.closed(5)


@table([("angle", "AUTH=<>", 250), ("address", "AUTH=ann@example.test", 250),
        ("xtext", "AUTH=a+2Bb@example.test", 250), ("bad-xtext", "AUTH=a+zz", 501)])
def test_parameter(lab, parameter, code):
    """conformance: 4954 AUTH (AUTH= of MAIL is xtext)."""
    with ready(lab) as client:
        client.auth_plain(lab.ann.login, lab.ann.password)
        codes = (501, 555) if code == 501 else (code,)
        client.cmd(f"MAIL FROM:<ann@example.test> {parameter}", *codes)


def test_no_credentials_in_log(lab):
    """Issue 11: no credential ever in the log."""
    user = lab.ann
    with ready(lab) as client:
        client.auth_login(user.login, user.password)
    with ready(lab) as client:
        client.auth_plain(user.login, "aWrongPassword1", 535)
    lab.log.assert_secretless(user.password, b64(user.password), "aWrongPassword1",
                              b64(f"\0{user.login}\0{user.password}"))
