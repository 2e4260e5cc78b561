"""What one party passes on of another: with its consent, to those it names, and gone with it. And what
several say of one object version. The nodes run in processes of their own."""

import datetime
import hashlib
import json

import requests

from node import PASSWORD
from peering import wait_for
from samples import indicator
from test_peers_gone import holding, pieces

ALPHA, BETA, GAMMA = "alpha.example", "beta.example", "gamma.example"


def share(node, made, to, *more):
    """What became of it: the refusals."""
    words = ["--collection", "desk", "--object", made["id"], "--to", to, "--by", "rosa", *more]
    done = node.try_run("--json", "share", node.directory, *words)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def adopt(node, made):
    told = node.told("adopt", node.directory, "--object", made["id"], "--collection", "desk", "--by", "rosa")
    assert told["adopted"] == 1, told


def consent(node, made, party, to):
    told = node.told("grant", node.directory, "--object", made["id"], "--onward", party, "--to", to, "--by", "rosa")
    assert told["entries"] == 1, told


def added(node, alias, made):
    """`date_added` of an object in a collection, and how often it is there."""
    query = f"match[id]={made['id']}&match[version]=all"
    answer = requests.get(f"{node.collection_url(alias)}manifest/?{query}", auth=("reader", PASSWORD),
                          headers={"Accept": "application/taxii+json;version=2.1"}, timeout=60)
    return [one["date_added"] for one in answer.json().get("objects", [])]


def passed_on(body, number, description):
    """What alpha gave to beta, beta passed on to gamma."""
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    made = indicator(number, description=description)
    alpha.share(made, to=f"party:{BETA}")
    wait_for("it to arrive", lambda: beta.has("received-alpha_example", made))
    adopt(beta, made)
    refused = share(beta, made, f"party:{GAMMA}")
    assert [one["code"] for one in refused["refusals"]] == ["release-not-own"]
    assert f"--onward {BETA}" in refused["refusals"][0]["why"]
    consent(alpha, made, BETA, f"party:{GAMMA}")
    told = wait_for("the consent to arrive",
                    lambda: (told := share(beta, made, f"party:{GAMMA}"))["shared"] == 1 and told)
    assert told["audiences"][0]["parties"] == [GAMMA]
    wait_for("it to be passed on", lambda: gamma.has("received-beta_example", made))
    return made


