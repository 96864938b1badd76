//! What a credential is: `credentials` in the settings, of which the first that fits counts.

use std::sync::Arc;

use super::asked::Asked;
use crate::daemon::policy::Action;
use crate::daemon::settings::{Credential, CredentialValue};
use crate::protocol::{OpenCall, View};

/// What a credential is.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The environments that it is from, later ones over earlier ones.
    pub environments: Vec<Arc<str>>,
    /// What of them.
    pub value: CredentialValue,
}

impl Wanted {
    /// What the settings say of a credential, if anything.
    pub fn of(credentials: &[Credential], asked: &Asked) -> Option<Self> {
        let fits = |one: &&Credential| {
            one.unit.matches_text(&asked.unit) && one.credential.matches_text(&asked.credential)
        };
        let credential = credentials.iter().find(fits)?;
        let environments = credential.environments.iter();
        Some(Self {
            environments: environments.map(|name| name.as_str().into()).collect(),
            value: credential.value.clone(),
        })
    }

    /// What the unit would have to ask for.
    pub fn call(&self) -> OpenCall {
        let call = OpenCall {
            environments: self
                .environments
                .iter()
                .map(|name| String::from(&**name))
                .collect(),
            ..OpenCall::default()
        };
        match &self.value {
            CredentialValue::Path(path) => OpenCall {
                view: View::Values,
                path: Some(path.clone()),
                ..call
            },
            CredentialValue::Variable(name) | CredentialValue::File(name) => OpenCall {
                only: vec![name.clone()],
                ..call
            },
            CredentialValue::All(_) => call,
        }
    }

    /// What it would have to be allowed.
    pub fn action(&self) -> Action {
        match self.value {
            CredentialValue::Path(_) => Action::Value,
            CredentialValue::Variable(_) | CredentialValue::File(_) | CredentialValue::All(_) => {
                Action::Open
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::format::Format;
    use crate::project::Pattern;

    #[test]
    fn the_first_entry_that_fits_counts() {
        let credential = |unit, credential, value| Credential {
            unit: Pattern::new(unit).expect("a glob"),
            credential: Pattern::new(credential).expect("a glob"),
            environments: vec!["app".parse().expect("a name")],
            value,
        };
        let credentials = [
            credential(
                "web@*.service",
                "db-*",
                CredentialValue::Path("db.password".into()),
            ),
            credential(
                "web@*.service",
                "*",
                CredentialValue::Variable("TOKEN".into()),
            ),
            credential("*", "all", CredentialValue::All(Format::Dotenv)),
        ];
        let find = |unit: &str, credential: &str| {
            let asked = Asked {
                unit: unit.to_owned(),
                credential: credential.to_owned(),
            };
            Wanted::of(&credentials, &asked).map(|wanted| wanted.value)
        };
        for (unit, credential, expected) in [
            (
                "web@1.service",
                "db-password",
                Some(CredentialValue::Path("db.password".into())),
            ),
            (
                "web@1.service",
                "all",
                Some(CredentialValue::Variable("TOKEN".into())),
            ),
            (
                "mail.service",
                "all",
                Some(CredentialValue::All(Format::Dotenv)),
            ),
            ("mail.service", "token", None),
            ("web.service", "db-password", None),
        ] {
            assert_eq!(find(unit, credential), expected, "{unit} {credential}");
        }
    }

    #[test]
    fn a_unit_asks_for_no_more_than_it_is_given() {
        let wanted = |value| Wanted {
            environments: vec!["app".into()],
            value,
        };
        let by_path = wanted(CredentialValue::Path("db.password".into()));
        assert_eq!(by_path.action(), Action::Value);
        assert_eq!(by_path.call().path.as_deref(), Some("db.password"));
        let variable = wanted(CredentialValue::Variable("TOKEN".into()));
        assert_eq!(variable.action(), Action::Open);
        assert_eq!(variable.call().only, ["TOKEN"]);
        assert_eq!(
            wanted(CredentialValue::All(Format::Json))
                .call()
                .environments,
            ["app"]
        );
    }
}
