"""A node whose disk fails and whose clock jumps: docs/operate/faults.md, line by line.

The shim is compiled here with `cc`. A story is told again for each call that fails; the whole of
them is `sweep.py`, of which a part runs here.
"""

import threading
import time

import pytest

import faults
from client import Gone
from node import Node
from samples import indicator, name
from sweep import EXCUSES, Story, sweep

# Of some four hundred calls of the story, every so many is struck, in each way.
EVERY = 173
DAY = 86_400 * 10**6
LOOKS, PAUSE_SECONDS = 300, 0.1


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("faults"))


class Served:
    """A copy of the story's node that runs with a plan, and a client of it."""

    def __init__(self, story):
        self.node, self.plan = story.copy()
        self.node.start(environment=self.plan.environment)
        self.client = story.client(self.node)
        self.plan.watch()

    def restart(self):
        self.client.close()
        self.node.stop()
        self.node.verify()
        self.node.start(environment=self.plan.environment)

    def post(self, *numbers):
        return self.client.post(*(indicator(number) for number in numbers)).status

    def there(self):
        """The objects of the collection, which come once each, in the order of their dates."""
        found = self.client.walk("manifest/", limit=13)
        dates = [one["date_added"] for one in found]
        assert all(one < other for one, other in zip(dates, dates[1:])), dates
        return [one["id"] for one in found]

    def size(self):
        reply = self.client.send("GET", "/log/private/checkpoint")
        assert reply.status == 200, reply
        return int(reply.body.split(b"\n")[1])


@pytest.fixture
def served(story):
    served = Served(story)
    yield served
    served.client.close()
    if served.node.process is not None:
        served.node.process.kill()
        served.node.end()


def wait_for(what, look):
    for _ in range(LOOKS):
        if found := look():
            return found
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"waited in vain: {what}")


@pytest.mark.parametrize("way", faults.WAYS)
def test_any_call_to_the_disk_may_fail(story, way):
    # Other calls for each way.
    came = sweep(story, [way], EVERY, seed=faults.WAYS[way] * 13)
    struck = sum(count for (_, file, *_), count in came.items() if file != "not struck")
    assert struck >= 2, came


@pytest.mark.parametrize("how", [faults.IO_ERROR, faults.IO_ERROR_DONE])
@pytest.mark.parametrize("file", [faults.LOG, faults.KEYS])
def test_a_sync_that_fails_ends_the_process_with_4_and_the_next_start_is_sound(served, file, how):
    assert served.post(500, 501) == 202
    served.plan.strike(1, how, files=file, kinds=faults.SYNCS)
    try:
        status = served.post(502, 503)
        assert status == 503
    except Gone:
        pass
    assert served.node.process.wait(20) == 4
    assert served.node.end() == 4
    log = served.node.log()
    assert "the process ends, and recovers at the next start" in log, log
    served.plan.watch()
    served.client.close()
    served.node.verify()
    served.node.start(environment=served.plan.environment)
    there = served.there()
    assert {name("indicator", 500), name("indicator", 501)} <= set(there)
    # Not acknowledged: both or neither.
    maybe = {name("indicator", 502), name("indicator", 503)} & set(there)
    assert len(maybe) in (0, 2)
    assert served.post(502, 503, 504) == 202
    served.restart()
    assert served.there()[: len(there)] == there


@pytest.mark.parametrize("file", [faults.LOG, faults.KEYS, faults.LOCAL, faults.VIEW])
def test_a_full_disk_refuses_writes_stores_no_half_and_recovers(served, file):
    assert served.post(600) == 202
    before, refused = served.there(), []
    served.plan.strike(1, faults.FULL, files=file, kinds=faults.WRITES)
    for number in range(601, 606):
        refused.append([number, number + 100])
        assert served.post(*refused[-1]) == 507
    reply = served.client.get("manifest/?limit=5")
    assert reply.status in (200, 503), reply
    assert served.client.delete(name("indicator", 3)).status in EXCUSES | {200}
    served.plan.watch()
    wait_for("a write once there is space", lambda: served.post(700) == 202)
    wait_for("reads once there is space", lambda: served.client.get("manifest/").status == 200)
    there = served.there()
    assert set(before) - {name("indicator", 3)} <= set(there)
    for pair in refused:
        stored = [name("indicator", number) in there for number in pair]
        # Of a request that was refused all is there or nothing; and nothing where it is the logs
        # that had no space.
        assert len(set(stored)) == 1
        assert not stored[0] or file in (faults.LOCAL, faults.VIEW)
    # What was refused may be sent again, whatever became of it.
    assert all(served.post(*pair) == 202 for pair in refused)
    served.restart()
    assert {name("indicator", number) for pair in refused for number in pair} <= set(served.there())


