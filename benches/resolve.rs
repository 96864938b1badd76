//! How long the steps of a run take by themselves, and how they grow: `cargo bench`, with a word of a name to choose.
//!
//! `benches/compare` measures whole processes, which is what users wait for; this shows which step to look at.

#![expect(clippy::print_stdout, reason = "a program of its own that reports")]

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use escrun::ast;
use escrun::author;
use escrun::crypt::{IdentitySource, Interaction, Keyring, Plugins, keygen};
use escrun::eval::{self, Evaluated, Host, LoadError, Loaded, Loader, Mode, Selection};
use escrun::export::{self, Composed};
use escrun::provider::{Config, ProviderSet};
use escrun::secret::Secret;
use escrun::source::Source;
use escrun::sys::stack;
use escrun::value::Object;

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
const SECRETS: usize = 1_000;

/// How long each step is repeated.
const PATIENCE: Duration = Duration::from_millis(700);
const FEWEST: usize = 5;

fn main() {
    // Cargo passes options of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    // As in a run: evaluation may go deep.
    stack::on_private_stack(|| all(&words)).expect("there is memory for a stack");
}

fn all(words: &[String]) {
    println!(
        "{:32}{:>12}{:>12}{:>14}",
        "", "median", "fastest", "per value"
    );
    for count in COUNTS {
        plain_values(words, count);
    }
    secrets(words);
}

fn plain_values(words: &[String], count: usize) {
    let text = definition(count, |index| format!("value-{index}"));
    let source = Source::new("bench", None, text);
    measure(words, "parse", count, || {
        ast::parse(&source).definition.is_some()
    });
    let parsed = Rc::new(ast::parse(&source));
    let keyring = Keyring::new(Vec::new(), Interaction::new(None, Plugins::Refused));
    measure(words, "evaluate", count, || evaluate(&parsed, &keyring));
    let Evaluated {
        environments: named,
        merged,
        ..
    } = evaluate(&parsed, &keyring);
    let composed = Composed { named, merged };
    measure(words, "export", count, || {
        export::project(&composed, &export::Options::default())
    });
}

/// One secret takes what unwrapping the file key takes, and many show what each takes by itself.
fn secrets(words: &[String]) {
    let (identity, public) = keygen("2026-01-01T00:00:00Z");
    // Every keyring reads the identity anew.
    let keyring = || {
        let text = Secret::from_parts(&[identity.expose()]);
        let source = IdentitySource::text("bench", text);
        Keyring::new(vec![source], Interaction::new(None, Plugins::Refused))
    };
    let recipients = [public];
    for count in [1, SECRETS] {
        let text = definition(count, |index| {
            format!("{{ fn::secret: correct-horse-battery-{index:06} }}")
        });
        let source = Source::new("bench", None, text);
        let (text, _) = author::seal(&source, Some(&recipients), &keyring())
            .expect("it can be sealed")
            .expect("there is something to seal");
        let parsed = Rc::new(ast::parse(&Source::new("bench", None, text)));
        measure(words, "decrypt", count, || evaluate(&parsed, &keyring()));
    }
}

/// A definition of `count` values, ten to a group.
fn definition(count: usize, value: impl Fn(usize) -> String) -> String {
    let mut text = String::from("values:\n");
    for index in 0..count {
        if index % 10 == 0 {
            text.push_str(&format!("  group{}:\n", index / 10));
        }
        text.push_str(&format!("    key_{index}: {}\n", value(index)));
    }
    text
}

fn evaluate(parsed: &Rc<ast::Parsed>, keyring: &Keyring) -> Evaluated {
    let providers = ProviderSet::new(Config::new("/"));
    let host = Host {
        mode: Mode::Eval,
        loader: &Nothing,
        decrypter: keyring,
        providers: &providers,
        context: Object::default(),
    };
    let evaluated = eval::evaluate(&host, &Selection::Inline(Rc::clone(parsed)), None);
    assert!(
        evaluated.diagnostics.is_empty(),
        "the definition has faults"
    );
    evaluated
}

/// Where there are no environments: these definitions import none.
struct Nothing;

impl Loader for Nothing {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        Err(LoadError {
            message: format!("there is no {name}"),
            hint: None,
        })
    }
}

/// Repeats `step`, and prints what it took if its name holds one of `words`.
fn measure<R>(words: &[String], name: &str, count: usize, mut step: impl FnMut() -> R) {
    let name = format!("{name}, {count}");
    if !words.is_empty() && !words.iter().any(|word| name.contains(word)) {
        return;
    }
    black_box(step());
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < FEWEST || start.elapsed() < PATIENCE {
        let start = Instant::now();
        black_box(step());
        times.push(start.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    println!(
        "{name:32}{:>9.2} ms{:>9.2} ms{:>11.0} ns",
        milliseconds(median),
        milliseconds(times[0]),
        median.as_nanos() as f64 / count as f64
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
