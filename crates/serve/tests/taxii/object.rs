//! One object (TAXII 2.1 §5.6).

use super::harness::{ANALYST, COLLEAGUE, SECOND, World, path};
use super::sample::{TIMES, id, observable, tool, tool_at, versions};

fn one(number: u32) -> String {
    format!("objects/{}/", id("tool", number))
}

/// Three versions of tool 1, a second apart, and tool 2.
async fn three() -> World {
    let world = World::new();
    for version in versions(1) {
        world.add(&[version]).await;
        world.clock.tick(SECOND);
    }
    world.add(&[tool(2)]).await;
    world
}

#[tokio::test]
async fn t101_an_object_by_its_id_is_a_search_for_it() {
    let world = three().await;
    let by_path = world.read(&one(1)).ok().await;
    let by_filter = world.read(&format!("objects/?match[id]={}", id("tool", 1))).ok().await;
    assert_eq!(by_path.text(), by_filter.text());
    assert_eq!(by_path.dates(), by_filter.dates());
    assert_eq!(by_path.raw_objects(), [tool_at(1, TIMES[2])]);
    let encoded = one(1).replace("--", "%2D%2d").replace("tool", "%74ool");
    assert_eq!(world.read(&encoded).ok().await.text(), by_path.text());
    world.add(&[observable(1)]).await;
    let observed = world.read(&format!("objects/{}/", id("ipv4-addr", 1))).ok().await;
    assert_eq!(observed.raw_objects(), [observable(1)]);
}

#[tokio::test]
async fn t102_an_unknown_or_hidden_object_is_404() {
    let world = three().await;
    let hidden = world.collection("Hidden", &[(ANALYST, "none")]);
    let ask = world.post(super::harness::envelope(&[tool(9)])).by(COLLEAGUE);
    assert_eq!(ask.to(&path(&hidden, "objects/")).send().await.status, 202);
    // Held by this node, and not by this collection.
    world.read(&one(9)).refused(404).await;
    world.read(&one(77)).refused(404).await;
    for id in ["tool", "tool--1", "x", "%00", "..", "tool--00000001-0000-4000-8000-00000000000g"] {
        world.read(&format!("objects/{id}/")).refused(404).await;
    }
    // The type is a part of the name.
    let other = id("campaign", 1);
    world.read(&format!("objects/{other}/")).refused(404).await;
}

#[tokio::test]
async fn t103_filters_apply_and_the_default_is_the_latest() {
    let world = three().await;
    let dates = world.manifest("match[version]=all").await;
    let [old, middle, new] = TIMES;
    for (query, expected) in [
        (String::new(), vec![new]),
        ("match[version]=first".to_owned(), vec![old]),
        ("match[version]=all".to_owned(), vec![old, middle, new]),
        (format!("match[version]={middle}"), vec![middle]),
        ("match[version]=first,last".to_owned(), vec![old, new]),
        ("match[spec_version]=2.1".to_owned(), vec![new]),
        ("match[spec_version]=2.0".to_owned(), vec![]),
        (format!("match[version]=all&added_after={}", dates[0].date_added), vec![middle, new]),
        ("match[version]=all&limit=1".to_owned(), vec![old]),
        // The object is there; it is only that no version of it fits.
        ("match[version]=1999-01-01T00:00:00Z".to_owned(), vec![]),
    ] {
        let reply = world.read(&format!("{}?{query}", one(1))).ok().await;
        assert_eq!(reply.member("objects", "modified"), expected, "{query}");
    }
    for query in ["match[type]=tool", "match[id]=x", "match[x]=y", "limit=0"] {
        world.read(&format!("{}?{query}", one(1))).refused(400).await;
    }
}

#[tokio::test]
async fn t104_an_object_carries_the_dates_of_its_versions() {
    let world = three().await;
    let dates = world.manifest("match[version]=all").await;
    let reply = world.read(&format!("{}?match[version]=first,last", one(1))).ok().await;
    let ends = (Some(dates[0].date_added.as_str()), Some(dates[2].date_added.as_str()));
    assert_eq!(reply.dates(), ends);
}

#[tokio::test]
async fn t105_versions_of_an_object_come_in_pages() {
    let world = three().await;
    let (mut seen, mut query) = (Vec::new(), String::new());
    for round in 0..3 {
        let part = format!("{}?match[version]=all&limit=1{query}", one(1));
        let page = world.read(&part).ok().await;
        seen.extend(page.member("objects", "modified"));
        assert_eq!(page.json().get("more").is_some(), round < 2);
        query = page.next().map_or(String::new(), |next| format!("&next={next}"));
        assert_eq!(query.is_empty(), round == 2);
    }
    assert_eq!(seen, TIMES);
}
