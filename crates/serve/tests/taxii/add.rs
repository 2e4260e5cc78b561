//! Adding objects (TAXII 2.1 §5.5).

use serde_json::Value;

use super::ask::TAXII;
use super::harness::{ANALYST, COLLEAGUE, READER, World, envelope, path};
use super::sample::{CREATED, TIMES, id, large, observable, tool, tool_at, with};

const LIMIT: usize = 10 * 1024 * 1024;

async fn posted(world: &World, objects: &[String]) -> Value {
    let reply = world.post(envelope(objects)).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()
}

/// An envelope with one tool, padded with white space to a number of octets.
fn padded(octets: usize) -> Vec<u8> {
    let mut body = envelope(&[tool(1)]).into_bytes();
    body.resize(octets, b' ');
    body
}

#[tokio::test]
async fn t046_a_post_is_202_with_its_status() {
    let world = World::new();
    let status = posted(&world, &[tool(1)]).await;
    assert_eq!(status["total_count"], 1);
    assert_eq!(status["successes"][0]["id"], id("tool", 1));
}

#[tokio::test]
async fn t047_what_is_accepted_is_complete_readable_and_durable() {
    let world = World::new();
    let status = posted(&world, &[tool(1), tool(2)]).await;
    assert_eq!(status["status"], "complete");
    assert_eq!(status["pending_count"], 0);
    assert_eq!(world.ids("").await, [id("tool", 1), id("tool", 2)]);
    let world = world.restart();
    assert_eq!(world.ids("").await, [id("tool", 1), id("tool", 2)]);
}

