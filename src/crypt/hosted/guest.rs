//! The other end: talks to the plugin, in a process that may start it.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::Callbacks;
use age::plugin::Identity;
use age_core::format::Stanza;
use age_core::secrecy::SecretString;

use super::frame::{Frame, Kind, write};
use crate::crypt::IdentityError;
use crate::crypt::plugin::{converse, secret_string};
use crate::secret::Secret;

/// Does what is asked for on `stream`, by a plugin in this process's PATH, and tells what comes of it. This process has
/// the file key for as long as it takes to pass it on.
///
/// # Errors
/// Those of the stream, when nobody is left at its other end, or who is there says what makes no sense.
pub fn serve(mut stream: UnixStream) -> io::Result<()> {
    let request = Frame::read(&mut stream)?;
    let stanzas = read_stanzas(&request).ok_or(io::ErrorKind::InvalidData)?;
    let outcome = match request.text(0).parse::<Identity>() {
        Err(_) => Err(IdentityError::MalformedKey),
        Ok(identity) => {
            let asker = Asker(Arc::new(Mutex::new(stream.try_clone()?)));
            converse(&identity, &stanzas, asker)
        }
    };
    match outcome {
        // What was asked for.
        Ok(Some(key)) => write(&mut stream, Kind::Key, &[key.into_secret().expose()]),
        Ok(None) => write(&mut stream, Kind::None, &[]),
        Err(IdentityError::MissingPlugin(name)) => {
            write(&mut stream, Kind::MissingPlugin, &[name.as_bytes()])
        }
        Err(IdentityError::Plugin(text)) => write(&mut stream, Kind::Failed, &[text.as_bytes()]),
        Err(_) => write(&mut stream, Kind::Malformed, &[]),
    }
}

fn read_stanzas(request: &Frame) -> Option<Vec<Stanza>> {
    if request.kind != Kind::Unwrap {
        return None;
    }
    let mut stanzas = Vec::new();
    let mut index = 1;
    while index < request.len() {
        let count = request.part(index + 2)?.try_into().ok()?;
        let count = usize::try_from(u32::from_le_bytes(count)).ok()?;
        let end = (index + 3).checked_add(count)?;
        if end > request.len() {
            return None;
        }
        stanzas.push(Stanza {
            tag: request.text(index),
            // Wrapped for its recipient.
            body: request.part(index + 1)?.to_vec(),
            args: (index + 3..end).map(|index| request.text(index)).collect(),
        });
        index = end;
    }
    Some(stanzas)
}

/// Puts what the plugin asks to the other end. Nobody left there is nobody who answers.
#[derive(Clone)]
struct Asker(Arc<Mutex<UnixStream>>);

impl Asker {
    fn stream(&self) -> MutexGuard<'_, UnixStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, kind: Kind, parts: &[&[u8]]) -> Option<Frame> {
        // Held until the answer is there: a message of another thread must not come between.
        let mut stream = self.stream();
        write(&mut *stream, kind, parts).ok()?;
        let answer = Frame::read(&mut *stream).ok()?;
        (answer.kind == Kind::Answer).then_some(answer)
    }
}

impl Callbacks for Asker {
    fn display_message(&self, message: &str) {
        let _ = write(&mut *self.stream(), Kind::Message, &[message.as_bytes()]);
    }

    fn confirm(&self, message: &str, yes_string: &str, no_string: Option<&str>) -> Option<bool> {
        let mut parts = vec![message.as_bytes(), yes_string.as_bytes()];
        parts.extend(no_string.map(str::as_bytes));
        let answer = self.ask(Kind::Confirm, &parts)?;
        Some(answer.part(0) == Some(&[1]))
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        Some(self.ask(Kind::Text, &[description.as_bytes()])?.text(0))
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let answer = self.ask(Kind::Passphrase, &[description.as_bytes()])?;
        // The plugin is who it is for.
        secret_string(&Secret::from_parts(&[answer.part(0)?]))
    }
}
