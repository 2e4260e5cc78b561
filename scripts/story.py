#!/usr/bin/env python3
"""The story of a release in a body of several parties, told by running it: each step is timed, and
checked from outside, over TAXII and with the commands that an operator has. Exit code 0 only if
every check held. Nothing but the standard library of Python and the binary is needed.

    scripts/story.py BINARY [--charter FILE] [--bundle FILE] [--parties N] [--keep]
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BODY = ROOT / "examples" / "bodies" / "sco"
# One that releases, two that it is for, one that it is not for, one whose node starts late.
PARTIES_MIN = 5
# Nothing takes as long as this on a machine that works at all.
PATIENCE_SECONDS = 60
# A thing that is waited for is looked at again after this; what is measured is as coarse.
LOOK_SECONDS = 0.002


class Failed(Exception):
    """A check did not hold."""


def check(holds, what):
    if not holds:
        raise Failed(what)


def wait_for(what, look):
    """Waits for a condition; gives what it found."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(LOOK_SECONDS)
    raise Failed(f"waited {PATIENCE_SECONDS} s in vain: {what}")


class Teller:
    """Says what was done, how long it took, and that its check held."""

    def __init__(self):
        self.number = 0

    def step(self, what, seconds):
        self.number += 1
        shown = f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
        print(f"{self.number:>2}  {shown:>8}  {what}", flush=True)


