//! Error resources (TAXII 2.1 §3.6) and methods (§3.1).

use serde_json::Value;

use super::ask::{Ask, TAXII};
use super::harness::{OPERATOR, READER, World, envelope};
use super::sample::tool;

/// One request for each status that this server answers a fault with.
fn faults(world: &World) -> Vec<(u16, Ask<'_>)> {
    let too_large = vec![b' '; 10 * 1024 * 1024 + 1];
    vec![
        (400, world.read("objects/?added_after=yesterday")),
        (401, world.get("/taxii2/").without("authorization")),
        (403, world.post(envelope(&[tool(1)])).by(READER)),
        (404, world.get("/taxii2/nowhere/")),
        (405, world.ask("DELETE", &world.path("manifest/"))),
        (406, world.read("objects/").header("accept", "text/html")),
        (413, world.post(too_large)),
        (415, world.post("{}").header("content-type", "application/json")),
        (422, world.post("{}")),
    ]
}

#[tokio::test]
async fn t015_every_fault_carries_an_error_resource() {
    let world = World::new();
    for (status, ask) in faults(&world) {
        ask.refused(status).await;
    }
}

#[tokio::test]
async fn t016_members_of_an_error_are_those_of_the_standard() {
    let world = World::new();
    for (status, ask) in faults(&world) {
        let error = ask.refused(status).await.json();
        for (name, value) in error.as_object().unwrap() {
            match name.as_str() {
                "title" | "description" | "error_id" | "error_code" | "http_status"
                | "external_details" => assert!(value.is_string(), "{status} {name}"),
                "details" => assert!(value.is_object(), "{status}"),
                _ => panic!("{status}: `{name}` is no member of an error"),
            }
        }
        assert!(error["title"].as_str().is_some_and(|title| !title.is_empty()));
    }
}

#[tokio::test]
async fn t017_http_status_is_a_string_and_the_real_status() {
    let world = World::new();
    for (status, ask) in faults(&world) {
        let reply = ask.send().await;
        assert_eq!(reply.status, status);
        let said = &reply.json()["http_status"];
        assert_eq!(*said, Value::String(reply.status.as_u16().to_string()));
    }
}

#[tokio::test]
async fn t018_an_undefined_method_is_405_with_allow() {
    let world = World::new();
    let one = world.path("objects/tool--00000001-0000-4000-8000-000000000000/");
    for (path, allowed) in [
        ("/taxii2/".to_owned(), "GET,HEAD"),
        ("/taxii2/comity/".to_owned(), "GET,HEAD"),
        ("/taxii2/comity/collections/".to_owned(), "GET,HEAD"),
        (world.path(""), "GET,HEAD"),
        (world.path("manifest/"), "GET,HEAD"),
        (world.path("objects/"), "GET,HEAD,POST"),
        (one, "GET,HEAD,DELETE"),
    ] {
        for method in ["PUT", "PATCH", "OPTIONS"] {
            let ask = world.ask(method, &path).header("content-type", TAXII);
            let reply = ask.refused(405).await;
            assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_user_without_a_right_is_told_so_and_not_what_there_is() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    // An operator reads no content: the collection does not exist for him.
    world.read("objects/").by(OPERATOR).refused(404).await;
}
