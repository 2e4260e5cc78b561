//! Status resources (TAXII 2.1 §4.3).

use serde_json::{Value, json};

use super::ask::Ask;
use super::harness::{COLLEAGUE, HOUR, OPERATOR, READER, START, World, envelope};
use super::sample::{CREATED, TIMES, id, observable, tool, tool_at};

fn status<'w>(world: &'w World, status: &Value) -> Ask<'w> {
    let id = status["id"].as_str().unwrap();
    world.get(&format!("/taxii2/comity/status/{id}/"))
}

async fn posted(world: &World, objects: &[String]) -> Value {
    let reply = world.post(envelope(objects)).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.json()
}

fn marking() -> String {
    let id = id("marking-definition", 9);
    format!(
        r#"{{"type":"marking-definition","spec_version":"2.1","id":"{id}","created":"{CREATED}","definition_type":"statement","definition":{{"statement":"for tests"}}}}"#
    )
}

#[tokio::test]
async fn t030_the_status_of_a_post_can_be_read_again() {
    let world = World::new();
    let objects = [tool(1), r#"{"type":"tool"}"#.to_owned()];
    let first = posted(&world, &objects).await;
    assert_eq!(status(&world, &first).ok().await.json(), first);
}

#[tokio::test]
async fn t030_a_status_survives_a_restart() {
    let world = World::new();
    let first = posted(&world, &[tool(1)]).await;
    let world = world.restart();
    assert_eq!(status(&world, &first).ok().await.json(), first);
}

#[tokio::test]
async fn t031_a_status_has_its_members() {
    let world = World::new();
    let status = posted(&world, &[tool(1)]).await;
    assert!(["complete", "pending"].contains(&status["status"].as_str().unwrap()));
    assert!(status["id"].is_string());
    for name in ["total_count", "success_count", "failure_count", "pending_count"] {
        assert!(status[name].is_u64(), "{name} in {status}");
    }
}

#[tokio::test]
async fn t032_counts_agree_and_complete_does_not_change() {
    let world = World::new();
    let bad = r#"{"type":"tool"}"#.to_owned();
    let objects = [tool(1), bad.clone(), tool(2), bad, tool(1)];
    let first = posted(&world, &objects).await;
    let counts = ["total_count", "success_count", "failure_count", "pending_count"];
    let counts = counts.map(|name| first[name].as_u64().unwrap());
    assert_eq!(counts, [5, 3, 2, 0]);
    assert_eq!(first["successes"].as_array().unwrap().len(), 3);
    assert_eq!(first["failures"].as_array().unwrap().len(), 2);
    assert_eq!(first["status"], "complete");
    // What happens to the objects later is no matter of the request.
    let one = world.path(&format!("objects/{}/", id("tool", 1)));
    world.ask("DELETE", &one).ok().await;
    assert_eq!(status(&world, &first).ok().await.json(), first);
}

#[tokio::test]
async fn t033_details_name_id_and_version() {
    let world = World::new();
    let objects = [tool_at(1, TIMES[1]), marking()];
    let status = posted(&world, &objects).await;
    let expected = json!([
        {"id": id("tool", 1), "version": TIMES[1]},
        {"id": id("marking-definition", 9), "version": CREATED},
    ]);
    assert_eq!(status["successes"], expected);
    let altered = tool_at(1, TIMES[1]).replace("tool 1", "tool one");
    let conflict = posted(&world, &[altered]).await;
    let failure = &conflict["failures"][0];
    assert_eq!(failure["id"], id("tool", 1));
    assert_eq!(failure["version"], TIMES[1]);
    assert!(failure["message"].as_str().is_some_and(|message| !message.is_empty()));
}

#[tokio::test]
async fn t033_an_observable_has_the_same_version_everywhere() {
    let world = World::new();
    let first = posted(&world, &[observable(1)]).await;
    let version = first["successes"][0]["version"].as_str().unwrap().to_owned();
    world.clock.tick(HOUR);
    let again = posted(&world, &[observable(1)]).await;
    assert_eq!(again["successes"][0]["version"], version);
    assert_eq!(world.manifest("").await[0].version, version);
    let versions = format!("objects/{}/versions/", id("ipv4-addr", 1));
    assert_eq!(world.read(&versions).ok().await.json()["versions"], json!([version]));
}

#[tokio::test]
async fn t034_an_unknown_status_is_404_and_so_is_anothers() {
    let world = World::new();
    let mine = posted(&world, &[tool(1)]).await;
    for user in [COLLEAGUE, READER, OPERATOR] {
        status(&world, &mine).by(user).refused(404).await;
    }
    for id in ["00000000-0000-4000-8000-000000000000", "x", "%00", "1"] {
        let path = format!("/taxii2/comity/status/{id}/");
        world.get(&path).refused(404).await;
    }
    status(&world, &mine).ok().await;
}

#[tokio::test]
async fn t035_request_timestamp_is_the_time_of_the_post() {
    let world = World::new();
    world.clock.tick(START + 7 * HOUR + 1 - world.clock.now());
    let first = posted(&world, &[tool(1)]).await;
    assert_eq!(first["request_timestamp"], "2026-01-01T07:00:00.100001Z");
    world.clock.tick(HOUR);
    let read = status(&world, &first).ok().await.json();
    assert_eq!(read["request_timestamp"], "2026-01-01T07:00:00.100001Z");
}

#[tokio::test]
async fn t036_a_status_is_kept_for_a_day_at_least() {
    let world = World::new();
    let first = posted(&world, &[tool(1)]).await;
    world.clock.tick(24 * HOUR);
    // Statuses are swept when others are written.
    posted(&world, &[tool(2)]).await;
    assert_eq!(status(&world, &first).ok().await.json(), first);
}

#[tokio::test]
async fn t036_statuses_do_not_pile_up() {
    let world = World::new();
    let first = posted(&world, &[tool(1)]).await;
    world.clock.tick(48 * HOUR);
    posted(&world, &[tool(2)]).await;
    status(&world, &first).refused(404).await;
}
