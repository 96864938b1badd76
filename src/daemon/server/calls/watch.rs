//! `GET /v1/watch`: to be told when environments change.

use super::super::request::{Method, Request};
use super::super::response::Response;
use super::super::route::Call;
use super::super::sse::Stream;
use super::Outcome;
use super::inquiry::{Asking, Inquiry};
use super::open::{bad, check_names, names};
use crate::daemon::environments::require_present;
use crate::daemon::policy::Action;

/// Begins a stream.
pub(super) async fn watch(asking: Asking<'_>, request: Request) -> Result<Outcome, Response> {
    let list = request
        .head
        .parameter("env")
        .map_err(|refusal| Response::refused(&refusal))?;
    let list = list.ok_or_else(|| bad("the query names no environments: env=A,B"))?;
    let list: Vec<String> = list.split(',').map(str::to_owned).collect();
    check_names(list.len())?;
    let inquiry = Inquiry::new(asking, Call::Watch.name(), Action::Watch).of(names(&list));
    let (closure, decision) = inquiry.admit().await?;
    // Nothing is watched, or kept, for names of nothing: those are without number.
    require_present(&closure).map_err(|failure| inquiry.fail_with(&decision, &failure))?;
    inquiry.give(&decision, None)?;
    let subscription = asking.daemon.environments.subscribe(&closure);
    let stream = Stream {
        subscription,
        last: request.head.last_event.clone(),
        ends: decision.lifetime,
        head_only: request.head.method == Method::Head,
    };
    Ok(Outcome::Stream(Box::new(stream)))
}
