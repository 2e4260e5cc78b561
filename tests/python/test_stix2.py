"""The TAXII data store of stix2 3.0.2, unmodified."""

import pytest
import stix2
from stix2 import Filter, TAXIICollectionSink, TAXIICollectionSource, TAXIICollectionStore
from taxii2client.v21 import Collection

from conftest import USER
from node import PASSWORD
from samples import envelope, indicator, malware, name


@pytest.fixture
def store(collection):
    return TAXIICollectionStore(collection, allow_custom=True)


def text(stix):
    return stix.serialize()


def test_sink_takes_whatever_it_is_given(collection):
    sink = TAXIICollectionSink(collection)
    source = TAXIICollectionSource(collection)
    first, second, third, fourth, fifth = (stix2.parse(indicator(number)) for number in range(5))
    sink.add(first)
    sink.add([second, malware(1)])
    sink.add(stix2.Bundle(third, fourth))
    sink.add(text(fifth))
    found = source.query([Filter("type", "=", "indicator")])
    assert [text(one) for one in found] == [text(one) for one in (first, second, third, fourth, fifth)]
    assert source.get(name("malware", 1)).name == "Wiper 1"


def test_source_gets_the_latest_and_all_versions(collection):
    stamps = ["2026-01-02T00:00:00.000Z", "2026-01-01T00:00:00.000Z"]
    collection.add_objects(envelope(*(indicator(1, modified=stamp) for stamp in stamps)))
    source = TAXIICollectionSource(collection)
    one = name("indicator", 1)
    assert source.get(one).modified == stix2.utils.parse_into_datetime(stamps[0])
    assert len(source.all_versions(one)) == 2
    assert source.get(name("indicator", 2)) is None
    assert source.all_versions(name("indicator", 2)) == []


def test_queries(collection):
    collection.add_objects(envelope(*(made(number) for number in range(6) for made in (indicator, malware))))
    source = TAXIICollectionSource(collection)
    assert len(source.query()) == 12
    assert len(source.query([Filter("type", "=", "malware")])) == 6
    assert len(source.query([Filter("type", "!=", "malware")])) == 6
    assert [one.name for one in source.query([Filter("name", "=", "Wiper 3")])] == ["Wiper 3"]
    assert len(source.query([Filter("type", "in", ["malware", "tool"])])) == 6
    both = [Filter("id", "=", name("malware", 2)), Filter("type", "=", "indicator")]
    assert source.query(both) == []
    last = collection.get_manifest()["objects"][-3]["date_added"]
    assert len(source.query([Filter("added_after", "=", last)])) == 2
    small = TAXIICollectionSource(collection, items_per_page=5)
    assert len(small.query()) == 12


def test_store_with_custom_content(store):
    @stix2.CustomObject("x-comity-sensor", [("name", stix2.properties.StringProperty(required=True))])
    class Sensor:
        pass

    sensor = Sensor(name="North gate")
    marked = stix2.parse(indicator(700, x_comity_score=7), allow_custom=True)
    store.add([sensor, marked])
    assert store.get(sensor.id).name == "North gate"
    assert store.get(marked.id).x_comity_score == 7
    assert {one["id"] for one in store.query()} == {sensor.id, marked.id}
    newer = marked.new_version(x_comity_score=8, allow_custom=True)
    store.add(newer)
    assert [one.x_comity_score for one in store.all_versions(marked.id)] == [7, 8]
    assert store.get(marked.id).x_comity_score == 8


def test_observables_and_markings(store):
    address = stix2.IPv4Address(value="198.51.100.7")
    file = stix2.File(name="a.dll", hashes={"SHA-256": "00" * 32})
    seen = stix2.ObservedData(
        first_observed="2026-01-01T00:00:00Z",
        last_observed="2026-01-01T00:00:00Z",
        number_observed=1,
        object_refs=[address.id, file.id],
        object_marking_refs=[stix2.TLP_AMBER.id],
    )
    store.add([address, file, seen])
    for one in (address, file, seen):
        assert text(store.get(one.id)) == text(one)
    store.add(stix2.IPv4Address(value="198.51.100.7"))
    assert len(store.query([Filter("type", "=", "ipv4-addr")])) == 1


def test_a_sink_needs_a_collection_that_can_be_written(node):
    url = node.collection_url(node.collection("For reading", "--rights", f"{USER}=r"))
    with Collection(url, user=USER, password=PASSWORD) as collection:
        with pytest.raises(stix2.datastore.DataSourceError):
            TAXIICollectionSink(collection)
