//! What is answered. Answers with values in them are written by the daemon straight into locked memory and read by the
//! client the same way, so they have no types here.

use serde::{Deserialize, Serialize};

/// The body of every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// What went wrong.
    pub error: Fault,
    /// What is wrong with the definitions, if that is it; the same objects that `--message-format json` prints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<serde_json::Value>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For programs.
    pub code: Code,
    /// For people: one line, lower case, no full stop.
    pub message: String,
    /// What helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The kinds of failure, each with its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// 400: the request is not understood.
    BadRequest,
    /// 403: the policy does not allow it; says nothing of why, nor whether the environment exists.
    Denied,
    /// 404: there is no such call, or no such environment or value.
    NotFound,
    /// 405: the call exists, with another method.
    BadMethod,
    /// 408: the request did not come in time.
    TooSlow,
    /// 413: the body is larger than any request.
    TooLarge,
    /// 422: the definitions are at fault.
    Faulty,
    /// 423: the identities are locked.
    Locked,
    /// 429: the limit of the rule is reached.
    TooOften,
    /// 431: the head is larger than any request's.
    HeadTooLarge,
    /// 500: a defect.
    Internal,
    /// 501: something of HTTP that is not offered.
    NotOffered,
    /// 503: the daemon cannot answer now: too much to do, or the audit cannot be written.
    Unavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::BadRequest,
        Self::Denied,
        Self::NotFound,
        Self::BadMethod,
        Self::TooSlow,
        Self::TooLarge,
        Self::Faulty,
        Self::Locked,
        Self::TooOften,
        Self::HeadTooLarge,
        Self::Internal,
        Self::NotOffered,
        Self::Unavailable,
    ];

    /// The HTTP status (RFC 9110, section 15; RFC 6585; 423 is of RFC 4918).
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::BadMethod => 405,
            Self::TooSlow => 408,
            Self::TooLarge => 413,
            Self::Faulty => 422,
            Self::Locked => 423,
            Self::TooOften => 429,
            Self::HeadTooLarge => 431,
            Self::Internal => 500,
            Self::NotOffered => 501,
            Self::Unavailable => 503,
        }
    }
}

/// `POST /v1/check`: what is wrong, without anything decrypted. That there is anything is no failure of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    /// Errors and warnings, as the objects that `--message-format json` prints.
    pub diagnostics: Vec<serde_json::Value>,
}

/// `GET /v1/health`: that the daemon answers, and no more: anyone may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always true.
    pub ok: bool,
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the daemon.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// How long it has run, in seconds.
    pub uptime_seconds: u64,
    /// What is known of the identities.
    pub keys: LockState,
    /// The folders of the definitions.
    pub folders: Vec<String>,
    /// What is worse than it should be: a policy that could not be read anew, a protection that the kernel lacks.
    pub warnings: Vec<String>,
}

/// `POST /v1/reload`: what became of the daemon's settings, by their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Settings that are in force now and were not before.
    pub changed: Vec<String>,
    /// Settings that take effect when the daemon is started again.
    pub restart: Vec<String>,
}

/// What is known of the identities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockState {
    /// Whether nothing can be decrypted before someone unlocks.
    pub locked: bool,
    /// The names of the sources that gave identities.
    pub identities: Vec<String>,
    /// The recipients that stand for the identities, as far as they are known: public keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What has to be answered to unlock all identities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
}

/// `POST /v1/lock`: the identities are locked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockAnswer {
    /// What is known of the identities now.
    #[serde(flatten)]
    pub keys: LockState,
    /// Whether the audit could not be told: that is no reason to keep the keys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrecorded: bool,
}

/// The body of an answer to `POST /v1/unlock` that is no success: that of every failure, and what is known of the
/// identities now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockRefusal {
    /// What went wrong.
    pub error: Fault,
    /// What is known of the identities, with what has to be answered.
    #[serde(flatten)]
    pub keys: LockState,
}

/// What a person has to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The text, without a colon at its end.
    pub text: String,
    /// Whether the answer is typed without being seen.
    pub hidden: bool,
}

/// Where something is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The environment.
    pub environment: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The document path.
    pub path: String,
    /// Whether the value is secret.
    pub secret: bool,
}
