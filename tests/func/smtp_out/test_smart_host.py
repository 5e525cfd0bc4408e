"""All mail for others through one host, with a login."""

import os
import tempfile

from harness import Lab
from hosts import LabHosts

SERVER = "none"


def run(folder, password, check):
    os.chmod(folder, 0o755)
    hosts = LabHosts(folder + "/hosts")
    try:
        host, port = hosts.address("smart.test")
        path = os.path.join(folder, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write(password + "\n")
        os.chmod(path, 0o644)
        options = [f"smart-host {host}:{port}", "smart-host-login frank",
                   f"smart-host-password-file {path}"]
        with Lab(folder + "/lab", options) as lab:
            lab.log.expect(r" (warn|error) ")
            check(lab, hosts)
            lab.log.assert_secretless(password)
        hosts.assert_clean()
    finally:
        hosts.close()


def test_login(_lab):
    """Issue 8b: smart host with AUTH, after TLS only; RFC 6066 3: an address is no server name."""
    def check(lab, hosts):
        token = lab.token()
        lab.submit("x@anywhere.test", lab.message(token))
        mail, = hosts.wait_mail("smart.test", token)
        assert mail.envelope["login"] == "frank" and mail.envelope["tls"]
        assert mail.envelope["tls_name"] is None
        assert "host" not in lab.log.find(event="smtpout_result")[0].fields
    with tempfile.TemporaryDirectory(prefix="frank-smart-") as folder:
        run(folder, "smarthost-secret", check)


def test_wrong_password(_lab):
    """Issue 8b: a refused login is our fault: mail waits, no report before its lifetime."""
    def check(lab, hosts):
        import time
        token = lab.token()
        lab.submit("x@anywhere.test", lab.message(token))
        time.sleep(8)
        assert not lab.ann.messages("x@anywhere.test") and not hosts.mail("smart.test", token)
    with tempfile.TemporaryDirectory(prefix="frank-smart-") as folder:
        run(folder, "wrong-password", check)
