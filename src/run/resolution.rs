//! What composing anew comes to, and how it passes from the process that composes to the supervisor.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Delivery;
use super::wire::{self, MOST, read_length, read_name, write_bytes, write_length};
use crate::secret::Secret;

/// The first argument of this program when a supervisor starts it to compose anew; behind it are the arguments that were
/// typed. It finds on standard input what it is to remember, and writes a [`Resolution`] to standard output.
pub const RESOLVER: &str = "__resolve";

/// Begins what is written; the digit changes with the form.
const MAGIC: &[u8; 8] = b"resolve\x02";

/// What composing anew comes to.
#[derive(Default)]
pub struct Resolution {
    /// The files that went into it, and those that would if they were there; absolute. With errors, as far as is known.
    pub inputs: BTreeSet<PathBuf>,
    /// What the command is given; nothing if there were errors, which have been told.
    pub delivery: Option<Delivery>,
    /// How a daemon tells when that changes, if it is from one.
    pub subscription: Option<Subscription>,
    /// Why a daemon gave nothing, which has not been told.
    pub setback: Option<Setback>,
}

/// What it takes to hear from a daemon that something has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The daemon's socket.
    pub socket: PathBuf,
    /// The environments.
    pub environments: Vec<String>,
    /// The revision that is known.
    pub revision: String,
    /// How long what was given may be used.
    pub lifetime: Option<Duration>,
}

/// Why a daemon gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    /// What it said.
    pub message: String,
    /// Whether that may pass though no definition changes.
    pub is_passing: bool,
}

impl Resolution {
    /// What [`Self::read`] finds it again in, in locked memory.
    pub fn encode(&self) -> Secret {
        wire::encode(|to| self.write(to))
    }

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(MAGIC)?;
        write_length(to, self.inputs.len())?;
        for path in &self.inputs {
            write_bytes(to, path.as_os_str().as_bytes())?;
        }
        // Neither holds a secret.
        write_bytes(to, &json(&self.subscription))?;
        write_bytes(to, &json(&self.setback))?;
        write_length(to, usize::from(self.delivery.is_some()))?;
        match &self.delivery {
            Some(delivery) => delivery.write(to),
            None => Ok(()),
        }
    }

    /// Reads what was encoded, values straight into locked memory. The reader must not have a buffer.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything else.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut resolution = Self::default();
        for _ in 0..read_length(from, MOST)? {
            let path: OsString = read_name(from)?;
            resolution.inputs.insert(path.into());
        }
        resolution.subscription = serde_json::from_slice(read_name(from)?.as_bytes())?;
        resolution.setback = serde_json::from_slice(read_name(from)?.as_bytes())?;
        if read_length(from, 1)? == 1 {
            resolution.delivery = Some(Delivery::read(from)?);
        }
        Ok(resolution)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // A path that is no UTF-8 is none that is known.
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::delivery::Variable;

    #[test]
    fn what_is_encoded_is_read_again() {
        let delivery = || Delivery {
            variables: vec![Variable {
                name: "A".into(),
                value: Secret::from_parts(&[b"1"]),
            }],
            ..Delivery::default()
        };
        for delivery in [None, Some(delivery())] {
            let resolution = Resolution {
                inputs: ["/a".into(), "/b/c".into()].into(),
                subscription: delivery.as_ref().map(|_| Subscription {
                    socket: "/s".into(),
                    environments: vec!["app".into()],
                    revision: "r".into(),
                    lifetime: Some(Duration::from_secs(9)),
                }),
                setback: delivery.is_none().then(|| Setback {
                    message: "locked".into(),
                    is_passing: true,
                }),
                delivery,
            };
            let encoded = resolution.encode();
            let bytes = encoded.expose();
            let read = Resolution::read(&mut &*bytes).expect("read");
            assert_eq!(read.inputs, resolution.inputs);
            assert_eq!(read.subscription, resolution.subscription);
            assert_eq!(read.setback, resolution.setback);
            match (&resolution.delivery, &read.delivery) {
                (None, None) => {}
                (Some(one), Some(other)) => assert!(one.changes(other).is_empty()),
                _ => panic!("one of them has a delivery"),
            }
            for end in 0..bytes.len() {
                assert!(
                    Resolution::read(&mut &bytes[..end]).is_err(),
                    "cut at {end}"
                );
            }
        }
    }
}
