//! Filters by time, type and id, and what cannot be used (TAXII 2.1 §3.4, §5.4).

use super::harness::{HOUR, READER, SECOND, World, path};
use super::sample::{campaign, id, observable, tool};

/// Tools 1 to 3, campaign 1, observable 1.
async fn mixed() -> World {
    let world = World::new();
    world.add(&[tool(1), campaign(1), tool(2), observable(1), tool(3)]).await;
    world
}

#[tokio::test]
async fn t068_match_takes_one_value() {
    let world = mixed().await;
    let tools = [id("tool", 1), id("tool", 2), id("tool", 3)];
    assert_eq!(world.ids("match[type]=tool").await, tools);
    let query = format!("match[id]={}", id("tool", 2));
    assert_eq!(world.ids(&query).await, [id("tool", 2)]);
}

#[tokio::test]
async fn t069_a_list_of_values_means_any_of_them() {
    let world = mixed().await;
    let two = [id("campaign", 1), id("ipv4-addr", 1)];
    assert_eq!(world.ids("match[type]=ipv4-addr,campaign").await, two);
    let query = format!("match[id]={},{}", id("tool", 3), id("campaign", 1));
    assert_eq!(world.ids(&query).await, [id("campaign", 1), id("tool", 3)]);
    // Values that stand twice, or that nothing fits, change nothing.
    let query = format!("match[id]={0},{0},{1}", id("tool", 3), id("tool", 77));
    assert_eq!(world.ids(&query).await, [id("tool", 3)]);
    assert_eq!(world.ids("match[type]=campaign,campaign,malware").await, [id("campaign", 1)]);
}

#[tokio::test]
async fn t070_a_type_is_compared_whole() {
    let world = mixed().await;
    for other in ["too", "tools", "ipv4", "ipv4-add", "x-tool"] {
        assert!(world.ids(&format!("match[type]={other}")).await.is_empty(), "{other}");
    }
    for unusable in ["TOOL", "*", "tool*", "%25"] {
        let part = format!("objects/?match[type]={unusable}");
        world.read(&part).refused(400).await;
    }
    // An id in capitals names the same object.
    let query = format!("match[id]={}", id("tool", 0xab));
    world.add(&[tool(0xab)]).await;
    assert_eq!(world.ids(&query.replace("ab-", "AB-")).await, [id("tool", 0xab)]);
}

#[tokio::test]
async fn t071_fields_are_combined_with_and_and_stand_once() {
    let world = mixed().await;
    let query = format!("match[type]=tool&match[id]={},{}", id("tool", 2), id("campaign", 1));
    assert_eq!(world.ids(&query).await, [id("tool", 2)]);
    let query = format!("match[type]=campaign&match[id]={}", id("tool", 2));
    assert!(world.ids(&query).await.is_empty());
    for twice in [
        "match[type]=tool&match[type]=campaign",
        "match[type]=tool&match%5Btype%5D=tool",
        "limit=1&limit=2",
        "added_after=2020-01-01T00:00:00Z&added_after=2021-01-01T00:00:00Z",
    ] {
        world.read(&format!("objects/?{twice}")).refused(400).await;
    }
}

