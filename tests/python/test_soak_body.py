"""One short story of `just soak` in a body whose nodes are killed, and that its checks can fail."""

import random

import pytest

import soak_held
from peering import wait_for
from soak_acts import Item
from soak_body import Story
from samples import indicator

KILLS = 6


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}: just soak-body --kills {KILLS} --seed {seed}")
    story = Story(tmp_path_factory.mktemp("soak-body"), 1, seed, KILLS)
    try:
        story.tell()
        yield story
    finally:
        story.abort()


def test_killed_nodes_lose_nothing_and_let_nothing_back(story):
    story.check()
    assert story.killer.by_aim.total() == KILLS
    assert story.proofs, "nothing was released that is still there: the look into files proves nothing"


def released(story):
    """An object that is there, with a party that has it and one that has not."""
    parties = {node.party for node in story.nodes}
    for item in story.acts.items:
        rest = parties - item.audience - item.asked - {item.origin}
        if item.state == "there" and item.audience and item.held and rest:
            return item, min(item.audience), min(rest)
    raise AssertionError("nothing is released and there")


def test_the_checks_notice_what_is_lost(story):
    held, (item, has, has_not) = story.held, released(story)
    made = Item(item.origin, indicator(99_999_999))
    made.held = True
    held.items.append(made)
    with pytest.raises(AssertionError, match="is lost at its origin"):
        held.nothing_lost()
    held.items.remove(made)
    item.audience.add(has_not)
    with pytest.raises(AssertionError, match=f"released to {has_not}, and is lost"):
        held.nothing_lost()
    item.audience.remove(has_not)
    held.nothing_lost()


def test_the_checks_notice_what_is_astray(story):
    held, (item, has, _) = story.held, released(story)
    asked = item.asked
    item.audience.remove(has)
    item.asked = asked - {has}
    with pytest.raises(AssertionError, match=f"not released to {has}, and is in"):
        held.nothing_astray()
    # Its files alone tell it, too.
    held.there = lambda node: {}
    with pytest.raises(AssertionError, match=f"{has} has what was not released to it"):
        held.nothing_astray()
    del held.there
    item.audience.add(has)
    item.asked = asked
    held.nothing_astray()


def test_the_checks_notice_what_is_back(story, monkeypatch):
    monkeypatch.setattr(soak_held, "ERASED_SECONDS", 0)
    held, (item, has, _) = story.held, released(story)
    item.state = "gone"
    with pytest.raises(AssertionError, match="was withdrawn, and is back"):
        held.nothing_back()
    # Its files alone tell it, too.
    with pytest.raises(AssertionError, match="what was withdrawn.*'salt'"):
        held.nothing_back_in_files()
    item.state = "there"
    held.nothing_back()
    left = held.by_party[has].directory / "left-over"
    left.write_bytes(b"some" + next(iter(item.secrets[item.origin].values()))[1].hex().encode())
    item.state = "gone"
    for key in list(item.secrets):
        monkeypatch.setitem(item.secrets, key, {at: of[1:2] for at, of in item.secrets[key].items()})
    assert "left-over" in soak_held.holding(held.by_party[has], [next(iter(item.secrets[item.origin].values()))[0]])
    left.unlink()
    item.state = "there"


def test_the_checks_notice_a_fork(story):
    held = story.held
    origin, tree = next((name, tree) for name, tree in story.watcher.said.trees.items() if tree.largest > 2)
    with pytest.raises(AssertionError, match="two roots of size"):
        story.watcher.said.checkpoint(origin, tree.largest, bytes(32))
    # A size that was signed, and that no log has.
    tree.signed[tree.size + 1_000_000] = bytes(32)
    with pytest.raises(AssertionError, match="forked"):
        held.no_fork()
    del tree.signed[max(tree.signed)]
    held.no_fork()


def test_the_checks_notice_a_receipt_that_is_missing(story, monkeypatch):
    item, has, _ = released(story)
    node, other = story.held.by_party[item.origin], story.held.by_party[has]
    other.kill()
    assert item.capture(node)
    node.withdraw(item.made)
    item.state = "gone"
    monkeypatch.setattr(soak_held, "wait_for", lambda what, look: wait_for(what, look, 1))
    with pytest.raises(AssertionError, match=f"receipts of .* at {item.origin}"):
        story.held.receipts()
    assert node.show(has)["withdrawals"]
    monkeypatch.undo()
    other.back()
    story.held.all()
