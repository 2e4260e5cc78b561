#!/usr/bin/env python3
"""A node under mixed load that is killed, filled up and given a failing disk, for an hour.

    soak.py [--seconds N] [--kills N] [--seed N] [--report FILE] [--dir DIRECTORY]

Writers, importers, deleters, readers, pollers and a watcher of the logs ask one node through all
its lives. What it said in one life must hold in every later one: see `Said`. Then the sweep strikes
each call of a small story, and nodes of a body are killed (`soak_body.py`), which takes minutes
more. The report is a table in Markdown. COMITY_BIN names the binary; it should be a release build.
"""

import argparse
import datetime
import pathlib
import random
import shutil
import sys
import tempfile
import time

import faults
from node import BINARY, Node
from soak_body import KILLS as BODY_KILLS
from soak_body import SoakBody
from soak_load import REVIEWER, USER, Load
from soak_said import Said
from sweep import Story, sweep

# Lives of an hour, by how they end. Shorter runs have as many fewer.
KILLS, FULL_DISKS, IO_ERRORS = 200, 20, 20
# After so many lives the node is told to stop, and everything is verified.
LIVES_OF_A_PHASE = 20
# Lives without a fault, to look at memory; a third of the time.
CALM = 3
CALM_SHARE = 1 / 3
# Memory that a life may gain after its first third. Caches of SQLite fill up; they have bounds.
GROWTH_BYTES_MAX = 96 * 1024 * 1024
# Descriptors that a life may gain after its first third: connections come and go.
GROWTH_FILES_MAX = 40
# How long a disk is full without a write that finds out.
FULL_SECONDS_MAX = 10
# How long a node may take until it writes again when there is space.
SPACE_SECONDS = 30
SAMPLES_OF_A_LIFE = 20


