//! Pages (TAXII 2.1 §3.4, §3.5).

use super::ask::Record;
use super::harness::{SECOND, World};
use super::sample::{TIMES, campaign, id, observable, tool, tool_at, versions};

/// All pages of a part of the main collection, as lists of ids, and what they are held against:
/// `more` and `next` stand together or not at all.
async fn pages(world: &World, part: &str, query: &str, limit: usize) -> Vec<Vec<String>> {
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut next = String::new();
    loop {
        let part = format!("{part}?{query}&limit={limit}{next}");
        let page = world.read(&part).ok().await;
        let ids = page.member("objects", "id");
        assert!(ids.len() <= limit, "{part}");
        pages.push(ids);
        let body = page.json();
        match page.next() {
            Some(token) => {
                assert_eq!(body["more"], true, "{part}");
                next = format!("&next={token}");
            }
            None => {
                assert!(body.get("more").is_none_or(|more| more == false), "{part}");
                return pages;
            }
        }
        assert!(pages.len() < 2000, "no end: {part}");
    }
}

async fn tools(count: u32) -> World {
    let world = World::new();
    let objects: Vec<String> = (0..count).map(tool).collect();
    world.add(&objects).await;
    world
}

#[tokio::test]
async fn t082_never_more_than_the_limit() {
    let world = tools(7).await;
    for (limit, expected) in [(1, 1), (2, 2), (6, 6), (7, 7), (8, 7), (5000, 7)] {
        for part in ["objects/", "manifest/"] {
            let page = world.read(&format!("{part}?limit={limit}")).ok().await;
            assert_eq!(page.member("objects", "id").len(), expected, "{part} {limit}");
        }
    }
}

#[tokio::test]
async fn t083_where_records_remain_more_is_true_and_next_is_set() {
    let world = tools(3).await;
    for part in ["objects/", "manifest/"] {
        let page = world.read(&format!("{part}?limit=2")).ok().await;
        assert_eq!(page.json()["more"], true);
        assert!(page.next().is_some_and(|next| !next.is_empty()));
    }
}

#[tokio::test]
async fn t083_a_client_can_go_on_by_the_last_date_instead() {
    let world = tools(10).await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.read(&format!("objects/?limit=3{after}")).ok().await;
        seen.extend(page.member("objects", "id"));
        if page.json()["more"] != true {
            break;
        }
        after = format!("&added_after={}", page.dates().1.unwrap());
    }
    let expected: Vec<String> = (0..10).map(|number| id("tool", number)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn t084_pages_hold_every_record_once_whatever_the_limit() {
    // One request, one instant, no difference between the objects but their ids.
    let world = tools(600).await;
    let expected: Vec<String> = (0..600).map(|number| id("tool", number)).collect();
    for limit in [1, 2, 7, 100, 199, 200, 300, 599, 600, 601, 5000] {
        for part in ["objects/", "manifest/"] {
            let pages = pages(&world, part, "", limit).await;
            assert_eq!(pages.len(), 600_usize.div_ceil(limit), "{part} {limit}");
            assert_eq!(pages.concat(), expected, "{part} {limit}");
        }
    }
}

#[tokio::test]
async fn t084_and_with_types_mixed_and_several_requests_in_one_instant() {
    let world = World::new();
    let mut expected = Vec::new();
    for number in 0..40 {
        world.add(&[tool(number), observable(number), campaign(number)]).await;
        expected.extend(["tool", "ipv4-addr", "campaign"].map(|name| id(name, number)));
    }
    for limit in [1, 4, 7, 119, 120] {
        assert_eq!(pages(&world, "objects/", "", limit).await.concat(), expected);
        let two: Vec<String> =
            expected.iter().filter(|id| !id.starts_with("tool")).cloned().collect();
        let query = "match[type]=campaign,ipv4-addr";
        assert_eq!(pages(&world, "objects/", query, limit).await.concat(), two);
    }
}

#[tokio::test]
async fn t085_filters_hold_on_every_page() {
    let world = World::new();
    for number in 0..9 {
        world.add(&versions(number)).await;
        world.add(&[campaign(number)]).await;
    }
    let all = world.manifest("match[version]=all").await;
    let is_tool = |record: &&Record| record.id.starts_with("tool");
    let after = all[7].date_added.clone();
    for (query, expected) in [
        (
            "match[type]=tool&match[version]=first".to_owned(),
            all.iter().filter(is_tool).filter(|record| record.version == TIMES[0]).collect(),
        ),
        (format!("match[version]=all&added_after={after}"), all.iter().skip(8).collect::<Vec<_>>()),
        (
            format!("match[id]={},{}&match[version]=all", id("tool", 2), id("tool", 5)),
            all.iter().filter(|one| one.id == id("tool", 2) || one.id == id("tool", 5)).collect(),
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(|record| record.id.clone()).collect();
        assert!(expected.len() > 5);
        for limit in [1, 2, 4] {
            for part in ["objects/", "manifest/"] {
                let pages = pages(&world, part, &query, limit).await;
                assert_eq!(pages.concat(), expected, "{part} {query} {limit}");
            }
        }
    }
}

#[tokio::test]
async fn t086_the_last_page_has_neither_more_nor_next() {
    let world = tools(4).await;
    for query in ["limit=4", "limit=5", ""] {
        let page = world.read(&format!("objects/?{query}")).ok().await.json();
        assert!(page.get("next").is_none(), "{query}");
        assert!(page.get("more").is_none_or(|more| more == false), "{query}");
    }
    // Exactly full to the end: no page without records comes after it.
    let sizes: Vec<usize> = pages(&world, "objects/", "", 2).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2]);
}

