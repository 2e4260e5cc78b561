//! Readers beside writers (TAXII 2.1 §3.3, §3.5): nothing is missed, nothing comes twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::ask::Reply;
use super::harness::{HOUR, World, envelope};
use super::sample::{TIMES, id, tool, tool_at};

/// Objects of one large request, how many of those the slow writer sends, and writers that post
/// one object at a time.
const LARGE: u32 = 3000;
const LARGE_REQUESTS: u32 = 3;
const FAST_WRITERS: u32 = 4;

/// Ids that one writer posted.
type Posted = Vec<String>;

/// Posts large envelopes, and small ones before, while and after they are taken. `over` is set
/// once everything was answered.
async fn write(world: &Arc<World>, over: &AtomicBool) -> BTreeSet<String> {
    let begun = Arc::new(Barrier::new(1 + FAST_WRITERS as usize));
    let large_are_in = Arc::new(AtomicBool::new(false));
    let mut writers: JoinSet<Posted> = JoinSet::new();
    let (slow, wait, done) = (world.clone(), begun.clone(), large_are_in.clone());
    writers.spawn(async move {
        wait.wait().await;
        for request in 0..LARGE_REQUESTS {
            let numbers = request * LARGE..(request + 1) * LARGE;
            let objects: Vec<String> = numbers.map(tool).collect();
            slow.add(&objects).await;
        }
        done.store(true, Ordering::SeqCst);
        let numbers = 0..LARGE_REQUESTS * LARGE;
        numbers.map(|number| id("tool", number)).collect()
    });
    for writer in 1..=FAST_WRITERS {
        let (fast, wait, done) = (world.clone(), begun.clone(), large_are_in.clone());
        writers.spawn(async move {
            let mut posted = Posted::new();
            let mut last = false;
            while !last {
                last = done.load(Ordering::SeqCst);
                let number = writer * 100_000 + u32::try_from(posted.len()).unwrap();
                fast.add(&[tool(number)]).await;
                posted.push(id("tool", number));
                if posted.len() == 1 {
                    wait.wait().await;
                }
            }
            posted
        });
    }
    let mut posted = BTreeSet::new();
    while let Some(done) = writers.join_next().await {
        posted.extend(done.unwrap());
    }
    over.store(true, Ordering::SeqCst);
    posted
}

/// Takes the ids of a page; none may have come before.
fn take(seen: &mut BTreeSet<String>, page: &Reply) -> usize {
    let ids = page.member("objects", "id");
    for id in &ids {
        assert!(seen.insert(id.clone()), "{id} came twice");
    }
    ids.len()
}

/// Follows the collection by the date of the last record, until the writers are done and nothing
/// more comes. `limit` may be none.
async fn follow_by_date(world: &World, over: &AtomicBool, limit: &str) -> BTreeSet<String> {
    let (mut seen, mut after, mut last) = (BTreeSet::new(), String::new(), String::new());
    loop {
        let over = over.load(Ordering::SeqCst);
        let page = world.read(&format!("manifest/?{limit}{after}")).ok().await;
        if take(&mut seen, &page) == 0 {
            if over {
                return seen;
            }
            tokio::task::yield_now().await;
            continue;
        }
        let (first, end) = page.dates();
        assert!(first.unwrap() > last.as_str(), "time went back: {first:?} after {last}");
        last = end.unwrap().to_owned();
        after = format!("&added_after={last}");
    }
}

