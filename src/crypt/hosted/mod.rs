//! Plugins that run elsewhere: a process that may start programs talks to the plugin, and this one, which may not, keeps
//! the conversation with the person and gets the file key.
//!
//! On the stream between them there are [frames](frame): first what is to be unwrapped and for which identity; then
//! messages and questions of the plugin, each question with its answer; and last the outcome.

mod frame;
mod guest;

use std::io;
use std::os::unix::net::UnixStream;

use age::Callbacks;
use age::plugin::Identity;
use age_core::format::{FILE_KEY_BYTES, FileKey as AgeFileKey, Stanza};
use age_core::secrecy::ExposeSecret;

use self::frame::{Frame, Kind, write};
use super::IdentityError;
use super::file_key::FileKey;

pub use guest::serve;

/// Where plugins run.
pub trait PluginHost: Send + Sync {
    /// A new stream, on whose other end [`serve`] is called. How long the plugin may be silent is its read timeout.
    ///
    /// # Errors
    /// When there is none to be had.
    fn call(&self) -> io::Result<UnixStream>;
}

/// Has the plugin of `identity` unwrap a file key there; what it asks goes to `callbacks`.
pub(super) fn unwrap(
    host: &dyn PluginHost,
    identity: &Identity,
    stanzas: &[Stanza],
    callbacks: &impl Callbacks,
) -> Result<Option<FileKey>, IdentityError> {
    let lost = |error: io::Error| {
        IdentityError::Plugin(match error.kind() {
            // socket(7): so a limit ends that was set on a socket.
            io::ErrorKind::WouldBlock => "it does not answer".to_owned(),
            _ => "the process that talks to it is gone".to_owned(),
        })
    };
    let mut stream = host.call().map_err(lost)?;
    request(&mut stream, identity, stanzas).map_err(lost)?;
    loop {
        let frame = Frame::read(&mut stream).map_err(lost)?;
        match frame.kind {
            Kind::None => return Ok(None),
            Kind::Key => {
                // The very bytes that the plugin gave.
                let key = frame.part(0).filter(|key| key.len() == FILE_KEY_BYTES);
                let key = key
                    .ok_or_else(|| io::ErrorKind::InvalidData.into())
                    .map_err(lost)?;
                let key = AgeFileKey::init_with_mut(|bytes| bytes.copy_from_slice(key));
                return Ok(Some(FileKey::from_age(&key)));
            }
            Kind::MissingPlugin => return Err(IdentityError::MissingPlugin(frame.text(0))),
            Kind::Malformed => return Err(IdentityError::MalformedKey),
            Kind::Failed => return Err(IdentityError::Plugin(frame.text(0))),
            _ => answer(&mut stream, &frame, callbacks).map_err(lost)?,
        }
    }
}

fn request(stream: &mut UnixStream, identity: &Identity, stanzas: &[Stanza]) -> io::Result<()> {
    let identity = identity.to_string();
    let counts: Vec<[u8; 4]> = stanzas
        .iter()
        .map(|stanza| u32::try_from(stanza.args.len()).map(u32::to_le_bytes))
        .collect::<Result<_, _>>()
        .map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut parts: Vec<&[u8]> = vec![identity.as_bytes()];
    for (stanza, count) in stanzas.iter().zip(&counts) {
        parts.extend([stanza.tag.as_bytes(), &stanza.body, count]);
        parts.extend(stanza.args.iter().map(String::as_bytes));
    }
    write(stream, Kind::Unwrap, &parts)
}

/// Does what the plugin wants, and answers if it asks.
fn answer(stream: &mut UnixStream, frame: &Frame, callbacks: &impl Callbacks) -> io::Result<()> {
    let text = frame.text(0);
    match frame.kind {
        Kind::Message => {
            callbacks.display_message(&text);
            Ok(())
        }
        Kind::Confirm => {
            let no = frame.part(2).map(|_| frame.text(2));
            match callbacks.confirm(&text, &frame.text(1), no.as_deref()) {
                Some(choice) => write(stream, Kind::Answer, &[&[u8::from(choice)]]),
                None => write(stream, Kind::None, &[]),
            }
        }
        Kind::Text => match callbacks.request_public_string(&text) {
            Some(answer) => write(stream, Kind::Answer, &[answer.as_bytes()]),
            None => write(stream, Kind::None, &[]),
        },
        Kind::Passphrase => match callbacks.request_passphrase(&text) {
            // The plugin is who it is for.
            Some(answer) => {
                let answer = answer.expose_secret().as_bytes();
                write(stream, Kind::Answer, &[answer])
            }
            None => write(stream, Kind::None, &[]),
        },
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    /// The host of a plugin that says nothing.
    struct Silent(Mutex<Vec<UnixStream>>);

    impl PluginHost for Silent {
        fn call(&self) -> io::Result<UnixStream> {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_read_timeout(Some(Duration::from_millis(1)))?;
            self.0.lock().expect("no panic").push(theirs);
            Ok(ours)
        }
    }

    #[test]
    fn a_plugin_that_says_nothing_is_given_up() {
        let host = Silent(Mutex::default());
        let identity = "AGE-PLUGIN-TOY-177ZNG8".parse().expect("an identity");
        let outcome = unwrap(&host, &identity, &[], &age::NoCallbacks);
        assert!(
            matches!(&outcome, Err(IdentityError::Plugin(text)) if text == "it does not answer")
        );
    }
}
