//! Media types of requests and responses (TAXII 2.1 §1.6.8, §3.2).

use super::ask::TAXII;
use super::harness::{World, envelope};
use super::sample::{id, tool};

/// Every method of every TAXII endpoint, on a node that holds tool 1.
async fn endpoints(world: &World) -> Vec<(&'static str, String)> {
    let status = world.add(&[tool(1)]).await;
    let status = status["id"].as_str().unwrap();
    let object = format!("objects/{}/", id("tool", 1));
    vec![
        ("GET", "/taxii2/".to_owned()),
        ("GET", "/taxii2/comity/".to_owned()),
        ("GET", format!("/taxii2/comity/status/{status}/")),
        ("GET", "/taxii2/comity/collections/".to_owned()),
        ("GET", world.path("")),
        ("GET", world.path("manifest/")),
        ("GET", world.path("objects/")),
        ("POST", world.path("objects/")),
        ("GET", world.path(&object)),
        ("GET", world.path(&format!("{object}versions/"))),
        ("DELETE", world.path(&object)),
    ]
}

#[tokio::test]
async fn t003_every_body_is_taxii_2_1_and_says_so() {
    let world = World::new();
    for (method, path) in endpoints(&world).await {
        let ask = world.ask(method, &path).header("content-type", TAXII);
        let reply = ask.body(envelope(&[tool(2)])).send().await;
        assert!(reply.status.is_success(), "{method} {path}");
        assert_eq!(reply.header("content-type"), Some(TAXII), "{path}");
        assert!(reply.json().is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn t003_every_fault_is_taxii_2_1_and_says_so() {
    let world = World::new();
    world.get("/taxii2/").without("authorization").refused(401).await;
    world.get("/taxii2/nowhere/").refused(404).await;
    world.get(&world.path("nowhere/")).refused(404).await;
    world.get("/nowhere").refused(404).await;
    world.get("/taxii2/comity/collections/%ff/").refused(404).await;
    let percent = world.path("objects/%ff/versions/");
    world.get(&percent).refused(404).await;
    world.ask("PUT", "/taxii2/").refused(405).await;
    world.get("/taxii2/").header("accept", "text/html").refused(406).await;
    world.post("{").header("content-type", "text/plain").refused(415).await;
    world.post("{").header("content-encoding", "br").refused(415).await;
    world.post("{").refused(422).await;
    world.read("objects/?limit=0").refused(400).await;
}

#[tokio::test]
async fn t004_accept_with_the_version() {
    let world = World::new();
    let reply = world.get("/taxii2/").header("accept", TAXII).ok().await;
    assert_eq!(reply.json()["api_roots"][0], "/taxii2/comity/");
}

#[tokio::test]
async fn t005_accept_without_a_version_means_2_1() {
    let world = World::new();
    for (method, path) in endpoints(&world).await {
        let accept = "application/taxii+json";
        let ask = world.ask(method, &path).header("accept", accept);
        let ask = ask.header("content-type", accept);
        let reply = ask.body(envelope(&[tool(2)])).send().await;
        assert!(reply.status.is_success(), "{method} {path}");
        assert_eq!(reply.header("content-type"), Some(TAXII), "{path}");
    }
}

#[tokio::test]
async fn t006_media_types_by_the_rules_of_http() {
    let world = World::new();
    for accept in [
        "application/taxii+json; version=2.1",
        "application/taxii+json ;\tversion=2.1",
        "APPLICATION/Taxii+JSON;VERSION=2.1",
        "application/taxii+json;version=\"2.1\"",
        "application/taxii+json;version=\"2\\.1\"",
        "application/taxii+json; charset=utf-8; version=2.1",
    ] {
        world.get("/taxii2/").header("accept", accept).ok().await;
        let posted = world.post(envelope(&[tool(1)]));
        let posted = posted.header("content-type", accept).send().await;
        assert_eq!(posted.status, 202, "{accept}");
    }
}

#[tokio::test]
async fn t007_one_range_that_takes_taxii_is_enough() {
    let world = World::new();
    for accept in [
        "application/taxii+json;version=2.1, application/stix+json;version=2.1",
        "application/vnd.oasis.stix+json; version=2.1;q=0.9,application/taxii+json;q=0.1",
        "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
        "text/html;title=\"a, b;c\", application/taxii+json;version=2.1",
        "application/json, text/plain, */*",
        "application/*;q=0.2",
    ] {
        world.get("/taxii2/").header("accept", accept).ok().await;
    }
    let lines = world.get("/taxii2/").header("accept", "text/html");
    lines.also("accept", TAXII).ok().await;
    let refusing = "application/taxii+json;version=2.1;q=0, text/html";
    world.get("/taxii2/").header("accept", refusing).refused(406).await;
}

#[tokio::test]
async fn t008_only_another_version_of_taxii_is_406() {
    let world = World::new();
    for (method, path) in endpoints(&world).await {
        for accept in [
            "application/taxii+json;version=2.0",
            "application/taxii+json;version=3.0, application/vnd.oasis.taxii+json",
        ] {
            let ask = world.ask(method, &path).header("accept", accept);
            ask.header("content-type", TAXII).refused(406).await;
        }
    }
}

#[tokio::test]
async fn t009_no_taxii_in_accept_is_406_on_every_endpoint() {
    let world = World::new();
    for (method, path) in endpoints(&world).await {
        for accept in [
            "application/json",
            "application/stix+json;version=2.1",
            "text/html, application/xml;q=0.9",
        ] {
            let ask = world.ask(method, &path).header("accept", accept);
            let ask = ask.header("content-type", TAXII);
            ask.body(envelope(&[tool(2)])).refused(406).await;
        }
    }
    // Neither the POST nor the DELETE did anything.
    assert_eq!(world.ids("").await, [id("tool", 1)]);
}

#[tokio::test]
async fn an_absent_accept_takes_anything() {
    let world = World::new();
    world.get("/taxii2/").without("accept").ok().await;
}
