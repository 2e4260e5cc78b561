//! Deleting (TAXII 2.1 §5.7).

use comity_node::collection::Collection;
use comity_view::Right;

use super::ask::Ask;
use super::harness::{ANALYST, COLLEAGUE, READER, RELEASER, SECOND, World, path};
use super::sample::{TIMES, id, observable, tool, tool_at, versions};

fn one(number: u32) -> String {
    format!("objects/{}/", id("tool", number))
}

fn delete<'w>(world: &'w World, collection: &Collection, rest: &str) -> Ask<'w> {
    world.ask("DELETE", &path(collection, rest))
}

/// Three versions of tool 1 and one of tool 2.
async fn three() -> World {
    let world = World::new();
    world.add(&versions(1)).await;
    world.add(&[tool(2)]).await;
    world
}

async fn held(world: &World) -> Vec<String> {
    let records = world.manifest(&format!("match[version]=all&match[id]={}", id("tool", 1))).await;
    records.into_iter().map(|record| record.version).collect()
}

#[tokio::test]
async fn t106_after_a_delete_the_object_is_404() {
    let world = three().await;
    world.read(&one(1)).ok().await;
    let reply = delete(&world, &world.collection, &one(1)).send().await;
    assert_eq!(reply.status, 200);
    world.read(&one(1)).refused(404).await;
    let world = world.restart();
    world.read(&one(1)).refused(404).await;
}

#[tokio::test]
async fn t107_it_is_gone_from_objects_manifest_and_versions() {
    let world = three().await;
    world.add(&[observable(1)]).await;
    let observed = format!("objects/{}/", id("ipv4-addr", 1));
    for gone in [one(1), observed.clone()] {
        delete(&world, &world.collection, &gone).ok().await;
        world.read(&format!("{gone}versions/")).refused(404).await;
    }
    assert_eq!(world.ids("match[version]=all").await, [id("tool", 2)]);
    assert_eq!(world.manifest("match[version]=all").await.len(), 1);
    let query = format!("match[id]={}", id("tool", 1));
    assert!(world.ids(&query).await.is_empty());
}

#[tokio::test]
async fn t108_a_version_narrows_the_delete() {
    let [old, middle, new] = TIMES;
    for (query, left) in [
        ("match[version]=first".to_owned(), vec![middle, new]),
        ("match[version]=last".to_owned(), vec![old, middle]),
        (format!("match[version]={middle}"), vec![old, new]),
        (format!("match[version]=first,{middle}"), vec![new]),
        ("match%5Bversion%5D=last".to_owned(), vec![old, middle]),
        ("match[version%5D=last".to_owned(), vec![old, middle]),
        ("m%61tch[version]=last".to_owned(), vec![old, middle]),
        ("match[spec_version]=2.1&match[version]=last".to_owned(), vec![old, middle]),
    ] {
        let world = three().await;
        delete(&world, &world.collection, &format!("{}?{query}", one(1))).ok().await;
        assert_eq!(held(&world).await, left, "{query}");
        // What is left is first and last now.
        let first = world.read(&format!("{}?match[version]=first", one(1))).ok().await;
        assert_eq!(first.member("objects", "modified"), [left[0]], "{query}");
        let last = world.read(&one(1)).ok().await;
        assert_eq!(last.member("objects", "modified"), left[left.len() - 1..], "{query}");
    }
}

#[tokio::test]
async fn t108_a_version_that_is_not_there_or_of_another_stix_removes_nothing() {
    let world = three().await;
    for query in [
        "match[version]=1999-01-01T00:00:00Z",
        "match[spec_version]=2.0",
        "match[spec_version]=2.0&match[version]=all",
    ] {
        let rest = format!("{}?{query}", one(1));
        delete(&world, &world.collection, &rest).refused(404).await;
    }
    for query in ["match[version]=x", "match[type]=tool", "match[colour]=red"] {
        let rest = format!("{}?{query}", one(1));
        delete(&world, &world.collection, &rest).refused(400).await;
    }
    assert_eq!(held(&world).await, TIMES);
}

