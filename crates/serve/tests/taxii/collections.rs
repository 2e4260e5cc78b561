//! Collections (TAXII 2.1 §5.1, §5.2).

use comity_node::collection;
use comity_view::Right;
use serde_json::{Value, json};

use super::ask::TAXII;
use super::harness::{
    ANALYST, COLLEAGUE, OPERATOR, READER, RELEASER, REVIEWER, World, envelope, path,
};
use super::sample::{id, observable, tool};

const COLLECTIONS: &str = "/taxii2/comity/collections/";

async fn listed(world: &World, user: &str) -> Vec<Value> {
    let reply = world.get(COLLECTIONS).by(user).ok().await;
    let list = reply.json()["collections"].as_array().cloned();
    list.unwrap_or_default()
}

#[tokio::test]
async fn t037_collections_are_a_list_and_none_is_an_empty_object() {
    let world = World::new();
    assert_eq!(listed(&world, ANALYST).await.len(), 1);
    let reply = world.get(COLLECTIONS).by(OPERATOR).ok().await;
    assert_eq!(reply.text(), "{}");
}

#[tokio::test]
async fn t038_a_collection_has_its_members() {
    let world = World::new();
    let new = collection::New {
        title: "Second, with \"quotes\" and ümlauts".to_owned(),
        description: Some("What it holds".to_owned()),
        alias: Some("second".to_owned()),
        ..collection::New::default()
    };
    let made = world.node.collection_add(&new).unwrap();
    let shown = world.get(&path(&made, "")).ok().await.json();
    let expected = json!({
        "id": made.id,
        "title": "Second, with \"quotes\" and ümlauts",
        "description": "What it holds",
        "alias": "second",
        "can_read": true,
        "can_write": true,
        "media_types": ["application/stix+json;version=2.1"],
    });
    assert_eq!(shown, expected);
    let plain = world.get(&world.path("")).ok().await.json();
    assert!(plain.get("description").is_none() && plain.get("alias").is_none());
}

#[tokio::test]
async fn t039_ids_and_aliases_are_unique_and_an_alias_stands_for_the_id() {
    let world = World::new();
    let new = collection::New {
        title: "Second".to_owned(),
        alias: Some("second".to_owned()),
        ..collection::New::default()
    };
    let made = world.node.collection_add(&new).unwrap();
    assert!(world.node.collection_add(&new).is_err(), "the alias is taken");
    let by_id = collection::New {
        title: "Third".to_owned(),
        id: comity_wire::id::Uuid::parse(&made.id),
        ..collection::New::default()
    };
    assert!(by_id.id.is_some());
    assert!(world.node.collection_add(&by_id).is_err(), "the id is taken");
    world.add_to(&made, &[tool(1)]).await;
    let by_alias = world.get("/taxii2/comity/collections/second/objects/").ok().await;
    assert_eq!(by_alias.raw_objects(), [tool(1)]);
    let capitals = path(&made, "objects/").replace(&made.id, &made.id.to_uppercase());
    assert_eq!(world.get(&capitals).ok().await.raw_objects(), [tool(1)]);
}

#[tokio::test]
async fn t040_the_order_is_the_same_from_request_to_request() {
    let world = World::new();
    for number in 0..20 {
        world.collection(&format!("Number {number}"), &[]);
    }
    let first = listed(&world, ANALYST).await;
    assert_eq!(first.len(), 21);
    world.add(&[tool(1)]).await;
    assert_eq!(listed(&world, ANALYST).await, first);
    let world = world.restart();
    assert_eq!(listed(&world, ANALYST).await, first);
}

#[tokio::test]
async fn t041_collections_are_sorted_by_id() {
    let world = World::new();
    for number in 0..20 {
        world.collection(&format!("Number {number}"), &[]);
    }
    let listed = listed(&world, ANALYST).await;
    let ids: Vec<&str> = listed.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let titles: Vec<&str> = listed.iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert!(!titles.is_sorted(), "the order of making would do as well: {titles:?}");
}

