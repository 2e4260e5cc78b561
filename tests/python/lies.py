"""What a hostile peer may answer a node that follows it: each lie is a party of its own. `says` is
what `comity peer show` has to say of it, or nothing where the lie gets it no fault: there the test
looks at what it is for."""

import base64
import json

from hostile_peer import CHUNKS, EVENTS, HEARTBEAT, NOTHING, Liar, endless, head, ring, whole
from peering import LEAVES_MAX, PaperLog, make_certificate
from samples import indicator, malware, name

LOG_BEYOND_ALL = 1 << 47
TERABYTE = 10**12
RINGS = 100_000
LISTED = "application/jsonl"


class AnotherKey(Liar):
    says = "another key is shown than the charter pins: `sha256//"

    def shown(self):
        certificate = self.party.certificate.with_suffix(".other.crt")
        key = self.party.key.with_suffix(".other.key")
        make_certificate(certificate, key)
        return certificate, key


class NoTls(Liar):
    says = "received corrupt message"

    def wrap(self, raw):
        raw.recv(4096)
        raw.sendall(NOTHING)
        return raw


class NeverShakesHands(Liar):
    says = "took too long: no connection"

    def wrap(self, raw):
        self.stopping.wait()
        return raw


class HeadDrips(Liar):
    says = "took too long: the head of the answer"

    def checkpoint(self, log):
        return self.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000)


class BodyStops(Liar):
    says = "took too long: the next octets of the answer"

    def checkpoint(self, log):
        yield head(1000) + b"x" * 10
        yield from self.idle()


class BodyDrips(Liar):
    """The whole of an answer has 120 seconds: longer than the test looks on."""

    says = None

    def checkpoint(self, log):
        yield head(1000)
        yield from self.trickle(b"x" * 1000)


class BodyIsCut(Liar):
    says = "error reading a body"

    def checkpoint(self, log):
        yield head(1000) + b"x" * 10
        raise OSError


class SizeBeyondAll(Liar):
    says = f"it grew by {LOG_BEYOND_ALL} leaves"

    def checkpoint(self, log):
        return whole(log.checkpoint(LOG_BEYOND_ALL, bytes(32)))


class MoreThanItsQuota(Liar):
    """All true, and too much of it."""

    says = "it has 1 leaves more than are taken today; they are on other days"

    def checkpoint(self, log):
        while len(log.leaves) <= LEAVES_MAX:
            log.leaves.append(b"\x01" + len(log.leaves).to_bytes(32, "big"))
        return whole(log.checkpoint())


class SizeOfTwentyDigits(Liar):
    says = "its checkpoint cannot be used"

    def checkpoint(self, log):
        return whole(log.checkpoint(10**20, bytes(32)))


class Terabyte(Liar):
    says = "the answer is larger than 65536 octets"

    def checkpoint(self, log):
        yield head(TERABYTE)
        yield from endless(b"x" * 65536)


class Endless(Liar):
    says = "the answer is larger than 65536 octets"

    def checkpoint(self, log):
        return endless(b"8000\r\n" + b"x" * 0x8000 + b"\r\n", CHUNKS)


class ManyFields(Liar):
    says = "message head is too large"

    def checkpoint(self, log):
        return endless(b"X-Field: " + b"x" * 100 + b"\r\n", b"HTTP/1.1 200 OK\r\n")


class Squeezed(Liar):
    says = "an encoding that was not asked for"

    def checkpoint(self, log):
        return whole(b"x" * 10, more="Content-Encoding: gzip\r\n")


class SendsElsewhere(Liar):
    says = "protocol: status 302"

    def checkpoint(self, log):
        return whole(b"", "302 Found", more="Location: http://127.0.0.1:1/\r\n")


class NeverAgain(Liar):
    says = "the peer refuses: too many requests"

    def checkpoint(self, log):
        return whole(b"", "429 Too Many Requests", more=f"Retry-After: {10**18}\r\n")


class EndlessLine(Liar):
    says = "an event with a line that is too long"

    def doorbell(self):
        return endless(b"x" * 65536, EVENTS + b"data: ")


