//! Compression, states of a collection, and HEAD (RFC 9110).

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::harness::{COLLEAGUE, READER, World, envelope, path};
use super::sample::{TIMES, id, large, tool, tool_at};

const LIMIT: usize = 10 * 1024 * 1024;

fn zipped(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn unzipped(octets: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(octets).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_body_may_come_compressed() {
    let world = World::new();
    let body = zipped(envelope(&[tool(1), tool(2)]).as_bytes());
    let reply = world.post(body).header("content-encoding", "gzip").send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(world.read("objects/").ok().await.raw_objects(), [tool(1), tool(2)]);
}

#[tokio::test]
async fn a_body_may_say_that_it_is_not_compressed() {
    let world = World::new();
    let ask = world.post(envelope(&[tool(1)]));
    let reply = ask.header("content-encoding", "identity").send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
}

#[tokio::test]
async fn t050_what_grows_beyond_the_limit_is_413() {
    let world = World::on_disk();
    let mut body = envelope(&[tool(1)]).into_bytes();
    body.resize(LIMIT + 1, b' ');
    let small = zipped(&body);
    assert!(small.len() < 64 * 1024);
    world.post(small).header("content-encoding", "gzip").refused(413).await;
    body.pop();
    let fits = world.post(zipped(&body)).header("content-encoding", "gzip");
    assert_eq!(fits.send().await.status, 202);
}

#[tokio::test]
async fn t052_a_body_that_is_not_the_gzip_it_says_is_400() {
    let world = World::new();
    let whole = zipped(envelope(&[tool(1)]).as_bytes());
    for body in [b"{\"objects\":[]}".to_vec(), whole[..whole.len() - 9].to_vec()] {
        let ask = world.post(body).header("content-encoding", "gzip");
        ask.refused(400).await;
    }
    assert!(world.ids("").await.is_empty());
}

#[tokio::test]
async fn a_large_answer_is_compressed_for_those_who_take_it() {
    let world = World::on_disk();
    let objects: Vec<String> = (0..20).map(|number| large(number, 30_000)).collect();
    world.add(&objects).await;
    let plain = world.read("objects/").ok().await;
    assert_eq!(plain.header("content-encoding"), None);
    let small = world.read("objects/").header("accept-encoding", "gzip").ok().await;
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert!(small.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")));
    assert!(small.body.len() < plain.body.len() / 10);
    assert_eq!(unzipped(&small.body), plain.text());
    assert_eq!(small.dates(), plain.dates());
}

/// The paths that have a state.
fn stateful() -> [String; 3] {
    ["objects/".to_owned(), "manifest/".to_owned(), format!("objects/{}/", id("tool", 1))]
}

#[tokio::test]
async fn an_unchanged_answer_is_304_and_a_change_ends_it() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    for (part, time) in stateful().iter().zip(TIMES) {
        let first = world.read(part).ok().await;
        let tag = first.header("etag").unwrap().to_owned();
        for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
            let ask = world.read(part).header("if-none-match", &known);
            let same = ask.send().await;
            assert_eq!(same.status, 304, "{part}");
            assert_eq!(same.header("etag"), Some(tag.as_str()));
            assert!(same.body.is_empty());
        }
        let other = world.read(part).header("if-none-match", "W/\"other\"");
        assert_eq!(other.ok().await.body, first.body);

        // A new version changes each of the three.
        world.add(&[tool_at(1, time)]).await;
        let changed = world.read(part).header("if-none-match", &tag).ok().await;
        assert_ne!(changed.header("etag"), Some(tag.as_str()), "{part}");
        assert_ne!(changed.body, first.body, "{part}");
    }
}

#[tokio::test]
async fn removing_and_adding_again_ends_a_state() {
    let world = World::new();
    world.add(&[tool(1), tool(2)]).await;
    for part in ["objects/", "manifest/"] {
        let first = world.read(part).ok().await;
        let tag = first.header("etag").unwrap();
        let removed = world.path(&format!("objects/{}/", id("tool", 2)));
        world.ask("DELETE", &removed).ok().await;
        let shrunk = world.read(part).header("if-none-match", tag).ok().await;
        assert_eq!(shrunk.member("objects", "id"), [id("tool", 1)]);
        // The same content, and another date.
        world.add(&[tool(2)]).await;
        let again = world.read(part).header("if-none-match", tag).ok().await;
        assert_ne!(again.dates(), first.dates(), "{part}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_whatever_the_client_knows() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let [_, _, one] = stateful();
    let tag = world.read(&one).ok().await.header("etag").unwrap().to_owned();
    world.ask("DELETE", &world.path(&one)).ok().await;
    for known in [tag.as_str(), "*"] {
        world.read(&one).header("if-none-match", known).refused(404).await;
    }
}

#[tokio::test]
async fn a_state_is_that_of_one_question_to_one_collection() {
    let world = World::new();
    let second = world.collection("Second", &[]);
    world.add(&[tool(1)]).await;
    world.add_to(&second, &[tool(1)]).await;
    let mut tags = std::collections::BTreeSet::new();
    for part in [
        "objects/",
        "objects/?limit=1",
        "objects/?match[version]=all",
        "manifest/",
        "manifest/?limit=1",
    ] {
        for path in [world.path(part), path(&second, part)] {
            let reply = world.get(&path).ok().await;
            tags.insert(reply.header("etag").unwrap().to_owned());
        }
    }
    assert_eq!(tags.len(), 10);
    // What happens in one collection changes nothing for another.
    let tag = world.read("objects/").ok().await.header("etag").unwrap().to_owned();
    world.add_to(&second, &[tool(2)]).await;
    let same = world.read("objects/").header("if-none-match", &tag).send().await;
    assert_eq!(same.status, 304);
}

#[tokio::test]
async fn a_known_state_is_no_way_around_the_rights() {
    let world = World::new();
    let limited = world.collection("Limited", &[(COLLEAGUE, "w"), (READER, "none")]);
    world.add_to(&limited, &[tool(1)]).await;
    let objects = path(&limited, "objects/");
    let tag = world.get(&objects).ok().await.header("etag").unwrap().to_owned();
    for (user, status) in [(COLLEAGUE, 403), (READER, 404)] {
        let ask = world.get(&objects).by(user).header("if-none-match", &tag);
        ask.refused(status).await;
    }
    let ask = world.get(&objects).without("authorization");
    ask.header("if-none-match", &tag).refused(401).await;
    let ask = world.get(&objects).header("accept", "text/html");
    ask.header("if-none-match", &tag).refused(406).await;
}

#[tokio::test]
async fn what_expires_ends_a_state() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let [objects, manifest, one] = stateful();
    let mut tags = Vec::new();
    for part in [&objects, &manifest, &one] {
        let reply = world.read(part).ok().await;
        tags.push(reply.header("etag").unwrap().to_owned());
    }
    world.clock.tick(1096 * 24 * super::harness::HOUR);
    for (part, tag) in [&objects, &manifest].into_iter().zip(&tags) {
        let reply = world.read(part).header("if-none-match", tag).ok().await;
        assert_eq!(reply.text(), "{}", "{part}");
    }
    let ask = world.read(&one).header("if-none-match", &tags[2]);
    ask.refused(404).await;
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let [objects, manifest, one] = stateful();
    let paths = [
        "/taxii2/".to_owned(),
        "/taxii2/comity/".to_owned(),
        "/taxii2/comity/collections/".to_owned(),
        world.path(""),
        world.path(&objects),
        world.path(&manifest),
        world.path(&one),
        world.path(&format!("{one}versions/")),
    ];
    for path in &paths {
        let get = world.get(path).ok().await;
        let head = world.ask("HEAD", path).send().await;
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(head.dates(), get.dates(), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let head = world.ask("HEAD", &world.path("objects/")).without("authorization");
    assert_eq!(head.send().await.status, 401);
}
