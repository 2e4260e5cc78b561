"""STIX objects for tests, and the octets of objects in a text."""

import json
import uuid

from node import PASSWORD

NAMESPACE = uuid.UUID("6f0c7b1e-3c5d-4a7e-9d1f-0b8f2e4a6c10")
JSON = json.JSONDecoder()


def name(kind, number):
    """An identifier that is the same in every run; of version 4, as STIX objects have it."""
    made = uuid.uuid5(NAMESPACE, f"{kind} {number}").int
    made = made & ~(0xF << 76) | 0x4 << 76
    return f"{kind}--{uuid.UUID(int=made)}"


def indicator(number, modified="2026-01-01T00:00:00.000Z", **more):
    """The same number is the same object in every collection: other content needs another."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": name("indicator", number),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": modified,
        "name": f"Beacon {number}",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[domain-name:value = 'c{number}.example.net']",
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


def malware(number, **more):
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": name("malware", number),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"Wiper {number}",
        "is_family": True,
        **more,
    }


def relationship(number, source, target):
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": name("relationship", number),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "indicates",
        "source_ref": source,
        "target_ref": target,
    }


def envelope(*objects):
    return {"objects": list(objects)}


def slices(text):
    """The objects of a bundle, envelope or page, each as the characters that stand there."""
    found, at = [], after_space(text, 0)
    assert text[at] == "{"
    at = after_space(text, at + 1)
    while text[at] != "}":
        member, at = JSON.raw_decode(text, at)
        at = after_space(text, at)
        assert text[at] == ":"
        at = after_space(text, at + 1)
        if member == "objects":
            at = after_space(text, at + 1)
            while text[at] != "]":
                _, end = JSON.raw_decode(text, at)
                found.append(text[at:end])
                at = after_space(text, end)
                if text[at] == ",":
                    at = after_space(text, at + 1)
            at += 1
        else:
            _, at = JSON.raw_decode(text, at)
        at = after_space(text, at)
        if text[at] == ",":
            at = after_space(text, at + 1)
    return found


def after_space(text, at):
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def write(collection_url, user, writer, envelopes, size):
    """A writer: runs in a process of its own."""
    from taxii2client.v21 import Collection

    with Collection(collection_url, user=user, password=PASSWORD) as collection:
        for number in range(envelopes):
            first = (writer + 1) * 1_000_000 + number * size
            status = collection.add_objects(envelope(*(indicator(first + one) for one in range(size))))
            assert status.success_count == size and status.failure_count == 0
