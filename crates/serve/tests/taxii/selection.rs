//! Which versions of an object are selected (TAXII 2.1 §3.4.1).

use super::harness::{SECOND, World};
use super::sample::{CREATED, TIMES, id, observable, tool_at, versions};

/// The versions of tool 1 that a query selects.
async fn selected(world: &World, query: &str) -> Vec<String> {
    world.read(&format!("objects/?{query}")).ok().await.member("objects", "modified")
}

/// Three versions of tool 1, the oldest first, and one of tool 2.
async fn three() -> World {
    let world = World::new();
    for version in versions(1) {
        world.add(&[version]).await;
        world.clock.tick(SECOND);
    }
    world.add(&[tool_at(2, TIMES[1])]).await;
    world
}

#[tokio::test]
async fn t073_by_default_the_latest_by_version_and_not_by_arrival() {
    let world = World::new();
    let [old, middle, new] = TIMES;
    for time in [middle, new, old] {
        world.add(&[tool_at(1, time)]).await;
    }
    assert_eq!(selected(&world, "").await, [new]);
    assert_eq!(selected(&world, "match[version]=last").await, [new]);
    assert_eq!(world.manifest("").await[0].version, new);
}

#[tokio::test]
async fn t074_first_is_the_oldest_version() {
    let world = three().await;
    assert_eq!(selected(&world, "match[version]=first").await, [TIMES[0], TIMES[1]]);
}

#[tokio::test]
async fn t075_last_and_all() {
    let world = three().await;
    assert_eq!(selected(&world, "match[version]=last").await, [TIMES[2], TIMES[1]]);
    let all = [TIMES[0], TIMES[1], TIMES[2], TIMES[1]];
    assert_eq!(selected(&world, "match[version]=all").await, all);
}

#[tokio::test]
async fn t076_an_exact_version_is_compared_by_instant() {
    let world = three().await;
    for (text, expected) in [
        (TIMES[0], vec![TIMES[0]]),
        ("2021-01-01T00:00:00Z", vec![TIMES[0]]),
        ("2021-01-01T00:00:00.000000000Z", vec![TIMES[0]]),
        ("2023-03-03T00:00:00.000Z", vec![TIMES[2]]),
        (TIMES[1], vec![TIMES[1], TIMES[1]]),
        ("2022-02-02T00:00:00.123Z", vec![]),
        ("2022-02-02T00:00:00.1234567Z", vec![]),
    ] {
        let query = format!("match[version]={text}");
        assert_eq!(selected(&world, &query).await, expected, "{text}");
    }
}

#[tokio::test]
async fn t077_a_list_of_versions_is_a_union_and_all_absorbs() {
    let world = three().await;
    let [old, middle, new] = TIMES;
    for (list, expected) in [
        ("first,last", vec![old, new, middle]),
        ("last,first", vec![old, new, middle]),
        // Tool 2 has one version, which is first and last and this one: it comes once.
        ("first,2022-02-02T00:00:00.123456Z", vec![old, middle, middle]),
        ("last,2023-03-03T00:00:00Z,2023-03-03T00:00:00.0Z", vec![new, middle]),
        ("all,first", vec![old, middle, new, middle]),
        ("2021-01-01T00:00:00Z,all", vec![old, middle, new, middle]),
        ("2021-01-01T00:00:00Z,1999-01-01T00:00:00Z", vec![old]),
    ] {
        let query = format!("match[version]={list}");
        assert_eq!(selected(&world, &query).await, expected, "{list}");
    }
}

#[tokio::test]
async fn t077_versions_are_selected_before_other_filters_narrow() {
    let world = three().await;
    let dates = world.manifest("match[version]=all").await;
    // `last` is the last of the object, not the last of what was added in time.
    let query = format!("added_after={}&match[version]=first", dates[0].date_added);
    assert_eq!(selected(&world, &query).await, [TIMES[1]]);
    let query = format!("match[id]={}&match[version]=first,last", id("tool", 1));
    assert_eq!(selected(&world, &query).await, [TIMES[0], TIMES[2]]);
    let query = "match[type]=tool&match[version]=2021-01-01T00:00:00Z";
    assert_eq!(selected(&world, query).await, [TIMES[0]]);
}

#[tokio::test]
async fn t078_spec_version_selects_and_absent_means_the_latest() {
    let world = World::new();
    let stamped = observable(2).replace(r#""id":"#, r#""spec_version":"2.1","id":"#);
    world.add(&[tool_at(1, CREATED), observable(1), stamped]).await;
    let all = [id("tool", 1), id("ipv4-addr", 1), id("ipv4-addr", 2)];
    assert_eq!(world.ids("").await, all);
    assert_eq!(world.ids("match[spec_version]=2.1").await, all);
    assert_eq!(world.ids("match[spec_version]=2.0,2.1").await, all);
    assert!(world.ids("match[spec_version]=2.0").await.is_empty());
    let query = "match[spec_version]=2.1&match[type]=tool";
    assert_eq!(world.ids(query).await, [id("tool", 1)]);
    world.read("objects/?match[spec_version]=2.2").refused(400).await;
}

#[tokio::test]
async fn t093_an_older_version_that_comes_late_does_not_become_the_last() {
    let world = World::new();
    let [old, middle, new] = TIMES;
    world.add(&[tool_at(1, new)]).await;
    world.clock.tick(SECOND);
    let before = world.manifest("").await;
    world.add(&[tool_at(1, old)]).await;
    world.clock.tick(SECOND);
    world.add(&[tool_at(1, middle)]).await;
    assert_eq!(selected(&world, "").await, [new]);
    assert_eq!(selected(&world, "match[version]=first").await, [old]);
    assert_eq!(selected(&world, "match[version]=all").await, [new, old, middle]);
    assert_eq!(world.manifest("").await, before);
    // A poller of the latest versions has nothing to fetch; one of all versions has two.
    let after = format!("added_after={}", before[0].date_added);
    assert!(selected(&world, &after).await.is_empty());
    let all = format!("{after}&match[version]=all");
    assert_eq!(selected(&world, &all).await, [old, middle]);
    let world = world.refold();
    assert_eq!(selected(&world, "").await, [new]);
    assert_eq!(selected(&world, &all).await, [old, middle]);
}
