"""taxii2-client 2.3.0, unmodified."""

import datetime

import pytest
import requests
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from conftest import USER
from node import PASSWORD
from samples import envelope, indicator, malware, name, relationship


def pages(func, per_request, **filters):
    return [page.get("objects", []) for page in as_pages(func, per_request=per_request, **filters)]


def ids(objects):
    return [one["id"] for one in objects]


def refused(code):
    return pytest.raises(requests.HTTPError, match=f"^{code} ")


def test_discovery_leads_to_collections(node, collection_id):
    with Server(f"{node.url}/taxii2/", user=USER, password=PASSWORD) as server:
        assert server.title
        assert server.default is not None and server.default in server.api_roots
        root = server.default
        assert root.url == node.root
        assert root.versions == ["application/taxii+json;version=2.1"]
        assert root.max_content_length == 10 * 1024 * 1024
        found = {one.id: one for one in root.collections}
        assert list(found) == sorted(found)
        mine = found[collection_id]
        assert mine.can_read and mine.can_write
        assert mine.media_types == ["application/stix+json;version=2.1"]


def test_what_is_pushed_comes_back(node, collection):
    sent = [indicator(1), malware(1), relationship(1, name("indicator", 1), name("malware", 1))]
    status = collection.add_objects(envelope(*sent), wait_for_completion=True)
    assert (status.status, status.total_count, status.success_count) == ("complete", 3, 3)
    assert collection.get_objects()["objects"] == sent
    assert collection.get_object(sent[1]["id"])["objects"] == [sent[1]]
    with ApiRoot(node.root, user=USER, password=PASSWORD) as root:
        again = root.get_status(status.id)
    assert again.status == "complete"
    assert ids(again.successes) == ids(sent)


def test_a_status_is_its_senders_own(node, collection):
    status = collection.add_objects(envelope(indicator(1)))
    with ApiRoot(node.root, user="reader", password=PASSWORD) as root, refused(404):
        root.get_status(status.id)


def test_one_bad_object_is_a_failure_with_a_reason(collection):
    bad = {key: value for key, value in indicator(2).items() if key != "pattern"}
    status = collection.add_objects(envelope(indicator(1), bad, indicator(3)))
    assert (status.success_count, status.failure_count) == (2, 1)
    assert status.failures[0]["id"] == bad["id"]
    assert status.failures[0]["message"].startswith("object 2: property-missing")
    assert ids(collection.get_objects()["objects"]) == [name("indicator", 1), name("indicator", 3)]


def test_the_same_again_is_a_success_and_other_content_is_not(collection):
    collection.add_objects(envelope(indicator(1)))
    again = dict(reversed(indicator(1).items()))
    status = collection.add_objects(envelope(again))
    assert (status.success_count, status.failure_count) == (1, 0)
    status = collection.add_objects(envelope(indicator(1, name="Another")))
    assert (status.success_count, status.failure_count) == (0, 1)
    assert "version" in status.failures[0]["message"]
    assert collection.get_objects()["objects"] == [indicator(1)]


