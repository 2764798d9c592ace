use std::path::Path;

use super::*;
use crate::judge::check;

#[test]
fn every_case_gives_the_expected_result() {
    let outcomes = run(&cases());
    let others: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_as_expected()).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(exit_code(&outcomes), 0);
    let tamperings = outcomes.iter().filter(|outcome| outcome.expected.exit_code != 0).count();
    assert!(tamperings >= 40, "{tamperings}");
    let named = outcomes.iter().filter_map(|outcome| outcome.expected.check);
    assert!(named.into_iter().all(|(name, _)| check::find(name).is_some()));
    let mut names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), outcomes.len());
}

/// Tests one wrong expectation of each kind, and an empty list of cases.
#[test]
fn an_unexpected_result_is_detected() {
    let case = |name: &str| cases().into_iter().find(|case| case.name == name).unwrap();
    let with = |name: &str, change: fn(&mut Expected)| {
        let mut case = case(name);
        change(&mut case.expected);
        run(&[self::cases().swap_remove(0), case])
    };
    assert_eq!(exit_code(&with("good", |_| ())), 0);
    for outcomes in [
        with("good", |expected| expected.exit_code = 1),
        with("good", |expected| expected.verdict = "accept-in-part"),
        with("good", |expected| expected.check = Some(("manifest-signature", "fail"))),
        with("other-key", |expected| expected.check = Some(("manifest-signature", "pass"))),
        with("bundle-cut", |expected| expected.error = Some("malformed")),
        with("bundle-cut", |expected| expected.error = None),
    ] {
        assert_eq!(exit_code(&outcomes), 1, "{outcomes:?}");
        assert!(as_text(&outcomes).contains("UNEXPECTED") && as_text(&outcomes).contains("found: exit "));
        let document: serde_json::Value = serde_json::from_str(&as_json(&outcomes)).unwrap();
        assert_eq!((&document["exit_code"], &document["totals"]["as_expected"]), (&json!(1), &json!(1)));
        assert_eq!(document["cases"][1]["as_expected"], false);
    }
    assert_eq!(exit_code(&[]), 1);
}

/// The files are copies, because `fixtures/` is not in the package. `HPSB_UPDATE=1` copies them again.
#[test]
fn self_test_data_equals_the_fixtures() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bundle = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";
    for entry in std::fs::read_dir(top.join("src/self_test/data")).unwrap() {
        let copy = entry.unwrap().path();
        let name = copy.file_name().unwrap().to_str().unwrap();
        let origin = match (name, name.strip_suffix(".sig.tbz")) {
            (_, Some(case)) => {
                let folders = [format!("fixtures/{case}_fail"), format!("fixtures/{case}")];
                folders.iter().map(|folder| top.join(folder).join(bundle)).find(|path| path.is_file()).unwrap()
            }
            ("approvals.csv", _) => top.join("fixtures/good-approved/approvals.csv"),
            ("cosign.pub", _) => top.join("fixtures/good-trust-cosign/cosign.pub"),
            ("payload.json" | "manifest.json", _) => top.join("fixtures/good-trust-cosign/trust/cosign").join(name),
            _ => top.join("fixtures/image-good").join(name),
        };
        let bytes = std::fs::read(origin).unwrap();
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(&copy, &bytes).unwrap();
        }
        assert!(std::fs::read(&copy).unwrap() == bytes, "{name} differs from the fixture");
    }
}