#[tokio::test]
async fn t072_fields_may_be_percent_encoded_or_raw() {
    let world = mixed().await;
    let expected = [id("campaign", 1), id("ipv4-addr", 1)];
    for query in [
        "match[type]=ipv4-addr,campaign",
        "match%5Btype%5D=ipv4-addr%2Ccampaign",
        "match%5btype%5d=ipv4-addr,campaign",
        "match[type%5D=ipv4%2daddr,campaign",
    ] {
        assert_eq!(world.ids(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn t079_added_after_is_strict_to_the_microsecond() {
    let world = World::new();
    for number in 1..=3 {
        world.add(&[tool(number)]).await;
        world.clock.tick(1);
    }
    let records = world.manifest("").await;
    assert_eq!(records[1].date_added, "2026-01-01T00:00:00.100001Z");
    let after = |text: &str| format!("added_after={text}");
    let later = [id("tool", 2), id("tool", 3)];
    assert_eq!(world.ids(&after(&records[0].date_added)).await, later);
    assert_eq!(world.ids(&after(&records[1].date_added)).await, [id("tool", 3)]);
    assert!(world.ids(&after(&records[2].date_added)).await.is_empty());
    assert_eq!(world.ids(&after("2026-01-01T00:00:00.099999Z")).await.len(), 3);
}

#[tokio::test]
async fn t080_added_after_takes_any_number_of_digits() {
    let world = World::new();
    world.add(&[tool(1)]).await; // ....100000
    world.clock.tick(SECOND - 100_000);
    world.add(&[tool(2)]).await; // one second, no fraction
    world.clock.tick(123_456);
    world.add(&[tool(3)]).await; // 1.123456
    for (digits, expected) in [
        ("00Z", 3),
        ("00.0Z", 3),
        ("00.1Z", 2),
        ("00.09Z", 3),
        ("00.100Z", 2),
        ("00.0999Z", 3),
        ("00.10000Z", 2),
        ("00.100000Z", 2),
        ("00.1000000Z", 2),
        ("00.09999999Z", 3),
        ("00.100000000Z", 2),
        ("01Z", 1),
        ("00.999999Z", 2),
        ("01.123455Z", 1),
        ("01.123456Z", 0),
        ("01.123456789Z", 0),
    ] {
        let query = format!("added_after=2026-01-01T00:00:{digits}");
        assert_eq!(world.ids(&query).await.len(), expected, "{digits}");
    }
}

#[tokio::test]
async fn t080_the_date_is_that_of_this_collection() {
    let world = World::new();
    let second = world.collection("Second", &[]);
    world.add(&[tool(1)]).await;
    world.clock.tick(HOUR);
    // Held already: it comes into the second collection an hour later.
    world.add_to(&second, &[tool(1)]).await;
    let query = "objects/?added_after=2026-01-01T00:30:00Z";
    assert_eq!(world.read(query).ok().await.text(), "{}");
    let there = world.get(&path(&second, query)).ok().await;
    assert_eq!(there.raw_objects(), [tool(1)]);
    assert_eq!(there.dates().0, Some("2026-01-01T01:00:00.100000Z"));
}

#[tokio::test]
async fn t081_parameters_that_cannot_be_used_are_400() {
    let world = mixed().await;
    for query in [
        "added_after=yesterday",
        "added_after=",
        "added_after=2020-01-01",
        "added_after=2020-01-01T00:00:00",
        "added_after=2020-01-01T00:00:00%2B00:00",
        "added_after=2020-13-01T00:00:00Z",
        "added_after=1577836800",
        "match[id]=tool",
        "match[id]=",
        "match[type]=,",
        "match[version]=newest",
        "match[version]=2020",
        "match[spec_version]=latest",
        "limit=many",
        "next=%00",
    ] {
        for part in ["objects/", "manifest/"] {
            let reply = world.read(&format!("{part}?{query}")).refused(400).await;
            // The parameter is named, so that a person can mend it.
            let name = query.split('=').next().unwrap();
            assert!(reply.text().contains(name), "{query}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn t091_without_the_right_to_read_it_is_403() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let blind = world.collection("Drop box", &[(READER, "none"), ("analyst", "w")]);
    world.add_to(&blind, &[tool(1)]).await;
    let object = format!("objects/{}/", id("tool", 1));
    let absent = format!("objects/{}/", id("tool", 2));
    for part in [
        "objects/",
        "manifest/",
        &object,
        // What is there and what is not look the same.
        &absent,
        &format!("{object}versions/"),
    ] {
        world.get(&path(&blind, part)).refused(403).await;
        world.get(&path(&blind, part)).by(READER).refused(404).await;
    }
    let shown = world.get(&path(&blind, "")).ok().await.json();
    assert_eq!((&shown["can_read"], &shown["can_write"]), (&false.into(), &true.into()));
}

#[tokio::test]
async fn t092_an_unknown_match_field_is_400() {
    let world = mixed().await;
    for query in [
        "match[colour]=red",
        "match[name]=tool",
        "match[]=x",
        "match=tool",
        "match[relationships-all]=x",
        "match[Type]=tool",
    ] {
        for part in ["objects/", "manifest/"] {
            world.read(&format!("{part}?{query}")).refused(400).await;
        }
    }
}
