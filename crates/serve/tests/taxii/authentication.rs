//! Who asks (TAXII 2.1 §8.2).

use comity_view::Right;

use super::ask::{TAXII, basic};
use super::harness::{ANALYST, COLLEAGUE, HOUR, PASSWORD, World, envelope, path, secret};
use super::sample::{id, tool};

/// Every method of every endpoint, for a collection that is there and one that is not.
fn requests(world: &World) -> Vec<(&'static str, String)> {
    let object = format!("objects/{}/", id("tool", 1));
    let mut requests = vec![
        ("GET", "/taxii2/".to_owned()),
        ("GET", "/taxii2/comity/".to_owned()),
        ("GET", "/taxii2/comity/collections/".to_owned()),
        ("GET", "/taxii2/comity/status/00000000-0000-4000-8000-000000000000/".to_owned()),
    ];
    let nowhere = comity_node::collection::Collection {
        id: "11111111-1111-4111-8111-111111111111".to_owned(),
        ..world.collection.clone()
    };
    for collection in [&world.collection, &nowhere] {
        requests.extend([
            ("GET", path(collection, "")),
            ("GET", path(collection, "manifest/")),
            ("GET", path(collection, "objects/")),
            ("POST", path(collection, "objects/")),
            ("GET", path(collection, &object)),
            ("DELETE", path(collection, &object)),
            ("GET", path(collection, &format!("{object}versions/"))),
        ]);
    }
    requests
}

#[tokio::test]
async fn t010_every_endpoint_asks_for_credentials() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    for (method, path) in requests(&world) {
        let ask = world.ask(method, &path).without("authorization");
        ask.header("content-type", TAXII).refused(401).await;
    }
    assert_eq!(world.ids("").await, [id("tool", 1)]);
}

#[tokio::test]
async fn t011_401_names_the_schemes() {
    let world = World::new();
    let reply = world.get("/taxii2/").without("authorization").refused(401).await;
    let schemes = reply.headers.get_all("www-authenticate");
    let schemes: Vec<&str> = schemes.iter().map(|one| one.to_str().unwrap()).collect();
    assert_eq!(schemes, ["Basic realm=\"comity\", charset=\"UTF-8\"", "Bearer"]);
}

#[tokio::test]
async fn t012_wrong_credentials_are_401_and_show_nothing() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let ended = world.token(ANALYST, &[Right::Read]);
    for wrong in [
        basic(ANALYST, "correct horse battery stapler"),
        basic("nobody", PASSWORD),
        basic(ANALYST, ""),
        "Bearer comity_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        format!("Digest {}", secret(ANALYST)),
        format!("Bearer {}x", secret(ANALYST)),
        "Basic not-base64".to_owned(),
        "Basic".to_owned(),
    ] {
        let ask = world.read("objects/").header("authorization", &wrong);
        let reply = ask.refused(401).await;
        assert!(!reply.text().contains("tool"), "{wrong}");
        assert_eq!(reply.dates(), (None, None));
    }
    // Two of them, of which a proxy may have judged the other.
    let ask = world.read("objects/");
    let twice = ask.also("authorization", &basic("nobody", PASSWORD));
    twice.refused(401).await;
    // A token ends by its time, and by a revocation that takes effect at once.
    world.read("objects/").bearer(&ended).ok().await;
    let number = world.node.tokens().unwrap().last().unwrap().id;
    world.node.token_revoke(number).unwrap();
    world.read("objects/").bearer(&ended).refused(401).await;
    world.clock.tick(3_651 * 24 * HOUR);
    world.read("objects/").refused(401).await;
}

#[tokio::test]
async fn t012_a_disabled_user_is_out_at_once() {
    let world = World::new();
    world.get("/taxii2/").by(COLLEAGUE).ok().await;
    world.node.user_disable(COLLEAGUE).unwrap();
    world.get("/taxii2/").by(COLLEAGUE).refused(401).await;
}

#[tokio::test]
async fn t013_http_basic_is_taken() {
    let world = World::new();
    world.add(&[tool(1)]).await;
    let credentials = basic(ANALYST, PASSWORD);
    let ask = world.read("objects/").header("authorization", &credentials);
    assert_eq!(ask.ok().await.raw_objects(), [tool(1)]);
    let lower = credentials.replace("Basic", "basic");
    let posted = world.post(envelope(&[tool(2)])).header("authorization", &lower);
    assert_eq!(posted.send().await.status, 202);
}

#[tokio::test]
async fn t014_credentials_are_judged_before_existence() {
    let world = World::new();
    let answers = answers_to_strangers(&world, requests(&world)).await;
    // What is there and what is not look the same to a stranger, octet for octet.
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// The distinct answers to requests with wrong credentials.
async fn answers_to_strangers(
    world: &World,
    requests: Vec<(&'static str, String)>,
) -> std::collections::BTreeSet<String> {
    let mut answers = std::collections::BTreeSet::new();
    for (method, path) in requests {
        let ask = world.ask(method, &path).bearer("comity_wrong");
        let reply = ask.header("content-type", TAXII).send().await;
        answers.insert(format!("{} {:?} {}", reply.status, reply.headers, reply.text()));
    }
    answers
}
