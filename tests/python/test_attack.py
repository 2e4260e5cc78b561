"""ATT&CK through the whole node, octet for octet."""

import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest
import requests

from conftest import USER
from node import PASSWORD, ROOT, Node
from samples import slices

DATA = pathlib.Path(os.environ.get("COMITY_ATTACK") or ROOT.parent / "shared" / "data" / "attack")
BUNDLES = ["enterprise-attack", "mobile-attack", "ics-attack"]

pytestmark = pytest.mark.skipif(
    not all((DATA / f"{name}.json.gz").exists() for name in BUNDLES),
    reason=f"the ATT&CK bundles are not in {DATA}; COMITY_ATTACK names another directory",
)


def key(text):
    one = json.loads(text)
    return one["id"], one.get("modified", one.get("created"))


@pytest.fixture(scope="module")
def bundles():
    return {name: gzip.decompress((DATA / f"{name}.json.gz").read_bytes()).decode() for name in BUNDLES}


@pytest.fixture(scope="module")
def expected(bundles):
    """What the collection has to hold, in its order, and which versions have to be refused."""
    held, conflicts, known = {}, [], 0
    for text in bundles.values():
        for one in slices(text):
            if held.setdefault(key(one), one) is not one:
                if json.loads(held[key(one)]) == json.loads(one):
                    known += 1
                else:
                    conflicts.append(key(one))
    return list(held.values()), conflicts, known


@pytest.fixture(scope="module")
def filled(bundles, tmp_path_factory):
    place = tmp_path_factory.mktemp("attack")
    node = Node(place / "node")
    node.user(USER, "analyst")
    node.user("reviewer", "reviewer")
    node.collection_id = node.collection("ATT&CK", "--alias", "attack")
    node.start()
    node.reports = {}
    for name, text in bundles.items():
        path = place / f"{name}.json"
        path.write_text(text, encoding="utf-8", newline="")
        node.reports[name] = node.told("import", node.directory, path, "--collection", "attack", codes=(0, 1))
    yield node
    node.stop()


def test_all_is_taken_but_two_versions_that_contradict_others(filled, expected):
    held, conflicts, known = expected
    refusals = [refusal for report in filled.reports.values() for refusal in report.get("refusals", [])]
    assert [(one["id"], one["version"]) for one in refusals] == conflicts
    assert {one["code"] for one in refusals} == {"version-conflict"}
    assert len(conflicts) == 2
    assert sum(report["stored"] for report in filled.reports.values()) == len(held)
    assert sum(report["known"] for report in filled.reports.values()) == known
    assert not any(report["kept"] for report in filled.reports.values())


def test_every_object_comes_back_byte_for_byte(filled, expected):
    held, _, _ = expected
    url = f"{filled.collection_url(filled.collection_id)}objects/"
    found, token = [], None
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)
        while True:
            asked = {"limit": 2000, "match[version]": "all", **({"next": token} if token else {})}
            answer = session.get(url, params=asked)
            assert answer.status_code == 200
            body = answer.content.decode()
            found += slices(body)
            head = json.loads(body[: body.index(',"objects"')] + "}") if body.startswith('{"more"') else {}
            token = head.get("next")
            if not token:
                break
    assert len(found) == len(held)
    for got, sent in zip(found, held):
        assert got == sent, key(sent)


def test_export_gives_the_same(filled, expected):
    held, _, _ = expected
    bundle = filled.run("export", filled.directory, "--collection", "attack")
    assert slices(bundle) == held
    assert json.loads(bundle)["type"] == "bundle"


def test_the_node_verifies(filled):
    report = filled.told("verify", filled.directory)
    assert report["faults"] == []


@pytest.mark.parametrize("log, user", [("private", USER), ("acts", USER), ("shared", USER), ("audit", "reviewer")])
def test_a_verifier_of_its_own_agrees(filled, expected, log, user):
    script = pathlib.Path(__file__).parent / "verify_log.py"
    if not script.exists():
        pytest.skip("verify_log.py is not there")
    logs = {one["log"]: one for one in filled.told("doctor", filled.directory, codes=(0, 1))["logs"]}
    words = [sys.executable, script, filled.url, "--log", log, "--user", user, "--password", PASSWORD]
    done = subprocess.run(
        [*map(str, words), "--vkey", logs[log]["vkey"]], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    if log == "private":
        assert f"{len(expected[0])} opened" in done.stdout


def test_a_bundle_that_breaks_off_is_told_as_such(filled, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"type":"bundle","objects":[{"type":"tool"')
    report = filled.told("import", filled.directory, broken, "--collection", "attack", codes=(1,))
    assert "broken_off" in report