#[tokio::test]
async fn t087_a_limit_is_a_positive_whole_number() {
    let world = tools(1).await;
    let object = format!("objects/{}/", id("tool", 0));
    for limit in ["0", "-1", "", "1.5", "1e3", "0x10", "x", "%2B5", "00", "1,2", "٣"] {
        let encoded = limit.replace('٣', "%D9%A3");
        for part in ["objects/", "manifest/", &object, &format!("{object}versions/")] {
            world.read(&format!("{part}?limit={encoded}")).refused(400).await;
        }
    }
}

#[tokio::test]
async fn t088_an_unknown_next_is_400() {
    let world = tools(3).await;
    let page = world.read("objects/?limit=1").ok().await;
    let token = page.next().unwrap();
    let altered =
        if token.starts_with('7') { token.replacen('7', "8", 1) } else { format!("7{token}") };
    let cut = &token[..token.len() - 1];
    for next in ["", "x", "0", "1.2", "%ff", &altered, cut, &token.to_uppercase()] {
        if next == token {
            continue;
        }
        let part = format!("objects/?limit=1&next={next}");
        world.read(&part).refused(400).await;
    }
}

#[tokio::test]
async fn t088_a_next_does_not_expire() {
    let world = tools(3).await;
    let token = world.read("objects/?limit=1").ok().await.next().unwrap();
    world.clock.tick(30 * 24 * 3600 * SECOND);
    let world = world.restart();
    let part = format!("objects/?limit=1&next={token}");
    for _ in 0..2 {
        // Reading a page does not use it up.
        assert_eq!(world.read(&part).ok().await.member("objects", "id"), [id("tool", 1)]);
    }
}

#[tokio::test]
async fn t089_a_limit_above_the_maximum_gives_the_maximum() {
    let world = World::on_disk();
    for part in 0..2 {
        let objects: Vec<String> = (part * 2600..(part + 1) * 2600).map(tool).collect();
        world.add(&objects).await;
    }
    for limit in ["5000", "5001", "1000000", "99999999999999999999999"] {
        let page = world.read(&format!("manifest/?limit={limit}")).ok().await;
        assert_eq!(page.member("objects", "id").len(), 5000, "{limit}");
        assert_eq!(page.json()["more"], true);
    }
    let page = world.read("manifest/").ok().await;
    assert_eq!(page.member("objects", "id").len(), 1000, "without a limit");
    assert!(page.next().is_some());
}

#[tokio::test]
async fn the_limit_may_change_from_page_to_page() {
    let world = tools(10).await;
    let first = world.read("objects/?limit=3").ok().await;
    let next = first.next().unwrap();
    let second = world.read(&format!("objects/?limit=5&next={next}")).ok().await;
    let next = second.next().unwrap();
    let rest = world.read(&format!("objects/?next={next}")).ok().await;
    let mut ids = first.member("objects", "id");
    ids.extend(second.member("objects", "id"));
    ids.extend(rest.member("objects", "id"));
    assert_eq!(ids, (0..10).map(|number| id("tool", number)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_whose_last_record_was_removed_can_still_be_followed() {
    let world = tools(5).await;
    let next = world.read("objects/?limit=2").ok().await.next().unwrap();
    let removed = world.path(&format!("objects/{}/", id("tool", 1)));
    world.ask("DELETE", &removed).ok().await;
    world.add(&[tool_at(9, TIMES[0])]).await;
    let rest = world.read(&format!("objects/?next={next}")).ok().await;
    let expected = [2, 3, 4, 9].map(|number| id("tool", number));
    assert_eq!(rest.member("objects", "id"), expected);
}
