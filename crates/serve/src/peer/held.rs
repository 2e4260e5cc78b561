//! A body that holds a place until it is sent. It goes in small pieces, so that its end is not
//! reached before most of it was taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::JoinHandle;

/// Octets of a piece.
const PIECE_BYTES: usize = 64 * 1024;

pub(super) struct Held {
    body: Body,
    rest: Bytes,
    _place: OwnedSemaphorePermit,
    late: Option<JoinHandle<()>>,
}

impl Held {
    pub(super) fn new(body: Body, place: OwnedSemaphorePermit) -> Held {
        Held { body, rest: Bytes::new(), _place: place, late: None }
    }

    /// Ends the connection where the body is not sent by then. Whoever takes an octet now and
    /// then would hold it for ever.
    pub(super) fn until(mut self, timeout: Duration, end: Arc<Notify>) -> Held {
        self.late = Some(tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            tracing::debug!("an answer is not taken in time");
            end.notify_one();
        }));
        self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(late) = &self.late {
            late.abort();
        }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let piece = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_place_is_held_until_the_last_piece_is_taken() {
        let places = Arc::new(Semaphore::new(1));
        let octets = vec![7; 2 * PIECE_BYTES + 1];
        let place = places.clone().try_acquire_owned().unwrap();
        let mut held = Held::new(Body::from(octets.clone()), place);
        assert_eq!(held.size_hint().exact(), Some(octets.len() as u64));
        let mut taken = Vec::new();
        while let Some(frame) = held.frame().await {
            taken.extend_from_slice(&frame.unwrap().into_data().unwrap());
            assert_eq!(places.available_permits(), 0);
            assert_eq!(held.size_hint().exact(), Some((octets.len() - taken.len()) as u64));
        }
        assert!(taken == octets && held.is_end_stream());
        drop(held);
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_body_that_is_not_taken_ends_its_connection() {
        let (places, end) = (Arc::new(Semaphore::new(2)), Arc::<Notify>::default());
        let body =
            |place| Held::new(Body::from("x"), place).until(Duration::from_millis(5), end.clone());
        let place = || places.clone().try_acquire_owned().unwrap();
        drop(body(place()));
        let _held = body(place());
        end.notified().await;
    }
}
