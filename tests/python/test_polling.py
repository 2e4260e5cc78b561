"""Polling while others write: nothing is missed, nothing comes twice."""

import multiprocessing

from taxii2client.v21 import Collection, as_pages

from conftest import USER
from node import PASSWORD
from samples import name, write

WRITERS = 3
ENVELOPES = 400
SIZE = 8


class Poller:
    def __init__(self, url):
        self.collection = Collection(url, user=USER, password=PASSWORD)
        self.collection.refresh()
        self.seen = []
        self.rounds = 0
        self.last = None
        # The client does not show headers; a hook of its session does.
        self.collection._conn.session.hooks["response"].append(self.note)

    def note(self, response, *_, **__):
        self.last = response.headers.get("X-TAXII-Date-Added-Last", self.last)

    def take(self, found):
        self.seen += [one["id"] for one in found.get("objects", [])]


class ByDate(Poller):
    """Goes on from the date of the last record of each page, and never looks at `next`."""

    def poll(self):
        more = True
        while more:
            found = self.collection.get_objects(limit=17, added_after=self.last)
            self.take(found)
            more = found.get("more", False)
        self.rounds += 1


class ByNext(Poller):
    """Walks pages by `next`, and begins each walk where the walk before ended."""

    def poll(self):
        for found in as_pages(self.collection.get_objects, per_request=23, added_after=self.last):
            self.take(found)
        self.rounds += 1


class OfManifest(Poller):
    def poll(self):
        for found in as_pages(self.collection.get_manifest, per_request=31, added_after=self.last):
            self.take(found)
        self.rounds += 1


def test_pollers_see_what_three_writers_write(node, collection_id):
    url = node.collection_url(collection_id)
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=write, args=(url, USER, writer, ENVELOPES, SIZE)) for writer in range(WRITERS)
    ]
    pollers = [kind(url) for kind in (ByDate, ByNext, OfManifest)]
    for writer in writers:
        writer.start()
    during = 0
    while any(writer.is_alive() for writer in writers):
        for poller in pollers:
            poller.poll()
        during += 0 < len(pollers[0].seen) < WRITERS * ENVELOPES * SIZE
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    expected = {
        name("indicator", (writer + 1) * 1_000_000 + number)
        for writer in range(WRITERS)
        for number in range(ENVELOPES * SIZE)
    }
    for poller in pollers:
        poller.poll()
        assert len(poller.seen) == len(set(poller.seen)), "nothing twice"
        assert set(poller.seen) == expected, "nothing missed"
        poller.collection.close()
    assert pollers[0].seen == pollers[1].seen == pollers[2].seen, "one order for all"
    # How often depends on how fast the writers are; once would prove nothing about order.
    assert during >= 2, "the pollers have to look while the writers write"