#[tokio::test]
async fn t109_an_unknown_object_is_404() {
    let world = three().await;
    for rest in [one(9), "objects/x/".to_owned(), format!("objects/{}/", id("campaign", 1))] {
        delete(&world, &world.collection, &rest).refused(404).await;
    }
    delete(&world, &world.collection, &one(2)).ok().await;
    delete(&world, &world.collection, &one(2)).refused(404).await;
}

#[tokio::test]
async fn t110_without_a_filter_all_versions_go() {
    let world = three().await;
    delete(&world, &world.collection, &one(1)).ok().await;
    assert!(held(&world).await.is_empty());
    assert_eq!(world.ids("match[version]=all").await, [id("tool", 2)]);
}

#[tokio::test]
async fn t110_parameters_that_select_no_version_do_not_narrow() {
    let world = three().await;
    delete(&world, &world.collection, &format!("{}?pretty=true", one(1))).ok().await;
    assert!(held(&world).await.is_empty());
}

#[tokio::test]
async fn t111_it_takes_the_rights_to_read_and_to_write() {
    let world = World::new();
    let limits = [(ANALYST, "r"), (COLLEAGUE, "w"), (READER, "none")];
    let limited = world.collection("Limited", &limits);
    let posted = world.post(super::harness::envelope(&[tool(1)])).by(RELEASER);
    assert_eq!(posted.to(&path(&limited, "objects/")).send().await.status, 202);
    for (user, status) in [(ANALYST, 403), (COLLEAGUE, 403), (READER, 404)] {
        delete(&world, &limited, &one(1)).by(user).refused(status).await;
    }
    delete(&world, &world.collection, &one(1)).by(READER).refused(403).await;
    let reading = world.token(ANALYST, &[Right::Read]);
    let ask = delete(&world, &world.collection, &one(1));
    ask.bearer(&reading).refused(403).await;
    let there = world.get(&path(&limited, "objects/")).by(RELEASER).ok().await;
    assert_eq!(there.raw_objects(), [tool(1)]);
    delete(&world, &limited, &one(1)).by(RELEASER).ok().await;
}

#[tokio::test]
async fn t112_what_is_added_again_has_a_new_date() {
    let world = World::new();
    world.add(&[tool(1), tool(2), observable(1)]).await;
    let before = world.manifest("").await;
    let last = before.last().unwrap().date_added.clone();
    for gone in [one(1), format!("objects/{}/", id("ipv4-addr", 1))] {
        delete(&world, &world.collection, &gone).ok().await;
    }
    // Even in the same instant a poller, who was there already, must see it.
    world.add(&[tool(1), observable(1)]).await;
    let query = format!("added_after={last}");
    assert_eq!(world.ids(&query).await, [id("tool", 1), id("ipv4-addr", 1)]);
    world.clock.tick(SECOND);
    assert_eq!(world.read(&one(1)).ok().await.raw_objects(), [tool(1)]);
    // Other content under the version is no conflict with what is gone.
    delete(&world, &world.collection, &one(2)).ok().await;
    let altered = tool(2).replace("tool 2", "altered");
    world.add(std::slice::from_ref(&altered)).await;
    assert_eq!(world.read(&one(2)).ok().await.raw_objects(), [altered]);
}

#[tokio::test]
async fn another_collection_keeps_what_it_holds() {
    let world = World::new();
    let second = world.collection("Second", &[]);
    let object = tool_at(1, TIMES[0]);
    world.add(std::slice::from_ref(&object)).await;
    world.add_to(&second, std::slice::from_ref(&object)).await;
    delete(&world, &world.collection, &one(1)).ok().await;
    assert!(world.ids("").await.is_empty());
    let there = world.get(&path(&second, &one(1))).ok().await;
    assert_eq!(there.raw_objects(), [object]);
}