def test_nothing_is_decided_by_a_view_that_had_no_space(story, served):
    """The same new object from several clients, of a type that was not there before, each time while
    the view has no space: it is stored once, whichever group of requests it came in."""
    kinds = ["attack-pattern", "campaign", "course-of-action", "infrastructure", "intrusion-set"]
    for kind in kinds:
        one = {**indicator(1), "type": kind, "id": name(kind, 1)}
        one = {member: one[member] for member in ("type", "spec_version", "id", "created", "modified", "name")}
        statuses = []

        def post():
            with story.client(served.node) as client:
                statuses.extend(client.post(one).status for _ in range(3))

        size = served.size()
        served.plan.strike(1, faults.FULL, files=faults.VIEW, kinds=faults.WRITES)
        clients = [threading.Thread(target=post) for _ in range(8)]
        [client.start() for client in clients]
        [client.join() for client in clients]
        assert statuses == [507] * 24
        served.plan.watch()
        wait_for("a write once there is space", lambda: served.client.post(one).status == 202)
        assert served.size() == size + 1, kind
        reply = served.client.get(f"objects/?match[type]={kind}")
        assert [found["id"] for found in reply.json()["objects"]] == [one["id"]], kind
    served.restart()


def test_dates_increase_whatever_the_clock_does(served):
    posted = []
    number = 800
    for offset in [0, -20 * DAY, 3 * DAY, -1, 20 * DAY, 0]:
        served.plan.set(clock_offset=offset)
        assert served.post(number, number + 1) == 202
        posted += [name("indicator", number), name("indicator", number + 1)]
        number += 2
        if offset == 3 * DAY:
            served.restart()
    served.plan.set(clock_offset=0, clock_stopped=time.time_ns() // 1000)
    for _ in range(3):
        assert served.post(number) == 202
        posted.append(name("indicator", number))
        number += 1
    assert served.there()[-len(posted) :] == posted
    served.restart()
    assert served.there()[-len(posted) :] == posted


def test_a_token_ends_by_the_clock_and_a_clock_set_back_revives_no_revoked_one(story, served):
    user, _ = story.user
    told = served.node.told("token", "add", served.node.directory, user, "--days", "2")
    client = story.client(served.node, token=told["secret"])
    assert client.get("manifest/?limit=1").status == 200
    served.plan.set(clock_offset=3 * DAY)
    assert client.get("manifest/?limit=1").status == 401
    served.plan.set(clock_offset=DAY)
    assert client.get("manifest/?limit=1").status == 200
    served.node.run("token", "revoke", served.node.directory, told["token"]["id"])
    for offset in [0, -DAY, 3 * DAY]:
        served.plan.set(clock_offset=offset)
        assert client.get("manifest/?limit=1").status == 401
    client.close()


def test_what_expires_goes_once_and_stays_gone_when_the_clock_is_set_back(served):
    size = served.size()
    served.plan.set(clock_offset=-1200 * DAY)
    assert served.post(900) == 202
    there = served.there()
    assert name("indicator", 900) in there
    # Its days are over; the others were posted today.
    served.plan.set(clock_offset=-100 * DAY)
    wait_for("a withdrawal", lambda: served.size() == size + 2)
    served.plan.set(clock_offset=-1200 * DAY)
    # The log shows what is committed, the pages what is folded: a moment later.
    wait_for("its end", lambda: name("indicator", 900) not in served.there())
    served.plan.set(clock_offset=0)
    assert served.there() == [one for one in there if one != name("indicator", 900)]
    served.restart()
    assert served.size() == size + 2, "withdrawn twice"
    assert served.post(900) == 202, "what expired may come again"
    assert served.there()[-1] == name("indicator", 900)


def test_a_node_that_starts_on_a_full_disk_says_so_or_reads(story):
    node, plan = story.copy()
    plan.strike(1, faults.FULL, kinds=faults.WRITES)
    try:
        node.start(environment=plan.environment)
    except AssertionError:
        assert node.process.wait(20) == 3
        node.process.stdout.close()
        log = node.log()
        assert "full" in log or "space" in log, log
    else:
        with story.client(node) as client:
            assert client.get("manifest/?limit=1").status in (200, 503)
        assert node.end() in (0, 3)
    plan.watch()
    assert Node(node.directory, made=True).start(environment=plan.environment).end() == 0
