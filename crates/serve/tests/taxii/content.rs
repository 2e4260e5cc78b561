//! Envelopes and what is in them (TAXII 2.1 §3.2, §3.3, §3.7, §5.4).

use super::harness::{SECOND, START, World};
use super::sample::{CREATED, id, large, observable, tool, tool_at, with};

#[tokio::test]
async fn t061_a_body_is_an_envelope_and_never_a_bundle() {
    let world = World::new();
    world.add(&[tool(1), tool(2)]).await;
    let envelope = world.read("objects/").ok().await.json();
    let names: Vec<&String> = envelope.as_object().unwrap().keys().collect();
    assert_eq!(names, ["objects"]);
    let page = world.read("objects/?limit=1").ok().await.json();
    let mut names: Vec<&String> = page.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["more", "next", "objects"]);
}

/// Objects that a server which parses and writes again would alter.
fn odd_objects() -> Vec<String> {
    let spaced = tool(1).replace(',', " ,\r\n\t").replace(':', " : ");
    // The colons of the times are no separators.
    let spaced = spaced.replace("00 : 00 : 00", "00:00:00");
    let escaped = with(2, CREATED, r#","description":"\u00e9 \ud83d\ude00 \/ \u0007 \"q\" \\""#);
    let unicode = with(3, CREATED, ",\"description\":\"é 😀 e\u{301} \u{2028} ﷽\"");
    let numbers = with(
        4,
        CREATED,
        r#","x_large":9007199254740993.0,"x_zero":-0.0,"x_long":0.1000000000000000055511151231257827,"x_power":1.50E+2,"x_trailing":1.10"#,
    );
    let id_last = id("tool", 5);
    let reversed = format!(
        r#"{{"name":"tool 5","x_z":{{"b":1,"a":2}},"modified":"{CREATED}","created":"{CREATED}","id":"{id_last}","spec_version":"2.1","type":"tool","a_custom":[[],{{}},""]}}"#
    );
    let fraction = tool_at(6, "2021-01-01T00:00:00.120000000Z");
    vec![spaced, escaped, unicode, numbers, reversed, fraction, observable(7)]
}

#[tokio::test]
async fn t062_content_comes_back_octet_for_octet() {
    let world = World::new();
    let objects = odd_objects();
    world.add(&objects).await;
    let page = world.read("objects/").ok().await;
    assert_eq!(page.raw_objects(), objects);
    // Not only in the list, and not only until the next start.
    let one = world.read(&format!("objects/{}/", id("tool", 4))).ok().await;
    assert_eq!(one.raw_objects(), [objects[3].clone()]);
    let world = world.refold();
    assert_eq!(world.read("objects/").ok().await.raw_objects(), objects);
}

#[tokio::test]
async fn t062_integers_beyond_2_to_the_53_are_not_rounded() {
    let world = World::new();
    let objects: Vec<String> = [
        "9007199254740991",
        "9007199254740993",
        "-9007199254740993",
        "123456789012345678901234567890",
    ]
    .iter()
    .zip(1..)
    .map(|(count, number)| with(number, CREATED, &format!(r#","x_count":{count}"#)))
    .collect();
    world.add(&objects).await;
    assert_eq!(world.read("objects/").ok().await.raw_objects(), objects);
}

#[tokio::test]
async fn t062_large_pages_come_back_octet_for_octet() {
    let world = World::on_disk();
    // More than one piece of a streamed answer, with a piece's end inside of objects.
    let objects: Vec<String> =
        (0..40).map(|number| large(number, 50_000 + number as usize)).collect();
    world.add(&objects).await;
    assert_eq!(world.read("objects/").ok().await.raw_objects(), objects);
}

/// A node with five tools, added a second apart; gives the dates of their manifest.
async fn five() -> (World, Vec<String>) {
    let world = World::new();
    for number in 1..=5 {
        world.add(&[tool(number)]).await;
        world.clock.tick(SECOND);
    }
    let records = world.manifest("").await;
    let dates = records.into_iter().map(|record| record.date_added).collect();
    (world, dates)
}

#[tokio::test]
async fn t063_pages_carry_the_dates_of_their_ends() {
    let (world, dates) = five().await;
    assert_eq!(dates[0], "2026-01-01T00:00:00.100000Z");
    let object = format!("objects/{}/", id("tool", 3));
    let whole = (Some(dates[0].as_str()), Some(dates[4].as_str()));
    let third = (Some(dates[2].as_str()), Some(dates[2].as_str()));
    for (part, expected) in [
        ("objects/", whole),
        ("manifest/", whole),
        (object.as_str(), third),
        (&format!("{object}versions/"), third),
    ] {
        assert_eq!(world.read(part).ok().await.dates(), expected, "{part}");
    }
}

#[tokio::test]
async fn t064_the_dates_are_those_of_this_page() {
    let (world, dates) = five().await;
    for part in ["objects/", "manifest/"] {
        let page = world.read(&format!("{part}?limit=2")).ok().await;
        assert_eq!(page.dates(), (Some(dates[0].as_str()), Some(dates[1].as_str())));
        let next = page.next().unwrap();
        let page = world.read(&format!("{part}?limit=2&next={next}")).ok().await;
        assert_eq!(page.dates(), (Some(dates[2].as_str()), Some(dates[3].as_str())));
        let one = world.read(&format!("{part}?match[id]={}", id("tool", 4))).ok().await;
        assert_eq!(one.dates(), (Some(dates[3].as_str()), Some(dates[3].as_str())));
    }
}

#[tokio::test]
async fn t065_records_ascend_by_date_added() {
    let world = World::new();
    // Neither by id, nor by version, nor by type.
    for number in [5, 2, 9, 1] {
        let version = format!("20{:02}-01-01T00:00:00Z", 30 - number);
        world.add(&[observable(number), tool_at(number, &version)]).await;
        world.clock.tick(START % 7 + 1);
    }
    let records = world.manifest("").await;
    let dates: Vec<&String> = records.iter().map(|record| &record.date_added).collect();
    assert!(dates.is_sorted_by(|one, other| one < other), "{dates:?}");
    let expected: Vec<String> = [5, 2, 9, 1]
        .into_iter()
        .flat_map(|number| [id("ipv4-addr", number), id("tool", number)])
        .collect();
    let ids: Vec<String> = records.into_iter().map(|record| record.id).collect();
    assert_eq!(ids, expected);
    assert_eq!(world.ids("").await, expected);
    assert_eq!(world.ids("match[type]=tool,ipv4-addr").await, expected);
}

#[tokio::test]
async fn t066_no_match_on_a_list_is_200_and_an_empty_object() {
    let (world, dates) = five().await;
    let nothing = [
        "match[type]=malware".to_owned(),
        format!("match[id]={}", id("tool", 99)),
        format!("added_after={}", dates[4]),
        "match[version]=1999-01-01T00:00:00Z".to_owned(),
        "match[spec_version]=2.0".to_owned(),
    ];
    for query in &nothing {
        for part in ["objects/", "manifest/"] {
            let reply = world.read(&format!("{part}?{query}")).ok().await;
            assert_eq!(reply.text(), "{}", "{part} {query}");
        }
    }
}

#[tokio::test]
async fn t067_an_empty_page_has_no_dates() {
    let (world, dates) = five().await;
    let object = format!("objects/{}/", id("tool", 1));
    let query = format!("added_after={}", dates[4]);
    for part in ["objects/", "manifest/", &object, &format!("{object}versions/")] {
        let reply = world.read(&format!("{part}?{query}")).ok().await;
        assert_eq!(reply.dates(), (None, None), "{part}");
        assert_eq!(reply.text(), "{}", "{part}");
    }
}
