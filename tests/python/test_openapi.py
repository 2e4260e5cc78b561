"""The OpenAPI document: valid, served, and about the endpoints that there are."""

import json
import re

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from node import ROOT

SOURCE = ROOT / "crates" / "serve" / "src"
DOCUMENT = json.loads((SOURCE / "openapi.json").read_text(encoding="utf-8"))


def resolved(value):
    while isinstance(value, dict) and "$ref" in value:
        target = DOCUMENT
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_is_served(node):
    answer = requests.get(f"{node.url}/api/v1/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_every_endpoint_is_described_and_no_other():
    table = (SOURCE / "router.rs").read_text(encoding="utf-8")
    table = table.partition("ENDPOINTS: &[Endpoint]")[2].partition("];")[0]
    rows = re.findall(r'row\(\s*"(\w+)",\s*"([^"]+)"', table)
    rows += [("GET", path) for path in re.findall(r'public\(\s*"([^"]+)"', table)]
    there = {(method, path.replace("{*", "{")) for method, path in rows}
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == there
    public = {("GET", path) for path in re.findall(r'public\(\s*"([^"]+)"', table)}
    assert public == {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == []
    }


# Answers to what is too long to be read as a request.
BARE = ("414", "431")


def test_every_failure_has_the_error_resource():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for code, response in operation["responses"].items():
                if int(code) >= 400 and code not in BARE:
                    media = resolved(response)["content"]
                    assert list(media) == ["application/taxii+json;version=2.1"], (path, method, code)
                    assert media["application/taxii+json;version=2.1"]["schema"]["$ref"].endswith("/Error")


def media_types():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            bodies = [(f"{method} {path}", resolved(operation.get("requestBody", {})))]
            bodies += [(f"{method} {path} {code}", resolved(one)) for code, one in operation["responses"].items()]
            for where, body in bodies:
                for media in body.get("content", {}).values():
                    yield where, media


@pytest.mark.parametrize("where, media", [pytest.param(*one, id=one[0]) for one in media_types()])
def test_examples_follow_their_schemas(where, media):
    examples = [one["value"] for one in media.get("examples", {}).values()]
    if "example" in media:
        examples.append(media["example"])
    schema = {**media["schema"], "components": DOCUMENT["components"]}
    for example in examples:
        Draft202012Validator(schema).validate(example)
    assert examples or "json" not in str(media["schema"].get("$ref", "")), where
