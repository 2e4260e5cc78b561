"""Figures of a body: nodes of several parties on this machine, each a process of its own.

    bench_body.py [--report FILE] [--parties N] [--objects N] [--posts N] [--leaves N] [--idle SECONDS]

It measures from outside, over TAXII, by the command line and from /proc:

- what an idle body costs, in CPU and memory;
- how long from a POST at one node until the object can be read at another;
- how fast a node that joins late takes in what was released to it, verified and folded;
- how fast it verifies a log of which nothing is released to it.

Beside each figure stands a floor, measured in the same run: the same work by something that does
nothing else (`bench_floor.py`). The ratio can be compared between machines.

COMITY_BIN is the program. Run it on a machine that does nothing else.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import tempfile
import time

import bench_floor
from bench_nodes import BIN, Body, import_some, tools, until

# Seconds until what a start leaves to do is done.
SETTLED = 5
HEAD = """# Figures of a body

Written by `just bench-body`: nodes of several parties, all on one machine of two cores, with
TLS, audit and `synchronous=FULL`. A floor is the same work, in the same run, by something that does
nothing else; the ratio is the figure by its floor, and says more than either on another machine.

"""


class Table:
    def __init__(self):
        self.lines = ["| what | figure | floor | what the floor is | ratio |", "|---|---:|---:|---|---:|"]

    def row(self, what, figure, unit, floor, floor_is, digits=1):
        ratio = f"{figure / floor:.2f}" if floor else "-"
        shown = [f"{number:,.{digits}f} {unit}" for number in (figure, floor)]
        self.lines.append(f"| {what} | {shown[0]} | {shown[1]} | {floor_is} | {ratio} |")

    def text(self):
        return "\n".join(self.lines) + "\n"


def idle(body, seconds):
    """Share of a core in percent, of all nodes; the largest memory of one in MB."""
    time.sleep(SETTLED)
    before, began = [node.cpu() for node in body.nodes], time.monotonic()
    time.sleep(seconds)
    spent = sum(node.cpu() for node in body.nodes) - sum(before)
    return 100 * spent / (time.monotonic() - began), max(node.rss() for node in body.nodes)


def latency(first, second, alias, posts):
    """Milliseconds from a POST at one node until it can be read in a collection of another, or the
    same: median, p99."""
    taken = []
    for tool in tools(posts):
        envelope = json.dumps({"objects": [tool]})
        began = time.perf_counter()
        status, answer = first.ask("POST", "/taxii2/comity/collections/wide/objects/", envelope)
        assert status == 202, answer
        path = f"/taxii2/comity/collections/{alias}/objects/{tool['id']}/"
        while second.ask("GET", path)[0] != 200:
            time.sleep(0.0005)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), sorted(taken)[max(0, int(len(taken) * 0.99) - 1)]


def join(first, late):
    """Starts a node and waits until it has asked for everything; seconds."""
    goal = first.size()
    began = time.monotonic()
    late.start()
    until(lambda: late.scanned(first.party) >= goal)
    return time.monotonic() - began


def measure_idle(body, table, seconds):
    body.start()
    alone = idle(body, seconds)
    body.follow()
    share, rss = idle(body, seconds)
    what = f"idle mesh of {len(body.nodes)} nodes, CPU of one core"
    table.row(what, share, "%", alone[0], "the same nodes without peers", 2)
    table.row("the same, largest RSS of a node", rss, "MB", alone[1], "the same nodes without peers")


def measure_latency(body, table, posts):
    first, last = body.nodes[0], body.nodes[-1]
    there, here = latency(first, last, "received", posts), latency(first, first, "wide", posts)
    what, floor = f"POST to readable at another, {posts} times, median", "readable at the same node"
    table.row(what, there[0], "ms", here[0], floor)
    table.row("the same, p99", there[1], "ms", here[1], f"{floor}, p99")
    trips = bench_floor.round_trips(last, posts)
    table.row("what another takes longer, median", there[0] - here[0], "ms", trips,
              "two questions over TLS, of the sizes of a pull", 2)


def measure_sync(body, table, place, objects):
    first, late = body.nodes[:2]
    import_some(first, place, objects, "some")
    took, sizes = bench_floor.fetched(late, first)
    seconds = join(first, late)
    late.stop()
    count = len(sizes)
    what = f"first sync of {objects:,} objects, verified and folded"
    # A ratio of times: the larger, the farther from the floor.
    table.row(f"{what} ({count / seconds:,.0f} a second)", seconds, "s", took,
              "the same leaves and openings fetched over TLS, and thrown away")
    table.row("the same", seconds, "s", bench_floor.inserted(place, sizes),
              "the same octets inserted into SQLite, durable page by page")


def measure_skeleton(body, table, place, more):
    first, late = body.nodes[0], body.nodes[2]
    import_some(first, place, more, "some")
    size = first.size()
    fetching, hashing = bench_floor.skeleton(late, first)
    seconds = join(first, late)
    table.row(f"a skeleton of {size:,} entries, verified", seconds, "s", hashing,
              "SHA-256 of the same tree, by `hashlib`")
    table.row("the same", seconds, "s", fetching, "the same leaves fetched over TLS, and thrown away")


def measure(place, arguments):
    body, table = Body(place, arguments.parties), Table()
    try:
        measure_idle(body, table, arguments.idle)
        measure_latency(body, table, arguments.posts)
        for node in body.nodes[1:]:
            node.stop()
        measure_sync(body, table, place, arguments.objects)
        if arguments.leaves > arguments.objects:
            measure_skeleton(body, table, place, arguments.leaves - arguments.objects)
    finally:
        body.stop()
    return table.text()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--parties", type=int, default=10)
    parser.add_argument("--posts", type=int, default=300)
    parser.add_argument("--objects", type=int, default=250_000)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--idle", type=int, default=120)
    arguments = parser.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(dir=pathlib.Path(BIN).resolve().parent))
    try:
        text = measure(place, arguments)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(text)
    if arguments.report:
        arguments.report.write_text(HEAD + text)


if __name__ == "__main__":
    main()
