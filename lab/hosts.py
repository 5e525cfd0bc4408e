#!/usr/bin/python3
"""The lab: a small internet of mail hosts in one process, and the zone file that names them.

    lab/hosts.py --dir DIR          runs all hosts of lab/hosts.conf until SIGTERM; puts the zone,
                                    the log, accepted mail and ready.json into DIR
    lab/hosts.py --print-zone       prints the zone file and ends
    lab/hosts.py --list             prints name, temper and address of each host and ends

DIR holds: ready.json (written last, when all hosts listen), zone, log.jsonl, cert.pem, key.pem,
mail/HOST/SEQ.eml and SEQ.json. Each path can be given by itself, see --help.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import conf                      # noqa: E402
from record import Log, Store    # noqa: E402
from session import Session      # noqa: E402
from wire import Wire            # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PORT_TRIES = 50


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--conf", default=os.path.join(HERE, "hosts.conf"), help="hosts and tempers")
    add("--dir", help="one folder for all files below that are not given")
    add("--port", type=int, default=0, help="port of all hosts; 0: any that is free everywhere")
    add("--mail", help="folder for accepted messages")
    add("--log", help="file for events, one JSON object a line")
    add("--ready", help="file written when all hosts listen")
    add("--zone-out", help="file for the zone")
    add("--cert", help="TLS certificate (made by openssl if not given)")
    add("--key", help="its key")
    add("--print-zone", action="store_true", help="print the zone and end")
    add("--list", action="store_true", help="print the hosts and end")
    args = parser.parse_args()
    if args.dir:
        os.makedirs(args.dir, exist_ok=True)
        for option, name in (("mail", "mail"), ("log", "log.jsonl"), ("ready", "ready.json"),
                             ("zone_out", "zone")):
            if getattr(args, option) is None:
                setattr(args, option, os.path.join(args.dir, name))
    return args


def sockets_bind(hosts, port):
    """{address: bound socket} for all addresses, closed ones too, so that no other takes them.

    Raises OSError when the port is taken on one of them. Without IPv6 its addresses are left out.
    """
    bound = {}
    try:
        for address in (a for host in hosts for a in host.addresses + host.closed):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError:
                sock.close()
                if family == socket.AF_INET6 and not ipv6_works():
                    continue
                raise
            bound[address] = sock
            port = sock.getsockname()[1]
    except OSError:
        for sock in bound.values():
            sock.close()
        raise
    return bound, port


def ipv6_works():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


def port_find(hosts, wanted):
    """Like sockets_bind; with port 0 tries until one is free on all addresses."""
    for attempt in range(PORT_TRIES):
        try:
            return sockets_bind(hosts, wanted)
        except OSError as err:
            if wanted or attempt == PORT_TRIES - 1:
                raise SystemExit(f"lab: no port for all addresses: {err}") from err
    raise AssertionError


def certificate(cert, key, folder):
    """A server context with the certificate, self-signed for *.test if none is given."""
    if not cert:
        cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=lab.test",
             "-addext", "subjectAltName=DNS:lab.test,DNS:*.test"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    context.sni_callback = sni_note
    return context


def sni_note(tls, name, _context):
    """Keeps what name the client asked for; None: it asked for none."""
    tls.asked_name = name


def file_write(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".tmp", path)


def ready_json(hosts, bound, port):
    rows = []
    for host in hosts:
        where = next((a for a in host.addresses + host.closed if a in bound), None)
        rows.append({"name": host.name, "temper": host.temper, "host": where,
                     "port": port if where else None})
    return {"pid": os.getpid(), "port": port, "hosts": rows}


async def serve(args, hosts, tools):
    """Opens all hosts, says so, and waits for SIGTERM or SIGINT."""
    bound, port = port_find(hosts, args.port)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def started(host, wire):
        wire.task = loop.create_task(Session(host, wire, tools).run())

    for host in hosts:
        for address in host.addresses:
            if address in bound:
                await loop.create_server(
                    lambda host=host: Wire(lambda wire: started(host, wire)),
                    sock=bound[address], backlog=1024)
    ready = json.dumps(ready_json(hosts, bound, port), indent=1) + "\n"
    tools.log.event("ready", port=port)
    if args.ready:
        file_write(args.ready, ready)
    else:
        print(ready, end="", flush=True)
    await stop.wait()
    tools.log.event("stop")


def main():
    args = arguments()
    try:
        hosts = conf.hosts_read(args.conf)
    except (OSError, ValueError, conf.ConfError) as err:
        raise SystemExit(f"lab: {args.conf}: {err}") from err
    zone = "\n".join(conf.zone_lines(hosts)) + "\n"
    if args.zone_out:
        file_write(args.zone_out, zone)
    if args.print_zone:
        print(zone, end="")
        return
    if args.list:
        for host in hosts:
            print(f"{host.name:22} {host.temper:26} {' '.join(host.addresses) or '-'}")
        return
    with tempfile.TemporaryDirectory(prefix="lab-") as scratch:
        tools = types.SimpleNamespace(
            log=Log(args.log), store=Store(args.mail),
            tls_context=certificate(args.cert, args.key, args.dir or scratch))
        asyncio.run(serve(args, hosts, tools))


if __name__ == "__main__":
    main()
