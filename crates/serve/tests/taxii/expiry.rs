//! Everything expires: what has is gone for readers at once, and from the node soon after; it can
//! come again.

use super::harness::{HOUR, World, envelope};
use super::sample::{tool, tool_at, with};

/// Beyond the life that the founding charter gives to an entry.
const LIFE: i64 = 1_096 * 24 * HOUR;

#[tokio::test]
async fn t058_what_expired_comes_again_as_new() {
    let world = World::new();
    world.post(envelope(&[tool(1)])).send().await;
    world.clock.tick(LIFE);
    assert!(world.ids("").await.is_empty());
    let again = world.post(envelope(&[tool(1)])).send().await;
    assert_eq!(again.status, 202);
    assert_eq!(again.json()["success_count"], 1);
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [tool(1)]);
}

#[tokio::test]
async fn t056_other_content_of_an_expired_version_is_no_conflict() {
    let world = World::new();
    let time = "2020-01-01T00:00:00.000Z";
    world.post(envelope(&[tool_at(1, time)])).send().await;
    world.clock.tick(LIFE);
    let other = with(1, time, r#","description":"other""#);
    let status = world.post(envelope(std::slice::from_ref(&other))).send().await;
    assert_eq!(status.json()["failure_count"], 0, "{}", status.text());
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [other]);
}

#[tokio::test]
async fn t073_when_the_last_version_expires_the_one_before_is_the_last() {
    let world = World::new();
    let newer = tool_at(1, "2021-01-01T00:00:00.000Z");
    let older = tool_at(1, "2020-01-01T00:00:00.000Z");
    world.post(envelope(&[newer])).send().await;
    world.clock.tick(LIFE / 2);
    // It comes later, so it lives longer.
    world.post(envelope(std::slice::from_ref(&older))).send().await;
    world.clock.tick(LIFE / 2 + HOUR);
    let world = world.restart();
    // The sweep runs beside the requests; a write waits for it.
    world.post(envelope(&[tool(2)])).send().await;
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [older, tool(2)]);
}

#[tokio::test]
async fn what_expires_is_withdrawn_though_the_clock_was_set_back() {
    let world = World::new();
    world.post(envelope(&[tool(1)])).send().await;
    world.clock.tick(-LIFE);
    world.post(envelope(&[tool(2)])).send().await;
    // Still before the last sweep, as the clock has it.
    world.clock.tick(LIFE - HOUR);
    // The sweep runs beside the requests: the second write waits for that before it.
    world.post(envelope(&[tool(3)])).send().await;
    world.post(envelope(&[tool(4)])).send().await;
    let checkpoint = world.get("/log/private/checkpoint").send().await;
    // Four objects, and the withdrawal of one of them.
    assert_eq!(checkpoint.text().lines().nth(1), Some("5"), "{}", checkpoint.text());
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [tool(1), tool(3), tool(4)]);
}
