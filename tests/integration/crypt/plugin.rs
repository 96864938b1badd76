//! A plugin of our own making, which asks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::Ordering;

use escrun::crypt::{Interaction, Keyring, Plugins, parse_recipients};

use super::{Answering, Keys, asking, check_opens, encryption, fresh, keyring, run, sources};

/// A plugin that hides nothing: its stanza is the file key itself. To open one, it asks for a PIN, again if it is wrong.
pub(crate) const TOY_PLUGIN: &str = r#"#!/bin/sh
stanza() {
    read -r arrow command arguments || exit 1
    body=
    while read -r line; do
        body=$body$line
        [ ${#line} -lt 64 ] && break
    done
}
while stanza && [ "$command" != done ]; do
    case "$command $arguments" in
    wrap-file-key* | "recipient-stanza 0 toy"*) key=$body ;;
    esac
done
case $1 in
--age-plugin=recipient-v1)
    printf -- '-> recipient-stanza 0 toy\n%s\n' "$key"
    stanza
    ;;
--age-plugin=identity-v1)
    for attempt in 1 2; do
        printf -- '-> request-secret\nUElO\n'
        stanza
        [ "$command $body" = "ok MTIzNA" ] && break
        [ "$command" = fail ] && break
    done
    if [ "$command $body" = "ok MTIzNA" ]; then
        printf -- '-> file-key 0\n%s\n' "$key"
    else
        printf -- '-> error identity 0\nd3JvbmcgUElO\n'
    fi
    stanza
    ;;
esac
printf -- '-> done\n\n'
"#;

/// Tells this test's second run, which has the plugin in its PATH.
const WITH_PLUGIN: &str = "ESCRUN_TEST_WITH_PLUGIN";

#[test]
fn pin_is_asked_for_once() {
    let keys = Keys::new();
    if std::env::var_os(WITH_PLUGIN).is_none() {
        let plugin = keys.write("age-plugin-toy", TOY_PLUGIN.as_bytes());
        fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = keys.folder.path().to_owned();
        let path = std::iter::once(folder).chain(std::env::split_paths(&path));
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "crypt::plugin::pin_is_asked_for_once"])
            .env("PATH", std::env::join_paths(path).unwrap())
            .env(WITH_PLUGIN, "1");
        run(&mut again, b"");
        return;
    }
    let identity = keys.write("identity", b"AGE-PLUGIN-TOY-177ZNG8\n");
    let recipients = parse_recipients(["age1toy1sh4lrv"]).unwrap();

    let prompt = Answering::new("1234");
    check_opens(&asking(&[&identity], &prompt), &recipients);
    assert_eq!(prompt.asked.load(Ordering::Relaxed), 1);

    let prompt = Answering::new("4321");
    let wrong = asking(&[&identity], &prompt);
    let refused = Interaction::new(None, Plugins::Refused);
    let refused = Keyring::new(sources(&[&identity]), refused);
    for _ in 0..2 {
        let sealer = fresh(&recipients);
        let ciphertext = sealer.seal(b"value").unwrap();
        for (keyring, reason) in [
            (&wrong, "wrong PIN"),
            (&keyring(&[&identity]), "no terminal to ask on"),
            (&refused, "none may be started here"),
        ] {
            let error = keyring
                .open(Some(&encryption(&sealer)), &ciphertext)
                .err()
                .unwrap();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
    assert_eq!(prompt.asked.load(Ordering::Relaxed), 1);
}
