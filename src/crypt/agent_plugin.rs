//! The other side of an age plugin (c2sp.org/age-plugin): has an agent do for age, rage, sops and the like what they
//! have plugins do.
//!
//! Who speaks age hands a plugin all stanzas of a file, whatever their types, so files for ordinary recipients open too.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use age_core::format::{FileKey as AgeFileKey, Stanza};
use age_plugin::identity::{self, IdentityPluginV1};
use age_plugin::recipient::{self, RecipientPluginV1};
use age_plugin::{Callbacks, PluginHandler, run_state_machine};
use bech32::Hrp;

use super::WrappedKey;
use super::agent::{Agent, AgentError};
use super::file_key::FileKey;
use super::prompt::{Interaction, Plugins};
use super::recipient::parse_recipients;
use super::wrap::wrap_stanzas;

/// What age calls the plugin; its program is `age-plugin-escrun`.
pub const PLUGIN_NAME: &str = "escrun";

/// The first byte of what an identity of the plugin holds. Behind it is the path of the agent's socket, or nothing.
const VERSION: u8 = 1;

/// Finds the agent behind a socket, or the usual one.
pub type FindAgent<'a> = dyn Fn(Option<&Path>) -> Result<Box<dyn Agent>, AgentError> + 'a;

/// The identity that has age ask an agent: behind `socket`, or the usual one. It holds no secret.
pub fn agent_identity(socket: Option<&Path>) -> String {
    let mut data = vec![VERSION];
    data.extend(socket.iter().flat_map(|path| path.as_os_str().as_bytes()));
    let prefix = Hrp::parse(&format!("age-plugin-{PLUGIN_NAME}-")).expect("it is short ASCII");
    age_core::primitives::bech32_encode(prefix, &data).to_uppercase()
}

/// Talks to age over standard input and output, in the way that age has asked for (`identity-v1` or `recipient-v1`).
///
/// A file key that goes to age stays in the buffer of standard output until this process ends, which it then does.
///
/// # Errors
/// When age does not say what it should, or has gone.
pub fn serve_plugin(state_machine: &str, find: &FindAgent<'_>) -> io::Result<()> {
    run_state_machine(state_machine, Handler { find })
}

struct Handler<'a> {
    find: &'a FindAgent<'a>,
}

impl<'a> PluginHandler for Handler<'a> {
    type RecipientV1 = Session<'a>;
    type IdentityV1 = Session<'a>;

    fn recipient_v1(self) -> io::Result<Session<'a>> {
        Ok(Session::new(self.find))
    }

    fn identity_v1(self) -> io::Result<Session<'a>> {
        Ok(Session::new(self.find))
    }
}

/// What age has asked for so far.
struct Session<'a> {
    find: &'a FindAgent<'a>,
    /// Sockets by the index of the identity that names them.
    identities: Vec<(usize, Option<PathBuf>)>,
}

impl<'a> Session<'a> {
    fn new(find: &'a FindAgent<'a>) -> Self {
        Self {
            find,
            identities: Vec::new(),
        }
    }

    fn add(&mut self, index: usize, plugin: &str, data: &[u8]) -> Result<(), String> {
        if plugin != PLUGIN_NAME {
            return Err(format!("this is the plugin {PLUGIN_NAME}, not {plugin}"));
        }
        let socket = match data {
            // Clients that find an agent without being told which (`age -j`) give an empty identity.
            [] | [VERSION] => None,
            [VERSION, path @ ..] => Some(PathBuf::from(OsStr::from_bytes(path))),
            _ => return Err("the identity is of a later version of escrun".to_owned()),
        };
        self.identities.push((index, socket));
        Ok(())
    }

    fn unwrap(&self, stanzas: &[WrappedKey]) -> Result<AgeFileKey, Vec<(usize, AgentError)>> {
        let mut errors = Vec::new();
        for (index, socket) in &self.identities {
            let found = (self.find)(socket.as_deref()).and_then(|agent| agent.unwrap(stanzas));
            match found.map(|key| key.and_then(FileKey::from_secret)) {
                Ok(Some(key)) => return Ok(key.to_age()),
                Ok(None) => {}
                Err(error) => errors.push((*index, error)),
            }
        }
        Err(errors)
    }

    fn wrap(&self, key: &FileKey, socket: Option<&Path>) -> Result<Vec<Stanza>, AgentError> {
        let failed = |message: String| AgentError {
            message,
            hint: None,
        };
        let recipients = (self.find)(socket)?.recipients()?;
        if recipients.is_empty() {
            return Err(failed(
                "the agent knows no recipient of its identities".to_owned(),
            ));
        }
        let recipients =
            parse_recipients(&recipients).map_err(|error| failed(error.to_string()))?;
        let nobody = Interaction::new(None, Plugins::Refused);
        wrap_stanzas(key, &recipients, &nobody).map_err(|error| failed(error.to_string()))
    }
}

impl IdentityPluginV1 for Session<'_> {
    fn add_identity(
        &mut self,
        index: usize,
        plugin_name: &str,
        bytes: &[u8],
    ) -> Result<(), identity::Error> {
        self.add(index, plugin_name, bytes)
            .map_err(|message| identity::Error::Identity { index, message })
    }

    fn unwrap_file_keys(
        &mut self,
        files: Vec<Vec<Stanza>>,
        _: impl Callbacks<identity::Error>,
    ) -> io::Result<HashMap<usize, Result<AgeFileKey, Vec<identity::Error>>>> {
        let mut outcomes = HashMap::new();
        for (index, stanzas) in files.iter().enumerate() {
            let stanzas: Vec<WrappedKey> = stanzas.iter().map(WrappedKey::from_age).collect();
            let outcome = self.unwrap(&stanzas).map_err(|errors| {
                let errors = errors.into_iter();
                let told = |(index, error): (usize, AgentError)| identity::Error::Identity {
                    index,
                    message: error.to_string(),
                };
                errors.map(told).collect::<Vec<_>>()
            });
            // A file that is for none of the identities is no error: age goes on with others.
            if !outcome.as_ref().is_err_and(Vec::is_empty) {
                outcomes.insert(index, outcome);
            }
        }
        Ok(outcomes)
    }
}

impl RecipientPluginV1 for Session<'_> {
    fn add_recipient(&mut self, index: usize, _: &str, _: &[u8]) -> Result<(), recipient::Error> {
        Err(recipient::Error::Recipient {
            index,
            message: "it has no recipients of its own: encrypt to those of its identities"
                .to_owned(),
        })
    }

    fn add_identity(
        &mut self,
        index: usize,
        plugin_name: &str,
        bytes: &[u8],
    ) -> Result<(), recipient::Error> {
        self.add(index, plugin_name, bytes)
            .map_err(|message| recipient::Error::Identity { index, message })
    }

    fn labels(&mut self) -> HashSet<String> {
        HashSet::new()
    }

    fn wrap_file_keys(
        &mut self,
        file_keys: Vec<AgeFileKey>,
        _: impl Callbacks<recipient::Error>,
    ) -> io::Result<Result<Vec<Vec<Stanza>>, Vec<recipient::Error>>> {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        for key in &file_keys {
            let key = FileKey::from_age(key);
            let mut stanzas = Vec::new();
            for (index, socket) in &self.identities {
                match self.wrap(&key, socket.as_deref()) {
                    Ok(wrapped) => stanzas.extend(wrapped),
                    Err(error) => errors.push(recipient::Error::Identity {
                        index: *index,
                        message: error.to_string(),
                    }),
                }
            }
            files.push(stanzas);
        }
        Ok(if errors.is_empty() {
            Ok(files)
        } else {
            Err(errors)
        })
    }
}
