//! The calls of the protocol, each on a connection of its own: one is made, one request is written, one answer is read.

use std::cell::Cell;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::{TAKING, connect};
use super::error::Error;
use super::http::{self, Answer, Fault};
use super::opened::{self, Opened};
use crate::encode::{self, Redaction};
use crate::protocol::{
    self, CheckAnswer, Code, ErrorAnswer, LockAnswer, LockState, OpenCall, Reloaded, Status,
    UnlockRefusal, UnwrapCall, View,
};
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::sys::local_socket::is_attended;
use crate::value::{Data, Object, Text, Value};

/// How long a daemon may take to say how it is, once it was asked.
const TELLING: Duration = Duration::from_secs(10);

/// Asks the daemon behind one socket.
pub struct Client {
    socket: PathBuf,
    /// A connection on which nothing has been asked yet.
    ready: Cell<Option<UnixStream>>,
    /// How long it may take to read a request.
    patience: Duration,
}

/// What came of unlocking.
#[derive(Debug)]
pub enum Unlocked {
    /// All identities are open.
    Done(LockState),
    /// These questions are to be answered as well, for this reason.
    Asks(UnlockRefusal),
}

impl Client {
    /// Asks whoever serves `socket`, if that is a daemon that can be trusted. Nothing is done yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            ready: Cell::default(),
            patience: TAKING,
        }
    }

    /// As [`Self::new`], and connects: the first call needs no other connection.
    ///
    /// # Errors
    /// All kinds of [`Error`] but [`Error::Refused`].
    pub fn connected(socket: impl Into<PathBuf>) -> Result<Self, Error> {
        let client = Self::new(socket);
        client.ready.set(Some(connect(&client.socket)?));
        Ok(client)
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Variables and files.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn open(&self, call: &OpenCall) -> Result<Opened, Error> {
        let answer = self.post("/v1/open", &json(call))?;
        self.understood(Opened::read(answer.body()))
    }

    /// Values: all of them, or the one at the call's path. All are marked as secret; where the call asks for redacted ones,
    /// none is.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn values(&self, call: &OpenCall) -> Result<Value, Error> {
        let call = OpenCall {
            view: View::Values,
            ..call.clone()
        };
        let answer = self.post("/v1/open", &json(&call))?;
        self.understood(opened::read_values(answer.body(), !call.redact))
    }

    /// What is wrong with definitions.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn check(&self, call: &OpenCall) -> Result<CheckAnswer, Error> {
        self.parsed(&self.post("/v1/check", &json(call))?)
    }

    /// How the daemon is.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn status(&self) -> Result<Status, Error> {
        // It takes no time. Who asks this wants to know why nothing else is answered.
        let stream = connect(&self.socket)?;
        let limited = stream.set_read_timeout(Some(TELLING));
        limited.map_err(Error::io("cannot ask the daemon at", &self.socket))?;
        self.ready.set(Some(stream));
        self.parsed(&self.get("/v1/status")?)
    }

    /// Has the daemon forget its identities.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn lock(&self) -> Result<LockAnswer, Error> {
        self.parsed(&self.post("/v1/lock", b"{}")?)
    }

    /// Has the daemon open its identities, with answers to what it has asked.
    ///
    /// # Errors
    /// All kinds of [`Error`], except that questions which are left are none.
    pub fn unlock(&self, answers: &[(String, Secret)]) -> Result<Unlocked, Error> {
        let body = unlock_body(answers);
        // Exposed: the daemon is to have the answers.
        let answer = self.exchange("POST", "/v1/unlock", Some(body.bytes()))?;
        match answer.status {
            200 => Ok(Unlocked::Done(self.parsed(&answer)?)),
            423 => match serde_json::from_slice::<UnlockRefusal>(answer.body()) {
                Ok(refused) if !refused.keys.questions.is_empty() => Ok(Unlocked::Asks(refused)),
                _ => Err(refusal(&self.socket, answer.status, answer.body())),
            },
            _ => Err(refusal(&self.socket, answer.status, answer.body())),
        }
    }

    /// Has the daemon read definitions, its settings, its policy and its identities anew, and open its audit anew.
    ///
    /// # Errors
    /// All kinds of [`Error`].
    pub fn reload(&self) -> Result<Reloaded, Error> {
        self.parsed(&self.post("/v1/reload", b"{}")?)
    }

    /// The file key that one of the stanzas wraps for an identity of the daemon.
    ///
    /// # Errors
    /// All kinds of [`Error`]; [`Code::NotFound`] if none of them is for any.
    pub fn unwrap_file_key(&self, call: &UnwrapCall) -> Result<Secret, Error> {
        let answer = self.post("/v1/unwrap", &json(call))?;
        self.understood(file_key(answer.body()))
    }

    fn get(&self, target: &str) -> Result<Answer, Error> {
        self.successful(self.exchange("GET", target, None)?)
    }

    fn post(&self, target: &str, body: &[u8]) -> Result<Answer, Error> {
        self.successful(self.exchange("POST", target, Some(body))?)
    }

    /// One request and its answer, whatever that says.
    ///
    /// # Errors
    /// All kinds of [`Error`] but [`Error::Refused`].
    pub fn exchange(
        &self,
        method: &str,
        target: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, Error> {
        let stream = match self.ready.take() {
            Some(stream) => stream,
            None => connect(&self.socket)?,
        };
        let request = http::request(method, target, "", body);
        // Exposed: the daemon is to have it. One that answers before it has read all of it has its reasons, which are better
        // to be told than that it did not listen.
        let written = std::io::Write::write_all(&mut &stream, request.expose());
        self.await_attention(&stream, written.is_ok())?;
        let answer = match (http::read_answer(&stream), written) {
            (Ok(answer), _) => return Ok(answer),
            (Err(Fault::Unintelligible(reason)), _) => return self.understood(Err(reason)),
            (Err(Fault::Io(_)), Err(error)) | (Err(Fault::Io(error)), Ok(())) => error,
        };
        Err(Error::io("no answer from the daemon at", &self.socket)(
            answer,
        ))
    }

    /// An answer may take as long as it needs, but somebody has to work on it.
    fn await_attention(&self, stream: &UnixStream, is_written: bool) -> Result<(), Error> {
        // Where not all could be written, that has taken all the time there is.
        let patience = if is_written {
            self.patience
        } else {
            Duration::ZERO
        };
        let attended = is_attended(stream, patience);
        match attended.map_err(Error::io("cannot ask the daemon at", &self.socket))? {
            true => Ok(()),
            false => Err(Error::Unattended {
                socket: self.socket.clone(),
            }),
        }
    }

    fn successful(&self, answer: Answer) -> Result<Answer, Error> {
        match answer.status {
            200..300 => Ok(answer),
            status => Err(refusal(&self.socket, status, answer.body())),
        }
    }

    /// What an answer without secrets says.
    fn parsed<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Error> {
        let parsed = serde_json::from_slice(answer.body());
        self.understood(parsed.map_err(|_| "its answer is not what was asked for"))
    }

    fn understood<T>(&self, result: Result<T, &'static str>) -> Result<T, Error> {
        result.map_err(|reason| Error::Unintelligible {
            socket: self.socket.clone(),
            reason,
        })
    }
}

