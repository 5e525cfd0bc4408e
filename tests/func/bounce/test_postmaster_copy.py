"""A copy of failures for the postmaster, by setting."""

OPTIONS = ["failure-copy postmaster@example.test"]


def test_copy(lab):
    """Issue 10c: the copy goes to the postmaster (ann), the report to the sender (bob)."""
    token = lab.token()
    lab.submit(f"{token}@unknown.test", lab.message(token, sender=lab.bob.address), user=lab.bob)
    lab.bob.bounce(token)
    lab.ann.wait(token, timeout=20)
