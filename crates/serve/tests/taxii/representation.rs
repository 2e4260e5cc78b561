//! How TAXII resources are written (TAXII 2.1 §2, §3.8).

use serde_json::Value;

use super::ask::{FIRST, LAST};
use super::harness::{READER, START, World, path};
use super::sample::{id, tool, tool_at};

/// All resources that an analyst can get from a node with one object and one empty collection.
async fn resources(world: &World) -> Vec<Value> {
    let empty = world.collection("Empty", &[]);
    let status = world.add(&[tool(1)]).await;
    let object = format!("objects/{}/", id("tool", 1));
    let later = "?added_after=2099-01-01T00:00:00Z";
    let paths = [
        "/taxii2/".to_owned(),
        "/taxii2/comity/".to_owned(),
        "/taxii2/comity/collections/".to_owned(),
        format!("/taxii2/comity/status/{}/", status["id"].as_str().unwrap()),
        world.path(""),
        world.path("objects/"),
        world.path("manifest/"),
        world.path(&object),
        world.path(&format!("{object}versions/")),
        world.path(&format!("objects/{later}")),
        world.path(&format!("manifest/{later}")),
        world.path(&format!("{object}{later}")),
        world.path(&format!("{object}versions/{later}")),
        path(&empty, "objects/"),
        path(&empty, "manifest/"),
    ];
    let mut resources = Vec::new();
    for path in &paths {
        resources.push(world.get(path).ok().await.json());
    }
    resources.push(status);
    resources.push(world.get("/nowhere").refused(404).await.json());
    resources
}

fn walk(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                each(name, member);
                walk(member, each);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| walk(element, each)),
        _ => {}
    }
}

#[tokio::test]
async fn t019_no_empty_list_and_no_null_is_ever_sent() {
    let world = World::new();
    let mut lists = 0;
    for resource in resources(&world).await {
        walk(&resource, &mut |name, value| {
            assert!(!value.is_null(), "`{name}` in {resource}");
            if let Some(list) = value.as_array() {
                lists += 1;
                assert!(!list.is_empty(), "`{name}` in {resource}");
            }
        });
    }
    assert!(lists > 8, "{lists}");
}

#[tokio::test]
async fn t019_a_status_leaves_out_the_lists_that_it_has_not() {
    let world = World::new();
    let status = world.add(&[tool(1)]).await;
    assert!(status.get("failures").is_none() && status.get("pendings").is_none());
    let refused = world.post(r#"{"objects":[{"type":"tool"}]}"#).send().await.json();
    assert_eq!(refused["failure_count"], 1);
    assert!(refused.get("successes").is_none(), "{refused}");
}

/// RFC 3339, UTC, six digits of a second.
fn is_taxii_timestamp(text: &str) -> bool {
    let shape = "0000-00-00T00:00:00.000000Z";
    text.len() == shape.len()
        && text
            .chars()
            .zip(shape.chars())
            .all(|(one, shape)| if shape == '0' { one.is_ascii_digit() } else { one == shape })
}

#[tokio::test]
async fn t020_timestamps_have_six_digits_and_a_z() {
    let world = World::new();
    let mut seen = 0;
    // Fractions of all lengths, and none.
    for micros in [0, 100_000, 120_000, 123_456, 1, 1_000_000] {
        world.clock.tick(START + micros - world.clock.now());
        let status = world.add(&[tool(u32::try_from(micros).unwrap())]).await;
        let request = status["request_timestamp"].as_str().unwrap();
        assert!(is_taxii_timestamp(request), "{request}");
    }
    for part in ["objects/", "manifest/"] {
        let reply = world.read(part).ok().await;
        for name in [FIRST, LAST] {
            let value = reply.header(name).unwrap();
            assert!(is_taxii_timestamp(value), "{value}");
        }
    }
    for record in world.manifest("").await {
        assert!(is_taxii_timestamp(&record.date_added), "{record:?}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[tokio::test]
async fn t020_timestamps_of_stix_stay_as_they_were_written() {
    let world = World::new();
    world.add(&[tool_at(1, "2021-01-01T00:00:00.1Z")]).await;
    let record = &world.manifest("").await[0];
    assert_eq!(record.version, "2021-01-01T00:00:00.1Z");
}

fn is_uuid_4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|one| one == b'-' || one.is_ascii_digit() || (b'a'..=b'f').contains(&one))
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

#[tokio::test]
async fn t121_identifiers_are_uuids_of_version_4_and_numbers_are_whole() {
    let world = World::new();
    let mut numbers = 0;
    for resource in resources(&world).await {
        walk(&resource, &mut |name, value| {
            if name == "id" && !value.as_str().unwrap().contains("--") {
                assert!(is_uuid_4(value.as_str().unwrap()), "{value}");
            }
            if value.is_number() {
                numbers += 1;
                assert!(value.as_u64().is_some_and(|one| one < 1 << 53), "{value}");
            }
        });
    }
    assert!(numbers >= 5, "{numbers}");
}

#[tokio::test]
async fn t122_members_are_those_of_the_standard() {
    let world = World::new();
    let known = [
        "title",
        "description",
        "default",
        "api_roots",
        "versions",
        "max_content_length",
        "id",
        "status",
        "request_timestamp",
        "total_count",
        "success_count",
        "successes",
        "failure_count",
        "failures",
        "pending_count",
        "version",
        "message",
        "collections",
        "can_read",
        "can_write",
        "media_types",
        "media_type",
        "date_added",
        "objects",
        "more",
        "next",
        "error_code",
        "http_status",
    ];
    for mut resource in resources(&world).await {
        // What STIX objects hold is another standard's matter.
        if let Some(list) = resource["objects"].as_array_mut() {
            list.retain(|object| object["type"].is_null());
        }
        walk(&resource, &mut |name, _| {
            assert!(known.contains(&name), "`{name}` in {resource}");
        });
    }
}

#[tokio::test]
async fn t122_unknown_members_and_parameters_of_a_request_are_passed_over() {
    let world = World::new();
    let body = format!(r#"{{"x_colour":"red","objects":[{}],"x_list":[1]}}"#, tool(1));
    let reply = world.post(body).send().await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(world.ids("x_colour=red&pretty").await, [id("tool", 1)]);
    let ask = world.read("objects/").by(READER).header("x-colour", "red");
    assert_eq!(ask.ok().await.raw_objects(), [tool(1)]);
}
