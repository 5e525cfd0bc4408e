"""RFC 3461 parameters as they come in."""

from harness import table


@table([
    ("ret-full", "RET=FULL", 250), ("ret-hdrs", "RET=HDRS", 250), ("ret-lower", "ret=hdrs", 250),
    ("ret-bad", "RET=SOME", 501), ("ret-empty", "RET=", 501),
    ("ret-twice", "RET=FULL RET=FULL", 501), ("envid", "ENVID=abc+2B1", 250),
    ("envid-bad", "ENVID=a+2", 501), ("envid-eq", "ENVID=a=b", 501),
    ("envid-long", "ENVID=" + "e" * 101, 501), ("envid-100", "ENVID=" + "e" * 100, 250),
    ("both", "RET=HDRS ENVID=x", 250),
])
def test_mail(lab, parameters, code):
    """conformance: 3461 DSN (RET and ENVID: syntax)."""
    with lab.connect() as client:
        client.hello()
        client.cmd(f"MAIL FROM:<a@accept.test> {parameters}", code, *([555] if code == 501 else []))


@table([
    ("never", "NOTIFY=NEVER", 250), ("all", "NOTIFY=SUCCESS,FAILURE,DELAY", 250),
    ("lower", "notify=success", 250), ("never-with-other", "NOTIFY=NEVER,FAILURE", 501),
    ("never-last", "NOTIFY=FAILURE,NEVER", 501), ("empty", "NOTIFY=", 501),
    ("unknown", "NOTIFY=MAYBE", 501), ("comma", "NOTIFY=SUCCESS,", 501),
    ("orcpt", "ORCPT=rfc822;bob@example.test", 250),
    ("orcpt-xtext", "ORCPT=rfc822;b+2Bob@example.test", 250),
    ("orcpt-no-type", "ORCPT=bob@example.test", 501), ("orcpt-empty", "ORCPT=", 501),
    ("orcpt-bad-xtext", "ORCPT=rfc822;b+ZZ@example.test", 501),
    ("orcpt-long", "ORCPT=rfc822;" + "o" * 600, 501),
    ("both", "NOTIFY=DELAY ORCPT=rfc822;bob@example.test", 250),
])
def test_rcpt(lab, parameters, code):
    """conformance: 3461 DSN (NOTIFY and ORCPT: syntax; NEVER with others: 501)."""
    with lab.connect() as client:
        client.hello()
        client.cmd("MAIL FROM:<a@accept.test>", 250)
        client.cmd(f"RCPT TO:<bob@example.test> {parameters}", code,
                   *([500, 555] if code == 501 else []))
