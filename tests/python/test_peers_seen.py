"""Who may see what, by standing, marking, audience and endpoint: asked of nodes in processes of their
own. The answers are docs/reference/peers.md; `COMITY_ACCEPT=1` writes it anew."""

import os
import ssl

import pytest

from follow_log import PAGE_BYTES_MAX, Line, parse_page, pin_of
from node import ROOT
from peering import make_certificate, wait_for
from samples import indicator

PAGE = ROOT / "docs" / "reference" / "peers.md"
ALPHA, BETA, GAMMA = "alpha.example", "beta.example", "gamma.example"
LOGS = ("shared", "acts", "private", "audit")
PATHS = ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "release?from=0")
OUT = ("left", "early", "suspended", "dormant", "withdrawn")
RULES = ("all", "tier:member", "tier:observer", "all - tier:observer", f"party:{GAMMA}", "tier:far")
LABELS = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")

HEAD = """# Peers

Who may see what of another party's node. Written by a test (`tests/python/test_peers_seen.py`) from
the answers of nodes in processes of their own; do not edit.

The node that is asked is that of `alpha.example`. `beta.example` is a member, `gamma.example` an
observer, and both have nodes that follow it. The others show a key to its listener for peers:

| who | tier | standing |
|---|---|---|
| scribe.example | member | active |
| watch.example | observer | active |
| far.example | far: it shares, and has no right to receive | active |
| left.example | member | ended |
| early.example | member | not begun |
| suspended.example, dormant.example, withdrawn.example | member | of that status |
| own key | | alpha.example's own |
| another key | | in no charter |

"""


class Keys:
    """Certificate, key and pin of whoever asks."""

    def __init__(self, body, directory):
        alpha = body.nodes[ALPHA]
        self.address, self.to = alpha.address, self.pin(alpha)
        self.files = {name: (one.certificate, one.key) for name, one in body.paper.items()}
        self.files |= {party: self.of_node(node) for party, node in body.nodes.items()}
        unknown = directory / "unknown.crt", directory / "unknown.key"
        make_certificate(*unknown)
        self.files["another key"] = unknown

    def of_node(self, node):
        return node.directory / "keys" / "transport.crt", node.directory / "keys" / "transport.key"

    def pin(self, node):
        return pin_of(ssl.PEM_cert_to_DER_cert(self.of_node(node)[0].read_text()))

    def line(self, who):
        return Line(self.address, *self.files[who], self.to)

    def status(self, who, path):
        """The status of an answer; `-` where the connection ends without one."""
        try:
            return str(self.line(who).ask(path).status)
        except OSError:
            return "-"


@pytest.fixture(scope="module")
def keys(body, tmp_path_factory):
    return Keys(body, tmp_path_factory.mktemp("unknown"))


def table(head, rows):
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n\n"


def doors(keys):
    """Endpoint by standing."""
    asking = {name: f"{name}.example" for name in ("scribe", "watch", "far", *OUT)}
    asking |= {"own key": ALPHA, "another key": "another key"}
    rows = []
    for log in LOGS:
        for path in PATHS:
            shown = f"/log/{log}/{path}"
            rows.append([f"`{shown}`", *(keys.status(one, shown) for one in asking.values())])
    rows.append(["`/doorbell`", *(keys.status(one, "/doorbell") for one in asking.values())])
    for row in rows:
        private = "/private/" in row[0] or "/audit/" in row[0]
        assert row[1:] == [("404" if private else "200")] * 3 + ["-"] * 7, row
    return "## Endpoints\n\nThe status; `-` is a connection that ends without an answer.\n\n" + table(
        ["endpoint", *asking], rows)


def mirrors(body, keys):
    """What the node holds of the logs of others, by who asks."""
    alpha, beta = body.nodes[ALPHA], body.nodes[BETA]
    one = indicator(990)
    beta.share(one)
    wait_for("it to arrive", lambda: alpha.has("received-beta_example", one))
    wait_for("all of beta's acts", lambda: alpha.scanned(BETA, "acts") >= 2)
    asking = {name: f"{name}.example" for name in ("beta", "gamma", "scribe", "far", "left")}
    asking |= {"own key": ALPHA, "another key": "another key"}
    rows = []
    for party, log in ((BETA, "shared"), (BETA, "acts"), (BETA, "private"), ("dormant.example", "shared"), (ALPHA, "shared")):
        for path in PATHS:
            shown = f"/mirror/{party}/{log}/{path}"
            rows.append([f"`{shown}`", *(keys.status(who, shown) for who in asking.values())])
            there = party == BETA and log != "private" and not path.startswith("tile/0")
            others = "200" if there and not path.startswith("release") else "404"
            owner = "200" if there else "404"
            assert rows[-1][1:] == [owner, *[others] * 3, *["-"] * 3], rows[-1]
    rows.append(["`/mirror/heads`", *(keys.status(who, "/mirror/heads") for who in asking.values())])
    assert rows[-1][1:] == [*["200"] * 4, *["-"] * 3], rows[-1]
    # To its owner it opens what this party was opened, and not what it was not.
    _, _, page = keys.line(BETA).get(f"/mirror/{BETA}/shared/release?from=0", PAGE_BYTES_MAX)
    opened = [envelope for _, _, envelope in parse_page(page)[0]]
    assert any(one["id"].encode() in envelope for envelope in opened)
    return ("## Mirrors\n\nWhat the node holds of logs that it follows: here those of `beta.example`, and not those of "
            "`dormant.example`. Bodies are for their owner alone.\n\n" + table(["endpoint", *asking], rows))


