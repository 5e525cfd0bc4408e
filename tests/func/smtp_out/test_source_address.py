"""From which address connections leave: source-address-4 and -6, one for each family."""

from harness import table

# the lab's only other IPv6 addresses are mapped ones (see ipv6.test in lab/hosts.conf)
OPTIONS = ["source-address-4 127.0.9.4", "source-address-6 ::ffff:127.0.9.6"]


@table([("ipv4", "accept.test", "127.0.9.4"), ("ipv6", "ipv6.test", "::ffff:127.0.9.6")])
def test_peer_sees_it(lab, host, source):
    """Issue 8b: source-address per family; 8c: our address is recorded."""
    token = lab.token()
    lab.submit(f"{token}@{host}", lab.message(token))
    mail, = lab.hosts.wait_mail(host, token)
    assert mail.envelope["client"] == source, mail.envelope["client"]


def test_report_names_it(lab):
    """Issue 8c: a refusal is recorded with our address."""
    token = lab.token()
    lab.submit(f"{token}@unknown.test", lab.message(token))
    assert "[127.0.9.4]" in lab.ann.bounce(token).text
