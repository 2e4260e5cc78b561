//! Faults that were met in other servers, each by what it was.

use std::sync::Arc;

use comity_node::Credentials;
use tokio::task::JoinSet;

use super::ask::{TAXII, basic};
use super::harness::{ANALYST, PASSWORD, World, envelope};
use super::sample::{CREATED, id, observable, tool, tool_at, versions};

#[tokio::test]
async fn polling_by_date_sees_all_objects_of_one_envelope() {
    let world = World::new();
    let objects: Vec<String> = (0..30).map(tool).collect();
    world.add(&objects).await;
    let dates: std::collections::BTreeSet<String> =
        world.manifest("").await.into_iter().map(|record| record.date_added).collect();
    assert_eq!(dates.len(), 30, "objects of one envelope share a date");
}

#[tokio::test]
async fn a_page_can_be_asked_for_again() {
    let world = World::new();
    let objects: Vec<String> = (0..6).map(tool).collect();
    world.add(&objects).await;
    let next = world.read("objects/?limit=2").ok().await.next().unwrap();
    let part = format!("objects/?limit=2&next={next}");
    let once = world.read(&part).ok().await;
    let again = world.read(&part).ok().await;
    assert_eq!(once.body, again.body);
    assert_eq!(once.raw_objects(), objects[2..4]);
}

#[tokio::test]
async fn next_without_a_limit_is_a_page_of_the_usual_size() {
    let world = World::new();
    let objects: Vec<String> = (0..1200).map(tool).collect();
    world.add(&objects).await;
    let next = world.read("manifest/?limit=1").ok().await.next().unwrap();
    let page = world.read(&format!("manifest/?next={next}")).ok().await;
    assert_eq!(page.member("objects", "id").len(), 1000);
    assert!(page.next().is_some());
}

#[tokio::test]
async fn a_walk_over_the_manifest_comes_to_its_end() {
    let world = World::new();
    let objects: Vec<String> = (0..5).map(tool).collect();
    world.add(&objects).await;
    let (mut query, mut walked) = (String::new(), 0);
    for _ in 0..10 {
        let page = world.read(&format!("manifest/?limit=1{query}")).ok().await;
        walked += page.member("objects", "id").len();
        if page.json()["more"] != true {
            break;
        }
        // As a client does that drops an empty parameter: then it would start anew.
        query = format!("&next={}", page.next().unwrap());
    }
    assert_eq!(walked, 5);
}

#[tokio::test]
async fn without_a_limit_a_page_has_an_end() {
    let world = World::new();
    let objects: Vec<String> = (0..1001).map(tool).collect();
    world.add(&objects).await;
    let page = world.read("objects/").ok().await;
    assert_eq!(page.raw_objects().len(), 1000);
    assert_eq!(page.json()["more"], true);
}

#[tokio::test]
async fn a_limit_of_nonsense_is_never_a_fault_of_the_server() {
    let world = World::new();
    for (limit, status) in [("0", 400), ("-1", 400), ("100000000000000000000", 200), ("abc", 400)] {
        let reply = world.read(&format!("objects/?limit={limit}")).send().await;
        assert_eq!(reply.status, status, "{limit}");
    }
}

#[tokio::test]
async fn accept_without_a_version_with_weights_and_with_a_star() {
    let world = World::new();
    for accept in [
        "application/taxii+json",
        "application/taxii+json;version=2.1;q=0.9, application/json;q=0.5",
        "*/*",
        "application/json, text/plain, */*",
    ] {
        let reply = world.get("/taxii2/").header("accept", accept).ok().await;
        // Clients look for every token of the media type in the answer.
        assert_eq!(reply.header("content-type"), Some(TAXII));
    }
}

#[tokio::test]
async fn content_type_with_a_space_and_without_a_version() {
    let world = World::new();
    for (number, content_type) in
        ["application/taxii+json; version=2.1", "application/taxii+json"].iter().enumerate()
    {
        let body = envelope(&[tool(u32::try_from(number).unwrap())]);
        let ask = world.post(body).header("content-type", content_type);
        assert_eq!(ask.send().await.status, 202, "{content_type}");
    }
}

#[tokio::test]
async fn faults_are_taxii_errors_and_not_html() {
    let world = World::new();
    world.get("/taxii2/").without("authorization").refused(401).await;
    world.post("{\"objects\": [").refused(422).await;
    world.get("/taxii2/comity/collections/not-a-uuid/objects/").refused(404).await;
    world.get("/taxii2/comity/collections/%00/objects/").refused(404).await;
    world.read("objects/%00/").refused(404).await;
    world.read("objects/?match[version]=%00").refused(400).await;
    world.read("objects/?match[id]=%00").refused(400).await;
    world.read("objects/?added_after=%00").refused(400).await;
}

