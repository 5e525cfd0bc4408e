"""Reads hosts.conf into Host objects and makes the zone file from them.

The format is described at the head of hosts.conf.
"""

import configparser
import dataclasses
import fnmatch
import ipaddress

STAGES = ("connect", "ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "dot",
          "rset", "noop", "quit")
EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING")
KEYS = ("temper", "address", "closed", "records", "without", "offers", "size", "tls", "auth",
        "pace", "rcptmax")
SIZE_USUAL = 52428800
TTL = 60

# Frank's own names: the lab's postoffice is example.test, its host mx.example.test.
OWN_RECORDS = (
    "example.test MX 10 mx.example.test",
    "mx.example.test A 127.0.0.1",
    "1.0.0.127.in-addr.arpa PTR mx.example.test",
)


class ConfError(Exception):
    """A line of hosts.conf that cannot be understood."""


@dataclasses.dataclass
class Rule:
    """One `at STAGE [WHO] [first N] = reply` of a host."""
    stage: str
    who: str
    first: int          # 0: always
    lines: list
    seen: dict = dataclasses.field(default_factory=dict)

    def applies(self, who, key):
        """True when the rule answers now; counts the use when it is limited by `first`."""
        if self.who and not fnmatch.fnmatchcase(who.lower(), self.who.lower()):
            return False
        if not self.first:
            return True
        self.seen[key] = self.seen.get(key, 0) + 1
        return self.seen[key] <= self.first


@dataclasses.dataclass
class Host:
    """One mail domain of the lab and the temper of the host behind it."""
    name: str
    temper: str
    addresses: list
    closed: list
    records: list
    rules: list
    extensions: list    # lines of the EHLO reply, without SIZE, STARTTLS and AUTH
    size: int
    tls: str
    auth: str
    pace: float
    limits: dict        # RCPTMAX, MAILMAX, RCPTDOMAINMAX as enforced
    announced: bool     # the limits are announced, so exceeding them is the client's fault

    @property
    def mx(self):
        return "mx." + self.name

    def rule(self, stage, who, key):
        for rule in self.rules:
            if rule.stage == stage and rule.applies(who, key):
                return rule
        return None


def _rule_read(where, key, value):
    words = key.split()[1:]
    if not words or words[0] not in STAGES:
        raise ConfError(f"{where}: '{key}': after 'at' one of {' '.join(STAGES)} is expected")
    stage, rest, first = words[0], words[1:], 0
    if len(rest) >= 2 and rest[-2] == "first":
        first, rest = int(rest[-1]), rest[:-2]
    if len(rest) > 1:
        raise ConfError(f"{where}: '{key}': one pattern at most is expected")
    lines = [line for line in value.split("\n") if line]
    return Rule(stage, rest[0] if rest else "", first, lines)


def _limits_read(section, offers):
    limits = {}
    for line in offers:
        words = line.split()
        if words[0] == "LIMITS":
            limits.update((k, int(v)) for k, v in (w.split("=") for w in words[1:]))
    announced = bool(limits)
    if "rcptmax" in section:
        limits["RCPTMAX"] = int(section["rcptmax"])
    return limits, announced


def _records_usual(name, addresses):
    records = [f"{name} MX 10 mx.{name}"]
    for address in addresses:
        kind = "AAAA" if ":" in address else "A"
        records.append(f"mx.{name} {kind} {address}")
    return records


def _host_read(name, section):
    where = f"[{name}]"
    for key in section:
        if key not in KEYS and not key.startswith("at "):
            raise ConfError(f"{where}: '{key}' is unknown; known: {' '.join(KEYS)}, at STAGE")
    addresses = section.get("address", "").split()
    closed = section.get("closed", "").split()
    for address in addresses + closed:
        parsed = ipaddress.ip_address(address)
        if not (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback:
            raise ConfError(f"{where}: {address} is no loopback address")
    records = [line for line in section.get("records", "").split("\n") if line]
    without = section.get("without", "").split()
    offers = [line for line in section.get("offers", "").split("\n") if line]
    limits, announced = _limits_read(section, offers)
    tls = section.get("tls", "no")
    if tls not in ("no", "yes", "only"):
        raise ConfError(f"{where}: tls = no, yes or only")
    return Host(
        name=name, temper=section.get("temper", "unnamed"), addresses=addresses, closed=closed,
        records=records or _records_usual(name, closed + addresses),
        rules=[_rule_read(where, k, v) for k, v in section.items() if k.startswith("at ")],
        extensions=[e for e in EXTENSIONS if e not in without] + offers,
        size=int(section.get("size", SIZE_USUAL)), tls=tls, auth=section.get("auth", ""),
        pace=float(section.get("pace", 0)), limits=limits, announced=announced)


def hosts_read(path):
    """All hosts of the file, in its order. Raises ConfError."""
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#",), interpolation=None, strict=True)
    parser.optionxform = str
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except configparser.Error as err:
        raise ConfError(str(err)) from err
    hosts = [_host_read(name, parser[name]) for name in parser.sections()]
    used = [a for host in hosts for a in host.addresses + host.closed]
    twice = sorted({a for a in used if used.count(a) > 1})
    if twice:
        raise ConfError("used by two hosts: " + " ".join(twice))
    return hosts


def _reverse(address):
    return ipaddress.ip_address(address).reverse_pointer


def zone_lines(hosts):
    """The zone file: `name ttl TYPE rdata`, or `name WORD` for answers that no record can give."""
    lines = ["; made by lab/hosts.py from lab/hosts.conf", "", "; Frank itself"]
    lines += [_zone_line(record) for record in OWN_RECORDS]
    for host in hosts:
        lines += ["", f"; {host.name}: {host.temper}"]
        lines += [_zone_line(record) for record in host.records]
        lines += [_zone_line(f"{_reverse(a)} PTR {host.mx}") for a in host.addresses]
    return lines


def _zone_line(record):
    words = record.split(None, 1)
    if len(words) != 2:
        raise ConfError(f"'{record}' is no zone record")
    pseudo = words[1] in ("SERVFAIL", "TIMEOUT", "NXDOMAIN", "NODATA", "BOGUS")
    return record if pseudo else f"{words[0]} {TTL} {words[1]}"