class Rings(Liar):
    """Heads that are known already, and heartbeats: nothing to do, a hundred thousand times."""

    says = None

    def doorbell(self):
        yield EVENTS
        for _ in range(RINGS // 200):
            yield 100 * HEARTBEAT + 100 * ring("acts", 0, self.party.acts.checkpoint(0))
        self.rang = True
        while not self.stopping.wait(1):
            yield HEARTBEAT


class ForgedRing(Liar):
    says = "its checkpoint cannot be used"

    def doorbell(self):
        other = PaperLog(self.party.party, "acts")
        yield EVENTS + ring("acts", 7, other.checkpoint(7, bytes(32)))
        yield from self.idle()


class SignedByAnother(Liar):
    says = "its checkpoint cannot be used"

    def checkpoint(self, log):
        other = PaperLog(self.party.party, log.name)
        return whole(log.checkpoint(key=other.key))


class OfAnotherLog(Liar):
    says = "its checkpoint cannot be used"

    def checkpoint(self, log):
        other = self.logs["shared" if log.name == "acts" else "acts"]
        return whole(other.checkpoint())


class Replayed(Liar):
    """First three leaves, then two of them."""

    says = "a checkpoint of size 2, and 3 leaves are verified here"

    def checkpoint(self, log):
        while len(log.leaves) < 3:
            log.add(b"{}\n")
        before = self.asked.count(f"/log/{log.name}/checkpoint") > 1
        return whole(log.checkpoint(2 if before else 3))

    def doorbell(self):
        # It ends at once, so that the node comes again soon.
        return whole(b"", kind="text/event-stream") if self.asked.count("/doorbell") > 1 else NOTHING

    def release(self, log, start):
        return None if log.name == "shared" else super().release(log, start)


class Equivocates(Replayed):
    """Two roots for one size, both signed."""

    says = "signed two histories: the root [0-9a-f]{64} at size 3, .* proven"

    def checkpoint(self, log):
        while len(log.leaves) < 3:
            log.add(b"{}\n")
        before = self.asked.count(f"/log/{log.name}/checkpoint") > 1
        return whole(log.checkpoint(root=bytes(32) if before else None))


class NotItsTree(Liar):
    says = "the leaves up to 300 do not give the root that is signed"

    def checkpoint(self, log):
        while len(log.leaves) < 300:
            log.add(b"{}\n")
        return whole(log.checkpoint(root=bytes(32)))


class BundleTooShort(Liar):
    says = "the bundle at leaf 0 is not one of 3 leaves"

    def checkpoint(self, log):
        while len(log.leaves) < 3:
            log.add(b"{}\n")
        return whole(log.checkpoint())

    def bundle(self, log, n, width):
        return whole(log.bundle(n, 2))


class BundleOfOtherLeaves(BundleTooShort):
    """Records that are not leaves: of another length, in as many octets."""

    def bundle(self, log, n, width):
        return whole(b"\x00\x22" + bytes(34) + b"\x00\x20" + bytes(32) + b"\x00\x21\x01" + bytes(32))


class BundleTooLong(BundleTooShort):
    says = "the answer is larger than 8960 octets"

    def bundle(self, log, n, width):
        return whole(bytes(8961))


class Paged(Liar):
    """One leaf in each log; a page that is told by a subclass."""

    says = "the page of openings from 0"

    def checkpoint(self, log):
        if not log.leaves:
            log.add(b"{}\n")
        return whole(log.checkpoint())

    def release(self, log, start):
        return whole(self.page(log), kind=LISTED)


class PageStays(Paged):
    """It opens something, and does not advance: it would be fetched for ever."""

    def page(self, log):
        return log.page([0], scanned_to=0)


class PageStaysEmpty(Paged):
    """Nothing further now, always: what an honest peer says that is not that far yet."""

    says = None

    def page(self, log):
        return log.page([], scanned_to=0)


class PageIsCut(Paged):
    def page(self, log):
        return log.page([0]).split(b"\n")[0] + b"\n"


class PageIsNone(Paged):
    def page(self, log):
        return b"[" * 1_000_000


class PageOfMany(Paged):
    says = "more than 1024 openings"

    def page(self, log):
        return log.page([0] * 1025)


class PageTooLarge(Paged):
    says = "the answer is larger than"

    def page(self, log):
        return log.page([0] * 1000, change=lambda record: {**record, "salt": "x" * 20_000})


class PageBeyond(Paged):
    """Openings of leaves that are not there. They are passed over; the cursor stays at the size."""

    says = None

    def page(self, log):
        far = LOG_BEYOND_ALL
        return log.page([0] * 3, scanned_to=far, change=lambda record: {**record, "index": far})


LIES = [
    AnotherKey, NoTls, NeverShakesHands, HeadDrips, BodyStops, BodyDrips, BodyIsCut, SizeBeyondAll,
    MoreThanItsQuota, SizeOfTwentyDigits, Terabyte, Endless, ManyFields, Squeezed, SendsElsewhere, NeverAgain,
    EndlessLine, Rings, ForgedRing, SignedByAnother, OfAnotherLog, Replayed, Equivocates, NotItsTree,
    BundleTooShort, BundleOfOtherLeaves, BundleTooLong, PageStays, PageStaysEmpty, PageIsCut,
    PageIsNone, PageOfMany, PageTooLarge, PageBeyond,
]


def party_of(lie):
    return f"{lie.__name__.lower()}.example"


# Openings that are not what they say. Who makes them may share since then.
SINCE = "2020-01-01"


class Opener(Liar):
    """Opens all that is in its logs. `fill` puts there, beside one good entry, what is none: each is
    set aside under a code."""

    says = None

    def __init__(self, party):
        super().__init__(party)
        self.changes, self.good, self.codes = {}, None, {"shared": {}, "acts": {}}
        self.salts_by_right = set()

    def release(self, log, start):
        return whole(log.page(change=self.change if log.name == "shared" else dict), kind=LISTED)

    def change(self, record):
        return {**record, **self.changes.get(record["index"], lambda record: {})(record)}

    def fill(self, body, of_another):
        """`of_another` is an opening that another party made: salt and envelope."""
        own, shared, acts = self.party.party, self.party.shared, self.party.acts
        all_parties = ["alpha.example", "beta.example", "gamma.example"]

        def say(code, payload, into=shared, salt=None, **more):
            envelope = payload
            if isinstance(payload, dict) or more:
                envelope = body.envelope(own, payload, **{"log": into.name, "parties": all_parties, **more})
            index = into.add(envelope, salt)
            if code:
                self.codes[into.name][index] = code
            return index

        self.good = indicator(9_000)
        first = say(None, self.good)
        self.changes[say("entry-not-its-leaf", indicator(9_001))] = another_salt
        self.changes[say("entry-not-its-leaf", indicator(9_002))] = another_envelope
        say("entry-transplanted", of_another[1], salt=of_another[0])
        # Of these two the node has the salts: one is good, the other came from whom it is.
        self.salts_by_right = {shared.openings[first][0], of_another[0]}
        say("entry-transplanted", indicator(9_003), origin="alpha.example")
        say("entry-transplanted", {}, log="acts", kind="stance")
        say("entry-other-body", indicator(9_004), **{"body": "0" * 64})
        say("entry-audience", {}, kind="withdraw", parties=["gamma.example"], refs=[reference(own, 0)])
        say("entry-audience", {}, kind="grant", parties=[], refs=[reference(own, 0)])
        say("entry-refs", {}, kind="withdraw", refs=[reference("alpha.example", 0)])
        say("entry-refs", {}, kind="withdraw")
        say("entry-refs", {}, kind="receipt", refs=[reference("alpha.example", 0)])
        say("entry-kind", {}, kind="stance")
        say("entry-kind", {}, kind="access")
        say("entry-kind", indicator(9_005), into=acts)
        say("entry-header", b"no header at all")
        say("entry-header", nested(30_000) + b"\n{}")
        say("entry-header", b'{"v":1,"pad":"' + b"x" * 70_000 + b'"}\n{}')
        say("entry-header", indicator(9_006), v=2)
        say("entry-header", indicator(9_007), kind="dossier")
        say("entry-header", {}, kind="withdraw", refs=[reference(own, 2 << 48 | 1)])
        say("entry-header", {}, kind="withdraw", refs=[reference(own, 0, leaf="")])
        say("entry-right", indicator(9_014), created="2019-06-01T00:00:00.000000Z")
        say("entry-right", {}, kind="grant", created="2019-06-01T00:00:00.000000Z", refs=[reference(own, 0)])
        say("entry-refs", indicator(9_015), refs=[reference("alpha.example", 0)])
        say("entry-refs", indicator(9_016), refs=[reference("alpha.example", 0), reference(own, 0)])
        say("entry-refs", indicator(9_017), refs=[reference(own, 0)])
        say("entry-refs", {"onward": {"rule": "all", "parties": ["gamma.example"]}}, kind="grant")
        say("entry-consent", {"onward": {"rule": "all", "parties": []}}, kind="grant", refs=[reference(own, 0)])
        say("entry-consent", [], kind="grant", refs=[reference(own, 0)])
        say("entry-label", indicator(9_018), handling={"tlp": "GREEN", "pap": "PINK"})
        say("entry-label", indicator(9_019, object_marking_refs=[PAP_RED]), handling={"tlp": "GREEN", "pap": "AMBER"})
        say("entry-label", indicator(9_008), handling={"tlp": "PINK"})
        say("entry-label", indicator(9_009, object_marking_refs=[RED]))
        say("entry-unattested", held(9_010))
        say("floor-identity-class", person(9_011))
        say("floor-mailbox", mailbox(9_012))
        say("not-json", nested(65), kind="share")
        say("object-too-large", json.dumps(indicator(9_013, description="x" * (4 << 20))).encode(), kind="share")


PAP_RED = "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def another_salt(record):
    salt = base64.b64decode(record["salt"])
    return {"salt": base64.b64encode(bytes([salt[0] ^ 1]) + salt[1:]).decode()}


def another_envelope(record):
    envelope = base64.b64decode(record["envelope"]).replace(b"GREEN", b"CLEAR")
    return {"envelope": base64.b64encode(envelope).decode()}


def held(number):
    """What waits for a person's word that it is about no person."""
    made = {**malware(number), "type": "threat-actor", "id": name("threat-actor", number)}
    del made["is_family"]
    return made


def person(number):
    return {
        "type": "identity", "spec_version": "2.1", "id": name("identity", number),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "name": "Zyx Wvutsrq-Marker", "identity_class": "individual",
    }


def mailbox(number):
    return {
        "type": "email-addr", "spec_version": "2.1", "id": name("email-addr", number),
        "value": "zyx.wvutsrq-marker@example.net",
    }


def reference(origin, index, log="shared", leaf="01" + "00" * 32):
    return {"origin": origin, "log": log, "index": index, "leaf": leaf}


def nested(depth):
    return (b'{"a":' * depth) + b"1" + b"}" * depth
