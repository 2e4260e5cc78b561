"""What was withdrawn is in no file of any node, and what was never released to a party is in none of
its files and answers. The nodes run in processes of their own while their files are read."""

import base64

from follow_log import parse_page
from peering import wait_for
from samples import indicator

ALPHA, BETA, GAMMA = NODES = "alpha.example", "beta.example", "gamma.example"
# The number of alpha's log `shared` at the two others, who have it as their first peer.
OF_ALPHA = 16
# Bodies of more than a page of the store may lie in pieces.
PIECE_OCTETS = 32


def forms(octets):
    """Octets as they may stand in a file: raw, in hexadecimal digits, in base64 of both alphabets."""
    found = [octets, octets.hex().encode(), octets.hex().upper().encode()]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Inside of a longer text they may begin at each of three places; what is cut off is shared.
        found += [encode(b"\0" * pad + octets)[4 if pad else 0 : -4] for pad in range(3)]
    return found


def holding(files, octets):
    return sorted({path for path, text in files.items() if any(form in text for form in forms(octets))})


def left(files, all_octets):
    return sorted({path for octets in all_octets for path in holding(files, octets)})


def pieces(body):
    """Some pieces of a sealed body, from its beginning to its end."""
    step = max(1, (len(body) - PIECE_OCTETS) // 6)
    return [body[at : at + PIECE_OCTETS] for at in range(0, len(body) - PIECE_OCTETS + 1, step)]


def last(node, log):
    """The index of the last entry of a log that can be opened: each test makes one after the other."""
    return max(node.secrets_of(log))


def secret(node, log, index):
    """What is secret of an entry: it is in the files now, else nothing below proves anything."""
    salt, data_key, sealed = node.secrets_of(log)[index]
    files = node.files()
    assert holding(files, salt) and holding(files, data_key)
    assert all(holding(files, piece) for piece in pieces(sealed)[:2])
    return [salt, data_key, *pieces(sealed)]


def test_what_was_withdrawn_is_in_no_file_of_any_node(body):
    alpha, beta, gamma = (body.nodes[party] for party in NODES)
    made = indicator(800, name="Withdrawn-Marker", description="Withdrawn-Long " * 2_000)
    alpha.share(made, to=f"party:{BETA},{GAMMA}")
    for node in (beta, gamma):
        wait_for("it to arrive", lambda: node.has("received-alpha_example", made))
    # Beta makes it its own: there it has to fall, too.
    beta.run("adopt", beta.directory, "--collection", "desk", "--object", made["id"], "--by", "rosa")
    assert beta.has("desk", made)
    known = {
        "alpha, shared": secret(alpha, "shared", last(alpha, "shared")),
        "alpha, private": secret(alpha, "private", last(alpha, "private")),
        "beta, of alpha": secret(beta, OF_ALPHA, last(beta, OF_ALPHA)),
        "gamma, of alpha": secret(gamma, OF_ALPHA, last(gamma, OF_ALPHA)),
    }
    # No content stands in a file as it is: what can be found are salts, keys and sealed bodies.
    texts = (b"Withdrawn-Marker", b"Withdrawn-Long", b"[domain-name:value = 'c800.example.net']")

    alpha.withdraw(made)
    for node in (beta, gamma):
        wait_for(f"a receipt of {node.party}", lambda: alpha.show(node.party)["withdrawals"] == [])
        assert not node.has("received", made) and not node.has("received-alpha_example", made)
    assert not beta.has("desk", made)
    secrets = [octets for of_one in known.values() for octets in of_one]
    for node in (alpha, beta, gamma):
        # Whoever reads a store at that moment puts off the end of its journal; not for long.
        wait_for(f"the end of it at {node.party}", lambda: left(node.files(), secrets) == [])
        assert left(node.files(), texts) == []
    for node in (alpha, beta, gamma):
        node.verify()


def test_what_was_never_released_to_a_party_is_nowhere_at_it(body):
    alpha, gamma = body.nodes[ALPHA], body.nodes[GAMMA]
    private = indicator(810, name="Private-Marker")
    alpha.enter(private)
    known = {"private": secret(alpha, "private", last(alpha, "private"))}
    shared = indicator(811, name="Not-For-Gamma-Marker")
    alpha.share(shared, to=f"party:{BETA}")
    known["shared"] = secret(alpha, "shared", last(alpha, "shared"))
    known["its private one"] = secret(alpha, "private", last(alpha, "private"))
    for_all = indicator(812, name="For-All-Marker")
    alpha.share(for_all)
    wait_for("what is for all", lambda: gamma.has("received-alpha_example", for_all))
    wait_for("beta's", lambda: body.nodes[BETA].has("received-alpha_example", shared))

    texts, answers = [b"Private-Marker", b"Not-For-Gamma-Marker", b"[domain-name:value = 'c811.example.net']"], {}
    for party in ("watch.example", "far.example"):
        heard = []
        follower = body.follower(party, ALPHA, heard.append)
        follower.pull()
        bell = follower.bell()
        assert {next(bell)[1], next(bell)[1]} == {"acts", "shared"}
        octets = [one.envelope for log in follower.logs.values() for one in log.opened.values()]
        answers[party] = {"answers": b"".join(heard), "envelopes": b"\n".join(octets)}
    answers[GAMMA] = {"taxii": gamma.taxii("received") + gamma.taxii("received-alpha_example")}
    assert b"For-All-Marker" in answers[GAMMA]["taxii"]
    assert b"For-All-Marker" in answers["watch.example"]["envelopes"], "an observer is of all"
    for party, files in [(GAMMA, gamma.files()), *answers.items()]:
        for what, secrets in {**known, "text": texts}.items():
            for octets in secrets:
                assert not holding(files, octets), f"{party}: {what}, in {holding(files, octets)}"
    # The same look finds what is there.
    alpha.grant(shared, f"party:{GAMMA}")
    wait_for("a grant", lambda: gamma.has("received-alpha_example", shared))
    assert holding(gamma.files(), known["shared"][0]) and not holding(gamma.files(), known["private"][0])


def test_a_form_is_found_wherever_it_begins():
    """The look above, at itself."""
    octets = bytes(range(100, 132))
    for pad in range(5):
        text = base64.b64encode(b"x" * pad + octets + b"tail")
        assert holding({"file": b"..." + text}, octets) == ["file"]
    assert holding({"file": octets.hex().encode()}, octets) and not holding({"file": bytes(64)}, octets)
    assert parse_page(b'{"scanned_to":3}\n') == ([], 3)
