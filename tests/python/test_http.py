"""What docs/reference/http.md says of headers, limits and errors, over a socket."""

import gzip
import http.client
import json
import urllib.parse

import pytest
import requests

from conftest import USER
from node import PASSWORD
from samples import envelope, indicator, name

MEDIA = "application/taxii+json;version=2.1"
BODY_MAX = 10_485_760
OBJECT_MAX = 4_194_304


@pytest.fixture
def objects(node, collection_id):
    return f"{node.collection_url(collection_id)}objects/"


def post(http, url, body, **headers):
    headers = {"Content-Type": MEDIA, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return http.post(url, data=body, headers=headers)


def expect(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == MEDIA
    error = answer.json()
    assert (error["http_status"], error["error_code"]) == (str(status), code)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return error


def padded(octets, number=1):
    """An envelope of one object, of so many octets; custom text makes up the rest."""
    bare = json.dumps(envelope(indicator(number, x_comity_padding="")))
    return bare.replace('"x_comity_padding": ""', f'"x_comity_padding": "{"x" * (octets - len(bare))}"')


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=1&limit=2",
        "next=1.0000",
        "added_after=yesterday",
        "added_after=2026-02-30T00:00:00Z",
        "added_after=2026-01-01T00:00:00%2B01:00",
        "added_after=2026-01-01T00:00:00.0000000000000000000Z",
        "match[id]=x",
        "match[type]=,",
        "match[version]=newest",
        "match[spec_version]=2.2",
        "match[name]=x",
        "match[type]=" + ",".join(["tool"] * 501),
    ],
)
def test_parameters_that_cannot_be_used(http, objects, query):
    for path in (objects, objects.replace("/objects/", "/manifest/")):
        expect(http.get(f"{path}?{query}"), 400, "bad-request")


def test_parameters_that_can(http, objects):
    for query in (
        "limit=99999999999999999999999",
        "added_after=2026-01-01T00:00:00.000000000000000001Z",
        "match%5Btype%5D=tool%2Cmalware",
        "match[type]=" + ",".join(["tool"] * 500),
        "pretty=true",
    ):
        assert http.get(f"{objects}?{query}").status_code == 200, query


def test_filters_that_do_not_apply_to_one_object(http, objects):
    expect(http.get(f"{objects}{name('indicator', 1)}/?match[type]=tool"), 400, "bad-request")


def test_credentials_come_first(node, http, objects):
    for url in (objects, f"{node.root}collections/nothing/", f"{objects}?limit=0", f"{node.url}/log/none/vkey"):
        for auth in (None, (USER, "not this one"), ("nobody", PASSWORD), (USER, "x" * 1025)):
            answer = requests.get(url, auth=auth, headers={"Accept": "text/html"})
            expect(answer, 401, "unauthenticated")
    bearer = {"Authorization": "Bearer comity_not-this-one"}
    expect(requests.get(objects, headers=bearer), 401, "unauthenticated")
    for public in ("/health", "/api/v1/openapi.json"):
        assert requests.get(node.url + public).status_code == 200


def test_not_found_in_every_way(node, http, objects):
    for path in (
        f"{node.url}/",
        f"{node.url}/taxii2/other/",
        f"{node.root}collections/00000000-0000-4000-8000-000000000000/",
        f"{node.root}collections/%ff/objects/",
        f"{node.root}status/%00/",
        f"{objects}{name('indicator', 404)}/",
        f"{objects}no-identifier/",
        f"{objects}%ff/versions/",
        f"{node.url}/log/none/checkpoint",
        f"{node.url}/log/private/tile/0/0",
        f"{node.url}/log/private/tile/%ff",
    ):
        expect(http.get(path), 404, "not-found")


def test_methods_that_are_not_there(node, http, objects):
    for method, url, allowed in (
        ("PUT", objects, "GET,HEAD,POST"),
        ("OPTIONS", objects, "GET,HEAD,POST"),
        ("POST", f"{node.url}/taxii2/", "GET,HEAD"),
        ("TRACE", f"{node.url}/health", "GET,HEAD"),
    ):
        answer = http.request(method, url)
        expect(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == allowed


def test_not_acceptable_before_anything_is_stored(http, objects):
    body = json.dumps(envelope(indicator(1)))
    expect(post(http, objects, body, Accept="application/taxii+json;version=2.0"), 406, "not-acceptable")
    expect(post(http, objects, body, Content_Type="application/json"), 415, "unsupported-media-type")
    answer = post(http, objects, body, Content_Encoding="br")
    expect(answer, 415, "unsupported-media-type")
    assert answer.headers["Accept-Encoding"] == "gzip"
    expect(post(http, objects, body, Content_Encoding="gzip"), 400, "bad-request")
    assert http.get(objects).json() == {}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"objects":{}}',
        '{"objects":[]}x',
        '{"objects":[],"objects":[]}',
        '{"objects":[' + "[" * 100 + "]" * 100 + "}",
        '{"x":' + "[" * 100 + "]" * 100 + ',"objects":[]}',
        '{"x":"' + "x" * 65_536 + '","objects":[]}',
        json.dumps({"objects": [], **{f"x{number}": 1 for number in range(64)}}),
    ],
    ids=range(12),
)
def test_what_is_no_envelope(http, objects, body):
    expect(post(http, objects, body), 422, "unprocessable")