def fill(alpha):
    """An object for each rule and label; what is refused is refused. Object and what came of it."""
    made, number = {}, 1_000
    for rule in RULES:
        for label in LABELS:
            number += 1
            made[rule, label, ""] = one = indicator(number)
            alpha.enter(one)
            done = alpha.try_run("share", alpha.directory, "--collection", "desk", "--object", one["id"],
                                 "--to", rule, "--tlp", label, "--by", "rosa")
            assert done.returncode in (0, 1, 3), done.stderr
            if done.returncode:
                made[rule, label, "refused"] = made.pop((rule, label, ""))
    made["none", "", "only private"] = one = indicator(number + 1)
    alpha.enter(one)
    for at, state in enumerate(("granted to `tier:member`", "withdrawn", "granted, then withdrawn"), 2):
        made["party:" + GAMMA, "GREEN", state] = one = indicator(number + at)
        alpha.share(one, to=f"party:{GAMMA}")
        if "granted" in state:
            alpha.grant(one, "tier:member")
        if "withdrawn" in state:
            alpha.withdraw(one)
    return made


def openings(who, keys):
    """All that the listener for peers opens, as octets."""
    line, found = keys.line(who), []
    for log in ("shared", "acts"):
        at, before = 0, None
        while at != before:
            before = at
            _, _, page = line.get(f"/log/{log}/release?from={at}", PAGE_BYTES_MAX)
            opened, at = parse_page(page)
            found += [envelope for _, _, envelope in opened]
    return b"\n".join(found)


def objects(body, keys):
    """Object by party: at the listener for peers, and over TAXII at the node of the party."""
    alpha, beta, gamma = body.nodes[ALPHA], body.nodes[BETA], body.nodes[GAMMA]
    made = fill(alpha)
    last = indicator(1_999)
    alpha.share(last)
    for node in (beta, gamma):
        wait_for("the last one to arrive", lambda: node.has("received-alpha_example", last))
        wait_for("its receipts", lambda: alpha.show(node.party)["withdrawals"] == [])
    seen = [(f"{who}, peers", openings(f"{who}.example", keys))
            for who in ("beta", "gamma", "scribe", "watch", "far")]
    for party, node in ((BETA, beta), (GAMMA, gamma)):
        name = party.split(".")[0]
        seen.append((f"{name}, `received`", node.taxii("received")))
        seen.append((f"{name}, `received-alpha_example`", node.taxii("received-alpha_example")))
        seen.append((f"{name}, other collections", node.taxii("desk")))
    rows = []
    for (rule, label, state), one in made.items():
        marks = ["yes" if one["id"].encode() in octets else "" for _, octets in seen]
        rows.append([f"`{rule}`", label, state, *marks])
        # What a party is served and what its node shows is the same; nothing else is shown anywhere.
        assert [marks[0]] * 2 == marks[5:7] and [marks[1]] * 2 == marks[8:10], rows[-1]
        assert marks[4] == marks[7] == marks[10] == "", rows[-1]
        if state == "refused" or "withdrawn" in state or state == "only private":
            assert marks == [""] * len(marks), rows[-1]
    return (
        "## Objects\n\nWhat `release` opens to a key of the party (peers), and what a reader of the party's own "
        "node finds in a collection\nover TAXII. `refused`: nothing was written. An empty cell is nothing at all: "
        "neither the object nor that there is one.\n\n"
        + table(["rule", "TLP", "state", *(name for name, _ in seen)], rows)
    )


def test_the_page_of_peers_is_what_nodes_answer(body, keys):
    text = (HEAD + doors(keys) + mirrors(body, keys) + objects(body, keys)).rstrip("\n") + "\n"
    if os.environ.get("COMITY_ACCEPT"):
        PAGE.write_text(text)
    there = PAGE.read_text() if PAGE.exists() else ""
    assert there == text, "docs/reference/peers.md is not current: COMITY_ACCEPT=1 writes it anew"
