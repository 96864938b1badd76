//! The document that describes the calls: what it says is what the daemon does, and the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use escrun::encode::decode_whole_json;
use escrun::protocol::Code;
use escrun::schema::{Schema, check};
use escrun::source::{Origin, Source, Span};
use escrun::value::Value;
use nix::unistd::geteuid;
use serde_json::Value as Json;

use super::served::{Answer, Served, read_answer, read_head, request};
use crate::cli::test_env::TestEnv;

/// The document, and what of it has been seen.
struct Document {
    json: Json,
    seen: BTreeSet<(String, String)>,
}

impl Document {
    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.yaml");
        let text = fs::read_to_string(file).unwrap();
        Self {
            json: serde_yaml::from_str(&text).unwrap(),
            seen: BTreeSet::new(),
        }
    }

    /// A part of the document with everything in it that it refers to.
    fn resolved(&self, part: &Json) -> Json {
        match part {
            Json::Object(members) => {
                if let Some(Json::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    let target = self.json.pointer(pointer);
                    return self.resolved(target.unwrap_or_else(|| panic!("{reference}")));
                }
                let members = members.iter();
                Json::Object(
                    members
                        .map(|(key, part)| (key.clone(), self.resolved(part)))
                        .collect(),
                )
            }
            Json::Array(items) => items.iter().map(|item| self.resolved(item)).collect(),
            other => other.clone(),
        }
    }

    /// The responses of a call, by status.
    fn responses(&self, line: &str) -> BTreeMap<String, Json> {
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap().replace('/', "~1");
        let pointer = format!("/paths/{path}/{}/responses", method.to_lowercase());
        let responses = self.json.pointer(&pointer);
        let responses = self.resolved(responses.unwrap_or_else(|| panic!("{pointer}")));
        serde_json::from_value(responses).unwrap()
    }

    /// An answer to a call is described, and is as it is described.
    #[track_caller]
    fn check(&mut self, line: &str, answer: &Answer) {
        let status = answer.status.to_string();
        let responses = self.responses(line);
        let kind = answer
            .field("content-type")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        let response = responses.get(&status).or_else(|| responses.get("default"));
        let schema = &response.unwrap()["content"][kind]["schema"];
        assert!(schema.is_object(), "{line} {status} has no {kind}");
        let path = line.split('?').next().unwrap().to_owned();
        self.seen.insert((path, status));
        if kind == "application/json" {
            meets(schema, &answer.body, line);
        }
        if answer.status >= 400 {
            let code: Code =
                serde_json::from_value(answer.json()["error"]["code"].clone()).unwrap();
            assert_eq!(code.status(), answer.status, "{line}");
        }
    }
}

/// Whether a text of JSON meets a schema, as the crate itself checks it.
///
/// The schemas of definitions know no integers by that name.
#[track_caller]
fn meets(schema: &Json, body: &[u8], what: &str) {
    let text = schema.to_string();
    let text = text.replace(
        "\"type\":\"integer\"",
        "\"type\":\"number\",\"multipleOf\":1",
    );
    let schema = Schema::compile(&value(text.as_bytes())).unwrap();
    let mismatches = check(&schema, &value(body));
    let told: Vec<_> = mismatches
        .iter()
        .map(|mismatch| format!("{mismatch:?}"))
        .collect();
    assert!(
        told.is_empty(),
        "{what}: {told:?} in {}",
        String::from_utf8_lossy(body)
    );
}

fn value(json: &[u8]) -> Value {
    let origin = Origin::new(&Source::new("json", None, ""), Span::default());
    decode_whole_json(json, false, &origin).unwrap()
}

/// What the person who runs the tests may do by rules of a test.
fn policy(rules: &str) -> String {
    format!("rules:\n{rules}")
}