class Soak:
    def __init__(self, place, seconds, seed, kills):
        self.random = random.Random(seed)
        self.seed, self.seconds = seed, seconds
        self.place = place / "sweep"
        self.place.mkdir()
        (place / "body").mkdir()
        self.body = SoakBody(place / "body", kills, seed)
        self.node = Node(place / "node")
        self.node.user(USER, "analyst")
        self.node.user(REVIEWER, "reviewer")
        self.collection = self.node.collection("Desk", "--alias", "desk")
        self.plan = faults.Plan(faults.build(place), place / "plan")
        self.said = Said()
        self.load = Load(self.node, self.collection, self.said, seed, place)
        self.ended = {"kill": 0, "full": 0, "io-error": 0, "calm": 0}
        self.verified = self.exits = 0
        self.samples = []
        self.began = time.monotonic()

    def left(self):
        return self.seconds - (time.monotonic() - self.began)

    def run(self):
        share = self.seconds / 3600
        lives = [
            kind
            for kind, count in [("kill", KILLS), ("full", FULL_DISKS), ("io-error", IO_ERRORS)]
            for _ in range(max(2, round(count * share)))
        ]
        self.random.shuffle(lives)
        calm = [len(lives) * at // CALM for at in range(CALM)]
        lives = [one for at, kind in enumerate(lives) for one in (["calm"] if at in calm else []) + [kind]]
        for at, kind in enumerate(lives):
            if self.left() <= 0:
                break
            self.live(kind, lives[at:])
            if at % LIVES_OF_A_PHASE == LIVES_OF_A_PHASE - 1:
                self.end_phase()
        self.end_phase()
        self.load.close()
        # Minutes beyond the time of a run of an hour; a part of it for shorter ones.
        every = max(1, round(3600 / self.seconds))
        self.strikes = sweep(Story(self.place), list(faults.WAYS), every, self.seed).total()
        self.body.run()

    def live(self, kind, lives):
        """One life: start, compare with what was said, load, a fault, the end."""
        self.start()
        rest = [one for one in lives if one != "calm"]
        if kind == "calm":
            seconds = self.seconds * CALM_SHARE / CALM
        else:
            calm = (len(lives) - len(rest)) * self.seconds * CALM_SHARE / CALM
            seconds = max(0.5, (self.left() - calm) / len(rest)) * self.random.uniform(0.3, 1.2)
        with self.load.running():
            self.faults(kind, time.monotonic() + seconds)
            if kind != "calm" and self.node.alive():
                self.node.process.kill()
        self.plan.watch()
        self.ended[kind] += 1
        if kind == "calm":
            return self.node.stop()
        code = self.node.end()
        assert code in (-9, 4), f"exit code {code}\n{self.node.log()}"
        self.exits += code == 4
        if kind != "kill":
            # As it was left, before a start that repairs.
            self.verify()

    def verify(self):
        self.node.verify()
        self.verified += 1

    def start(self):
        self.node.start(environment=self.plan.environment)
        self.load.compare()

    def faults(self, kind, until):
        """Waits until the end of a life, and lets the disk fail in its middle."""
        middle = time.monotonic() + (until - time.monotonic()) * self.random.uniform(0.2, 0.6)
        if kind in ("kill", "calm"):
            return self.sample_until(until, kind)
        self.load.sleep(middle - time.monotonic())
        if kind == "full":
            refused = self.load.requests[507]
            self.plan.strike(self.random.randint(1, 60), faults.FULL)
            full_until = time.monotonic() + FULL_SECONDS_MAX
            while self.load.requests[507] == refused and time.monotonic() < full_until:
                time.sleep(0.1)
            self.load.sleep(self.random.uniform(0.5, 2))
            self.plan.watch()
            self.load.wait_for_a_write(SPACE_SECONDS)
        else:
            way = self.random.choice([faults.IO_ERROR, faults.IO_ERROR_DONE])
            kinds = self.random.choice([faults.SYNCS, faults.ALL_CALLS])
            self.plan.strike(self.random.randint(1, 60), way, kinds=kinds)
        self.load.sleep(until - time.monotonic())

    def sample_until(self, until, kind):
        life, step = [], max(1, min(60, (until - time.monotonic()) / SAMPLES_OF_A_LIFE))
        while (rest := until - time.monotonic()) > 0:
            self.load.sleep(min(step, rest))
            life.append(self.sample())
        if kind == "calm":
            self.samples.append(life)
            first, last = life[len(life) // 3], life[-1]
            grown = last["rss"] - first["rss"]
            assert grown < GROWTH_BYTES_MAX, f"memory grew by {grown} octets: {life}"
            grown = last["files"] - first["files"]
            assert grown < GROWTH_FILES_MAX, f"{grown} more descriptors: {life}"

    def sample(self):
        process = pathlib.Path(f"/proc/{self.node.process.pid}")
        fields = dict(
            line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
        )
        rss = int(fields["VmRSS"].split()[0]) * 1024
        at = round(time.monotonic() - self.began)
        return {"at": at, "rss": rss, "files": len(list((process / "fd").iterdir()))}

    def end_phase(self):
        """An orderly end, with everything that was ever said compared, and `comity verify`."""
        self.start()
        self.load.compare_all()
        self.node.stop()
        self.verify()

    def report(self):
        said, calm = self.said, self.samples
        took = round(time.monotonic() - self.began)
        rss = [f"{life[len(life) // 3]['rss'] >> 20} / {life[-1]['rss'] >> 20}" for life in calm]
        files = [f"{life[len(life) // 3]['files']} / {life[-1]['files']}" for life in calm]
        minutes = [one for life in calm for one in life]
        rows = [
            ("day", datetime.date.today().isoformat()),
            ("duration", f"{took} s"),
            ("seed", self.seed),
            ("requests", self.load.requests.total()),
            ("of these by status", ", ".join(f"{s}: {n}" for s, n in sorted(self.load.requests.items()))),
            ("objects acknowledged", said.acknowledged_ever),
            ("objects deleted, acknowledged", len(said.deleted)),
            ("imports, through the control socket", self.load.imports),
            ("pages walked", self.load.pages),
            ("checkpoints seen, consistent with all later ones", said.checkpoints()),
            ("lives ended by kill -9", self.ended["kill"] + self.ended["full"]),
            ("lives with a full disk", self.ended["full"]),
            ("writes refused for want of space", self.load.requests[507]),
            ("lives with an error of the disk", self.ended["io-error"]),
            ("of these ended by the node, exit code 4", self.exits),
            ("lives without a fault", self.ended["calm"]),
            ("`comity verify`, each sound", self.verified),
            ("calls of a small story that failed, each sound after", self.strikes),
            ("objects lost", 0),
            ("objects back from deletion", 0),
            ("forks", 0),
            ("RSS in MiB, after a third of a calm life / at its end", ", ".join(rss)),
            ("open files, likewise", ", ".join(files)),
            ("samples of memory and files", len(minutes)),
            *self.body.rows(),
        ]
        lines = [f"| {what} | {value} |" for what, value in rows]
        return "\n".join(["| what | value |", "|---|---|", *lines]) + "\n"


HEAD = """# Soak

Written by `just soak`; what it does is in [operate/faults.md](operate/faults.md). A run that finds
an object lost, an object back from deletion or withdrawal, one where it was not released to, a fork,
a receipt that is missing, a page out of order or a directory that is not sound ends with a failure
and writes no table, so these lines are always 0.

"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--kills", type=int, default=BODY_KILLS, help="of nodes of a body")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--dir", type=pathlib.Path)
    arguments = parser.parse_args()
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build --release -p comity"
    place = pathlib.Path(tempfile.mkdtemp(prefix="soak", dir=arguments.dir))
    soak = Soak(place, arguments.seconds, arguments.seed, arguments.kills)
    try:
        soak.run()
    except BaseException:
        if soak.node.alive():
            soak.node.process.kill()
        soak.load.stop()
        print(f"seed {arguments.seed}; what is left of the node: {place}", file=sys.stderr)
        raise
    shutil.rmtree(place)
    table = soak.report()
    print(table)
    if arguments.report:
        arguments.report.write_text(HEAD + table, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
