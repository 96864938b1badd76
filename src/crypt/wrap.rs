//! Wraps a file key for recipients.

use std::collections::{BTreeMap, HashSet};

use age_core::format::Stanza;

use super::Error;
use super::file_key::FileKey;
use super::header::Header;
use super::plugin;
use super::prompt::Interaction;
use super::recipient::{Kind, Recipient};

/// Stanzas, and the labels that all of a header's recipients must have in common.
pub(super) type Wrapped = (Vec<Stanza>, HashSet<String>);

/// Makes the header that wraps `key` for `recipients`.
pub(super) fn wrap(
    key: &FileKey,
    recipients: &[Recipient],
    interaction: &Interaction,
) -> Result<Header, Error> {
    let stanzas = wrap_stanzas(key, recipients, interaction)?;
    Ok(Header::new(&stanzas, key)?)
}

/// Wraps `key` for `recipients`. Each plugin is started once for all its recipients.
pub(super) fn wrap_stanzas(
    key: &FileKey,
    recipients: &[Recipient],
    interaction: &Interaction,
) -> Result<Vec<Stanza>, Error> {
    let mut stanzas = Vec::new();
    let mut labels: Option<HashSet<String>> = None;
    let mut add = |(more, of_these): Wrapped| {
        stanzas.extend(more);
        // age-encryption.org/v1 leaves labels to implementations: all recipients must have equal ones.
        match &labels {
            Some(labels) if *labels != of_these => Err(Error::IncompatibleRecipients),
            _ => {
                labels = Some(of_these);
                Ok(())
            }
        }
    };
    let mut of_plugins: BTreeMap<&str, Vec<age::plugin::Recipient>> = BTreeMap::new();
    for recipient in recipients {
        let native: &dyn age::Recipient = match recipient.kind() {
            Kind::X25519(recipient) => recipient,
            Kind::Tag(recipient) => recipient,
            Kind::TagPq(recipient) => recipient.as_ref(),
            Kind::Ssh(recipient) => recipient.as_ref(),
            Kind::Plugin(recipient) => {
                let of_plugin = of_plugins.entry(recipient.plugin()).or_default();
                of_plugin.push(recipient.clone());
                continue;
            }
        };
        let wrapped = native
            .wrap_file_key(&key.to_age())
            .map_err(|_| Error::NoRandomness)?;
        add(wrapped)?;
    }
    for (name, recipients) in of_plugins {
        add(plugin::wrap(name, &recipients, key, interaction)?)?;
    }
    if stanzas.is_empty() {
        return Err(Error::NoRecipients);
    }
    Ok(stanzas)
}
