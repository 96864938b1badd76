//! The engine against an oracle that is as slow and as plain as can be: it is written from the description of policies,
//! shares nothing with the engine, and works on the rules before they are made a file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::*;

const NAMES: [&str; 6] = ["a", "b", "a-1", "team/a", "team/x/b", "zz"];
const PATTERNS: [&str; 8] = ["a", "b", "*", "**", "a-*", "team/*", "team/**", "**/b"];
const UNITS: [&str; 3] = ["a.service", "b.service", "session-1.scope"];
const UNIT_PATTERNS: [&str; 4] = ["a.service", "*.service", "*", "session-*"];
const PATHS: [&str; 7] = [
    "db",
    "db.user",
    "db.user.name",
    "db.pass",
    "x",
    "x.y",
    "dbx",
];
const PATH_PATTERNS: [&str; 6] = ["db.user", "db.*", "db.user.*", "x", "*", "x.y"];

/// The time at which questions are asked, in days of 2030.
const TODAY: u32 = 15;

#[derive(Clone, Debug)]
struct RuleSpec {
    /// Nothing is for any peer.
    units: Option<Vec<&'static str>>,
    users: Option<Vec<u32>>,
    groups: Option<Vec<u32>>,
    environments: Vec<&'static str>,
    actions: Vec<Action>,
    allows: bool,
    paths: Option<Vec<&'static str>>,
    lend: Vec<&'static str>,
    lifetime: Option<u32>,
    until: Option<u32>,
}

#[derive(Clone, Debug)]
struct Asked {
    peer: Peer,
    action: Action,
    environments: Vec<&'static str>,
    /// What each environment imports directly.
    graph: BTreeMap<&'static str, Vec<&'static str>>,
    path: Option<&'static str>,
}

impl RuleSpec {
    fn yaml(&self) -> String {
        let mut peer = Vec::new();
        if let Some(units) = &self.units {
            peer.push(format!("unit: {units:?}"));
        }
        if let Some(users) = &self.users {
            peer.push(format!("user: {users:?}"));
        }
        if let Some(groups) = &self.groups {
            peer.push(format!("group: {groups:?}"));
        }
        let peer = match peer.is_empty() {
            true => "any".to_owned(),
            false => format!("{{{}}}", peer.join(", ")),
        };
        let actions: Vec<_> = self.actions.iter().map(|action| action.name()).collect();
        let verb = if self.allows { "allow" } else { "deny" };
        let mut keys = vec![
            format!("peer: {peer}"),
            format!("environments: {:?}", self.environments),
            format!("{verb}: {actions:?}"),
        ];
        if let Some(paths) = &self.paths {
            keys.push(format!("paths: {paths:?}"));
        }
        if !self.lend.is_empty() {
            keys.push(format!("lend: {:?}", self.lend));
        }
        if let Some(lifetime) = self.lifetime {
            keys.push(format!("lifetime: {lifetime}min"));
        }
        if let Some(day) = self.until {
            keys.push(format!("until: 2030-01-{day:02}"));
        }
        format!("  - {{{}}}\n", keys.join(", "))
    }

    fn fits_peer(&self, peer: &Peer) -> bool {
        let unknown = peer.cgroup.is_none();
        let unit_fits = match &self.units {
            None => true,
            // What is not known speaks against the peer.
            Some(_) if unknown => !self.allows,
            Some(patterns) => peer
                .unit
                .as_deref()
                .is_some_and(|unit| patterns.iter().any(|pattern| fits(pattern, unit))),
        };
        let user_fits = self
            .users
            .as_ref()
            .is_none_or(|users| users.contains(&peer.user));
        let group_fits = self.groups.as_ref().is_none_or(|groups| {
            groups.contains(&peer.group) || peer.groups.iter().any(|group| groups.contains(group))
        });
        unit_fits && user_fits && group_fits
    }

    /// Whether the rule is about this environment, and about this value of it.
    fn is_about(&self, environment: &str, path: Option<&str>) -> bool {
        if !self
            .environments
            .iter()
            .any(|pattern| fits(pattern, environment))
        {
            return false;
        }
        let Some(patterns) = &self.paths else {
            return true;
        };
        let is_within =
            |path: &str, parent: &str| path == parent || path.starts_with(&format!("{parent}."));
        patterns.iter().any(|pattern| match (path, self.allows) {
            (None, allows) => !allows,
            (Some(path), true) => match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix) && path != prefix,
                None => path == *pattern,
            },
            (Some(path), false) => match pattern.strip_suffix(".*") {
                _ if *pattern == "*" => true,
                Some(parent) => is_within(path, parent) || is_within(parent, path),
                None => is_within(path, pattern) || is_within(pattern, path),
            },
        })
    }
}