def test_what_is_no_object_is_a_failure_of_its_own(http, objects):
    deep = '{"type":"tool","x_deep":' + "[" * 100 + "]" * 100 + "}"
    answer = post(http, objects, f'{{"objects":[null,1,{deep},{json.dumps(indicator(1))}]}}')
    assert answer.status_code == 202
    status = answer.json()
    assert (status["success_count"], status["failure_count"], status["total_count"]) == (1, 3, 4)
    assert all(one["id"].endswith("00000000-0000-4000-8000-000000000000") for one in status["failures"])
    assert [one["message"].split(":")[0] for one in status["failures"]] == ["object 1", "object 2", "object 3"]


def test_bodies_up_to_the_limit_and_beyond(http, objects):
    def spaced(octets):
        text = json.dumps(envelope(indicator(1)))
        return text + " " * (octets - len(text))

    assert post(http, objects, spaced(BODY_MAX)).status_code == 202
    expect(post(http, objects, spaced(BODY_MAX + 1)), 413, "too-large")
    expect(post(http, objects, gzip.compress(spaced(BODY_MAX + 1).encode()), Content_Encoding="gzip"), 413, "too-large")
    chunks = (b" " * 65_536 for _ in range(BODY_MAX // 65_536 + 1))
    expect(post(http, objects, chunks), 413, "too-large")


def test_objects_up_to_the_limit_and_beyond(http, objects):
    around = len(json.dumps(envelope({}))) - 2
    assert post(http, objects, padded(OBJECT_MAX + around, 801)).json()["success_count"] == 1
    status = post(http, objects, padded(OBJECT_MAX + around + 1, 802)).json()
    assert status["failure_count"] == 1 and "object-too-large" in status["failures"][0]["message"]


def test_gzip_both_ways(http, objects):
    sent = [indicator(number) for number in range(10)]
    body = gzip.compress(json.dumps(envelope(*sent)).encode())
    assert post(http, objects, body, Content_Encoding="gzip").json()["success_count"] == 10
    packed = http.get(objects, headers={"Accept-Encoding": "gzip"})
    plain = http.get(objects, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json() == envelope(*sent)


def test_a_poll_that_finds_nothing_new_costs_no_body(http, objects):
    post(http, objects, json.dumps(envelope(indicator(1))))
    for url in (objects, objects.replace("/objects/", "/manifest/"), f"{objects}{name('indicator', 1)}/"):
        tag = http.get(url).headers["ETag"]
        for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
            answer = http.get(url, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["ETag"] == tag
    post(http, objects, json.dumps(envelope(indicator(2))))
    assert http.get(objects, headers={"If-None-Match": tag}).status_code == 200


def test_dates_are_those_of_the_page(http, objects):
    post(http, objects, json.dumps(envelope(*(indicator(number) for number in range(5)))))
    records = http.get(objects.replace("/objects/", "/manifest/")).json()["objects"]
    answer = http.get(f"{objects}?limit=2&added_after={records[1]['date_added']}")
    ends = [answer.headers[f"X-TAXII-Date-Added-{end}"] for end in ("First", "Last")]
    assert ends == [records[2]["date_added"], records[3]["date_added"]]
    empty = http.get(f"{objects}?match[type]=tool")
    assert empty.json() == {} and "X-TAXII-Date-Added-Last" not in empty.headers


def test_head_is_get_without_a_body(http, objects):
    post(http, objects, json.dumps(envelope(indicator(1))))
    head, get = http.head(objects), http.get(objects)
    assert head.status_code == 200 and head.content == b""
    for field in ("Content-Type", "ETag", "X-TAXII-Date-Added-Last"):
        assert head.headers[field] == get.headers[field]


def test_a_path_without_its_slash(http, objects):
    post(http, objects, json.dumps(envelope(indicator(1))))
    answer = http.get(f"{objects[:-1]}?limit=1", allow_redirects=False)
    assert answer.status_code == 200 and len(answer.json()["objects"]) == 1


@pytest.mark.parametrize(
    "target, fields, statuses",
    [
        ("/health?" + "x" * 40_000, {}, [200]),
        # Such a target is most of a head that is too large.
        ("/health?" + "x" * 65_527, {}, [414, 431]),
        ("/health", {"X-Long": "x" * 40_000}, [200]),
        ("/health", {"X-Long": "x" * 65_536}, [431]),
        ("/health", {f"X-{number}": "x" for number in range(90)}, [200]),
        ("/health", {f"X-{number}": "x" for number in range(101)}, [431]),
    ],
    ids=range(6),
)
def test_heads_that_are_too_large(node, target, fields, statuses):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(node.url).netloc, timeout=10)
    connection.request("GET", target, headers=fields)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status in statuses
