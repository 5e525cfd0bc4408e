"""./dev run --relay-to: trusts 127.0.0.0/8 and sends all outbound mail to one host."""

import os
import tempfile

from harness import Lab
from hosts import LabHosts

SERVER = "none"


def test_relay_to(_lab):
    """Issue 2c: relaying without login and without DNS, to one host."""
    with tempfile.TemporaryDirectory(prefix="frank-relay-") as folder:
        os.chmod(folder, 0o755)
        hosts = LabHosts(folder + "/hosts")
        try:
            host, port = hosts.address("accept.test")
            with Lab(folder + "/lab", arguments=["--relay-to", f"{host}:{port}"]) as lab:
                token = lab.token()
                lab.deliver("a@elsewhere.test", "x@anywhere.test", lab.message(token))
                mail, = hosts.wait_mail("accept.test", token)
                assert mail.recipients == ["x@anywhere.test"]
            hosts.assert_clean()
        finally:
            hosts.close()
