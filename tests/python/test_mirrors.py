"""A party that lost its disk, or has an old one, gets its own logs back from those who follow it, and
goes on under the same names; nothing that was taken back comes back, and who lies gives nothing."""

import base64
import re
import secrets
import shutil

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ed25519

from hostile_peer import Liar, whole
from node import BINARY, PASSWORD
from peering import Body, PaperLog, PaperParty, wait_for
from samples import indicator
from test_peers_gone import holding, last, secret

ALPHA, BETA, GAMMA, SCRIBE = NODES = "alpha.example", "beta.example", "gamma.example", "scribe.example"
STORES = ("log.db", "keys.db", "view.db")
# The parties on paper have no node, and nobody knows an address of theirs.
ALONE = ("peer", "recover", "--without-silent")
SERVE = ("--listen", "127.0.0.1:0", "--peers", "127.0.0.1:0")


@pytest.fixture
def body(tmp_path):
    """Three nodes that follow each other, and parties on paper."""
    assert BINARY.exists(), f"{BINARY} is not there; required: cargo build -p comity, or COMITY_BIN"
    paper = [PaperParty(tmp_path / "keys", party) for party in (SCRIBE, "liar.example")]
    body = Body(tmp_path, dict.fromkeys((ALPHA, BETA, GAMMA), "member"), paper)
    body.serve()
    yield body
    for node in body.nodes.values():
        if node.process is not None:
            node.end()


def size(node, log):
    logs = node.told("doctor", node.directory)["logs"]
    return next(one["size"] for one in logs if one["log"] == log)


def vkey(node, log):
    logs = node.told("doctor", node.directory)["logs"]
    return next(one["vkey"] for one in logs if one["log"] == log)


def followed(body, by, of, log="shared"):
    """Waits until a node has all of another's log, openings too."""
    node, owner = body.nodes[by], body.nodes[of]
    wait_for(f"{log} of {of} at {by}", lambda: node.scanned(of, log) == size(owner, log))


def all_followed(body):
    for by in (BETA, GAMMA):
        for log in ("shared", "acts"):
            followed(body, by, ALPHA, log)


def lose(node):
    """The disk is gone; keys, configuration, charter and local state were elsewhere."""
    for name in [f"{store}{tail}" for store in STORES for tail in ("", "-wal", "-shm")] + ["head.mark", "log.lock"]:
        (node.directory / name).unlink(missing_ok=True)


def refused(node):
    """What a start says that does not come up."""
    done = node.try_run("serve", node.directory, *SERVE)
    assert done.returncode == 3, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stderr


def of_log(told, log):
    return next(one for one in told["logs"] if one["log"] == log)


def goes_on(body, marker):
    """Alpha shares under its old name; both others take it without a fault."""
    alpha = body.nodes[ALPHA]
    made = indicator(marker)
    alpha.enter(made)
    alpha.run("share", alpha.directory, "--collection", "desk", "--object", made["id"], "--to", "all",
              "--tlp", "GREEN", "--by", "rosa")
    for by in (BETA, GAMMA):
        node = body.nodes[by]
        wait_for(f"the new object at {by}", lambda: node.has("received-alpha_example", made))
        found = node.peers()[ALPHA]
        assert not found.get("halted") and not found["quarantined"], found
    return made