#[tokio::test]
async fn t042_media_types_cover_what_is_held() {
    let world = World::new();
    world.add(&[tool(1), observable(1)]).await;
    let shown = world.get(&world.path("")).ok().await.json();
    let types = shown["media_types"].as_array().unwrap();
    let manifest = world.read("manifest/").ok().await.member("objects", "media_type");
    assert_eq!(manifest.len(), 2);
    for media_type in manifest {
        assert!(types.contains(&Value::from(media_type)));
    }
}

#[tokio::test]
async fn t043_one_collection_is_shown_as_in_the_list() {
    let world = World::new();
    let made = world.collection("Limited", &[(ANALYST, "r"), (COLLEAGUE, "w")]);
    for user in [ANALYST, COLLEAGUE, READER, RELEASER, REVIEWER] {
        let listed = listed(&world, user).await;
        assert_eq!(listed.len(), 2, "{user}");
        for entry in listed {
            let path = format!("{COLLECTIONS}{}/", entry["id"].as_str().unwrap());
            assert_eq!(world.get(&path).by(user).ok().await.json(), entry, "{user}");
        }
    }
    assert_eq!(made.title, "Limited");
}

#[tokio::test]
async fn t044_an_unknown_or_hidden_collection_is_404_with_everything_under_it() {
    let world = World::new();
    let hidden = world.collection("Hidden", &[(ANALYST, "none")]);
    world.collection("Seen", &[]);
    let object = format!("objects/{}/", id("tool", 1));
    let posted = world.post(envelope(&[tool(1)])).by(COLLEAGUE);
    let posted = posted.to(&path(&hidden, "objects/")).send().await;
    assert_eq!(posted.status, 202);
    let nowhere = format!("{COLLECTIONS}00000000-0000-4000-8000-000000000000/");
    for base in [path(&hidden, ""), nowhere, format!("{COLLECTIONS}nowhere/")] {
        for (method, rest) in [
            ("GET", ""),
            ("GET", "manifest/"),
            ("GET", "objects/"),
            ("POST", "objects/"),
            ("GET", object.as_str()),
            ("DELETE", object.as_str()),
            ("GET", &format!("{object}versions/")),
        ] {
            let ask = world.ask(method, &format!("{base}{rest}"));
            ask.header("content-type", TAXII).refused(404).await;
        }
    }
    let listed = listed(&world, ANALYST).await;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|one| one["title"] != "Hidden"));
    let theirs = world.get(&path(&hidden, "objects/")).by(COLLEAGUE).ok().await;
    assert_eq!(theirs.raw_objects(), [tool(1)]);
}

#[tokio::test]
async fn t045_can_read_and_can_write_are_those_of_the_client() {
    let world = World::new();
    let limits = [(ANALYST, "r"), (COLLEAGUE, "w"), (RELEASER, "rw")];
    let made = world.collection("Limited", &limits);
    let expected = [
        (ANALYST, true, false),
        (COLLEAGUE, false, true),
        (RELEASER, true, true),
        // What the role does not give, no collection gives.
        (READER, true, false),
        (REVIEWER, true, false),
    ];
    for (user, read, write) in expected {
        let shown = world.get(&path(&made, "")).by(user).ok().await.json();
        assert_eq!(shown["can_read"], read, "{user}");
        assert_eq!(shown["can_write"], write, "{user}");
        let got = world.get(&path(&made, "objects/")).by(user).send().await;
        assert_eq!(got.status.is_success(), read, "{user}");
        let body = envelope(&[tool(1)]);
        let posted = world.post(body).to(&path(&made, "objects/")).by(user);
        assert_eq!(posted.send().await.status.is_success(), write, "{user}");
    }
}

#[tokio::test]
async fn t045_a_token_with_fewer_rights_shows_fewer() {
    let world = World::new();
    let token = world.token(ANALYST, &[Right::Read]);
    let shown = world.get(&world.path("")).bearer(&token).ok().await.json();
    assert_eq!(shown["can_read"], true);
    assert_eq!(shown["can_write"], false);
    let none = world.token(ANALYST, &[Right::Adopt]);
    world.get(&world.path("")).bearer(&none).refused(404).await;
}
