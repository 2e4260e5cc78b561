"""Nodes of several parties on this machine, each a process of its own, for measurements."""

import base64
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time
import uuid

BIN = os.environ.get("COMITY_BIN", "target/release/comity")
PASSWORD = "an exercise pass phrase"
LOGIN = "Basic " + base64.b64encode(f"releaser:{PASSWORD}".encode()).decode()
HEADERS = {
    "Authorization": LOGIN,
    "Accept": "application/taxii+json;version=2.1",
    "Content-Type": "application/taxii+json;version=2.1",
}
CHARTER = """format = 1
version = 1
body = "EXERCISE body"
floors = 1
purposes = ["network-defence"]

{parties}
[handling]
default_tlp = "AMBER+STRICT"

[retention]
days = 365
"""
# How long anything may take before it counts as failed.
PATIENCE = 300


def run(*arguments, **keywords):
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, **keywords)
    if done.returncode:
        raise SystemExit(f"comity {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds, patience=PATIENCE):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("it took too long")
        time.sleep(0.02)


class Node:
    def __init__(self, place, party):
        self.party, self.dir = party, place / party
        self.port, self.peers = free_port(), free_port()
        self.process = self.connection = None

    def start(self):
        self.process = subprocess.Popen(
            [BIN, "serve", self.dir, "--listen", f"127.0.0.1:{self.port}"]
            + ["--peers", f"127.0.0.1:{self.peers}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # As the unit and `./run` have it.
            env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "262144"},
        )
        for line in self.process.stdout:
            if line.startswith("listening on"):
                return
        raise SystemExit(f"{self.party} does not serve")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def ask(self, method, path, body=None):
        # A node ends connections that are idle.
        for _ in range(2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self.connection.request(method, path, body, HEADERS)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (ConnectionError, http.client.HTTPException):
                self.connection = None
        raise SystemExit(f"{self.party} does not answer")

    def scanned(self, of):
        peers = json.loads(run("--json", "peer", "list", self.dir))["peers"]
        logs = next(peer["logs"] for peer in peers if peer["party"] == of)
        return next(log for log in logs if log["log"] == "shared")["scanned"]

    def size(self):
        status, note = self.ask("GET", "/log/shared/checkpoint")
        assert status == 200, note
        return int(note.decode().splitlines()[1])

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu(self):
        """Seconds of all its threads, those that ended too, finer than the ticks of /proc: the clock of
        a process (clock_getcpuclockid)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)


class Body:
    """A body of so many parties. Nobody follows anybody yet."""

    def __init__(self, place, count):
        self.nodes = [Node(place, f"p{n}.example") for n in range(count)]
        draft = place / "draft.toml"
        draft.write_text(self.charter(lambda node: ""))
        for node in self.nodes:
            run("init", node.dir, "--charter", draft, "--party", node.party)
        charter = place / "charter.toml"
        charter.write_text(self.charter(lambda node: run("peer", "genesis", node.dir)))
        for node in self.nodes:
            run("charter", "found", node.dir, charter)
            run("user", "add", node.dir, "releaser", "--role=releaser", "--password-stdin",
                input=PASSWORD + "\n")
            for title, rule in [("wide", "all"), ("some", f"party:{self.nodes[1].party}")]:
                run("collection", "add", node.dir, title, "--alias", title, "--by=releaser",
                    "--release", "all" if node is self.nodes[1] else rule, "--tlp=AMBER+STRICT")

    def charter(self, genesis):
        parties = "\n".join(
            f'[[party]]\nid = "{node.party}"\nname = "{node.party}"\ntier = "member"\n{genesis(node)}'
            for node in self.nodes
        )
        return CHARTER.format(parties=parties)

    def start(self):
        for node in self.nodes:
            node.start()

    def follow(self):
        """Each follows each other from now on; waits until it has all."""
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    run("peer", "add", node.dir, other.party, f"127.0.0.1:{other.peers}")
        last = self.nodes[-1]
        until(lambda: all(last.scanned(node.party) == node.size() for node in self.nodes[:-1]))

    def stop(self):
        for node in self.nodes:
            node.stop()


def tools(count):
    """Objects of some 1.3 kB, as those of ATT&CK."""
    for _ in range(count):
        yield {
            "type": "tool",
            "spec_version": "2.1",
            "id": f"tool--{uuid.uuid4()}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "name": "EXERCISE",
            "description": "EXERCISE " * 120,
        }


def import_some(node, place, count, collection):
    file = place / "bundle.json"
    with file.open("w") as out:
        out.write(f'{{"type":"bundle","id":"bundle--{uuid.uuid4()}","objects":[')
        out.write(",".join(json.dumps(tool) for tool in tools(count)))
        out.write("]}")
    run("import", node.dir, file, "--collection", collection)
    file.unlink()
