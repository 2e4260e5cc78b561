"""Figures of a body: nodes of several parties on this machine, each a process of its own.

    bench_body.py [--report FILE] [--parties N] [--objects N] [--posts N] [--leaves N]

It measures from outside, over TAXII, by the command line and from /proc:

- how long from a POST at one node until the object can be read at another;
- how fast a node that joins late takes in what was released to it, verified and folded;
- how fast it verifies a log of which nothing is released to it;
- what an idle body costs, in CPU and memory.

COMITY_BIN is the program. Run it on a machine that does nothing else.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
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
TICK = os.sysconf("SC_CLK_TCK")


def run(*arguments, **keywords):
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, **keywords)
    if done.returncode:
        raise SystemExit(f"comity {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


class Body:
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
            for other in self.nodes:
                if other is not node:
                    run("peer", "add", node.dir, other.party, f"127.0.0.1:{other.peers}")

    def charter(self, genesis):
        parties = "\n".join(
            f'[[party]]\nid = "{node.party}"\nname = "{node.party}"\ntier = "member"\n{genesis(node)}'
            for node in self.nodes
        )
        return CHARTER.format(parties=parties)

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


def until(holds, patience=PATIENCE):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("it took too long")
        time.sleep(0.02)


def latency(body, posts):
    first, second = body.nodes[0], body.nodes[-1]
    taken = []
    for tool in tools(posts):
        envelope = json.dumps({"objects": [tool]})
        began = time.perf_counter()
        status, answer = first.ask("POST", "/taxii2/comity/collections/wide/objects/", envelope)
        assert status == 202, answer
        path = f"/taxii2/comity/collections/received/objects/{tool['id']}/"
        while second.ask("GET", path)[0] != 200:
            time.sleep(0.0005)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.99) - 1]


def import_some(body, place, count, collection):
    file = place / "bundle.json"
    with file.open("w") as out:
        out.write(f'{{"type":"bundle","id":"bundle--{uuid.uuid4()}","objects":[')
        out.write(",".join(json.dumps(tool) for tool in tools(count)))
        out.write("]}")
    run("import", body.nodes[0].dir, file, "--collection", collection)
    file.unlink()


def join(body, late):
    """Starts a node and waits until it has asked for everything; seconds."""
    first = body.nodes[0]
    goal = first.size()
    began = time.monotonic()
    late.start()
    until(lambda: late.scanned(first.party) >= goal)
    return time.monotonic() - began


def idle(body, seconds=30):
    until(lambda: all(node.rss() for node in body.nodes))
    before = [node.cpu() for node in body.nodes]
    time.sleep(seconds)
    spent = sum(node.cpu() for node in body.nodes) - sum(before)
    return 100 * spent / seconds, max(node.rss() for node in body.nodes)


def measure(place, arguments):
    body = Body(place, arguments.parties)
    rows = []
    try:
        for node in body.nodes:
            node.start()
        until(lambda: all(body.nodes[-1].scanned(node.party) == node.size() for node in body.nodes[:-1]))
        share, rss = idle(body)
        rows.append((f"idle mesh of {arguments.parties} nodes, CPU of one core", f"{share:.2f} %"))
        rows.append(("the same, largest RSS of a node", f"{rss:.1f} MB"))
        median, late = latency(body, arguments.posts)
        rows.append((f"POST to readable at another, {arguments.posts} times, median", f"{median:.1f} ms"))
        rows.append(("the same, p99", f"{late:.1f} ms"))
        for node in body.nodes[1:]:
            node.stop()
        import_some(body, place, arguments.objects, "some")
        seconds = join(body, body.nodes[1])
        rows.append((f"first sync of {arguments.objects} objects, verified and folded", f"{arguments.objects / seconds:,.0f} objects/s"))
        body.nodes[1].stop()
        if arguments.leaves:
            import_some(body, place, max(0, arguments.leaves - arguments.objects), "some")
            seconds = join(body, body.nodes[2])
            rows.append((f"a skeleton of {body.nodes[0].size():,} entries, verified", f"{seconds:.1f} s"))
    finally:
        body.stop()
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--parties", type=int, default=10)
    parser.add_argument("--posts", type=int, default=300)
    parser.add_argument("--objects", type=int, default=250_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    arguments = parser.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(dir=pathlib.Path(BIN).resolve().parent))
    try:
        rows = measure(place, arguments)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    lines = ["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)]
    print("\n".join(lines))
    if arguments.report:
        head = "# Figures of a body\n\nWritten by `just bench-body`: nodes of several parties, all on one machine of two cores, with\nTLS, audit and `synchronous=FULL`.\n\n"
        arguments.report.write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
