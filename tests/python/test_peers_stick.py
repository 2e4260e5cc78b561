"""What a party shares, carried to another by files: written by one node and taken in by another, which
serves or does not, over lines that are not there."""

import base64
import json
import shutil

import pytest

from peering import Body, PaperParty, wait_for
from samples import indicator

NORTH, SOUTH, EAST = NODES = "north.example", "south.example", "east.example"
RECEIVED = "received-north_example"
# Nobody listens there.
NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def parties(tmp_path_factory):
    """Three nodes that do not reach each other."""
    directory = tmp_path_factory.mktemp("stick")
    body = Body(directory, dict.fromkeys(NODES, "member"), [PaperParty(directory / "keys", "paper.example")])
    for node in body.nodes.values():
        node.user("rosa", "releaser")
        node.user("reader", "reader")
        node.collection("Desk", "--alias", "desk")
        node.start()
        for other in NODES:
            if other != node.party:
                node.run("peer", "add", node.directory, other, NOWHERE)
    yield body
    for node in body.nodes.values():
        if node.alive():
            node.stop()
        node.verify()


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "stick"


def write(node, to, stick):
    return node.told("peer", "export", node.directory, to, stick)


def take(node, stick, of=NORTH):
    return node.told("peer", "import", node.directory, of, stick)


def refused(node, stick, of=NORTH):
    """What an import says that is not done. The node keeps what it had, and is sound."""
    before = node.taxii(RECEIVED)
    done = node.try_run("peer", "import", node.directory, of, stick)
    assert done.returncode == 3 and "panicked" not in done.stderr, done
    assert node.taxii(RECEIVED) == before
    node.verify()
    return done.stderr


def test_what_is_carried_arrives_is_verified_and_arrives_once(parties, stick):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    mine, others = indicator(100), indicator(101)
    north.share(mine, to=f"party:{SOUTH}")
    north.share(others, to=f"party:{EAST}")
    told = write(north, SOUTH, stick)
    # Its keys and its acceptance in `acts`, and what it shared: two leaves, of which one is opened.
    assert told["leaves"] >= 4 and told["openings"] == told["leaves"] - 1, told
    assert all(path.stat().st_mode & 0o077 == 0 for path in stick.rglob("*"))
    first = take(south, stick)
    assert first["verified"] == told["leaves"] and first["kept"] == told["openings"], first
    assert south.has(RECEIVED, mine) and not south.has(RECEIVED, others)
    again = take(south, stick)
    assert again["verified"] == again["kept"] == again["quarantined"] == 0, again
    assert all(log["verified"] == log["scanned"] for log in south.show(NORTH)["peer"]["logs"])
    south.verify()


def test_a_node_that_does_not_serve_takes_it_in_and_gives_it_out(parties, stick):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    made = indicator(110)
    north.share(made)
    north.stop()
    south.stop()
    write(north, SOUTH, stick)
    assert take(south, stick)["kept"] == 1
    south.verify()
    north.start()
    south.start()
    assert south.has(RECEIVED, made)


def test_a_withdrawal_travels_by_files_and_its_receipt_comes_back(parties, tmp_path):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    made = indicator(120)
    north.share(made, to=f"party:{SOUTH}")
    write(north, SOUTH, tmp_path / "there")
    take(south, tmp_path / "there")
    south.run("adopt", south.directory, "--collection", "desk", "--object", made["id"], "--by", "rosa")
    north.withdraw(made)
    assert len(north.show(SOUTH)["withdrawals"]) == 1
    write(north, SOUTH, tmp_path / "gone")
    told = take(south, tmp_path / "gone")
    assert told["withdrawn"] == 1 and not south.has(RECEIVED, made) and not south.has("desk", made), told
    # The copy from before brings nothing back.
    assert "replayed" in refused(south, tmp_path / "there")
    assert not south.has(RECEIVED, made)
    wait_for("the receipt to be written", lambda: write(south, NORTH, fresh(tmp_path / "back"))["openings"] > 2)
    take(north, tmp_path / "back", SOUTH)
    assert north.show(SOUTH)["withdrawals"] == []
    south.verify()


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    return path


def envelopes(stick):
    """What stands on a stick, opened."""
    lines = [line for page in stick.rglob("release/*") for line in page.read_text().splitlines()]
    records = [json.loads(line) for line in lines]
    return b"\n".join(base64.b64decode(one["envelope"]) for one in records if "envelope" in one)


def test_what_is_not_for_a_party_is_not_on_its_stick(parties, stick, tmp_path):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    north.share(indicator(130, name="For-South-Marker"), to=f"party:{SOUTH}")
    write(north, EAST, stick)
    write(north, SOUTH, tmp_path / "south")
    assert b"For-South-Marker" in envelopes(tmp_path / "south")
    assert b"For-South-Marker" not in envelopes(stick)
    # Its place in the log would go on, and what is for it would not be asked for again.
    before = south.show(NORTH)["peer"]["logs"]
    told = refused(south, stick)
    assert f"was written for `{EAST}`" in told and f"comity peer export DIR {SOUTH}" in told, told
    assert south.show(NORTH)["peer"]["logs"] == before
    assert take(south, tmp_path / "south")["kept"] >= 1