def test_what_is_passed_on_with_consent_is_gone_with_its_origin(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    made = passed_on(body, 700, "Onward-Marker " * 500)
    assert not gamma.has("received-alpha_example", made)
    secrets = {}
    for node, log in ((beta, "shared"), (gamma, None)):
        number = log or next(number for number in range(16, 40, 2)
                             if node.mirrored(number)[1].startswith(f"{BETA}/shared"))
        # The longest is the one: whatever else came is a receipt.
        salt, data_key, sealed = max(node.secrets_of(number).values(), key=lambda one: len(one[2]))
        files = node.files()
        assert holding(files, salt) and holding(files, data_key)
        secrets[node] = [salt, data_key, *pieces(sealed)]
    # More than was consented to does not leave.
    beyond = share(beta, made, "all")
    assert [one["code"] for one in beyond["refusals"]] == ["release-onward"], beyond
    assert GAMMA in beyond["refusals"][0]["why"]
    alpha.withdraw(made)
    for node in (beta, gamma):
        wait_for("it to be gone", lambda: not node.has("received", made))
    assert not beta.has("desk", made)
    wait_for("gamma's receipt", lambda: beta.show(GAMMA)["withdrawals"] == [])
    wait_for("beta's receipt", lambda: alpha.show(BETA)["withdrawals"] == [])
    assert alpha.show(BETA)["receipts"][0]["onward"] == 1
    assert beta.show(GAMMA)["receipts"][0]["onward"] == 0
    for node, octets in secrets.items():
        wait_for("its keys and its body to leave the files",
                 lambda: not any(holding(node.files(), secret) for secret in octets))
    # Nor is the object in the clear, in any form, at any of the three.
    for node in (alpha, beta, gamma):
        assert holding(node.files(), b"Onward-Marker Onward-Marker") == []
        node.verify()


def test_consent_that_is_taken_back_takes_along_what_was_passed_on(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    made = passed_on(body, 701, "taken back")
    alpha.run("withdraw", alpha.directory, "--object", made["id"], "--onward", BETA, "--by", "rosa")
    wait_for("it to be gone", lambda: not gamma.has("received", made))
    assert beta.has("desk", made), "what was given to beta stays"
    refused = share(beta, made, f"party:{GAMMA}")
    assert [one["code"] for one in refused["refusals"]] == ["release-not-own"]
    wait_for("beta's receipt", lambda: alpha.show(BETA)["withdrawals"] == [])
    assert alpha.show(BETA)["receipts"][0]["onward"] == 1


def test_of_two_contents_the_first_that_arrived_is_served_until_it_is_withdrawn(body):
    alpha, beta, gamma = (body.nodes[party] for party in (ALPHA, BETA, GAMMA))
    of_alpha, of_beta = (indicator(702, description=word) for word in ("as alpha says", "as beta says"))
    alpha.share(of_alpha)
    wait_for("alpha's to arrive", lambda: gamma.has("received-alpha_example", of_alpha))
    beta.share(of_beta)
    wait_for("beta's to arrive", lambda: gamma.has("received-beta_example", of_beta))
    before = added(gamma, "received", of_alpha)
    assert len(before) == 1 and b"as alpha says" in gamma.taxii("received")
    assert b"as beta says" not in gamma.taxii("received")
    found = gamma.try_run("--json", "peer", "conflicts", gamma.directory)
    assert found.returncode == 1
    (conflict,) = [one for one in json.loads(found.stdout)["conflicts"] if one["id"] == of_alpha["id"]]
    assert [(one["origin"], one["served"]) for one in conflict["claims"]] == [(ALPHA, True), (BETA, False)]
    assert f"{of_alpha['id']}" in gamma.try_run("peer", "conflicts", gamma.directory).stdout
    alpha.withdraw(of_alpha)
    wait_for("beta's in its place", lambda: b"as beta says" in gamma.taxii("received"))
    after = added(gamma, "received", of_beta)
    assert len(after) == 1 and after[0] > before[0]
    conflicts = gamma.told("peer", "conflicts", gamma.directory, codes=(0, 1))["conflicts"]
    assert of_alpha["id"] not in [one["id"] for one in conflicts]


def test_a_rule_adopts_what_arrives_up_to_its_label(body):
    alpha, beta = (body.nodes[party] for party in (ALPHA, BETA))
    words = ["--from", ALPHA, "--collection", "desk", "--type", "indicator", "--tlp-max", "GREEN", "--by", "rosa"]
    rule = beta.told("adopt", "rule", "add", beta.directory, *words)["rule"]
    green, amber = indicator(703), indicator(704)
    alpha.share(green, to=f"party:{BETA}")
    alpha.share(amber, to=f"party:{BETA}", tlp="AMBER")
    wait_for("both to arrive", lambda: all(beta.has("received-alpha_example", one) for one in (green, amber)))
    wait_for("one to be adopted", lambda: beta.has("desk", green))
    assert not beta.has("desk", amber)
    (listed,) = beta.told("adopt", "rule", "list", beta.directory)["rules"]
    assert (listed["id"], listed["by"], listed["into"]) == (rule["id"], "rosa", "Desk") and "stopped" not in listed
    alpha.withdraw(green)
    wait_for("it to leave with its owner's", lambda: not beta.has("desk", green))
    beta.run("adopt", "rule", "remove", beta.directory, rule["id"], "--by", "rosa")
    assert beta.told("adopt", "rule", "list", beta.directory)["rules"] == []


def test_what_may_be_done_goes_along_and_an_assessment_is_on_record(body, tmp_path):
    alpha = body.nodes[ALPHA]
    made = indicator(705)
    alpha.enter(made)
    told = share(alpha, made, f"party:{BETA}", "--pap", "AMBER", "--dry-run")
    assert told["permitted"] == {"AMBER": 1}
    document = tmp_path / "assessment.txt"
    document.write_text("EXERCISE: nothing was found")
    day = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=300)).date().isoformat()
    words = [alpha.directory, BETA, "--file", document, "--expires", day, "--by", "rosa"]
    assessed = alpha.told("assess", "add", *words)["assessment"]
    assert assessed["sha256"] == hashlib.sha256(document.read_bytes()).hexdigest()
    assert [one["party"] for one in alpha.told("assess", "list", alpha.directory)["assessments"]] == [BETA]
    assert holding(alpha.files(), b"nothing was found") == []
