//! Server information (TAXII 2.1 §4.1, §4.2).

use serde_json::{Value, json};

use super::harness::{ANALYST, OPERATOR, READER, World};

async fn discovery(world: &World) -> Value {
    world.get("/taxii2/").ok().await.json()
}

async fn root(world: &World) -> Value {
    world.get("/taxii2/comity/").ok().await.json()
}

#[tokio::test]
async fn t021_discovery_has_a_title_and_texts() {
    let world = World::new();
    let discovery = discovery(&world).await;
    assert_eq!(discovery["title"], world.node.config().title);
    for name in ["title", "description", "default"] {
        let text = discovery[name].as_str().unwrap();
        assert!(!text.is_empty(), "{name}");
    }
    assert!(discovery.get("contact").is_none_or(Value::is_string));
}

#[tokio::test]
async fn t022_api_roots_are_paths_without_a_query() {
    let world = World::new();
    let discovery = discovery(&world).await;
    assert_eq!(discovery["api_roots"], json!(["/taxii2/comity/"]));
    // Each of them answers, for every kind of user.
    for user in [ANALYST, READER, OPERATOR] {
        for path in discovery["api_roots"].as_array().unwrap() {
            let path = path.as_str().unwrap();
            assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('?'));
            world.get(path).by(user).ok().await;
        }
    }
}

#[tokio::test]
async fn t023_the_default_is_one_of_the_roots() {
    let world = World::new();
    let discovery = discovery(&world).await;
    let roots = discovery["api_roots"].as_array().unwrap();
    assert!(discovery["default"].is_string() && roots.contains(&discovery["default"]));
}

#[tokio::test]
async fn t024_discovery_answers_at_taxii2_of_the_host() {
    let world = World::new();
    let reply = world.get("/taxii2/").ok().await;
    assert!(reply.json()["api_roots"].is_array());
    world.get("/taxii/").refused(404).await;
    world.get("/").refused(404).await;
}

#[tokio::test]
async fn t025_a_root_answers_without_discovery_before_it() {
    let world = World::new();
    // The first request that this node ever gets.
    let root = root(&world).await;
    assert!(root["versions"].is_array());
}

#[tokio::test]
async fn t026_a_root_has_a_title() {
    let world = World::new();
    let root = root(&world).await;
    assert_eq!(root["title"], world.node.config().title);
    assert!(!root["title"].as_str().unwrap().is_empty());
    assert!(root["description"].is_string());
}

#[tokio::test]
async fn t027_versions_are_media_types_with_their_version() {
    let world = World::new();
    let root = root(&world).await;
    assert_eq!(root["versions"], json!(["application/taxii+json;version=2.1"]));
}

#[tokio::test]
async fn t028_max_content_length_is_a_positive_count_of_octets() {
    let world = World::new();
    let root = root(&world).await;
    let octets = root["max_content_length"].as_u64().unwrap();
    assert_eq!(octets, 10 * 1024 * 1024);
}

#[tokio::test]
async fn t029_an_unknown_root_is_404_with_everything_under_it() {
    let world = World::new();
    for path in [
        "/taxii2/other/",
        "/taxii2/COMITY/",
        "/taxii2/other/collections/",
        "/taxii2/other/status/00000000-0000-4000-8000-000000000000/",
    ] {
        world.get(path).refused(404).await;
    }
    let inside = world.path("objects/").replace("/comity/", "/other/");
    world.get(&inside).refused(404).await;
}