/// What an answer says that is no success.
pub(super) fn refusal(socket: &Path, status: u16, body: &[u8]) -> Error {
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(answer) => Error::Refused(Box::new(answer)),
        Err(_) => Error::Refused(Box::new(ErrorAnswer {
            error: protocol::Fault {
                code: Code::Internal,
                message: format!(
                    "the daemon at {} answers with status {status} and does not say why",
                    socket.display()
                ),
                hint: None,
            },
            diagnostics: Vec::new(),
        })),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

fn json(call: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(call)
        .expect("texts, numbers and lists of them can always be written as JSON")
}

/// `{"answers": {QUESTION: ANSWER}}`, in locked memory.
fn unlock_body(answers: &[(String, Secret)]) -> Text {
    let nowhere = Origin::new(&Source::new("answers", None, ""), Span::default());
    let value = |data| Value::new(data, nowhere.clone());
    let object = |members: Vec<(&str, Value)>| {
        let members = members.into_iter();
        let members = members.map(|(key, value)| (key.into(), value.into()));
        value(Data::Object(Object::new(members.collect()).into()))
    };
    let answers = answers.iter().map(|(question, answer)| {
        // Exposed: copied from locked memory to locked memory.
        let text = Text::secret(Secret::from_parts(&[answer.expose()]));
        (question.as_str(), value(Data::String(text)).into_secret())
    });
    let body = object(vec![("answers", object(answers.collect()))]);
    let encoded = encode::json(&body, Redaction::Reveal);
    encoded
        .expect("answers are short, and nothing is nested")
        .text
}

fn file_key(body: &[u8]) -> Result<Secret, &'static str> {
    const MISSHAPEN: &str = "its answer is no file key";
    let value = opened::decode(body, true)?;
    let encoded = match value.member("fileKey").map(|key| &key.data) {
        Some(Data::String(encoded)) => encoded.bytes(),
        _ => return Err(MISSHAPEN),
    };
    // Decoded in place, from locked memory to locked memory.
    let room = base64::decoded_len_estimate(encoded.len());
    Secret::try_fill(room, |buffer| STANDARD.decode_slice(encoded, buffer)).map_err(|_| MISSHAPEN)
}

#[cfg(test)]
mod tests;