#[tokio::test]
async fn t048_another_content_type_is_415() {
    let world = World::new();
    for other in [
        "application/json",
        "application/stix+json;version=2.1",
        "application/vnd.oasis.stix+json; version=2.1",
        "text/plain",
        "application/x-www-form-urlencoded",
        "*/*",
        "application/taxii+jsonx",
        "",
    ] {
        let ask = world.post(envelope(&[tool(1)]));
        ask.header("content-type", other).refused(415).await;
    }
    let ask = world.post(envelope(&[tool(1)]));
    ask.without("content-type").refused(415).await;
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t049_another_version_of_taxii_is_415() {
    let world = World::new();
    for other in [
        "application/taxii+json;version=2.0",
        "application/taxii+json; version=\"3.0\"",
        "application/vnd.oasis.taxii+json;version=2.0",
    ] {
        let ask = world.post(envelope(&[tool(1)]));
        ask.header("content-type", other).refused(415).await;
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t050_a_body_over_the_limit_is_413() {
    let world = World::on_disk();
    world.post(padded(LIMIT + 1)).refused(413).await;
    // Announced or not: the length is counted too.
    let announced = world.post("{}").header("content-length", "10485761");
    announced.refused(413).await;
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t051_a_body_of_the_limit_is_taken() {
    let world = World::on_disk();
    let root = world.get("/taxii2/comity/").ok().await.json();
    assert_eq!(root["max_content_length"], LIMIT);
    let reply = world.post(padded(LIMIT)).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(world.ids("").await, [id("tool", 1)]);
}

#[tokio::test]
async fn t051_objects_may_be_large() {
    let world = World::on_disk();
    let objects = [large(1, 4_000_000), large(2, 4_000_000), tool(3)];
    posted(&world, &objects).await;
    assert_eq!(world.read("objects/").ok().await.raw_objects(), objects);
}

#[tokio::test]
async fn t052_what_is_not_json_is_422() {
    let world = World::new();
    let cut = envelope(&[tool(1)]);
    let (cut, _) = cut.split_at(cut.len() - 1);
    for body in [
        &b""[..],
        b"x",
        b"{",
        b"{\"objects\":[",
        b"{\"objects\":[{]}",
        b"{\"objects\":[}",
        b"{'objects':[]}",
        b"{\"objects\":[]}x",
        b"\xff\xfe{\0}\0",
        b"<html/>",
        cut.as_bytes(),
    ] {
        let text = String::from_utf8_lossy(body).into_owned();
        let reply = world.post(body.to_vec()).send().await;
        let failed = reply.status == 422 || reply.json()["failure_count"] == 1;
        assert!(failed, "{text}: {} {}", reply.status, reply.text());
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t053_json_that_is_no_envelope_is_422() {
    let world = World::new();
    for body in [
        "{}",
        "[]",
        "null",
        "\"objects\"",
        r#"{"objects":{}}"#,
        r#"{"objects":null}"#,
        r#"{"objects":"x"}"#,
        r#"{"object":[]}"#,
        &tool(1),
        &format!("[{}]", tool(1)),
    ] {
        world.post(body.to_owned()).refused(422).await;
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t053_an_empty_list_stores_nothing_and_is_no_fault_of_the_server() {
    let world = World::new();
    let reply = world.post(r#"{"objects":[]}"#).send().await;
    assert!(reply.status == 202 || reply.status == 422, "{}", reply.status);
    if reply.status == 202 {
        assert_eq!(reply.json()["total_count"], 0);
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t054_what_has_no_type_or_id_is_a_failure() {
    let world = World::new();
    let no_type = tool(1).replace(r#""type":"tool","#, "");
    let no_id = tool(1).replace(&format!(r#""id":"{}","#, id("tool", 1)), "");
    let other_type = tool(1).replace(r#""type":"tool""#, r#""type":"malware""#);
    let objects = ["{}", "7", "\"tool\"", "[]", "null", "true"].map(str::to_owned);
    let objects = [&objects[..], &[no_type, no_id, other_type]].concat();
    let status = posted(&world, &objects).await;
    assert_eq!(status["total_count"], 9);
    assert_eq!(status["failure_count"], 9);
    for failure in status["failures"].as_array().unwrap() {
        assert!(failure["message"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(failure["id"].is_string() && failure["version"].is_string());
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn t055_a_mixed_batch_is_told_object_by_object() {
    let world = World::new();
    let nameless = tool(2).replace(r#","name":"tool 2""#, "");
    let status = posted(&world, &[tool(1), nameless, tool(3)]).await;
    assert_eq!(status["success_count"], 2);
    assert_eq!(status["failure_count"], 1);
    assert_eq!(status["failures"][0]["id"], id("tool", 2));
    let told: Vec<&str> = status["successes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|success| success["id"].as_str().unwrap())
        .collect();
    // What is told as a success is what can be read, and nothing else.
    assert_eq!(world.ids("").await, told);
}

#[tokio::test]
async fn t056_the_same_version_again_makes_no_copy_and_overwrites_nothing() {
    let world = World::new();
    posted(&world, &[tool(1)]).await;
    let before = world.manifest("match[version]=all").await;
    let altered = tool(1).replace("tool 1", "altered");
    let status = posted(&world, &[tool(1), altered.clone(), tool(1)]).await;
    assert_eq!(status["success_count"], 2);
    assert_eq!(status["failures"][0]["id"], id("tool", 1));
    assert_eq!(status["failures"][0]["version"], CREATED);
    // The same instant in another spelling is the same version.
    let respelt = tool_at(1, "2020-01-01T00:00:00Z").replace("tool 1", "altered");
    assert_eq!(posted(&world, &[respelt]).await["failure_count"], 1);
    assert_eq!(world.manifest("match[version]=all").await, before);
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [tool(1)]);
}

#[tokio::test]
async fn t056_an_observable_with_other_content_is_kept_as_it_was_and_the_sender_is_told() {
    let world = World::new();
    posted(&world, &[observable(1)]).await;
    let before = world.manifest("").await;
    let altered = observable(1).replace("}", r#","x_note":"1"}"#);
    let status = posted(&world, &[altered]).await;
    assert_eq!(status["success_count"], 1);
    let message = status["successes"][0]["message"].as_str().unwrap();
    assert!(message.contains("other content"), "{message}");
    assert_eq!(world.manifest("").await, before);
    let kept = world.read("objects/").ok().await.raw_objects();
    assert_eq!(kept, [observable(1)]);
}

#[tokio::test]
async fn t056_an_id_in_capitals_is_the_same_object_and_keeps_its_spelling() {
    let world = World::new();
    let capitals = id("tool", 0xab).replace("ab-", "AB-");
    let object = tool(0xab).replace(&id("tool", 0xab), &capitals);
    posted(&world, std::slice::from_ref(&object)).await;
    let other = tool(0xab).replace("tool 171", "altered");
    assert_eq!(posted(&world, &[other]).await["failure_count"], 1);
    assert_eq!(world.manifest("match[version]=all").await[0].id, capitals);
    let part = format!("objects/{}/", id("tool", 0xab));
    assert_eq!(world.read(&part).ok().await.raw_objects(), [object]);
}

#[tokio::test]
async fn t056_twice_in_one_envelope_is_once_in_the_collection() {
    let world = World::new();
    let status = posted(&world, &[tool(1), tool(1), observable(1), observable(1)]).await;
    assert_eq!(status["success_count"], 4);
    assert_eq!(world.ids("").await, [id("tool", 1), id("ipv4-addr", 1)]);
}

#[tokio::test]
async fn t058_the_same_again_is_a_success() {
    let world = World::new();
    posted(&world, &[tool(1), observable(1)]).await;
    // Equal as JSON: order of members, white space and escapes do not count.
    let respelt = tool(1).replace(r#""type":"tool","#, "").replacen('{', "{ ", 1);
    let respelt = respelt.replace(r#""name":"tool 1"}"#, r#""name":"\u0074ool 1", "type":"tool"}"#);
    assert_ne!(respelt, tool(1));
    let status = posted(&world, &[respelt, observable(1)]).await;
    assert_eq!(status["success_count"], 2, "{status}");
    assert_eq!(status["failure_count"], 0);
    let kept = world.read("objects/").ok().await.raw_objects();
    assert_eq!(kept, [tool(1), observable(1)]);
}

#[tokio::test]
async fn t057_without_the_right_to_write_it_is_403() {
    let world = World::new();
    world.post(envelope(&[tool(1)])).by(READER).refused(403).await;
    let limited = world.collection("Limited", &[(ANALYST, "r")]);
    let ask = world.post(envelope(&[tool(1)]));
    ask.to(&path(&limited, "objects/")).refused(403).await;
    assert!(world.ids("").await.is_empty());
    let got = world.get(&path(&limited, "objects/")).by(COLLEAGUE).ok().await;
    assert_eq!(got.text(), "{}");
}

#[tokio::test]
async fn t059_an_unknown_collection_is_404() {
    let world = World::new();
    let nowhere = "/taxii2/comity/collections/00000000-0000-4000-8000-000000000000/objects/";
    let ask = world.post(envelope(&[tool(1)])).to(nowhere);
    ask.refused(404).await;
}

#[tokio::test]
async fn t060_406_and_415_are_decided_before_anything_is_stored() {
    let world = World::new();
    let ask = world.post(envelope(&[tool(1)])).header("accept", "application/json");
    ask.refused(406).await;
    let ask = world.post(envelope(&[tool(1)])).header("content-type", "application/json");
    ask.refused(415).await;
    let ask = world.post(envelope(&[tool(1)])).header("content-encoding", "br");
    ask.refused(415).await;
    assert!(world.ids("").await.is_empty());
    assert!(world.node.refusals(10).unwrap().is_empty());
}

#[tokio::test]
async fn t124_content_that_cannot_be_processed_is_422_or_a_failure() {
    let world = World::new();
    world.post(r#"{"objects":7}"#).refused(422).await;
    // Of an envelope that is well formed the objects are judged one by one.
    let old = tool(1).replace(r#""spec_version":"2.1","#, "");
    let status = posted(&world, &[old, tool(2)]).await;
    assert_eq!(status["failure_count"], 1);
    let message = status["failures"][0]["message"].as_str().unwrap();
    assert!(message.contains("2.1"), "{message}");
    assert_eq!(world.ids("").await, [id("tool", 2)]);
}

#[tokio::test]
async fn t125_a_bundle_is_taken_as_an_envelope() {
    let world = World::new();
    let bundle_id = id("bundle", 7);
    for (number, spec_version) in [(1, ""), (2, r#""spec_version":"2.1","#)] {
        let body = format!(
            r#"{{"type":"bundle","id":"{bundle_id}",{spec_version}"objects":[{}]}}"#,
            tool(number)
        );
        let reply = world.post(body).send().await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        assert_eq!(reply.json()["success_count"], 1);
    }
    // Members behind the objects, as some libraries sort them.
    let body = format!(r#"{{"id":"{bundle_id}","objects":[{}],"type":"bundle"}}"#, tool(3));
    let reply = world.post(body).header("content-type", TAXII).send().await;
    assert_eq!(reply.json()["success_count"], 1);
    assert_eq!(world.ids("").await.len(), 3);
}

#[tokio::test]
async fn versions_of_one_object_may_come_in_one_envelope_in_any_order() {
    let world = World::new();
    let objects =
        [tool_at(1, TIMES[2]), tool_at(1, TIMES[0]), with(1, TIMES[1], r#","x_note":"1""#)];
    assert_eq!(posted(&world, &objects).await["success_count"], 3);
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [objects[0].clone()]);
    let all = world.read("objects/?match[version]=all").ok().await;
    assert_eq!(all.raw_objects(), objects);
}