class Node:
    """A node, as its users and its operator see it."""

    def __init__(self, binary, told, password):
        self.binary, self.party, self.name = binary, told["party"], told["name"]
        self.directory, self.address = told["directory"], told["listen"]
        self.peers = told["peers"]
        pair = base64.b64encode(f"{told['login']}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}", "Accept": "application/taxii+json;version=2.1"}
        self.line = None

    def command(self, *words, codes=(0,)):
        """A command about this node; DIR is its directory. Gives what it prints as JSON."""
        words = [self.directory if word == "DIR" else word for word in words]
        done = subprocess.run(
            [self.binary, "--json", *words], capture_output=True, encoding="utf-8", timeout=PATIENCE_SECONDS
        )
        check(done.returncode in codes, f"comity {' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def get(self, path):
        """Status and body of an answer over TAXII; no status where nobody answers."""
        for fresh in (False, True):
            if self.line is None or fresh:
                self.line = http.client.HTTPConnection(self.address, timeout=PATIENCE_SECONDS)
            try:
                self.line.request("GET", path, headers=self.headers)
                answer = self.line.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.line = None
        return None, b""

    def read(self, collection, identifier):
        """An object as a client gets it; nothing where it is not there."""
        status, body = self.get(f"/taxii2/comity/collections/{collection}/objects/{identifier}/")
        check(status in (200, 404, None), f"{self.party} answers {status} for {identifier}: {body!r}")
        objects = json.loads(body).get("objects", []) if status == 200 else []
        return objects[0] if objects else None

    def absent(self, collection, identifier):
        """That the node itself says that it is not there; a node that is away says nothing."""
        there, _ = self.get(f"/taxii2/comity/collections/{collection}/")
        check(there in (200, None), f"{self.party} has no collection `{collection}` to look in: {there}")
        status, body = self.get(f"/taxii2/comity/collections/{collection}/objects/{identifier}/")
        return status == 404 or (status == 200 and not json.loads(body).get("objects"))

    def holds(self, octets):
        """Whether octets stand in a file of the node."""
        files = [path for path in pathlib.Path(self.directory).rglob("*") if path.is_file()]
        return [str(path) for path in files if octets in path.read_bytes()]


class Story:
    def __init__(self, arguments, place):
        self.arguments, self.place = arguments, place
        self.directory = place / "body"
        self.teller = Teller()
        self.nodes, self.late, self.own = [], None, None
        self.supervisor = None
        self.said = []

    def status(self):
        done = subprocess.run(
            [self.arguments.binary, "--json", "body", "status", self.directory], capture_output=True, encoding="utf-8"
        )
        check(done.returncode in (0, 1), done.stdout + done.stderr)
        return {node["party"]: node for node in json.loads(done.stdout)["nodes"]}

    def timed(self, what, work):
        began = time.monotonic()
        found = work()
        self.teller.step(what, time.monotonic() - began)
        return found

    def found(self):
        """The body: every party's node but one, in processes of their own."""
        shown = subprocess.run(
            [self.arguments.binary, "--json", "charter", "show", self.arguments.charter],
            capture_output=True, check=True,
        ).stdout
        shown = json.loads(shown)
        active = {
            party["id"] for tier in shown["as_of"]["tiers"] for party in tier["parties"] if party["status"] == "active"
        }
        members = [party["id"] for party in shown["parties"] if party["id"] in active]
        count = self.arguments.parties
        check(PARTIES_MIN <= count <= len(members), f"--parties {count}: from {PARTIES_MIN} to {len(members)}")
        absent = members[count - 1]
        self.errors = (self.place / "supervisor.log").open("w+")
        self.supervisor = subprocess.Popen(
            [self.arguments.binary, "--json", "body", "up", self.directory, "--charter", self.arguments.charter,
             "--parties", str(count), "--without", absent, "--keep-logins"],
            stdout=subprocess.PIPE, stderr=self.errors, encoding="utf-8",
        )
        text = ""
        for line in self.supervisor.stdout:
            text += line
            if line == "}\n":
                break
        check(text, f"the body did not come up: {(self.place / 'supervisor.log').read_text()}")
        # What comes later would fill the pipe.
        threading.Thread(target=self.supervisor.stdout.read, daemon=True).start()
        lines = (self.directory / "logins.txt").read_text().splitlines()
        passwords = {line.split()[0]: line.split()[2] for line in lines}
        self.told = {node["party"]: node for node in json.loads(text)["nodes"]}
        nodes = [Node(self.arguments.binary, told, passwords[party]) for party, told in self.told.items()]
        self.late = nodes.pop()
        check(self.late.party == absent, "the last party is the one whose node waits")
        # The party that the bundle is named after releases it, where it is one of them.
        stem = pathlib.Path(self.arguments.bundle).stem
        self.nodes = sorted(nodes, key=lambda node: not node.party.startswith(stem))
        for node in nodes:
            check(node.get("/taxii2/")[0] == 200, f"{node.party} lets its first login in")

    def all_verified(self):
        """Waits until every node that serves has verified what every other has."""
        def look():
            nodes = [node for node in self.status().values() if node["serves"]]
            return all(node["verified"] >= node["of"] and node["lag"] == 0 for node in nodes)
        wait_for("every node has verified the logs of every other", look)

    def share(self, identifiers, to):
        words = [word for one in identifiers for word in ("--object", one)]
        told = self.own.command("share", "DIR", "--collection", "desk", *words, "--to", to, "--by", "releaser")
        check(told["shared"] == len(identifiers), f"all are shared: {told}")

    def await_at(self, nodes, identifier, wanted):
        for node in nodes:
            found = wait_for(f"{identifier} at {node.party}", lambda node=node: node.read("received", identifier))
            check(found == wanted, f"{node.party} serves what was released, and nothing else")

    def tell(self):
        self.timed(
            f"a body of {self.arguments.parties} is founded, and {self.arguments.parties - 1} nodes serve", self.found
        )
        self.timed("every node has verified every other's log, over TLS with the keys of the charter", self.all_verified)
        self.own, first, second, other = self.nodes[:4]
        objects = json.loads(pathlib.Path(self.arguments.bundle).read_text())["objects"]
        indicators = [one for one in objects if one["type"] == "indicator"]
        check(len(indicators) >= 3, "a bundle with three indicators is required")
        released, *later = indicators[:3]
        told = self.timed(
            f"{self.own.name} imports {len(objects)} objects, and nobody else has one",
            lambda: self.own.command("import", "DIR", str(self.arguments.bundle), "--collection", "desk"),
        )
        check(told["refused"] == 0 and told["stored"] > 0, f"nothing is refused: {told}")
        others = self.nodes[1:]
        for node in others:
            check(node.absent("received", released["id"]), f"nothing was released, and {node.party} has nothing")
        self.release(released, first, second, other)
        self.adopt(released, first)
        self.widen(released, other)
        self.withdraw(released, first, [first, second, other])
        self.kill(later[0], second, first)
        self.join(later[0])
        self.verify()

    def release(self, released, first, second, other):
        identifier = released["id"]
        def released_at():
            self.share([identifier], f"party:{first.party},{second.party}")
            self.await_at([first, second], identifier, released)
        self.timed(f"it releases one to {first.name} and {second.name}: both read it over TAXII", released_at)
        def absent():
            self.all_verified()
            for node in self.nodes[3:]:
                check(node.absent("received", identifier), f"{node.party} is not told of it")
                exported = subprocess.run(
                    [self.arguments.binary, "export", node.directory, "--collection", "received"],
                    capture_output=True, check=True,
                ).stdout
                for octets in (identifier.encode(), released["pattern"].encode()):
                    check(octets not in exported, f"{node.party} exports nothing of it")
                    check(not node.holds(octets), f"no file of {node.party} holds it: {node.holds(octets)}")
        count = len(self.nodes) - 3
        others = "the other one has" if count == 1 else f"{count} others have"
        self.timed(f"{others} verified the entry, and nothing more: over TAXII, export, files", absent)

    def adopt(self, released, first):
        identifier = released["id"]
        check(first.absent("desk", identifier), "received is not adopted")
        def adopted():
            told = first.command("adopt", "DIR", "--object", identifier, "--collection", "desk", "--by", "releaser")
            check(told["adopted"] == 1, f"it is adopted: {told}")
            check(first.read("desk", identifier) == released, "it is among its own")
        self.timed(f"{first.name} adopts it into a collection of its own", adopted)

    def widen(self, released, other):
        identifier = released["id"]
        def granted():
            told = self.own.command("grant", "DIR", "--object", identifier, "--to", f"party:{other.party}", "--by", "releaser")
            check(told["shared"] == 1, f"it is granted: {told}")
            self.await_at([other], identifier, released)
        self.timed(f"a grant opens it to {other.name}, too", granted)

    def withdraw(self, released, adopter, holders):
        identifier = released["id"]
        def gone():
            told = self.own.command("withdraw", "DIR", "--object", identifier, "--by", "releaser")
            check(sorted(told["told"]) == sorted(node.party for node in holders), f"those that had it are told: {told}")
            for node in [self.own, *holders]:
                place = "desk" if node in (self.own, adopter) else "received"
                wait_for(f"it is gone at {node.party}", lambda node=node, place=place: node.absent(place, identifier))
            check(adopter.absent("received", identifier), "it is gone where it was received, too")
        self.timed("it is withdrawn, and gone at all of them: what was adopted, too", gone)
        def receipts():
            for node in holders:
                wait_for(
                    f"the receipt of {node.party}",
                    lambda node=node: not self.own.command("peer", "show", "DIR", node.party)["withdrawals"],
                )
        self.timed("each of them has acknowledged it in its own log", receipts)

    def kill(self, released, victim, witness):
        before = self.status()[victim.party]["process"]
        def killed():
            os.kill(before, signal.SIGKILL)
            self.share([released["id"]], f"party:{victim.party},{witness.party}")
            self.await_at([witness, victim], released["id"], released)
            after = self.status()[victim.party]
            check(after["process"] != before, "it is another process")
            self.all_verified()
        self.timed(f"the node of {victim.name} is killed (SIGKILL) while one is released to it: it starts again, and has it", killed)

    def join(self, released):
        told = self.own.command("grant", "DIR", "--object", released["id"], "--to", f"party:{self.late.party}", "--by", "releaser")
        check(told["shared"] == 1, f"it is granted: {told}")
        def joined():
            self.late_process = subprocess.Popen(
                [self.arguments.binary, "serve", self.late.directory, "--listen", self.late.address,
                 "--peers", self.late.peers, "--until-stdin-ends"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=(self.place / "late.log").open("w"),
                env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "262144"},
            )
            wait_for("the late node serves", lambda: self.late.get("/taxii2/")[0] == 200)
            self.await_at([self.late], released["id"], released)
            def look():
                node = self.status()[self.late.party]
                return node["serves"] and node["of"] > 0 and node["verified"] >= node["of"] and node["lag"] == 0
            wait_for("the late node has verified everything", look)
        self.timed(f"the node of {self.late.name} starts late: it verifies the whole history, and has what it was granted", joined)

    def verify(self):
        def sound():
            for node in [*self.nodes, self.late]:
                told = node.command("verify", "DIR")
                check(told["faults"] == [], f"{node.party}: {told['faults']}")
        self.timed(f"every log of all {len(self.nodes) + 1} nodes is verified: leaves, signatures, bodies, view", sound)
        nodes = [node for node in self.status().values() if node["serves"]]
        check(all(node["aside"] == 0 for node in nodes), "nothing was set aside")
        sizes = [node["resident"] for node in nodes]
        if all(sizes):
            self.memory = f"{sum(sizes) / 1e6:.0f} MB in {len(sizes)} processes, {max(sizes) / 1e6:.0f} MB the largest"

    def end(self):
        """Stops what runs, however far the story came."""
        late = getattr(self, "late_process", None)
        if late is not None:
            late.stdin.close()
            check(late.wait(PATIENCE_SECONDS) == 0, "the late node stops in order")
        if self.supervisor is not None:
            self.supervisor.send_signal(signal.SIGTERM)
            check(self.supervisor.wait(PATIENCE_SECONDS) == 0, "the body stops in order")
            left = [node["party"] for node in self.status().values() if node["serves"]]
            check(not left, f"no node is left over: {left}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("binary", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--charter", default=str(BODY / "charter.toml"))
    parser.add_argument("--bundle", default=str(BODY / "data" / "kazakhstan.json"))
    parser.add_argument("--parties", type=int, default=10)
    parser.add_argument("--keep", action="store_true", help="leave the directory there")
    arguments = parser.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(prefix="comity-story-"))
    story = Story(arguments, place)
    fault = None
    for part in (story.tell, story.end):
        try:
            began = time.monotonic()
            part()
            if part == story.end and fault is None:
                story.teller.step("all stop in order, and none is left over", time.monotonic() - began)
        except (Failed, OSError, KeyError, ValueError, subprocess.SubprocessError, KeyboardInterrupt) as error:
            fault = fault or error or type(error)
            if not isinstance(error, Failed):
                fault = fault if isinstance(fault, Failed) else f"{type(error).__name__}: {error}"
    if fault is None and hasattr(story, "memory"):
        print(f"memory: {story.memory}")
    if fault is not None:
        print(f"FAILED: {fault}\nlogs and nodes are left in {place}", file=sys.stderr)
        return 1
    if arguments.keep:
        print(f"left in {place}")
    else:
        shutil.rmtree(place)
    print("every check held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