/// Walks pages by `next`; at the end of a walk it begins the next one behind its last record.
async fn follow_by_next(world: &World, over: &AtomicBool, limit: u32) -> BTreeSet<String> {
    let (mut seen, mut query) = (BTreeSet::new(), String::new());
    let mut last = String::new();
    loop {
        let over = over.load(Ordering::SeqCst);
        let page = world.read(&format!("objects/?limit={limit}{query}")).ok().await;
        let count = take(&mut seen, &page);
        if let Some(end) = page.dates().1 {
            last = format!("&added_after={end}");
        }
        match page.next() {
            Some(next) => query = format!("&next={next}"),
            None if over && count == 0 => return seen,
            None => {
                query.clone_from(&last);
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn overlap(world: World) {
    let world = Arc::new(world);
    let over = Arc::new(AtomicBool::new(false));
    let mut reading = JoinSet::new();
    for limit in ["", "limit=1000&", "limit=17&"] {
        let (world, over) = (world.clone(), over.clone());
        reading.spawn(async move { follow_by_date(&world, &over, limit).await });
    }
    let (walked, walks_over) = (world.clone(), over.clone());
    reading.spawn(async move { follow_by_next(&walked, &walks_over, 100).await });
    let posted = write(&world, &over).await;
    let least = LARGE_REQUESTS * LARGE + 2 * FAST_WRITERS;
    assert!(posted.len() >= least as usize);
    while let Some(seen) = reading.join_next().await {
        let seen = seen.unwrap();
        let missed: Vec<&String> = posted.difference(&seen).collect();
        assert!(missed.is_empty(), "missed {}: {missed:?}", missed.len());
        assert_eq!(seen, posted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t118_pollers_miss_nothing_and_see_nothing_twice_while_others_write() {
    let world = World::on_disk();
    world.clock.run(13);
    overlap(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t118_not_even_when_the_clock_stands_still() {
    overlap(World::on_disk()).await;
}

#[tokio::test]
async fn t118_dates_ascend_when_the_clock_goes_back_and_over_a_restart() {
    let world = World::new();
    world.add(&[tool(1), tool(2)]).await;
    world.clock.tick(-HOUR);
    world.add(&[tool(3)]).await;
    let world = world.restart();
    world.clock.tick(-HOUR);
    world.add(&[tool(4)]).await;
    let removed = world.path(&format!("objects/{}/", id("tool", 4)));
    let last = world.manifest("").await.pop().unwrap().date_added;
    world.ask("DELETE", &removed).ok().await;
    let world = world.restart();
    world.add(&[tool(5)]).await;
    let records = world.manifest("").await;
    let ids: Vec<&String> = records.iter().map(|record| &record.id).collect();
    assert_eq!(ids.len(), 4);
    assert!(records.is_sorted_by(|one, other| one.date_added < other.date_added));
    // Behind what was removed, too: somebody may have polled up to there.
    assert!(records[3].date_added > last, "{records:?} {last}");
}

#[tokio::test]
async fn t090_a_walk_is_stable_while_objects_are_added() {
    let world = World::new();
    let objects: Vec<String> = (0..30).map(tool).collect();
    world.add(&objects).await;
    let (mut walked, mut query) = (Vec::new(), String::new());
    for number in 0..200 {
        let page = world.read(&format!("objects/?limit=4{query}")).ok().await;
        walked.extend(page.member("objects", "id"));
        let Some(next) = page.next() else { break };
        query = format!("&next={next}");
        // Each page meets a collection that has grown, by ids on both sides of those there.
        if number < 10 {
            world.add(&[tool(1000 - number), tool(2000 + number)]).await;
        }
    }
    let mut expected: Vec<String> = (0..30).map(|number| id("tool", number)).collect();
    for number in 0..u32::try_from((walked.len() - 30) / 2).unwrap() {
        expected.extend([id("tool", 1000 - number), id("tool", 2000 + number)]);
    }
    assert_eq!(walked, expected);
    assert!(walked.len() > 30);
}

#[tokio::test]
async fn t090_a_walk_is_stable_while_objects_are_removed() {
    let world = World::new();
    let objects: Vec<String> = (0..20).map(tool).collect();
    world.add(&objects).await;
    let first = world.read("objects/?limit=5").ok().await;
    for number in [0, 3, 4, 7] {
        let removed = world.path(&format!("objects/{}/", id("tool", number)));
        world.ask("DELETE", &removed).ok().await;
    }
    let next = first.next().unwrap();
    let rest = world.read(&format!("objects/?next={next}")).ok().await;
    let expected: Vec<String> =
        (5..20).filter(|one| *one != 7).map(|one| id("tool", one)).collect();
    assert_eq!(rest.member("objects", "id"), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_object_posted_by_many_at_once_is_held_once() {
    let world = Arc::new(World::new());
    let mut posting = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        posting.spawn(async move {
            let objects = [tool(1), tool(2)];
            let reply = world.post(envelope(&objects)).send().await;
            assert_eq!(reply.json()["success_count"], 2, "{}", reply.text());
        });
    }
    while let Some(done) = posting.join_next().await {
        done.unwrap();
    }
    assert_eq!(world.ids("match[version]=all").await, [id("tool", 1), id("tool", 2)]);
}

/// Each object of a collection by its path and its versions: what three endpoints say of it.
async fn agreed(world: &World) -> Vec<(String, String)> {
    let records = world.manifest("match[version]=all").await;
    let held: Vec<(String, String)> =
        records.iter().map(|record| (record.id.clone(), record.version.clone())).collect();
    let objects = world.read("objects/?match[version]=all").ok().await;
    let ids = objects.member("objects", "id");
    let versions = objects.member("objects", "modified");
    let posted: Vec<(String, String)> = ids.into_iter().zip(versions).collect();
    assert_eq!(held, posted);
    for (id, version) in &held {
        let part = format!("objects/{id}/versions/");
        let versions = world.read(&part).ok().await.json();
        let versions = versions["versions"].as_array().unwrap().clone();
        assert!(versions.iter().any(|one| one == version), "{id} {version}");
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adding_and_removing_at_once_leaves_what_the_logs_say() {
    let world = Arc::new(World::new());
    world.clock.run(7);
    let mut working = JoinSet::new();
    for worker in 0..4_usize {
        let world = world.clone();
        working.spawn(async move {
            for round in 0..12_usize {
                let number = u32::try_from((worker + round) % 3).unwrap();
                world.add(&[tool_at(number, TIMES[round % 3])]).await;
                if (worker + round) % 2 == 0 {
                    let rest = format!("objects/{}/?match[version]=last", id("tool", number));
                    // Another may have been faster.
                    let reply = world.ask("DELETE", &world.path(&rest)).send().await;
                    assert!(reply.status == 200 || reply.status == 404, "{}", reply.status);
                }
            }
        });
    }
    while let Some(done) = working.join_next().await {
        done.unwrap();
    }
    let held = agreed(&world).await;
    let latest = world.manifest("").await;
    let Ok(world) = Arc::try_unwrap(world) else {
        panic!("nobody else holds it");
    };
    let world = world.refold();
    assert_eq!(agreed(&world).await, held);
    assert_eq!(world.manifest("").await, latest);
}