@pytest.mark.parametrize("per_request", [0, 1, 3, 7, 50, 1000])
def test_pages_hold_everything_once(node, http, per_request):
    url = node.collection_url(node.collection(f"Pages of {per_request}"))
    with Collection(url, user=USER, password=PASSWORD) as collection:
        sent = [indicator(number) for number in range(50)]
        collection.add_objects(envelope(*sent))
        by_objects = pages(collection.get_objects, per_request)
        by_manifest = pages(collection.get_manifest, per_request)
    assert ids(sum(by_objects, [])) == ids(sent)
    assert ids(sum(by_manifest, [])) == ids(sent)
    assert [len(page) for page in by_objects] == [len(page) for page in by_manifest]
    if per_request:
        assert max(map(len, by_objects)) <= per_request
        assert len(by_objects) == -(-50 // per_request)


def test_pages_keep_their_filters_and_bear_another_limit(collection):
    sent = [made(number) for number in range(20) for made in (indicator, malware)]
    collection.add_objects(envelope(*sent))
    wanted = [one["id"] for one in sent if one["type"] == "malware"]
    assert ids(sum(pages(collection.get_objects, 3, type="malware"), [])) == wanted
    first = collection.get_objects(limit=5, type="malware")
    rest = collection.get_objects(limit=500, type="malware", next=first["next"])
    assert ids(first["objects"] + rest["objects"]) == wanted
    assert "more" not in rest and "next" not in rest
    again = collection.get_objects(limit=500, type="malware", next=first["next"])
    assert again == rest, "a token may be used again"


def test_a_manifest_says_when_and_which(collection):
    collection.add_objects(envelope(indicator(1), indicator(2)))
    records = collection.get_manifest()["objects"]
    assert [record["version"] for record in records] == ["2026-01-01T00:00:00.000Z"] * 2
    dates = [record["date_added"] for record in records]
    assert dates == sorted(set(dates))
    assert {record["media_type"] for record in records} == {"application/stix+json;version=2.1"}


def test_versions(collection):
    stamps = ["2026-01-03T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"]
    collection.add_objects(envelope(*(indicator(1, modified=stamp) for stamp in stamps)))
    one = name("indicator", 1)

    def modified(found):
        return [each["modified"] for each in found["objects"]]

    assert collection.object_versions(one)["versions"] == stamps
    assert modified(collection.get_object(one)) == stamps[:1]
    assert modified(collection.get_objects()) == stamps[:1]
    assert modified(collection.get_object(one, version="all")) == stamps
    assert modified(collection.get_objects(version="first")) == [stamps[1]]
    assert modified(collection.get_objects(version=["first", "last"])) == stamps[:2]
    assert modified(collection.get_objects(version=["all", "last"])) == stamps
    exact = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    assert modified(collection.get_object(one, version=exact)) == stamps[2:]
    assert [record["version"] for record in collection.get_manifest(version="all")["objects"]] == stamps


def test_filters(collection):
    sent = [indicator(1), malware(1), indicator(2), malware(2)]
    collection.add_objects(envelope(*sent))

    def found(**filters):
        return ids(collection.get_objects(**filters).get("objects", []))

    assert found(type="indicator") == ids(sent[::2])
    assert found(type=["indicator", "malware"]) == ids(sent)
    assert found(id=sent[3]["id"]) == [sent[3]["id"]]
    assert found(id=ids(sent[1:3])) == ids(sent[1:3])
    assert found(id=ids(sent), type="malware") == ids(sent[1::2])
    assert found(spec_version="2.1") == ids(sent)
    assert found(spec_version="2.0") == []
    assert found(type="tool") == []


def test_added_after_as_the_client_writes_it(collection):
    for number in range(4):
        collection.add_objects(envelope(indicator(number)))
    records = collection.get_manifest()["objects"]
    for at, record in enumerate(records):
        date = datetime.datetime.strptime(record["date_added"], "%Y-%m-%dT%H:%M:%S.%f%z")
        expected = ids(records[at + 1 :])
        assert ids(collection.get_objects(added_after=date).get("objects", [])) == expected
        assert ids(collection.get_manifest(added_after=record["date_added"]).get("objects", [])) == expected
    whole = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    assert len(collection.get_objects(added_after=whole)["objects"]) == 4, "no fraction, as the client trims it"


def test_delete(collection):
    stamps = [f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3)]
    collection.add_objects(envelope(indicator(9), *(indicator(1, modified=stamp) for stamp in stamps)))
    one = name("indicator", 1)
    collection.delete_object(one, version=stamps[0])
    assert collection.object_versions(one)["versions"] == stamps[1:]
    collection.delete_object(one)
    for ask in (collection.get_object, collection.object_versions, collection.delete_object):
        with refused(404):
            ask(one)
    assert ids(collection.get_objects(version="all")["objects"]) == [name("indicator", 9)]
    last = collection.get_manifest()["objects"][-1]["date_added"]
    collection.add_objects(envelope(indicator(1)))
    assert ids(collection.get_objects(added_after=last)["objects"]) == [one], "a poller sees it again"


def test_delete_names_versions_in_any_spelling(collection, http):
    stamps = [f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3, 4, 5)]
    one = name("indicator", 1)
    collection.add_objects(envelope(*(indicator(1, modified=stamp) for stamp in stamps)))
    left = list(stamps)
    for field in ("match[version]", "match%5Bversion%5D", "match%5bversion]", "%6datch[version%5d"):
        assert http.delete(f"{collection.url}objects/{one}/?{field}=last").status_code == 200
        left.pop()
        assert collection.object_versions(one)["versions"] == left


def test_a_reader_reads_and_does_not_write(node, collection):
    collection.add_objects(envelope(indicator(1)))
    url = collection.url
    with Collection(url, user="reader", password=PASSWORD) as reader:
        assert reader.can_read and not reader.can_write
        assert len(reader.get_objects()["objects"]) == 1
    with requests.Session() as session:
        session.auth = ("reader", PASSWORD)
        media = "application/taxii+json;version=2.1"
        answer = session.post(f"{url}objects/", json=envelope(indicator(2)), headers={"Content-Type": media})
        assert (answer.status_code, answer.json()["http_status"]) == (403, "403")
        assert session.delete(f"{url}objects/{name('indicator', 1)}/").status_code == 403


def test_a_collection_that_is_write_only(node):
    url = node.collection_url(node.collection("Drop box", "--rights", f"{USER}=w", "--rights", "reader=none"))
    with Collection(url, user=USER, password=PASSWORD) as box:
        assert box.can_write and not box.can_read
        assert box.add_objects(envelope(indicator(1))).success_count == 1
    assert requests.get(f"{url}objects/", auth=(USER, PASSWORD)).status_code == 403
    with Collection(url, user="reader", password=PASSWORD) as box, refused(404):
        box.refresh()


def test_a_token_stands_for_its_user(node, collection):
    collection.add_objects(envelope(indicator(1)))
    bearer = {"Authorization": f"Bearer {node.token(USER, 'read')}"}
    found = requests.get(f"{collection.url}objects/", headers=bearer)
    assert found.status_code == 200 and found.json()["objects"] == [indicator(1)]
    assert requests.get(collection.url, headers=bearer).json()["can_write"] is False


def test_wrong_credentials(node, collection_id):
    with Server(f"{node.url}/taxii2/", user=USER, password="not this one") as server, refused(401):
        server.refresh()
    answer = requests.get(f"{node.url}/taxii2/")
    assert answer.status_code == 401
    assert "Basic" in answer.headers["WWW-Authenticate"] and "Bearer" in answer.headers["WWW-Authenticate"]
