//! `POST /v1/open` and `POST /v1/check`.

use std::sync::Arc;

use super::super::request::Request;
use super::super::response::{Body, Kind, Response};
use super::super::route::Call;
use super::inquiry::{Asking, Inquiry};
use crate::daemon::environments::Answer;
use crate::daemon::policy::{Action, Decision};
use crate::protocol::{Code, ErrorAnswer, MOST_ENVIRONMENTS, OpenCall, View};

/// Gives what is in environments.
pub(super) async fn open(asking: Asking<'_>, request: Request) -> Result<Response, Response> {
    let call = read(&request)?;
    drop(request);
    // Of an environment all of whose values are asked for, everything is given, in whatever form.
    let (name, action) = match (&call.view, &call.path) {
        (View::Values, Some(_)) => ("value", Action::Value),
        _ => (Call::Open.name(), Action::Open),
    };
    let mut inquiry = Inquiry::new(asking, name, action).of(names(&call.environments));
    inquiry.path = call.path.clone();
    let (answer, decision) = give(&inquiry, &call).await?;
    let lifetime = decision.lifetime.map_or(Vec::new(), |lifetime| {
        format!("\"lifetimeSeconds\":{},", lifetime.as_secs()).into_bytes()
    });
    Ok(Response::new(Kind::Json, Body::Composed(answer, lifetime)))
}

/// What is asked for, if it may be given: decided, evaluated and recorded.
pub(super) async fn give(
    inquiry: &Inquiry<'_>,
    call: &OpenCall,
) -> Result<(Arc<Answer>, Decision), Response> {
    let (closure, decision) = inquiry.admit().await?;
    let opened = inquiry.daemon.environments.open(&closure, call).await;
    let answer = opened.map_err(|failure| match inquiry.sees_all_of(&closure) {
        true => inquiry.fail_with(&decision, &failure),
        // What is wrong elsewhere is nothing to one who may have a single value.
        false => inquiry.fail_with(
            &decision,
            &ErrorAnswer {
                error: failure.error.clone(),
                diagnostics: Vec::new(),
            },
        ),
    })?;
    inquiry.give(&decision, Some(&answer))?;
    // However it was answered: from memory, too.
    inquiry.daemon.vault.touch();
    Ok((answer, decision))
}

/// Tells what is wrong with environments. Decrypts nothing.
pub(super) async fn check(asking: Asking<'_>, request: Request) -> Result<Response, Response> {
    let call = read(&request)?;
    drop(request);
    let inquiry =
        Inquiry::new(asking, Call::Check.name(), Action::Open).of(names(&call.environments));
    let (closure, decision) = inquiry.admit().await?;
    let checked = asking.daemon.environments.check(&closure, &call).await;
    let answer = checked.map_err(|failure| inquiry.fail_with(&decision, &failure))?;
    inquiry.give(&decision, Some(&answer))?;
    Ok(Response::new(
        Kind::Json,
        Body::Composed(answer, Vec::new()),
    ))
}

/// The names, as they are decided on, read and recorded.
pub(super) fn names(environments: &[String]) -> Vec<Arc<str>> {
    environments.iter().map(|name| Arc::from(&**name)).collect()
}

/// What is asked.
fn read(request: &Request) -> Result<OpenCall, Response> {
    // What is set over definitions is no secret: it is typed on command lines.
    let call: Result<OpenCall, _> = serde_json::from_slice(request.body.expose());
    let call = call.map_err(|error| bad(&described(&error)))?;
    check_names(call.environments.len())?;
    if call.path.is_some() && call.view != View::Values {
        return Err(bad("a path goes with the view values alone"));
    }
    Ok(call)
}

/// Whether so many environments can be asked for.
pub(super) fn check_names(count: usize) -> Result<(), Response> {
    match count {
        0 => Err(bad("no environment is named")),
        1..=MOST_ENVIRONMENTS => Ok(()),
        _ => Err(bad("too many environments are named")),
    }
}

/// What is wrong with a body, without any value that stands in it.
fn described(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if !error.is_data() {
        return format!("the body is not JSON: line {line}, column {column}");
    }
    let text = error.to_string();
    // These name keys, not values.
    let of_keys = ["unknown field", "missing field", "duplicate field"];
    match of_keys.iter().any(|start| text.starts_with(start)) {
        true => format!("the body is no such call: {text}"),
        false => format!("the body is no such call: line {line}, column {column}"),
    }
}

pub(super) fn bad(message: &str) -> Response {
    Response::error(Code::BadRequest, message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_is_told_without_its_values() {
        for (body, expected) in [
            ("", "the body is not JSON: line 1, column 0"),
            ("{", "the body is not JSON: line 1, column 1"),
            (
                "{\"environments\":7}",
                "the body is no such call: line 1, column 17",
            ),
            (
                "{\"environments\":[\"a\"],\"view\":\"s3cret\"}",
                "the body is no such call: line 1, column 37",
            ),
            (
                "{}",
                "the body is no such call: missing field `environments` at line 1 column 2",
            ),
        ] {
            let error = serde_json::from_str::<OpenCall>(body).expect_err(body);
            assert_eq!(described(&error), expected);
        }
    }
}