/// Whether a name fits a pattern with at most one star of each kind.
fn fits(pattern: &str, name: &str) -> bool {
    if let Some(end) = pattern.strip_prefix("**/") {
        return name == end || name.ends_with(&format!("/{end}"));
    }
    if let Some(start) = pattern.strip_suffix("**") {
        return name.starts_with(start) && name != start;
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len()
                && name.starts_with(start)
                && name.ends_with(end)
                && !name[start.len()..].contains('/')
        }
    }
}

/// The answer, and for how many seconds.
fn oracle(rules: &[RuleSpec], asked: &Asked) -> Option<Option<u64>> {
    let alive = |rule: &&RuleSpec| rule.until.is_none_or(|day| day > TODAY);
    let judge = |environment: &str, path: Option<&str>| {
        rules
            .iter()
            .filter(alive)
            .filter(|rule| rule.actions.contains(&asked.action))
            .filter(|rule| rule.fits_peer(&asked.peer))
            .find(|rule| rule.is_about(environment, path))
    };
    let mut used: Vec<&RuleSpec> = Vec::new();
    for root in &asked.environments {
        let rule = judge(root, asked.path).filter(|rule| rule.allows)?;
        used.push(rule);
        for import in reach(&asked.graph, root) {
            match judge(import, None).filter(|rule| rule.allows) {
                Some(rule) => used.push(rule),
                None if rule.lend.iter().any(|pattern| fits(pattern, import)) => {}
                None => return None,
            }
        }
    }
    let lifetimes = used
        .iter()
        .filter_map(|rule| rule.lifetime)
        .map(|minutes| u64::from(minutes) * 60);
    let ends = used
        .iter()
        .filter_map(|rule| rule.until)
        .map(|day| u64::from(day - TODAY) * 86400);
    Some(lifetimes.chain(ends).min())
}

/// All that is reached from an environment, itself not.
fn reach<'g>(graph: &'g BTreeMap<&str, Vec<&'g str>>, root: &str) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(root).cloned().unwrap_or_default();
    while let Some(name) = next.pop() {
        if found.insert(name) {
            next.extend(graph.get(name).into_iter().flatten());
        }
    }
    found
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Vec<T>> {
    subsequence(all, 1..=all.len())
}

