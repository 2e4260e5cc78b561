#!/usr/bin/env python3
"""Sends a live node whatever its OpenAPI document allows, and much that it does not.

    fuzz_http.py [--seconds N] [--seed N]

Fails on any 5xx, on any connection that drops, on any answer that the document does not describe,
and when the node does not end well or does not verify afterwards. N seconds are 60 where left out.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import requests

from node import BINARY, PASSWORD, Node
from samples import envelope, indicator, malware, name, relationship

HERE = pathlib.Path(__file__).resolve().parent
USER = "analyst"
MEDIA = "application/taxii+json;version=2.1"
DOCUMENT = json.loads((HERE.parent.parent / "crates" / "serve" / "src" / "openapi.json").read_text("utf-8"))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "invalid_is_refused",
    "valid_is_taken",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "told_as_failure",
    "carries_bare_headers",
]


def fill(node):
    """The collection and the object that the examples of the document name, and some more."""
    parameters = DOCUMENT["components"]["parameters"]
    collection = parameters["collection"]["example"]
    node.collection("First collection", "--alias", "first", "--id", collection)
    node.start()
    body = DOCUMENT["paths"]["/taxii2/comity/collections/{collection}/objects/"]["post"]["requestBody"]
    (media,) = body["content"].values()
    sent = [malware(number) for number in range(300)]
    sent += [indicator(1, modified=f"2026-01-0{day}T00:00:00.000Z") for day in range(1, 9)]
    sent += [relationship(1, name("indicator", 1), name("malware", 1)), *media["example"]["objects"]]
    url = f"{node.collection_url(collection)}objects/"
    with requests.Session() as session:
        session.auth = (USER, PASSWORD)
        status = session.post(url, json=envelope(*sent), headers={"Content-Type": MEDIA}).json()
        assert status["failure_count"] == 0, status
        page = session.get(url, params={"limit": 100}).json()
    return {
        "collections": [collection, collection.upper(), "first"],
        "objects": [one["id"] for one in sent[-12:]] + [sent[0]["id"]],
        "statuses": [status["id"]],
        "next": [page["next"]],
        "tiles": ["0/000", "entries/000", "entries/001.p/1", "1/000.p/1", "0/001.p/1"],
        "stix": sent[-12:],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        node = Node(place / "node")
        node.user(USER, "analyst")
        known, tally = place / "known.json", place / "tally.json"
        known.write_text(json.dumps(fill(node)), encoding="utf-8")
        words = ["run", f"{node.url}/api/v1/openapi.json", "--auth", f"{USER}:{PASSWORD}"]
        words += ["--checks", ",".join(CHECKS), "--max-time", str(arguments.seconds), "--workers", "1"]
        words += ["--request-timeout", "20", "--generation-database", "none", "--no-color"]
        words += ["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]
        words += ["--report", "junit", "--report-junit-path", str(place / "junit.xml")]
        if arguments.seed is not None:
            words += ["--seed", str(arguments.seed)]
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "fuzz_hooks",
            "PYTHONPATH": str(HERE),
            "COMITY_FUZZ_KNOWN": str(known),
            "COMITY_FUZZ_TALLY": str(tally),
        }
        program = pathlib.Path(sys.executable).with_name("st")
        done = subprocess.run([str(program), *words], cwd=place, env=environment)
        assert node.alive(), f"the node ended\n{node.log()}"
        report(json.loads(tally.read_text("utf-8")))
        node.stop()
        faults = json.loads(node.run("--json", "verify", node.directory, codes=(0, 1)))["faults"]
        assert not faults, faults
        print(f"{BINARY.name} ended with 0 and verifies")
    return done.returncode


def report(tally):
    codes = collections.Counter()
    for counts in tally.values():
        codes.update(counts)
    print(f"\nrequests   {sum(codes.values())}")
    print("statuses   " + ", ".join(f"{code}: {count}" for code, count in sorted(codes.items())))
    described = collections.Counter()
    for operation, counts in tally.items():
        method, path = operation.split(" ", 1)
        there = method.lower() in DOCUMENT["paths"].get(path, {})
        described[operation if there else "methods that are not there"] += sum(counts.values())
    for operation, count in sorted(described.items()):
        print(f"{count:9}  {operation}")


if __name__ == "__main__":
    sys.exit(main())
