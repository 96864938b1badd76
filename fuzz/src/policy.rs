//! Any policy is understood or refused; and what is understood decides as it explains, and gives nobody what nobody asked for.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use escrun::daemon::peer::Peer;
use escrun::daemon::policy::{Action, Policy, Question, Reach, Verdict};

/// Takes the text of a policy.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let policy = match Policy::parse(Path::new("policy.yaml"), text) {
        Ok(policy) => policy,
        Err(fault) => {
            // A fault is one that a person can read.
            let told = format!("{fault} {}", fault.hint.as_deref().unwrap_or_default());
            assert!(told.len() < 20_000, "{} bytes", told.len());
            return;
        }
    };
    let imports = BTreeSet::from(["b".into(), "team/a".into()]);
    let reach = [Reach {
        environment: "a",
        imports: Some(&imports),
    }];
    for peer in peers() {
        for action in Action::ALL {
            for environments in [&reach[..], &[]] {
                for path in [None, Some("database.password")] {
                    ask(
                        &policy,
                        &Question {
                            peer: &peer,
                            action,
                            environments,
                            path,
                        },
                    );
                }
            }
        }
    }
}

fn ask(policy: &Policy, question: &Question<'_>) {
    let now = SystemTime::UNIX_EPOCH;
    let decision = policy.decide_at(question, now);
    let explanation = policy.explain(question, now);
    assert_eq!(explanation.decision, decision);
    let is_good = |verdict: &Verdict| matches!(verdict, Verdict::Allowed(_) | Verdict::Lent(_));
    let parts = &explanation.parts;
    let all = !parts.is_empty() && parts.iter().all(|part| is_good(&part.verdict));
    assert_eq!(decision.allowed, all);
    if decision.allowed {
        assert!(!policy.is_empty());
        assert_eq!(
            question.action.is_of_environments(),
            !question.environments.is_empty()
        );
    } else {
        assert!(decision.charges.is_empty() && decision.lifetime.is_none() && !decision.confirm);
    }
    // What reaches less is not harder to get.
    if let [reach] = question.environments {
        let none = BTreeSet::<Arc<str>>::new();
        let alone = [Reach {
            imports: Some(&none),
            ..*reach
        }];
        let less = Question {
            environments: &alone,
            ..*question
        };
        assert!(!decision.allowed || policy.decide_at(&less, now).allowed);
    }
}

fn peers() -> [Peer; 3] {
    let service = Peer {
        user: 1000,
        group: 1000,
        groups: vec![27],
        unit: Some("a.service".into()),
        cgroup: Some("/system.slice/a.service".into()),
        ..Peer::default()
    };
    let hidden = Peer {
        user: 1000,
        ..Peer::default()
    };
    [Peer::default(), service, hidden]
}