#[test]
fn every_call_answers_as_it_is_described() {
    let mut document = Document::read();
    let env = TestEnv::project();
    env.define("broken", "values: {a: '${nowhere}'}\n");
    env.define(
        "bytes",
        "values: {environmentVariables: {B: {fn::fromBase64: '/w=='}}, files: {F: text}}\n",
    );
    let served = Served::start(env, "");
    let long = format!("{{\"environments\":[\"{}\"]}}", "a,".repeat(200_000));
    for (line, body, status) in [
        ("GET /v1/health", "", 200),
        ("GET /v1/status", "", 200),
        ("GET /v1/metrics", "", 200),
        (
            "POST /v1/open",
            r#"{"environments":["app","production"],"details":true,"secrets":true}"#,
            200,
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"view":"values","secrets":true}"#,
            200,
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"view":"values","path":"app"}"#,
            200,
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"redact":true,"only":["X*"]}"#,
            200,
        ),
        (
            "POST /v1/open",
            r#"{"environments":["bytes"],"details":true}"#,
            200,
        ),
        ("POST /v1/open", "{", 400),
        ("POST /v1/open", r#"{"environments":["nope"]}"#, 404),
        ("POST /v1/open", r#"{"environments":["broken"]}"#, 422),
        ("POST /v1/open", &long, 413),
        ("POST /v1/check", r#"{"environments":["broken"]}"#, 200),
        ("POST /v1/check", r#"{"environments":["app"]}"#, 200),
        ("POST /v1/check", "", 400),
        ("POST /v1/check", r#"{"environments":["nope"]}"#, 404),
        ("GET /v1/watch?x=y", "", 400),
        (
            "POST /v1/unwrap",
            r#"{"stanzas":[{"type":"X25519","args":["A"],"body":""}]}"#,
            422,
        ),
        (
            "POST /v1/unwrap",
            r#"{"stanzas":[{"type":"unknown","args":[],"body":""}]}"#,
            404,
        ),
        ("POST /v1/unwrap", "{}", 400),
        ("POST /v1/lock", "", 200),
        ("POST /v1/open", r#"{"environments":["app"]}"#, 423),
        (
            "POST /v1/unwrap",
            r#"{"stanzas":[{"type":"unknown","args":[],"body":""}]}"#,
            423,
        ),
        ("POST /v1/unlock", "", 200),
        ("POST /v1/unlock", r#"{"answers":7}"#, 400),
        ("POST /v1/reload", "", 200),
    ] {
        let answer = served.request(line, body);
        assert_eq!(answer.status, status, "{line} {body}: {}", answer.text());
        document.check(line, &answer);
    }
    watch(&mut document, &served);
    unwrap(&mut document, &served);
    passphrase(&mut document);
    denied(&mut document);
    // Whatever is described has been seen.
    let paths = document.json["paths"].as_object().unwrap();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let line = format!("{} {path}", method.to_uppercase());
            for status in document
                .responses(&line)
                .into_keys()
                .filter(|status| status != "default")
            {
                let seen = document.seen.contains(&(line.clone(), status.clone()));
                assert!(seen, "{line} never answered {status}");
            }
        }
    }
}

/// The events of a stream, and its failures.
fn watch(document: &mut Document, served: &Served) {
    let line = "GET /v1/watch?env=app";
    let mut stream = served.connect();
    stream.write_all(&request(line, "")).unwrap();
    let head = read_head(&mut stream).unwrap();
    let data = loop {
        let line = read_line(&mut stream);
        if let Some(data) = line.strip_prefix("data: ") {
            break data.to_owned();
        }
    };
    let schema = document.responses(line)["200"]["content"]["text/event-stream"]["schema"].clone();
    meets(&schema, data.as_bytes(), line);
    let nothing = "GET /v1/watch?env=nothing";
    let answer = served.request(nothing, "");
    assert_eq!(answer.status, 404);
    document.check(nothing, &answer);
    document.check(
        line,
        &Answer {
            status: 200,
            head,
            body: Vec::new(),
        },
    );
}

fn read_line(stream: &mut impl std::io::Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") {
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// The file key of a file that is encrypted to the daemon's identity.
fn unwrap(document: &mut Document, served: &Served) {
    let stanza = stanza(&served.env.definition("app"));
    let body = serde_json::json!({ "stanzas": [stanza] }).to_string();
    let answer = served.request("POST /v1/unwrap", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    document.check("POST /v1/unwrap", &answer);
}

/// The X25519 stanza of the header in a definition, which is that of an age file.
fn stanza(definition: &str) -> Json {
    let mut lines = definition.lines().map(str::trim);
    let arguments = lines
        .find_map(|line| line.strip_prefix("-> X25519 "))
        .unwrap();
    serde_json::json!({ "type": "X25519", "args": [arguments], "body": lines.next().unwrap() })
}

/// An identity that needs a passphrase leaves questions.
fn passphrase(document: &mut Document) {
    if !crate::outside::have(&["ssh-keygen"]) {
        document
            .seen
            .insert(("POST /v1/unlock".into(), "423".into()));
        return;
    }
    let env = TestEnv::project();
    let key = env.path("home/key");
    let made = env
        .command("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "correct horse", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let served = Served::start_with(env, "", &["--identity", key.to_str().unwrap()]);
    let answer = served.request("POST /v1/unlock", "");
    assert_eq!(answer.status, 423, "{}", answer.text());
    document.check("POST /v1/unlock", &answer);
    assert_eq!(answer.json()["questions"][0]["hidden"], true);
}

/// Whoever may do nothing gets the same answer from all calls.
fn denied(document: &mut Document) {
    let env = TestEnv::project();
    env.write(
        "home/.config/escrun/policy.yaml",
        policy("  - {peer: any, environments: production, allow: open, rate: 1/h}\n"),
    );
    let served = Served::start(env, "");
    for (line, body) in [
        ("POST /v1/open", r#"{"environments":["app"]}"#),
        ("POST /v1/check", r#"{"environments":["nope"]}"#),
        ("GET /v1/watch?env=app", ""),
        ("GET /v1/status", ""),
        ("GET /v1/metrics", ""),
        ("POST /v1/lock", ""),
        ("POST /v1/unlock", ""),
        ("POST /v1/reload", ""),
        ("POST /v1/unwrap", "{}"),
    ] {
        let answer = served.request(line, body);
        if line == "POST /v1/lock" && geteuid().is_root() {
            assert_eq!(answer.status, 200, "root may lock in any case");
            document.seen.insert((line.to_owned(), "403".to_owned()));
            continue;
        }
        assert_eq!(answer.status, 403, "{line}");
        document.check(line, &answer);
    }
    let open = r#"{"environments":["production"]}"#;
    assert_eq!(served.open(open).status, 200);
    let answer = served.open(open);
    assert_eq!(answer.status, 429);
    document.check("POST /v1/open", &answer);
    // A policy that is at fault is told to who may manage.
    let env = TestEnv::project();
    let rules = env.write(
        "home/.config/escrun/policy.yaml",
        policy("  - {peer: any, allow: manage}\n"),
    );
    let served = Served::start(env, "");
    fs::write(rules, "rules: 7\n").unwrap();
    let answer = served.request("POST /v1/reload", "");
    assert_eq!(answer.status, 422, "{}", answer.text());
    document.check("POST /v1/reload", &answer);
}

#[test]
fn every_code_is_described() {
    let document = Document::read();
    let code = &document.json["components"]["schemas"]["Code"];
    let described: Vec<Code> = serde_json::from_value(code["enum"].clone()).unwrap();
    assert_eq!(
        described
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len(),
        described.len()
    );
    for code in Code::ALL {
        assert!(described.contains(&code), "{code:?}");
        let name = serde_json::to_value(code).unwrap();
        let text = format!("{} {}", code.status(), name.as_str().unwrap());
        assert!(
            document.json["components"]["schemas"]["Code"]["description"]
                .as_str()
                .unwrap()
                .contains(&text),
            "{text}"
        );
    }
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let document = Document::read();
    let served = Served::project();
    let described: BTreeSet<String> = document.json["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let text = served.request("GET /v1/metrics", "").text();
    let counted = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("escrun_request_duration_seconds_count{call=\"")?;
        Some(format!("/v1/{}", rest.split('"').next()?))
    });
    assert_eq!(described, counted.collect());
    for path in &described {
        let mut stream = served.connect();
        stream
            .write_all(&request(&format!("DELETE {path}"), ""))
            .unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, 405, "{path}");
        let methods = document.json["paths"][path].as_object().unwrap();
        let allowed = answer.field("allow").unwrap();
        for method in methods.keys() {
            assert!(
                allowed.contains(&method.to_uppercase()),
                "{path}: {allowed}"
            );
        }
    }
}
