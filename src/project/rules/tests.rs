use super::*;

#[test]
fn the_first_rule_that_fits_decides() {
    let rules: Rules = serde_yaml::from_str(
        "- {match: [production, 'prod/*'], recipients: [first]}\n\
         - {match: 'team/**', recipients: [second]}\n\
         - {match: 'prod/[ab]', recipients: [never]}\n\
         - {recipients: [third, fourth]}\n",
    )
    .unwrap();
    let table: [(&str, &[&str]); 7] = [
        ("production", &["first"]),
        ("prod/a", &["first"]),
        ("prod/a/b", &["third", "fourth"]),
        ("Production", &["third", "fourth"]),
        ("team/x/y", &["second"]),
        ("team/x", &["second"]),
        ("other", &["third", "fourth"]),
    ];
    for (name, expected) in table {
        let recipients = rules.recipients(&name.parse().unwrap()).unwrap();
        assert_eq!(recipients, expected, "{name}");
    }
    let none = Rules::default();
    assert!(none.recipients(&"x".parse().unwrap()).is_none());
}
