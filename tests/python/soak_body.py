#!/usr/bin/env python3
"""A body of several nodes in which somebody is always being killed.

    soak_body.py [--kills N] [--seed N] [--report FILE] [--dir DIRECTORY]

Each story founds a body, whose parties enter, release, grant, adopt and withdraw at once, while nodes
are killed (SIGKILL) at any moment and started again; one party's node comes only in the middle. Then,
without faults, everything is compared: see `Held`. Its lines take the place of those of the last run
in the report. COMITY_BIN names the binary.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

from node import BINARY, READY_SECONDS
from peering import Body
from soak_acts import BACK_SECONDS, DESK, RELEASER, WIDE, Acts, Mortal
from soak_held import Held, Watcher

KILLS = 50
KILLS_OF_A_STORY = 7
PARTIES = ["north", "south", "east", "west", "isle", "late"]
# How a node is killed, and how often: at any moment; as one that just does something, or whom that
# reaches; while it starts; while it catches up.
AIMS = {"any": 16, "actor": 26, "recipient": 26, "starting": 16, "catching up": 16}
# A node stays away so long, at most; one that has to catch up longer.
AWAY_SECONDS, LONG_AWAY_SECONDS = 0.8, 1.5
# After something began, or a start, the strike comes within this.
ACTING_SECONDS, REACHED_SECONDS, STARTING_SECONDS, CATCHING_SECONDS = 0.08, 0.25, 0.12, 0.15
# A killing waits so long for somebody to do something.
SOMETHING_SECONDS = 2


class Killer:
    """Kills nodes, and has each started again; until there were so many kills."""

    def __init__(self, nodes, acts, draw, kills):
        self.acts, self.draw, self.left = acts, draw, kills
        self.up, self.nurses, self.failures = list(nodes), [], []
        self.by_aim, self.by_act = collections.Counter(), collections.Counter()

    def until(self, left):
        while self.left > left and not self.acts.ending.is_set():
            self.strike(self.draw.choices(list(AIMS), AIMS.values())[0])
            self.nurses = [nurse for nurse in self.nurses if nurse.is_alive()]
            if self.failures:
                raise self.failures[0]

    def strike(self, aim):
        node, seconds, act = None, self.draw.uniform(0.05, 0.8), "-"
        if aim in ("actor", "recipient"):
            act, node = self.await_victim(aim)
            seconds = self.draw.uniform(0, ACTING_SECONDS if aim == "actor" else REACHED_SECONDS)
        elif self.up:
            node = self.draw.choice(self.up)
        if node is None:
            return
        time.sleep(seconds)
        self.up.remove(node)
        self.kill(node, aim if aim in ("any", "actor", "recipient") else "any", act)
        if aim == "starting" and self.left:
            node.launch()
            time.sleep(self.draw.uniform(0, STARTING_SECONDS))
            self.kill(node, aim)
        elif aim == "catching up" and self.left:
            time.sleep(self.draw.uniform(AWAY_SECONDS, LONG_AWAY_SECONDS))
            node.back()
            time.sleep(self.draw.uniform(0, CATCHING_SECONDS))
            self.kill(node, aim)
        self.nurse(node, self.draw.uniform(0, AWAY_SECONDS))

    def await_victim(self, aim):
        """What somebody just begins to do, and one that does it, or whom it reaches."""
        end = time.monotonic() + SOMETHING_SECONDS
        while time.monotonic() < end:
            act, origin, recipients = self.acts.await_act(SOMETHING_SECONDS) or ("-", "", [])
            among = [one for one in self.up if one.party in ([origin] if aim == "actor" else recipients)]
            if among:
                return act, self.draw.choice(among)
        return "-", None

    def kill(self, node, aim, act="-"):
        # One that ended by itself was not killed.
        code = node.process.poll()
        assert code is None or aim == "starting", f"{node.party} ended with {code}\n{node.log()}"
        node.kill()
        self.left -= code is None
        self.by_aim[aim] += code is None
        self.by_act[act] += code is None

    def nurse(self, node, seconds):
        """Starts a node after some time, while others are killed."""
        def start():
            try:
                time.sleep(seconds)
                node.back()
                self.up.append(node)
            except BaseException as error:
                self.failures.append(error)
        nurse = threading.Thread(target=start)
        self.nurses.append(nurse)
        nurse.start()

    def end(self):
        for nurse in self.nurses:
            nurse.join()
        if self.failures:
            raise self.failures[0]


class Story:
    """A body that is founded, and what becomes of it."""

    def __init__(self, place, number, seed, kills):
        self.draw = random.Random(f"{seed} {number}")
        self.body = Body(place, {f"{party}.example": "member" for party in PARTIES}, [], Mortal)
        self.nodes = list(self.body.nodes.values())
        self.late = self.nodes[-1]
        self.acts = Acts(self.nodes, self.draw, number)
        self.watcher = Watcher(self.nodes)
        self.killer = Killer(self.nodes[:-1], self.acts, self.draw, kills)
        self.held = Held(self.nodes, self.acts.items, self.watcher)
        for node in self.nodes:
            self.furnish(node)
        self.body.meet()

    def furnish(self, node):
        node.user(RELEASER, "releaser")
        node.collection("Desk", "--alias", DESK)
        others = [other.party for other in self.nodes if other is not node]
        node.wide = self.draw.sample(others, 2)
        node.collection("Wide", "--alias", WIDE, "--release", "party:" + ",".join(node.wide), "--tlp", "GREEN",
                        "--by", RELEASER)

    def tell(self):
        for node in self.nodes[:-1]:
            node.start()
        with self.watcher.running(), self.acts.running():
            self.killer.until(self.killer.left // 2)
            self.late.back()
            self.killer.up.append(self.late)
            self.killer.until(0)
            self.killer.end()
        self.acts.raise_failures()

    def check(self):
        self.held.all()
        self.proofs = self.held.finds_what_is_there()
        self.held.refolded(self.draw.choice(self.nodes))

    def end(self):
        self.body.stop()
        for node in self.nodes:
            node.verify()
            assert "panicked" not in node.log(), node.log()
        self.held.nothing_back_in_files()

    def abort(self):
        self.acts.ending.set()
        for node in self.nodes:
            if node.alive():
                node.kill()


class SoakBody:
    """Stories, one body each, until there were so many kills; and what was counted."""

    def __init__(self, place, kills, seed):
        self.place, self.kills, self.seed = pathlib.Path(place), kills, seed
        self.counted, self.by_aim, self.by_act = (collections.Counter() for _ in range(3))

    def run(self):
        number = 0
        while self.by_aim.total() < self.kills:
            number += 1
            place = self.place / f"story{number}"
            place.mkdir()
            left = self.kills - self.by_aim.total()
            with self.story(place, number, min(left, KILLS_OF_A_STORY)) as story:
                story.tell()
                story.check()
                story.end()
            self.count(story)
            shutil.rmtree(place)

    @contextlib.contextmanager
    def story(self, place, number, kills):
        story = Story(place, number, self.seed, kills)
        try:
            yield story
        except BaseException:
            print(f"seed {self.seed}, story {number}; what is left of it: {place}", file=sys.stderr)
            raise
        finally:
            story.abort()

    def count(self, story):
        items = story.acts.items
        self.by_aim += story.killer.by_aim
        self.by_act += story.killer.by_act
        self.counted += collections.Counter({f"act {act}": count for act, count in story.acts.count.items()})
        self.counted += collections.Counter({
            "stories": 1,
            "objects": sum(item.held for item in items),
            "released": sum(len(item.audience) for item in items),
            "withdrawn": sum(item.state == "gone" for item in items),
            "checkpoints": story.watcher.said.checkpoints(),
            "secrets": sum(len(of) for item in items if item.state == "gone"
                           for held in item.secrets.values() for of in held.values()),
            "proofs": story.proofs,
        })

    def rows(self):
        acts = ", ".join(f"{act.removeprefix('act ')}: {count}" for act, count in sorted(self.counted.items())
                         if act.startswith("act "))
        acts_killed = ", ".join(f"{act}: {count}" for act, count in sorted(self.by_act.items()) if act != "-")
        aims = ", ".join(f"{aim}: {count}" for aim, count in sorted(self.by_aim.items()))
        return [
            (f"stories of a body of {len(PARTIES)} nodes", self.counted["stories"]),
            ("nodes killed with SIGKILL", self.by_aim.total()),
            ("of these by aim", aims),
            ("of these by what was just done, where that was aimed at", acts_killed),
            ("acts, acknowledged", acts),
            ("objects acknowledged by their nodes", self.counted["objects"]),
            ("releases of an object to a party, acknowledged", self.counted["released"]),
            ("objects withdrawn", self.counted["withdrawn"]),
            ("their salts, keys and pieces, looked for in all files of all nodes", self.counted["secrets"]),
            ("salts that must be found there, and were", self.counted["proofs"]),
            ("checkpoints seen, at origins and at peers, all of one tree", self.counted["checkpoints"]),
            ("lost, back from withdrawal, astray, forks, receipts missing", 0),
        ]


def report(file, rows):
    """Puts lines into a table that is there, in place of those about the same."""
    names = tuple(f"| {what} |" for what, _ in rows)
    kept = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith(names)]
    lines = [f"| {what} | {value} |" for what, value in rows]
    file.write_text("\n".join([*kept, *lines]) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--dir", type=pathlib.Path)
    arguments = parser.parse_args()
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build --release -p comity"
    place = pathlib.Path(tempfile.mkdtemp(prefix="soak-body", dir=arguments.dir))
    soak = SoakBody(place, arguments.kills, arguments.seed)
    soak.run()
    shutil.rmtree(place)
    for what, value in soak.rows():
        print(f"| {what} | {value} |")
    if arguments.report:
        report(arguments.report, soak.rows())


if __name__ == "__main__":
    sys.exit(main())
