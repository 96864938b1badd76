//! What the fuzzer checks for any input, checked here for its seeds and for a few hundred mutations of each: the same ones
//! in every run.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

/// Mutations of each seed.
const ROUNDS: usize = 200;

/// What mutations put in: what the languages at hand give a meaning to.
const WORDS: [&str; 40] = [
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "\"",
    "'",
    "`",
    "\\",
    "$",
    "${",
    "}",
    "[",
    "]",
    "{",
    ": ",
    "- ",
    ",",
    "#",
    "|",
    ">",
    "&a ",
    "*a",
    "!!int ",
    "---\n",
    "...",
    "\u{feff}",
    "\u{85}",
    "ä😀",
    "@",
    "=",
    "null",
    "~",
    "1e400",
    "0x1F",
    "fn::",
    "fn::secret: ",
    "values:\n",
    "imports: [a]\n",
];

macro_rules! properties {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_property_is_checked() {
            let named = fuzz::PROPERTIES.map(|(name, _)| name);
            assert_eq!(named.as_slice(), [$(stringify!($name)),*]);
        }
    };
}

properties! {
    audit
    definition
    dotenv
    edit
    formats
    header
    interpolation
    mask
    payload
    policy
    project_file
    property_path
    provider_answer
    request
}

fn check(name: &str) {
    let property = fuzz::PROPERTIES.iter().find(|(found, _)| *found == name);
    let (_, check) = property.expect("a property of that name");
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let seeds: Vec<_> = fs::read_dir(seeds)
        .unwrap()
        .map(|seed| seed.unwrap().path())
        .collect();
    assert!(!seeds.is_empty(), "there are no seeds");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for seed in seeds {
        let mut input = fs::read(&seed).unwrap();
        let original = input.clone();
        for round in 0..=ROUNDS {
            if catch_unwind(|| check(&input)).is_err() {
                panic!(
                    "{} in round {round}: {:?}",
                    seed.display(),
                    String::from_utf8_lossy(&input)
                );
            }
            if random.below(4) == 0 {
                input.clone_from(&original);
            }
            mutate(&mut input, &mut random);
        }
    }
}

fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(9)).min(input.len());
    match random.below(5) {
        0 => drop(input.drain(at..end)),
        1 => {
            let copy = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, copy);
        }
        2 if at < end => input[at] ^= 1 << random.below(8),
        _ => {
            let word = WORDS[random.below(WORDS.len())];
            input.splice(at..at, word.bytes());
        }
    }
}

/// Marsaglia's xorshift: the same numbers in every run, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % limit
    }
}