fn rule() -> impl Strategy<Value = RuleSpec> {
    const OF_ENVIRONMENTS: [Action; 3] = [Action::Open, Action::Value, Action::Watch];
    let option = proptest::option::weighted::<BoxedStrategy<_>>;
    let peer = (
        proptest::option::weighted(0.3, some_of(&UNIT_PATTERNS)),
        proptest::option::weighted(0.3, some_of(&[0_u32, 1, 2])),
        proptest::option::weighted(0.2, some_of(&[10_u32, 11, 12])),
    );
    let object = (
        some_of(&PATTERNS).prop_map(|mut patterns| {
            patterns.truncate(2);
            patterns
        }),
        some_of(&OF_ENVIRONMENTS),
        option(0.5, some_of(&PATH_PATTERNS).boxed()),
    );
    let effect = (
        proptest::bool::weighted(0.75),
        proptest::option::weighted(0.3, some_of(&PATTERNS)),
        proptest::option::weighted(0.2, 1_u32..100),
        proptest::option::weighted(0.2, 1_u32..=30),
    );
    (peer, object, effect).prop_map(
        |(
            (units, users, groups),
            (environments, mut actions, paths),
            (allows, lend, lifetime, until),
        )| {
            let paths = paths.filter(|_| actions.contains(&Action::Value));
            if paths.is_some() {
                actions = vec![Action::Value];
            }
            RuleSpec {
                units,
                users,
                groups,
                environments,
                actions,
                allows,
                paths,
                lend: lend.filter(|_| allows).unwrap_or_default(),
                lifetime: lifetime.filter(|_| allows),
                until,
            }
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let peer = (
        0_u32..3,
        select(&[10_u32, 11, 13][..]),
        subsequence(&[10_u32, 11, 12][..], 0..=3),
        proptest::option::weighted(0.8, select(&UNITS[..])),
        proptest::bool::weighted(0.9),
    )
        .prop_map(|(user, group, groups, unit, is_known)| Peer {
            user,
            group,
            groups,
            unit: unit.filter(|_| is_known).map(Box::from),
            cgroup: is_known.then(|| "/somewhere".into()),
            ..Peer::default()
        });
    let edges = proptest::collection::vec((select(&NAMES[..]), select(&NAMES[..])), 0..6);
    (
        peer,
        select(&[Action::Open, Action::Value, Action::Watch][..]),
        proptest::collection::vec(select(&NAMES[..]), 1..3),
        edges,
        proptest::option::weighted(0.7, select(&PATHS[..])),
    )
        .prop_map(|(peer, action, environments, edges, path)| {
            let mut graph: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (from, to) in edges {
                graph.entry(from).or_default().push(to);
            }
            Asked {
                peer,
                action,
                environments,
                graph,
                path: path.filter(|_| action == Action::Value),
            }
        })
}

fn engine(policy: &Policy, asked: &Asked) -> Decision {
    let reached: Vec<BTreeSet<Arc<str>>> = asked
        .environments
        .iter()
        .map(|root| {
            reach(&asked.graph, root)
                .into_iter()
                .map(Arc::from)
                .collect()
        })
        .collect();
    let environments: Vec<Reach<'_>> = asked
        .environments
        .iter()
        .zip(&reached)
        .map(|(environment, imports)| Reach {
            environment,
            imports: Some(imports),
        })
        .collect();
    let question = Question {
        peer: &asked.peer,
        action: asked.action,
        environments: &environments,
        path: asked.path,
    };
    let today: SystemTime =
        humantime::parse_rfc3339(&format!("2030-01-{TODAY:02}T00:00:00Z")).expect("a day");
    let decision = policy.decide_at(&question, today);
    // The explanation is one of that decision.
    let explanation = policy.explain(&question, today);
    assert_eq!(explanation.decision, decision);
    let is_good = |part: &Part| matches!(part.verdict, Verdict::Allowed(_) | Verdict::Lent(_));
    assert_eq!(explanation.parts.iter().all(is_good), decision.allowed);
    decision
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_engine_and_the_oracle_agree(
        rules in proptest::collection::vec(rule(), 0..8),
        questions in proptest::collection::vec(asked(), 8),
    ) {
        let text = format!("rules:\n{}", rules.iter().map(RuleSpec::yaml).collect::<String>());
        let policy = super::policy(&text);
        for asked in &questions {
            let decision = engine(&policy, asked);
            let expected = oracle(&rules, asked);
            prop_assert_eq!(decision.allowed, expected.is_some(), "{}\n{:?}\n{:?}", text, asked, decision);
            let lifetime = decision.lifetime.as_ref().map(Duration::as_secs);
            prop_assert_eq!(lifetime, expected.flatten(), "{}\n{:?}", text, asked);
        }
    }

    /// What is denied stays denied when more is reached or asked for, and when a rule that allows is taken away.
    #[test]
    fn more_is_never_easier_to_get(
        rules in proptest::collection::vec(rule(), 1..8),
        asked in asked(),
        more in select(&NAMES[..]),
        gone in any::<proptest::sample::Index>(),
    ) {
        let text = |rules: &[RuleSpec]| format!("rules:\n{}", rules.iter().map(RuleSpec::yaml).collect::<String>());
        let policy = super::policy(&text(&rules));
        if engine(&policy, &asked).allowed {
            return Ok(());
        }
        let mut bigger = asked.clone();
        let first = bigger.environments[0];
        bigger.graph.entry(first).or_default().push(more);
        prop_assert!(!engine(&policy, &bigger).allowed);
        bigger = asked.clone();
        bigger.environments.push(more);
        prop_assert!(!engine(&policy, &bigger).allowed);
        // A rule that allows by the first match may stand in front of one that lends, so only rules that lend nothing count.
        let mut fewer = rules.clone();
        let removed = fewer.remove(gone.index(rules.len()));
        let lends = fewer.iter().any(|rule| !rule.lend.is_empty());
        if removed.allows && removed.lend.is_empty() && !lends {
            let policy = super::policy(&text(&fewer));
            // With one rule less, another that allows may come first; it cannot allow more than both did.
            let still = engine(&policy, &asked).allowed;
            prop_assert!(!still, "{} without {:?}", text(&rules), removed);
        }
    }
}
