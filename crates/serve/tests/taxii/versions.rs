//! The versions of one object (TAXII 2.1 §5.8).

use serde_json::json;

use super::harness::{SECOND, World};
use super::sample::{CREATED, TIMES, id, observable, tool, versions};

fn of(number: u32) -> String {
    format!("objects/{}/versions/", id("tool", number))
}

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
async fn t113_every_version_once_as_it_was_written() {
    let world = three().await;
    world.add(&versions(1)).await;
    let reply = world.read(&of(1)).ok().await;
    assert_eq!(reply.json(), json!({ "versions": TIMES }));
    assert_eq!(world.read(&of(2)).ok().await.json(), json!({ "versions": [CREATED] }));
}

#[tokio::test]
async fn t113_filters_of_stix_versions_apply() {
    let world = three().await;
    let reply = world.read(&format!("{}?match[spec_version]=2.1", of(1))).ok().await;
    assert_eq!(reply.json()["versions"], json!(TIMES));
    let reply = world.read(&format!("{}?match[spec_version]=2.0", of(1))).ok().await;
    assert_eq!(reply.text(), "{}");
}

#[tokio::test]
async fn t114_versions_carry_the_dates_of_their_page() {
    let world = three().await;
    let dates = world.manifest("match[version]=all").await;
    let reply = world.read(&of(1)).ok().await;
    let ends = (Some(dates[0].date_added.as_str()), Some(dates[2].date_added.as_str()));
    assert_eq!(reply.dates(), ends);
    let page = world.read(&format!("{}?limit=1", of(1))).ok().await;
    assert_eq!(page.dates(), (ends.0, ends.0));
}

#[tokio::test]
async fn t115_an_unknown_object_is_404() {
    let world = three().await;
    world.read(&of(9)).refused(404).await;
    world.read("objects/x/versions/").refused(404).await;
    let other = format!("objects/{}/versions/", id("campaign", 1));
    world.read(&other).refused(404).await;
}

#[tokio::test]
async fn t116_versions_come_in_pages_with_more_and_next() {
    let world = three().await;
    let (mut seen, mut query) = (Vec::new(), String::new());
    for expected in [2, 1] {
        let page = world.read(&format!("{}?limit=2{query}", of(1))).ok().await.json();
        let versions = page["versions"].as_array().unwrap().clone();
        assert_eq!(versions.len(), expected);
        assert_eq!(page.get("more"), (expected == 2).then_some(&json!(true)));
        assert_eq!(page.get("next").is_some(), expected == 2);
        query = page["next"].as_str().map_or(String::new(), |next| format!("&next={next}"));
        seen.extend(versions);
    }
    assert_eq!(json!(seen), json!(TIMES));
}

#[tokio::test]
async fn t117_an_object_without_modified_has_created_and_else_a_steady_value() {
    let world = World::new();
    let marking = id("marking-definition", 1);
    let text = format!(
        r#"{{"type":"marking-definition","spec_version":"2.1","id":"{marking}","created":"{CREATED}","definition_type":"statement","definition":{{"statement":"for tests"}}}}"#
    );
    world.add(&[text, observable(1)]).await;
    let part = format!("objects/{marking}/versions/");
    assert_eq!(world.read(&part).ok().await.json()["versions"], json!([CREATED]));
    let part = format!("objects/{}/versions/", id("ipv4-addr", 1));
    let first = world.read(&part).ok().await.json();
    assert_eq!(first["versions"].as_array().unwrap().len(), 1);
    world.clock.tick(SECOND);
    world.add(&[observable(1)]).await;
    let world = world.refold();
    assert_eq!(world.read(&part).ok().await.json(), first);
    let manifest = world.manifest(&format!("match[id]={}", id("ipv4-addr", 1))).await;
    assert_eq!(first["versions"][0], manifest[0].version);
}