def test_a_lost_disk_comes_back(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    for_all, for_beta, for_nobody, gone = (indicator(900 + n, name=f"Marker-{n}") for n in range(4))
    alpha.share(for_all)
    alpha.share(for_beta, to=f"party:{BETA}")
    alpha.share(for_nobody, to=f"party:{SCRIBE}")
    alpha.share(gone)
    all_followed(body)
    withdrawn = secret(alpha, "shared", last(alpha, "shared")) + secret(alpha, "private", last(alpha, "private"))
    alpha.withdraw(gone)
    all_followed(body)
    for node in (beta, gamma):
        wait_for("a receipt", lambda: alpha.show(node.party)["withdrawals"] == [])
    before = {log: (size(alpha, log), vkey(alpha, log)) for log in ("shared", "acts", "private")}
    assert alpha.end() == 0
    lose(alpha)
    told = refused(alpha)
    assert "log.db is not here" in told and "comity peer recover" in told, told
    # Nothing began in its place.
    assert not (alpha.directory / "log.db").exists()

    told = alpha.told(*ALONE, alpha.directory)
    for log in ("shared", "acts"):
        found = of_log(told, log)
        assert (found["before"], found["size"]) == (0, before[log][0]), told
    assert of_log(told, "shared")["lost"] == 1, "that which no node was given"
    assert of_log(told, "acts")["lost"] == 0
    names = {one["log"]: one["origin"] for one in told["continues"]}
    assert names == {"shared": f"{ALPHA}/shared", "acts": f"{ALPHA}/acts", "private": f"{ALPHA}/private/2",
                     "audit": f"{ALPHA}/audit/2"}
    assert told["arrived"] == 2
    alpha.verify()
    alpha.start()
    assert vkey(alpha, "shared") == before["shared"][1] and vkey(alpha, "private") != before["private"][1]
    assert alpha.has("recovered", for_all) and alpha.has("recovered", for_beta)
    for made in (for_nobody, gone):
        assert not alpha.has("recovered", made)
    for octets in withdrawn:
        for node in (alpha, beta, gamma):
            assert holding(node.files(), octets) == [], node.party

    # It knows its own releases: what it shared before can be granted and taken back.
    alpha.grant(for_beta, f"party:{GAMMA}")
    wait_for("a grant", lambda: gamma.has("received-alpha_example", for_beta))
    goes_on(body, 950)
    alpha.withdraw(for_all)
    for node in (beta, gamma):
        wait_for("its end", lambda: not node.has("received-alpha_example", for_all))
        wait_for("a receipt", lambda: alpha.show(node.party)["withdrawals"] == [])
    # What others shared is asked for again.
    theirs = indicator(960)
    beta.share(theirs)
    wait_for("what others share", lambda: alpha.has("received-beta_example", theirs))
    for node in (alpha, beta, gamma):
        node.verify()


def test_an_old_backup_is_brought_up_to_date(body):
    alpha, beta = body.nodes[ALPHA], body.nodes[BETA]
    early, taken_back, late = (indicator(1000 + n) for n in range(3))
    alpha.share(early, taken_back)
    place = body.directory / "backup"
    place.mkdir()
    alpha.run("backup", alpha.directory, place / "logs", "--keys", place / "keys")
    shared = alpha.secrets_of("shared")
    alpha.share(late)
    alpha.withdraw(taken_back)
    all_followed(body)
    left = max(shared)
    before = size(alpha, "shared"), size(alpha, "acts")
    assert alpha.end() == 0
    shutil.rmtree(alpha.directory)
    alpha.run("restore", place / "logs", alpha.directory, "--keys", place / "keys")
    assert "comity peer recover" in refused(alpha)

    told = alpha.told(*ALONE, alpha.directory)
    assert of_log(told, "shared")["before"] == left + 1
    assert (of_log(told, "shared")["size"], of_log(told, "acts")["size"]) == before
    assert of_log(told, "shared")["lost"] == 0, told
    assert told["arrived"] == 1, "the one that was shared after the backup"
    alpha.verify()
    # Its payload came back with the private log of the backup; what was shared of it did not.
    salt, data_key, _ = shared[left]
    assert holding(alpha.files(), salt) == [] and holding(alpha.files(), data_key) == []
    alpha.start()
    assert alpha.has("desk", early) and alpha.has("recovered", late) and not alpha.has("desk", late)
    goes_on(body, 1010)
    # A second call has nothing to do.
    assert alpha.end() == 0
    done = alpha.try_run(*ALONE, alpha.directory)
    assert done.returncode == 3 and "nothing to recover" in done.stderr, done.stderr
    alpha.start()
    wait_for("beta again", lambda: not beta.peers()[ALPHA].get("fault"))


def test_a_snapshot_that_took_its_marks_along_is_found_by_the_peers(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    alpha.share(indicator(1100))
    assert alpha.end() == 0
    copy = body.directory / "snapshot"
    shutil.copytree(alpha.directory, copy)
    alpha.start()
    made = indicator(1101)
    alpha.share(made)
    all_followed(body)
    assert alpha.end() == 0

    def put_back():
        shutil.rmtree(alpha.directory)
        shutil.copytree(copy, alpha.directory)

    put_back()
    told = refused(alpha)
    assert re.search("`(beta|gamma).example` holds a head of log `shared`", told), told
    assert f"comity peer recover {alpha.directory}" in told

    # Without anybody to ask it comes up, as the marks know of nothing; and stops signing once a
    # peer is there.
    for node in (beta, gamma):
        assert node.end() == 0
    alpha.start()
    assert alpha.has("desk", made) is False
    beta.start()

    def state():
        return alpha.try_run("--json", "doctor", alpha.directory)

    wait_for("a halt", lambda: "nothing is signed" in state().stdout)
    assert state().returncode == 1
    answer = requests.get(f"{alpha.collection_url('desk')}objects/", auth=("reader", PASSWORD), timeout=60,
                          headers={"Accept": "application/taxii+json;version=2.1"})
    assert answer.status_code == 503 and "comity doctor" in answer.text, answer.text
    assert "Retry-After" not in answer.headers, "it does not pass by itself"
    with pytest.raises(AssertionError, match="does not sign"):
        alpha.enter(indicator(1102))
    gamma.start()
    alpha.end()

    told = alpha.told(*ALONE, alpha.directory)
    assert of_log(told, "shared")["before"] < of_log(told, "shared")["size"]
    alpha.verify()
    alpha.start()
    assert alpha.has("recovered", made)
    goes_on(body, 1110)


def test_a_peer_that_is_silent_is_waited_for(body):
    alpha, gamma = body.nodes[ALPHA], body.nodes[GAMMA]
    alpha.share(indicator(1200))
    all_followed(body)
    alpha.end()
    gamma.end()
    lose(alpha)
    done = alpha.try_run("peer", "recover", alpha.directory)
    assert done.returncode == 3 and "not all peers answered" in done.stderr and GAMMA in done.stderr
    assert not (alpha.directory / "recovering.json").exists(), "nothing was begun"
    told = alpha.told(*ALONE, alpha.directory)
    assert of_log(told, "shared")["lost"] == 0
    alpha.verify()
    gamma.start()
    alpha.start()
    goes_on(body, 1210)


def test_who_follows_without_being_followed_has_to_be_asked_too(body):
    """What it holds may be later than what all have that this node follows."""
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    alpha.share(indicator(1250))
    all_followed(body)
    beta.end()
    alpha.share(indicator(1251))
    followed(body, GAMMA, ALPHA)
    alpha.run("peer", "remove", alpha.directory, GAMMA)
    alpha.end()
    lose(alpha)
    beta.start()
    done = alpha.try_run("peer", "recover", alpha.directory)
    for party in (GAMMA, SCRIBE):
        assert f"`{party}`: not asked: no address" in done.stderr, done.stderr
    assert done.returncode == 3 and not (alpha.directory / "recovering.json").exists(), "nothing was begun"
    told = alpha.told(*ALONE, alpha.directory, "--from", f"{GAMMA}={gamma.address}")
    assert of_log(told, "shared")["size"] == 2
    alpha.verify()
    alpha.start()
    alpha.run("peer", "add", alpha.directory, GAMMA, gamma.address)
    goes_on(body, 1260)


def test_nothing_is_left_but_keys_and_charter(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    made = indicator(1350)
    alpha.share(made)
    all_followed(body)
    alpha.end()
    lose(alpha)
    for tail in ("", "-wal", "-shm"):
        (alpha.directory / f"local.db{tail}").unlink(missing_ok=True)
    assert "comity peer recover" in refused(alpha)
    done = alpha.try_run("peer", "recover", alpha.directory)
    assert done.returncode == 3 and "--from PARTY=HOST:PORT" in done.stderr, done.stderr
    told = alpha.told(*ALONE, alpha.directory, "--from", f"{BETA}={beta.address}",
                      "--from", f"{GAMMA}={gamma.address}")
    assert of_log(told, "shared")["lost"] == 0 and told["arrived"] == 1
    alpha.verify()
    alpha.user("rosa", "releaser")
    alpha.user("reader", "reader")
    alpha.told("collection", "add", alpha.directory, "Desk", "--alias", "desk")
    alpha.start()
    assert alpha.has("recovered", made)
    for node in (beta, gamma):
        alpha.run("peer", "add", alpha.directory, node.party, node.address)
    goes_on(body, 1360)


def test_what_was_signed_last_and_nobody_has_ends_the_name(body):
    """The marks were on another volume, say, and know of more than the peers."""
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    made = indicator(1400)
    alpha.share(made)
    all_followed(body)
    before = size(alpha, "shared")
    for node in (beta, gamma):
        node.end()
    alpha.share(indicator(1401))
    alpha.end()
    mark = (alpha.directory / "head.mark").read_bytes()
    lose(alpha)
    (alpha.directory / "head.mark").write_bytes(mark)
    for node in (beta, gamma):
        node.start()
    done = alpha.try_run(*ALONE, alpha.directory)
    assert done.returncode == 3 and "at no peer that was asked" in done.stderr, done.stderr
    assert f"has {before} entries here and signed {before + 1} before" in done.stderr
    assert "comity peer recover" in refused(alpha)
    told = alpha.told("resume", alpha.directory)
    names = {one["log"]: (one["origin"], one["size"]) for one in told["continues"]}
    assert names["shared"] == (f"{ALPHA}/shared/2", before), names
    assert names["private"] == (f"{ALPHA}/private/2", 0), names
    alpha.verify()
    alpha.start()
    alpha.verify()


def test_a_party_that_forked_itself_is_told_so(body):
    """A snapshot of the machine went on by itself, while the peers that knew of more were away."""
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    alpha.share(indicator(1500))
    all_followed(body)
    alpha.end()
    copy = body.directory / "snapshot"
    shutil.copytree(alpha.directory, copy)
    gamma.end()
    alpha.start()
    alpha.share(indicator(1501))
    followed(body, BETA, ALPHA)
    alpha.end()
    beta.end()
    shutil.rmtree(alpha.directory)
    shutil.copytree(copy, alpha.directory)
    gamma.start()
    alpha.start()
    alpha.share(indicator(1502))
    alpha.share(indicator(1503))
    followed(body, GAMMA, ALPHA)
    alpha.end()
    beta.start()
    told = refused(alpha)
    assert "with another root than they have here: the log was forked" in told, told
    done = alpha.try_run(*ALONE, alpha.directory)
    assert done.returncode == 3 and "contradicts" in done.stderr and "forked" in done.stderr, done.stderr
    assert not (alpha.directory / "recovering.json").exists(), "nothing was begun"
    assert "--new-names" in done.stderr and "--new-names" in told
    went = alpha.told("resume", alpha.directory, "--new-names")["continues"]
    assert {one["origin"] for one in went} == {f"{ALPHA}/{log}/2" for log in ("shared", "acts", "private", "audit")}
    alpha.verify()
    # The two that were told different things find out by each other.
    for node in (beta, gamma):
        found = wait_for("a conviction", lambda: node.show(ALPHA)["peer"].get("convicted"), 150)
        assert "alpha.example/shared` signed two histories" in found[0]["what"]


class Mirror(Liar):
    """Holds what it was told of alpha's logs: `said` is a log on paper by the name of each."""

    def __init__(self, party, said):
        super().__init__(party)
        self.said = said
        self.going.set()

    def mirror(self, party, log, rest):
        log = self.said[log]
        if rest == "checkpoint":
            return whole(log.note, kind="text/plain; charset=utf-8")
        if rest.startswith("tile/entries/"):
            number, _, width = rest.removeprefix("tile/entries/").partition(".p/")
            return whole(log.bundle(int(number.replace("/", "").replace("x", "")), int(width or 256)))
        return whole(log.page(), kind="application/jsonl")


def on_paper(node, number, name):
    """What a node mirrors of alpha's log, as a log on paper."""
    leaves, note = node.mirrored(number)
    log = PaperLog(ALPHA, name)
    log.leaves, log.note = [b"\x01" + leaf for leaf in leaves], note.encode()
    return log


def test_a_mirror_that_lies_gives_nothing(body):
    alpha, beta = body.nodes[ALPHA], body.nodes[BETA]
    made = indicator(1300)
    alpha.share(made)
    all_followed(body)
    alpha.end()
    lose(alpha)
    said = {"shared": on_paper(beta, 16, "shared"), "acts": on_paper(beta, 17, "acts")}
    liar = Mirror(body.paper["liar.example"], said)
    ask = ("peer", "recover", alpha.directory, "--without-silent", "--from", f"liar.example={liar.address}")
    try:
        # Beta and gamma are where nobody answers: the liar is alone.
        alone = (*ask, "--from", f"{BETA}=127.0.0.1:9", "--from", f"{GAMMA}=127.0.0.1:9")
        # A head that another key signed says nothing, and one that nobody holds is nothing.
        forged = {name: PaperLog(ALPHA, name) for name in said}
        for name, log in forged.items():
            log.leaves = said[name].leaves
            log.note = log.checkpoint()
        liar.said = forged
        done = alpha.try_run(*alone)
        assert done.returncode != 0 or "was not signed by its key" in done.stdout, done.stdout
        # Leaves that are not those of the head.
        for log in said.values():
            log.leaves.reverse()
        liar.said = said
        done = alpha.try_run(*alone)
        assert done.returncode == 3 and "nobody gives the leaves" in done.stderr, done.stderr
        assert "comity peer recover" in refused(alpha), "it is not begun anew"
        # Beside others it does no harm: leaves and openings are those of whoever tells the truth.
        for log in said.values():
            log.leaves.reverse()
        said["shared"].openings = {0: (bytes(32), b"{}\nLying-Marker")}
        told = alpha.told(*ask)
        assert any("do not open their leaves" in one["what"] for one in told["mirrors"]), told
        assert of_log(told, "shared")["lost"] == 0
    finally:
        liar.stop()
    alpha.verify()
    assert holding(alpha.files(), b"Lying-Marker") == []
    alpha.start()
    assert alpha.has("recovered", made)
    goes_on(body, 1310)


class Spoiler(Mirror):
    """Gives leaves of another log, and hangs up before their tree can be looked at."""

    def mirror(self, party, log, rest):
        if log == "shared" and rest.startswith("tile/entries/"):
            if int(rest.removeprefix("tile/entries/").partition(".p/")[0].replace("/", "").replace("x", "")) > 15:
                return None
            return whole(b"".join(b"\x00\x21\x01" + secrets.token_bytes(32) for _ in range(256)))
        return super().mirror(party, log, rest)


def test_a_mirror_that_begins_with_a_lie_and_goes_does_not_spoil_the_next(body):
    """Leaves are stored as they come, some thousands at a time, and whoever is asked next goes on
    behind them."""
    alpha, beta = body.nodes[ALPHA], body.nodes[BETA]
    all_followed(body)
    alpha.end()
    lose(alpha)
    shared = PaperLog(ALPHA, "shared")
    signing = (alpha.directory / "keys" / "shared.key").read_text().strip().split("+", 4)[4]
    shared.key = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing)[1:])
    shared.leaves = [b"\x01" + secrets.token_bytes(32) for _ in range(4500)]
    shared.note = shared.checkpoint()
    said = {"shared": shared, "acts": on_paper(beta, 17, "acts")}
    spoiler, honest = Spoiler(body.paper[SCRIBE], said), Mirror(body.paper["liar.example"], said)
    try:
        told = alpha.told("peer", "recover", alpha.directory, "--without-silent",
                          *(more for party in (BETA, GAMMA) for more in ("--from", f"{party}=127.0.0.1:9")),
                          "--from", f"{SCRIBE}={spoiler.address}", "--from", f"liar.example={honest.address}")
    finally:
        spoiler.stop()
        honest.stop()
    assert any("/shared/tile/entries/016" in path for path in spoiler.asked), "it was asked first"
    assert of_log(told, "shared")["size"] == 4500
    alpha.verify()
