"""Forms of addresses and commands that have to be understood, and those that have not."""

from harness import table


def path_reply(lab, sender, recipient, parameters=""):
    """The reply to RCPT (or to MAIL when that is refused)."""
    with lab.connect() as client:
        client.hello()
        reply = client.cmd(f"MAIL FROM:{sender}{parameters}")
        return reply if reply.code != 250 else client.cmd(f"RCPT TO:{recipient}")


@table([
    ("null-sender", "<>", "<bob@example.test>"),
    ("postmaster-alone", "<a@accept.test>", "<Postmaster>"),
    ("postmaster-case", "<a@accept.test>", "<pOSTMASTER>"),
    ("postmaster-domain", "<a@accept.test>", "<postmaster@example.test>"),
    ("abuse", "<a@accept.test>", "<abuse@example.test>"),
    ("source-route", "<a@accept.test>", "<@hop.test:bob@example.test>"),
    ("source-route-two", "<a@accept.test>", "<@hop.test,@other.test:bob@example.test>"),
    ("source-route-sender", "<@hop.test:a@accept.test>", "<bob@example.test>"),
    ("quoted", "<a@accept.test>", '<"bob"@example.test>'),
    ("quoted-pair", "<a@accept.test>", '<"b\\ob"@example.test>'),
    ("quoted-sender", '<"a b"@accept.test>', "<bob@example.test>"),
    ("quoted-sender-bracket", '<"a>b"@accept.test>', "<bob@example.test>"),
    ("literal-sender", "<a@[192.0.2.1]>", "<bob@example.test>"),
    ("literal-sender-6", "<a@[IPv6:2001:db8::1]>", "<bob@example.test>"),
    ("domain-case", "<a@accept.test>", "<bob@EXAMPLE.TEST>"),
    ("local-case", "<a@accept.test>", "<BOB@example.test>"),
    ("subaddress", "<a@accept.test>", "<bob+tag@example.test>"),
    ("atext", "<!#$%&'*+-/=?^_`{|}~@accept.test>", "<bob@example.test>"),
])
def test_accepted(lab, sender, recipient):
    """conformance: 5321 syntax (accepted forms)."""
    reply = path_reply(lab, sender, recipient)
    assert reply.code == 250, reply.full


@table([
    ("no-brackets", "a@accept.test", "<bob@example.test>"),
    ("open-bracket", "<a@accept.test", "<bob@example.test>"),
    ("no-brackets-rcpt", "<a@accept.test>", "bob@example.test"),
    ("empty-rcpt", "<a@accept.test>", "<>"),
    ("no-domain", "<a@accept.test>", "<bob>"),
    ("two-at", "<a@accept.test>", "<bob@example.test@example.test>"),
    ("dot-dot", "<a@accept.test>", "<bob..x@example.test>"),
    ("first-dot", "<a@accept.test>", "<.bob@example.test>"),
    ("last-dot", "<a@accept.test>", "<bob.@example.test>"),
    ("blank", "<a@accept.test>", "<bo b@example.test>"),
    ("domain-dots", "<a@accept.test>", "<bob@example..test>"),
    ("domain-hyphen", "<a@-accept.test>", "<bob@example.test>"),
    ("literal-bad", "<a@[300.0.2.1]>", "<bob@example.test>"),
    ("literal-6-bad", "<a@[IPv6:2001:db8::1::2]>", "<bob@example.test>"),
    ("control", "<a\x01@accept.test>", "<bob@example.test>"),
])
def test_refused(lab, sender, recipient):
    """conformance: 5321 syntax (what is no address: 501)."""
    reply = path_reply(lab, sender, recipient)
    assert reply.code == 501, reply.full


def test_local_part_case_kept(lab):
    """conformance: 5321 syntax (case of the local part is kept on the way out)."""
    token = lab.token()
    lab.submit("MiXed.Case@accept.test", lab.message(token))
    mail, = lab.hosts.wait_mail("accept.test", token)
    assert mail.recipients == ["MiXed.Case@accept.test"]


def test_source_route_ignored(lab):
    """conformance: 5321 syntax (the source route is dropped, the mailbox gets the mail)."""
    token = lab.token()
    lab.deliver("a@accept.test", "@hop.test,@b.test:bob@example.test", lab.message(token))
    lab.bob.wait(token)


def test_return_path_quoted(lab):
    """conformance: 5321 syntax (a quoted sender stays quoted in Return-Path)."""
    token = lab.token()
    lab.deliver('"odd sender"@accept.test', lab.bob.address, lab.message(token))
    message, = lab.bob.wait(token)
    assert message.headers("Return-Path") == ['<"odd sender"@accept.test>']
