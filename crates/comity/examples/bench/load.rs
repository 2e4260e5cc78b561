//! What clients do: post envelopes, follow pages, ask the same small things again and again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::client::{Client, Service, find};
use crate::corpus::Envelope;

/// Connections of the small questions.
pub(crate) const CONNECTIONS: usize = 8;

/// How long they are asked in one run, after a tenth of it that is not counted.
const ASKED_FOR: Duration = Duration::from_millis(1500);

/// All clients run on one thread: less to switch between on a machine of two cores.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

#[derive(Deserialize)]
struct Counts {
    status: String,
    success_count: usize,
}

/// Posts all envelopes through so many clients; seconds until the last one is answered. Every
/// object has to be a success.
pub(crate) async fn post(
    service: &Service,
    clients: usize,
    envelopes: Vec<Envelope>,
) -> Outcome<f64> {
    let waiting = Arc::new(Mutex::new(VecDeque::from(envelopes)));
    let began = Instant::now();
    let mut tasks: JoinSet<Outcome<()>> = JoinSet::new();
    for _ in 0..clients {
        let (service, waiting) = (service.clone(), waiting.clone());
        tasks.spawn(async move {
            let mut client = Client::new(service.address);
            loop {
                let next = waiting.lock().map_err(|_| "another client failed")?.pop_front();
                let Some(envelope) = next else {
                    return Ok(());
                };
                let head = service.post(envelope.text.len());
                let answer = client.ask(&head, &envelope.text).await?.expect(202)?;
                let counts: Counts = serde_json::from_slice(answer.body)?;
                let all = envelope.bodies.len();
                if counts.success_count != all || counts.status != "complete" {
                    let body = String::from_utf8_lossy(answer.body).into_owned();
                    return Err(format!("of {all} objects not all came in: {body}").into());
                }
            }
        });
    }
    all(&mut tasks).await?;
    Ok(began.elapsed().as_secs_f64())
}

/// What a walk through pages found.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Walked {
    pub(crate) pages: usize,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
}

/// Follows pages to the last. `look` sees each body, inside of the time.
pub(crate) async fn walk(
    service: &Service,
    what: &str,
    limit: usize,
    mut look: impl FnMut(&[u8]) -> Outcome<()>,
) -> Outcome<Walked> {
    let mut client = Client::new(service.address);
    let mut walked = Walked::default();
    let mut place = String::new();
    let began = Instant::now();
    loop {
        let request = service.get(&format!("{what}/?limit={limit}{place}"));
        let answer = client.ask(&request, b"").await?.expect(200)?;
        walked.pages += 1;
        walked.bytes += answer.body.len();
        look(answer.body)?;
        let (more, next) = continuation(answer.body);
        if !more {
            break;
        }
        place = match next {
            Some(next) => format!("&next={}", escaped(&next)),
            // A server that gives no `next` has to be asked by time.
            None => {
                let last = answer.header("x-taxii-date-added-last");
                format!("&added_after={}", escaped(last.ok_or("a page that ends nowhere")?))
            }
        };
    }
    walked.seconds = began.elapsed().as_secs_f64();
    Ok(walked)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    objects: Vec<IgnoredAny>,
}

/// How many objects or records a page has.
pub(crate) fn count(body: &[u8]) -> Outcome<usize> {
    Ok(serde_json::from_slice::<Page>(body)?.objects.len())
}

/// `more` and `next`, which stand before or after the objects; those are not looked through.
fn continuation(body: &[u8]) -> (bool, Option<String>) {
    let Some(start) = find(body, b"\"objects\"") else {
        return (false, None);
    };
    let end = body.iter().rposition(|octet| *octet == b']').unwrap_or(start);
    let head = body.get(..start).unwrap_or_default();
    let mut around = String::from_utf8_lossy(head).into_owned();
    around.push_str(&String::from_utf8_lossy(body.get(end..).unwrap_or_default()));
    around.retain(|one| !one.is_whitespace());
    let next = around.split_once("\"next\":\"").and_then(|(_, rest)| rest.split_once('"'));
    (around.contains("\"more\":true"), next.map(|(next, _)| next.to_owned()))
}

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

/// Requests a second, and how long one took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Asks from several connections at once, each the next request as soon as it has an answer.
pub(crate) async fn ask_again(address: SocketAddr, requests: &Arc<Vec<Vec<u8>>>) -> Outcome<Rate> {
    ask_for(address, requests, ASKED_FOR / 10).await?;
    let began = Instant::now();
    let mut took = ask_for(address, requests, ASKED_FOR).await?;
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = (took.len() as f64 * share) as usize;
        took.get(place).copied().unwrap_or_default() * 1e3
    };
    Ok(Rate { per_second: took.len() as f64 / seconds, p50_ms: at(0.5), p99_ms: at(0.99) })
}

async fn ask_for(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    time: Duration,
) -> Outcome<Vec<f64>> {
    let until = Instant::now() + time;
    let mut tasks: JoinSet<Outcome<Vec<f64>>> = JoinSet::new();
    for first in 0..CONNECTIONS {
        let requests = requests.clone();
        tasks.spawn(async move {
            let mut client = Client::new(address);
            let mut took = Vec::new();
            for request in requests.iter().cycle().skip(first * 997 % requests.len().max(1)) {
                let began = Instant::now();
                if began > until {
                    break;
                }
                client.ask(request, b"").await?.expect(200)?;
                took.push(began.elapsed().as_secs_f64());
            }
            Ok(took)
        });
    }
    Ok(all(&mut tasks).await?.into_iter().flatten().collect())
}

async fn all<T: 'static>(tasks: &mut JoinSet<Outcome<T>>) -> Outcome<Vec<T>> {
    let mut found = Vec::new();
    while let Some(done) = tasks.join_next().await {
        found.push(done??);
    }
    Ok(found)
}