#[tokio::test]
async fn added_after_without_a_fraction_and_with_nanoseconds() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    for time in ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123456789Z"] {
        assert_eq!(world.ids(&format!("added_after={time}")).await.len(), 1, "{time}");
    }
    world.read("objects/?added_after=bogus").refused(400).await;
}

#[tokio::test]
async fn versions_are_ordered_by_instant_and_keep_their_spelling() {
    let world = World::new();
    // By text the first would come last: "000Z" is behind "000001Z".
    let (sooner, later) = ("2021-01-01T00:00:00.000Z", "2021-01-01T00:00:00.000001Z");
    for order in [[sooner, later], [later, sooner]] {
        let number = if order[0] == sooner { 1 } else { 2 };
        world.add(&order.map(|time| tool_at(number, time))).await;
        let part = format!("objects/{}/", id("tool", number));
        let last = world.read(&part).ok().await.member("objects", "modified");
        assert_eq!(last, [later]);
        let first = world.read(&format!("{part}?match[version]=first")).ok().await;
        assert_eq!(first.member("objects", "modified"), [sooner]);
    }
    let equal = "match[version]=2021-01-01T00:00:00Z";
    assert_eq!(world.ids(equal).await, [id("tool", 1), id("tool", 2)]);
}

#[tokio::test]
async fn an_observable_needs_no_spec_version_and_no_times() {
    let world = World::new();
    let status = world.add(&[observable(1)]).await;
    assert_eq!(status["success_count"], 1);
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [observable(1)]);
}

#[tokio::test]
async fn one_bad_object_does_not_hide_what_became_of_the_others() {
    let world = World::new();
    let body = envelope(&[tool(1), "{}".to_owned(), tool(2)]);
    let status = world.post(body).send().await.json();
    assert_eq!((&status["success_count"], &status["failure_count"]), (&2.into(), &1.into()));
    assert_eq!(world.ids("").await, [id("tool", 1), id("tool", 2)]);
}

#[tokio::test]
async fn the_same_object_again_is_a_success_and_objects_must_be_a_list() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    world.add(&[tool(1)]).await;
    world.post(r#"{"objects":{}}"#).refused(422).await;
    assert_eq!(world.ids("match[version]=all").await.len(), 1);
}

#[tokio::test]
async fn delete_takes_all_versions_and_the_unknown_is_404() {
    let world = World::new();
    world.add(&versions(1)).await;
    let object = world.path(&format!("objects/{}/", id("tool", 1)));
    world.ask("DELETE", &object).ok().await;
    world.get(&object).refused(404).await;
    world.ask("DELETE", &object).refused(404).await;
}

#[tokio::test]
async fn key_order_and_times_of_stored_objects_are_the_producers() {
    let world = World::new();
    let id = id("tool", 1);
    let object = format!(
        r#"{{"name":"a","modified":"{CREATED}","type":"tool","created":"{CREATED}","spec_version":"2.1","id":"{id}"}}"#
    );
    world.add(std::slice::from_ref(&object)).await;
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [object]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_are_never_told_that_the_store_is_locked() {
    let world = Arc::new(World::new());
    let mut posting = JoinSet::new();
    for writer in 0..8 {
        let world = world.clone();
        posting.spawn(async move {
            for number in 0..5 {
                // Each expects 202 and 200.
                world.add(&[tool(writer * 100 + number)]).await;
                world.read("objects/").ok().await;
            }
        });
    }
    while let Some(done) = posting.join_next().await {
        done.unwrap();
    }
    assert_eq!(world.ids("").await.len(), 40);
}

#[tokio::test]
async fn a_password_is_hashed_once_and_not_with_every_request() {
    let world = World::new();
    let credentials =
        Credentials::Password { name: ANALYST.to_owned(), password: PASSWORD.to_owned() };
    assert!(world.node.remembered(&credentials, world.clock.now()).is_none());
    let sent = basic(ANALYST, PASSWORD);
    world.get("/taxii2/").header("authorization", &sent).ok().await;
    assert!(world.node.remembered(&credentials, world.clock.now()).is_some());
    // A wrong one is not remembered, and leaves the right one be.
    let wrong = basic(ANALYST, "wrong horse battery staple");
    world.get("/taxii2/").header("authorization", &wrong).refused(401).await;
    world.get("/taxii2/").header("authorization", &sent).ok().await;
}

#[tokio::test]
async fn no_redirect_and_no_404_for_a_missing_slash() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let part = format!("objects/{}/versions", id("tool", 1));
    for part in ["objects", "manifest", &part] {
        world.read(part).ok().await;
    }
}