@pytest.mark.parametrize("what", ["shared/checkpoint", "shared/release", "acts", "shared/tile", "for"])
def test_a_stick_that_was_copied_in_part_says_what_is_missing(parties, stick, what):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    north.share(indicator(140 + len(what)))
    write(north, SOUTH, stick)
    path = stick / what
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    told = refused(south, stick)
    assert "cannot read" in told and str(path.parent if path.is_file() else path) in told, told
    write(north, SOUTH, fresh(stick))
    assert take(south, stick)["kept"] >= 1


def test_files_that_were_cut_or_changed_are_not_believed(parties, stick):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    made = indicator(160)
    north.share(made)
    write(north, SOUTH, stick)
    for path in sorted(stick.rglob("*")):
        # What of them is not asked for any more may be anything.
        last = path.is_file() and (path.name == "checkpoint" or path.parent.name == "entries" or ".p" in path.parent.name)
        if not last or "shared" not in path.parts:
            continue
        whole = path.read_bytes()
        for octets in (whole[: len(whole) // 2], b"", whole[:-40] + bytes(len(whole[-40:])), whole + b"more"):
            path.write_bytes(octets)
            refused(south, stick)
        path.write_bytes(whole)
    assert take(south, stick)["kept"] == 1 and south.has(RECEIVED, made)


def test_a_page_that_does_not_open_its_leaves_is_set_aside(parties, stick):
    north, east = parties.nodes[NORTH], parties.nodes[EAST]
    write(north, EAST, stick)
    (page,) = (stick / "shared" / "release").iterdir()
    lines = page.read_bytes().splitlines(keepends=True)
    page.write_bytes(lines[0][:20])
    told = east.try_run("peer", "import", east.directory, NORTH, stick)
    assert told.returncode == 3 and "shared" in told.stderr, told
    east.verify()
    page.write_bytes(b"".join(lines))
    assert take(east, stick)["quarantined"] == 0


def test_the_files_of_another_party_or_another_body_are_not_taken_for_it(parties, stick, tmp_path):
    north, south, east = (parties.nodes[party] for party in NODES)
    write(east, SOUTH, stick)
    assert "acts" in refused(south, stick)
    place = tmp_path / "other"
    place.mkdir()
    other = Body(place, dict.fromkeys(NODES, "member"), [])
    write(other.nodes[NORTH], SOUTH, fresh(stick))
    refused(south, stick)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "comity peer export" in refused(south, empty)


def test_an_export_says_why_it_is_not_made(parties, stick):
    north = parties.nodes[NORTH]
    stick.mkdir()
    (stick / "something").write_text("here")
    for party, where, why in [(SOUTH, stick, "is not empty"), (NORTH, stick / "a", "no other party"),
                              ("nobody.example", stick / "a", "no other party")]:
        done = north.try_run("peer", "export", north.directory, party, where)
        assert done.returncode == 3 and why in done.stderr, done
    assert sorted(path.name for path in stick.iterdir()) == ["something"]


def test_a_peer_that_is_removed_is_asked_no_more_and_keeps_what_it_has(parties, stick):
    north, south, east = (parties.nodes[party] for party in NODES)
    kept = indicator(200)
    north.run("peer", "add", north.directory, SOUTH, south.address)
    for node in (south, east):
        node.run("peer", "add", node.directory, NORTH, north.address)
    north.share(kept)
    for node in (south, east):
        wait_for("it to arrive", lambda: node.has(RECEIVED, kept))
    said = south.run("peer", "remove", south.directory, NORTH)
    assert f"no longer following `{NORTH}` at {north.address}" in said and "what stays: " in said, said
    assert south.peers()[NORTH]["address"] == "" and south.peers()[NORTH]["doorbell"] is False
    assert "not followed" in south.run("peer", "list", south.directory)
    later = indicator(201)
    north.share(later)
    north.withdraw(kept)
    # A ring would have brought it, as it does to one that follows still.
    wait_for("both to be heard of", lambda: east.has(RECEIVED, later) and not east.has(RECEIVED, kept))
    assert south.has(RECEIVED, kept) and not south.has(RECEIVED, later)
    south.verify()
    again = south.try_run("peer", "remove", south.directory, NORTH)
    assert again.returncode == 3 and "is not followed" in again.stderr and "comity peer add" in again.stderr, again
    # By files it still comes, and by a line when it is followed again. What is withdrawn goes then.
    south.stop()
    south.start()
    assert south.has(RECEIVED, kept) and not south.has(RECEIVED, later)
    write(north, SOUTH, stick)
    assert take(south, stick)["withdrawn"] == 1 and south.has(RECEIVED, later) and not south.has(RECEIVED, kept)
    last = indicator(202)
    north.share(last)
    wait_for("it to be heard of", lambda: east.has(RECEIVED, last))
    assert not south.has(RECEIVED, last)
    south.run("peer", "add", south.directory, NORTH, north.address)
    wait_for("it to arrive", lambda: south.has(RECEIVED, last))


def test_a_peer_is_removed_while_the_node_does_not_serve(parties):
    north, south = parties.nodes[NORTH], parties.nodes[SOUTH]
    south.run("peer", "add", south.directory, NORTH, north.address)
    south.stop()
    assert "what stays" in south.run("peer", "remove", south.directory, NORTH)
    unknown = south.try_run("peer", "remove", south.directory, "nobody.example")
    assert unknown.returncode == 3 and "comity peer list" in unknown.stderr, unknown
    made = indicator(210)
    north.share(made)
    south.start()
    assert south.peers()[NORTH]["address"] == "" and not south.has(RECEIVED, made)
    south.verify()
