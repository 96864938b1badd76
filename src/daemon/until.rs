//! Waiting for one thing, until another makes it needless.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Does `work` until `end` comes, and gives what comes of it; none if `end` came first. What is done at the same moment
/// counts.
pub(super) async fn until<T>(
    end: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn what_is_done_counts_and_what_is_not_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            assert_eq!(until(pending(), ready(1)).await, Some(1));
            assert_eq!(until(ready(()), ready(1)).await, Some(1));
            assert_eq!(until(ready(()), pending::<u8>()).await, None);
            let late = async {
                tokio::task::yield_now().await;
                1
            };
            assert_eq!(until(pending(), late).await, Some(1));
        });
    }
}
