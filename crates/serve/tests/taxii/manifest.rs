//! The manifest (TAXII 2.1 §5.3).

use serde_json::Value;

use super::harness::{SECOND, World};
use super::sample::{CREATED, TIMES, campaign, id, observable, tool, tool_at, versions};

#[tokio::test]
async fn t094_a_record_for_each_version_with_plain_strings() {
    let world = World::new();
    world.add(&versions(1)).await;
    world.add(&[observable(1)]).await;
    let manifest = world.read("manifest/?match[version]=all").ok().await.json();
    let records = manifest["objects"].as_array().unwrap();
    assert_eq!(records.len(), 4);
    for record in records {
        let mut names: Vec<&String> = record.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["date_added", "id", "media_type", "version"]);
        assert!(record.as_object().unwrap().values().all(Value::is_string));
    }
    assert_eq!(records[2]["id"], id("tool", 1));
    assert_eq!(records[2]["version"], TIMES[2]);
}

#[tokio::test]
async fn t095_the_version_is_modified_else_created_verbatim() {
    let world = World::new();
    let marking = id("marking-definition", 1);
    let created = "2019-05-05T05:05:05.50Z";
    let marking = format!(
        r#"{{"type":"marking-definition","spec_version":"2.1","id":"{marking}","created":"{created}","definition_type":"statement","definition":{{"statement":"for tests"}}}}"#
    );
    let odd = "2021-01-01T00:00:00.1200000Z";
    world.add(&[tool_at(1, odd), marking]).await;
    let records = world.manifest("").await;
    assert_eq!(records[0].version, odd);
    assert_eq!(records[1].version, created);
}

#[tokio::test]
async fn t095_an_observables_version_never_changes() {
    let world = World::new();
    world.add(&[observable(1)]).await;
    let before = world.manifest("").await;
    world.clock.tick(SECOND);
    world.add(&[observable(1)]).await;
    assert_eq!(world.manifest("").await, before);
    let world = world.refold();
    assert_eq!(world.manifest("").await, before);
    // And it can be asked for.
    let query = format!("match[version]={}", before[0].version);
    assert_eq!(world.ids(&query).await, [id("ipv4-addr", 1)]);
}

#[tokio::test]
async fn t096_records_ascend_and_the_dates_are_those_of_the_page() {
    let world = World::new();
    for number in [3, 1, 2] {
        world.add(&[tool(number)]).await;
        world.clock.tick(SECOND);
    }
    let page = world.read("manifest/?limit=2").ok().await;
    assert_eq!(page.member("objects", "id"), [id("tool", 3), id("tool", 1)]);
    let dates = page.member("objects", "date_added");
    assert!(dates[0] < dates[1]);
    assert_eq!(page.dates(), (Some(dates[0].as_str()), Some(dates[1].as_str())));
}

#[tokio::test]
async fn t097_the_filters_select_what_they_select_of_the_objects() {
    let world = World::new();
    for number in 1..4 {
        world.add(&versions(number)).await;
        world.add(&[campaign(number), observable(number)]).await;
    }
    let dates = world.manifest("match[version]=all").await;
    let middle = &dates[7].date_added;
    for query in [
        String::new(),
        "match[type]=campaign,tool".to_owned(),
        format!("match[id]={},{}", id("tool", 2), id("ipv4-addr", 3)),
        "match[version]=all".to_owned(),
        "match[version]=first,2023-03-03T00:00:00Z&match[type]=tool".to_owned(),
        format!("added_after={middle}"),
        format!("added_after={middle}&match[version]=all&limit=3"),
        "match[spec_version]=2.1".to_owned(),
    ] {
        let objects = world.read(&format!("objects/?{query}")).ok().await;
        let manifest = world.read(&format!("manifest/?{query}")).ok().await;
        assert!(!objects.member("objects", "id").is_empty(), "{query}");
        let ids = manifest.member("objects", "id");
        assert_eq!(objects.member("objects", "id"), ids, "{query}");
        assert_eq!(objects.dates(), manifest.dates(), "{query}");
        assert_eq!(objects.next(), manifest.next(), "{query}");
        let texts = objects.json();
        for (object, version) in
            texts["objects"].as_array().unwrap().iter().zip(manifest.member("objects", "version"))
        {
            let stated = object["modified"].as_str();
            assert_eq!(stated.unwrap_or(&version), version, "{query}");
        }
    }
}

#[tokio::test]
async fn t098_pages_of_the_manifest_have_next() {
    let world = World::new();
    let objects: Vec<String> = (0..5).map(tool).collect();
    world.add(&objects).await;
    let (mut ids, mut query) = (Vec::new(), String::new());
    for expected in [2, 2, 1] {
        let page = world.read(&format!("manifest/?limit=2{query}")).ok().await;
        assert_eq!(page.member("objects", "id").len(), expected);
        ids.extend(page.member("objects", "id"));
        query = page.next().map_or(String::new(), |next| format!("&next={next}"));
        assert_eq!(query.is_empty(), expected == 1);
    }
    assert_eq!(ids, (0..5).map(|number| id("tool", number)).collect::<Vec<_>>());
    // The token of a page of objects is as good here.
    let next = world.read("objects/?limit=4").ok().await.next().unwrap();
    let page = world.read(&format!("manifest/?next={next}")).ok().await;
    assert_eq!(page.member("objects", "id"), [id("tool", 4)]);
}

#[tokio::test]
async fn t099_none_is_200_and_an_empty_object() {
    let world = World::new();
    let reply = world.read("manifest/").ok().await;
    assert_eq!(reply.text(), "{}");
    assert_eq!(reply.dates(), (None, None));
}

#[tokio::test]
async fn t100_the_media_type_is_one_of_the_collections() {
    let world = World::new();
    world.add(&[tool_at(1, CREATED), observable(1)]).await;
    let shown = world.get(&world.path("")).ok().await.json();
    let types = shown["media_types"].as_array().unwrap();
    for media_type in world.read("manifest/").ok().await.member("objects", "media_type") {
        assert!(types.contains(&Value::from(media_type)));
    }
}
