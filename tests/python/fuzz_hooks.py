"""What schemathesis is taught of a node: names that exist, content that is nearly right, and what
every answer has. `fuzz_http.py` starts it."""

import atexit
import collections
import copy
import json
import os
import pathlib
import random
import threading
import urllib.parse

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

KNOWN = json.loads(pathlib.Path(os.environ["COMITY_FUZZ_KNOWN"]).read_text("utf-8"))
TALLY = collections.defaultdict(collections.Counter)
LOCK = threading.Lock()
CHANCE = random.Random(0)
ACCEPTS = ["application/taxii+json;version=2.1", 'application/taxii+json; version="2.1"', "*/*", "text/html, */*;q=0.1"]
UNACCEPTABLE = "application/taxii+json;version=2.0"
# What the server that reads octets answers by itself, before there is a request.
BARE = (414, 431)
# Who is wrong with the same name again and again is turned away before the password is looked at.
checks.AUTH_REJECTION_STATUSES = (*checks.AUTH_REJECTION_STATUSES, 429)
# A schema says what a token and a timestamp look like, not which of them are there.
UNKNOWN = ("`next`: ", "`added_after`: required: a timestamp", "`match[version]`: required: first")
VALUES = [None, True, -1, 0.5, 2**63, "", "x", "2026-13-01T00:00:00Z", [], {}, [None], {"": {}}, "\u0000", "\U0001f512"]
NAMES = {"collection": "collections", "object": "objects", "id": "statuses", "tile": "tiles"}
# The least characters of each; what has fewer is there to be refused.
LEAST = {"collection": 1, "object": 41, "id": 1, "tile": 1}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Mostly names that exist, so that requests get beyond the path."""
    for name, value in (path_parameters or {}).items():
        good = name in NAMES and isinstance(value, str) and len(urllib.parse.unquote(value)) >= LEAST[name]
        if good and seeded(value).random() < 0.8:
            path_parameters[name] = seeded(value).choice(KNOWN[NAMES[name]])
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    if query and "next" in query and seeded(query["next"]).random() < 0.5:
        query["next"] = KNOWN["next"][0]
    return query


@schemathesis.hook
def map_body(context, body):
    """STIX among what is generated, with one thing changed here and there."""
    if isinstance(body, dict) and isinstance(body.get("objects"), list):
        chance = seeded(body)
        for _ in range(chance.randrange(4)):
            one = copy.deepcopy(chance.choice(KNOWN["stix"]))
            change(one, chance)
            body["objects"].insert(chance.randrange(len(body["objects"]) + 1), one)
    return body


def seeded(value):
    """Chance that follows from the value, so that a run with a seed can be repeated."""
    return random.Random(repr(value))


def change(one, chance):
    for _ in range(chance.randrange(3)):
        member = chance.choice([*one, "x_new", "extensions", "object_marking_refs", "granular_markings"])
        if chance.random() < 0.3:
            one.pop(member, None)
        elif isinstance(one.get(member), str) and chance.random() < 0.5:
            text = one[member]
            at = chance.randrange(len(text) + 1)
            one[member] = text[:at] + chance.choice(["", "0", "--", "]", "'", "é", "Z", "9" * 40]) + text[at + 1 :]
        else:
            one[member] = chance.choice(VALUES)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path.startswith("/taxii2/"):
        with LOCK:
            refused, accept = CHANCE.random() < 0.02, CHANCE.choice(ACCEPTS)
        case.headers["Accept"] = UNACCEPTABLE if refused else accept


@schemathesis.hook
def after_call(context, case, response):
    with LOCK:
        TALLY[f"{case.method} {case.path}"][response.status_code] += 1


@schemathesis.check
def told_as_failure(ctx, response, case):
    """Every failure has the error resource of TAXII, with the status that it has."""
    if response.status_code >= 400 and response.status_code not in BARE:
        error = json.loads(response.content)
        assert error["http_status"] == str(response.status_code), error
        assert error["title"] and error["error_code"], error


@schemathesis.check
def valid_is_taken(ctx, response, case):
    """What follows the document is not a bad request."""
    if response.status_code in (*BARE, 406):
        return
    if response.status_code == 400 and json.loads(response.content)["description"].startswith(UNKNOWN):
        return
    positive_data_acceptance(ctx, response, case)


@schemathesis.check
def invalid_is_refused(ctx, response, case):
    """What goes against the document is not answered as if it were fine."""
    if response.status_code not in BARE and not follows(case, response):
        negative_data_rejection(ctx, response, case)


def follows(case, response):
    """Whether what was sent follows the document, though it was made not to: a name that does not
    exist gave way to one that does, or the URL spells what is wrong as it spells what is right."""
    if case.meta is None or case.meta.is_negative_at(ParameterLocation.BODY):
        return False
    for name, value in (case.path_parameters or {}).items():
        text = urllib.parse.unquote(str(value))
        declared = case.operation.path_parameters.get(name)
        if declared is None or not declared.get_validator().is_valid(text):
            return False
    query = urllib.parse.urlsplit(response.request.url).query
    sent = urllib.parse.parse_qs(query, keep_blank_values=True)
    return all(is_sent_well(parameter, sent.get(parameter.name, [])) for parameter in case.operation.query)


def is_sent_well(parameter, texts):
    """Whether a parameter of a query is left out, or there once with a good value."""
    if not texts:
        return True
    value, kind = texts[0], parameter.definition["schema"]["type"]
    if kind == "array":
        value = value.split(",")
    elif kind == "integer" and value.isascii() and value.isdigit():
        value = int(value)
    return len(texts) == 1 and parameter.get_validator().is_valid(value)


@schemathesis.check
def carries_bare_headers(ctx, response, case):
    if response.status_code in BARE:
        return
    assert response.headers["x-content-type-options"] == ["nosniff"], response.headers
    assert response.headers["cache-control"], response.headers


@atexit.register
def write():
    tally = {operation: dict(counts) for operation, counts in TALLY.items()}
    pathlib.Path(os.environ["COMITY_FUZZ_TALLY"]).write_text(json.dumps(tally), encoding="utf-8")
