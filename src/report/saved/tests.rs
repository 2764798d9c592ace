//! Tests of reading saved reports: enumerated values can be saved and read, and inconsistent values are refused.

use super::*;

fn saved() -> serde_json::Value {
    let mut report = Report::new(Timestamp::from_unix_seconds(1_700_000_000));
    report.error = Some(Error::NothingToVerify { paths: "evidence".into() });
    json::value(&report).unwrap()
}

fn read_value(value: &serde_json::Value) -> Result<Report, Error> {
    read("report.json", value.to_string().as_bytes(), &Limits::default())
}

#[test]
fn written_reports_are_read_and_inconsistent_ones_are_refused() {
    let good = saved();
    let report = read_value(&good).unwrap();
    assert_eq!((report.exit_code(), report.error.unwrap().code()), (4, "nothing-to-verify"));
    for (field, value) in [
        ("verdict", serde_json::json!("accept")),
        ("exit_code", serde_json::json!(0)),
        ("schema_version", serde_json::json!(1)),
        ("schema_version", serde_json::json!(3)),
        ("scope", serde_json::json!(null)),
        ("now", serde_json::json!("2026-11-23T08:00:00+01:00")),
        ("surplus", serde_json::json!(1)),
        ("error", serde_json::json!({"code": "fine", "message": "", "hint": ""})),
        ("totals", serde_json::json!({"bundles": 1, "accept": 1, "accept-in-part": 0, "reject": 0, "none": 0})),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(read_value(&bad).is_err(), "{field}");
    }
    for bad in ["", "{}", "[]", "{\"schema_version\":1}", "null"] {
        assert!(read("r", bad.as_bytes(), &Limits::default()).is_err(), "{bad}");
    }
}

/// This code does not compile until each new variant has a line here; its name must then be in the table.
#[test]
fn every_enumerated_value_in_a_report_can_be_parsed() {
    use crate::image::Form;
    let text = String::new;
    let sample = |code: &str| match code {
        "usage" => Error::Usage { message: text(), hint: text() },
        "policy" => Error::Policy { path: text(), message: text() },
        "settings" => Error::Settings { path: text(), message: text() },
        "key" => Error::Key { name: text(), message: text() },
        "signing-key" => Error::SigningKey { name: text(), message: text() },
        "no-key" => Error::NoKey { beside: Vec::new() },
        "not-built-in" => Error::NotBuiltIn { what: text(), feature: "full" },
        "unreadable" => Error::Unreadable { what: text(), message: text() },
        "truncated" => Error::Truncated { what: text() },
        "over-limit" => Limits::default().bundles().exceeded(""),
        "malformed" => Error::malformed("", ""),
        "nothing-to-verify" => Error::NothingToVerify { paths: text() },
        "nothing-to-admit" => Error::NothingToAdmit { paths: text(), forms: text() },
        "network" => Error::Network { from: text(), message: text(), hint: text() },
        "unwritable" => Error::Unwritable { path: text(), message: text() },
        other => panic!("{other} has no sample"),
    };
    let known = |error: &Error| match error {
        Error::Usage { .. } | Error::Policy { .. } | Error::Settings { .. } | Error::Key { .. } => true,
        Error::SigningKey { .. } | Error::NoKey { .. } | Error::NotBuiltIn { .. } => true,
        Error::Unreadable { .. } | Error::Truncated { .. } | Error::OverLimit { .. } => true,
        Error::Malformed { .. } | Error::OwnFile { .. } => true,
        Error::NothingToVerify { .. } | Error::Network { .. } => true,
        Error::Unwritable { .. } | Error::Saved { .. } | Error::NothingToAdmit { .. } => true,
    };
    for (code, exit) in CODES {
        let error = sample(code);
        assert!(known(&error));
        assert_eq!((error.code(), error.exit_code()), (code, exit));
    }
    for form in [Form::Registry, Form::Layout, Form::DockerArchive, Form::Directory] {
        let word = match form {
            Form::Registry | Form::Layout | Form::DockerArchive | Form::Directory => form.witness(),
        };
        assert!(Fact::WITNESSES.contains(&word), "{word}");
    }
}

/// A report on one bundle and one image, with a finding for each check.
fn sample(form: Form) -> Report {
    let finding = |check: &&'static Check| Finding {
        check: check.name,
        group: check.group,
        level: check.level,
        status: Status::Pass,
        caused_by: None,
        message: String::new(),
        expected: None,
        found: None,
        details: Vec::new(),
        says: Vec::new(),
        demand: Demand::None,
        missing_evidence: check.missing_evidence,
        waiver: None,
        effect: Effect::None,
    };
    let of_workloads = |check: &&&Check| check.group == Group::Workload;
    let mut bundle = BundleReport::of_nothing("b", Group::OF_BUNDLES.to_vec());
    bundle.findings = CHECKS.iter().filter(|check| !of_workloads(check)).map(finding).collect();
    let workload = WorkloadFile { path: "w".into(), sha256: Sha256::of(b""), size: 0, form };
    let image = ImageReport {
        workload,
        place: "a".into(),
        image: None,
        digest: None,
        verdict: Verdict::None,
        bundle: None,
        findings: CHECKS.iter().filter(of_workloads).map(finding).collect(),
    };
    let (policy, keys) = (crate::judge::policy::Policy::default(), crate::gate::verify::KeyRing::default());
    let mut report = Report::new(Timestamp::from_unix_seconds(1_700_000_000));
    report.question = Some(QuestionReport::of(Depth::Everything, &policy, &keys, &[], &Limits::default()));
    report.admission = Some(Admission {
        evidence: vec!["e".into()],
        counts: [0, 1, 0, 0],
        images: vec![image],
        skipped: [("example.com/Widget".into(), 2)].into(),
    });
    report.bundles.push(bundle);
    report
}

/// Changes the report, saves it and reads it back.
fn survives(what: &str, form: Form, change: impl Fn(&mut Report)) {
    let mut report = sample(form);
    change(&mut report);
    let bundle = report.bundles.first_mut().unwrap();
    let rejects = judged(&mut bundle.findings, &Group::OF_BUNDLES, None, Rules::Current, false);
    bundle.verdict = rejects;
    let admission = report.admission.as_mut().unwrap();
    admission.images = admission.images.drain(..).map(|image| image.settled().judged(None)).collect();
    let saved = json::value(&report).unwrap();
    let read = read_value(&saved).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(json::value(&read).unwrap(), saved, "{what}");
}

#[test]
fn every_enumerated_value_is_unchanged_after_a_report_is_saved_and_read() {
    let plain = Form::Compose;
    let first = |report: &mut Report, change: &dyn Fn(&mut Finding)| {
        change(report.bundles.first_mut().unwrap().findings.get_mut(3).unwrap());
    };
    for form in Form::ALL {
        survives(form.word(), form, |_| {});
    }
    for status in Status::all() {
        survives(&format!("{status:?}"), plain, |report| first(report, &|finding| finding.status = status));
    }
    for level in Level::ALL {
        survives(level.word(), plain, |report| {
            first(report, &|finding| finding.level = level);
            let check = report.bundles.first().unwrap().findings.get(3).unwrap().check;
            report.question.as_mut().unwrap().levels.push((check.into(), level.word().into()));
        });
    }
    for standing in WaiverStanding::ALL {
        let expires = Timestamp::from_unix_seconds(0).unwrap();
        let waiver = Waiver { owner: "Ada".into(), reason: "known".into(), expires, standing };
        survives(standing.word(), plain, |report| {
            first(report, &|finding| (finding.status, finding.waiver) = (Status::Fail, Some(waiver.clone())));
        });
    }
    for depth in Depth::ALL {
        survives(depth.word(), plain, |report| {
            report.question.as_mut().unwrap().depth = depth;
            let is_off = |finding: &Finding| depth == Depth::SignatureOnly && finding.check != MANIFEST_SIGNATURE;
            let images = report.admission.iter_mut().flat_map(|admission| &mut admission.images);
            let findings = images.flat_map(|image| &mut image.findings);
            for finding in findings.chain(report.bundles.iter_mut().flat_map(|bundle| &mut bundle.findings)) {
                if is_off(finding) {
                    finding.level = Level::Off;
                }
            }
        });
    }
    for group in Group::ALL {
        survives(group.word(), plain, |report| report.question.as_mut().unwrap().require.push(group));
    }
    for grade in Grade::ALL {
        let fingerprint = Sha256::of(b"");
        let key = || KeyReport { fingerprint, kind: PublicKey::KINDS[0], bits: 2048, source: "s".into(), grade };
        survives(grade.word(), plain, |report| report.bundles.first_mut().unwrap().key = Some(key()));
    }
    for known in Known::ALL {
        let fact = || Fact::new("commit", Fact::WITNESSES[0], "v".into(), known);
        survives(known.word(), plain, |report| report.bundles.first_mut().unwrap().evidence.push(fact()));
    }
}

#[test]
fn the_chain_of_another_version_is_not_compared() {
    let mut report = sample(Form::Compose);
    let bundle = report.bundles.first_mut().unwrap();
    bundle.verdict = judged(&mut bundle.findings, &Group::OF_BUNDLES, None, Rules::Current, false);
    let admission = report.admission.as_mut().unwrap();
    admission.images = admission.images.drain(..).map(|image| image.settled().judged(None)).collect();
    let mut saved = json::value(&report).unwrap();
    *saved.pointer_mut("/images/0/chain/0/how").unwrap() = "words of another version".into();
    assert!(read_value(&saved).unwrap_err().to_string().contains("chain"));
    *saved.pointer_mut("/tool/version").unwrap() = "0.1.9".into();
    read_value(&saved).unwrap();
    // All other fields are compared, including those of the image.
    *saved.pointer_mut("/images/0/verdict").unwrap() = "accept".into();
    assert!(read_value(&saved).unwrap_err().to_string().contains("images.0.verdict"));
}

#[test]
fn the_size_limit_is_enforced() {
    let mut limits = Limits::default();
    limits.set("report-bytes", 10).unwrap();
    assert_eq!(read("r", &[b' '; 11], &limits).unwrap_err().code(), "over-limit");
}

/// Adds the path of every string in a JSON value to the list.
fn texts(value: &serde_json::Value, at: &str, list: &mut Vec<String>) {
    match value {
        serde_json::Value::String(_) => list.push(at.to_owned()),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| texts(item, &format!("{at}/{number}"), list));
        }
        serde_json::Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            texts(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), list);
        }),
        _ => {}
    }
}

/// A saved report is not signed, so any of its strings may be hostile. The tested formats write no control or bidirectional characters, and let no
/// such string begin a line.
#[test]
fn hostile_strings_in_a_saved_report_are_escaped_in_every_format() {
    use crate::report::{Amount, Format, Look, Options};
    const HOSTILE: &str = "a\u{1b}[2J\n\r\nACCEPTED: forged\u{202e}\u{9b}</td><script>&";
    let golden = std::fs::read("tests/golden/reports/good-policy-and-key.json").unwrap();
    let mut good: serde_json::Value = serde_json::from_slice(&golden).unwrap();
    good["tool"]["features"] = crate::features().into();
    read_value(&good).unwrap();
    let mut paths = Vec::new();
    texts(&good, "", &mut paths);
    let formats = [
        Format::Text(Look::PLAIN),
        Format::Text(Look { amount: Amount::Everything, ..Look::PLAIN }),
        Format::Html,
        Format::Markdown,
        Format::Csv,
        Format::Junit,
        Format::Sarif,
        Format::SarifAll,
        Format::Oscal,
        Format::Json,
    ];
    let mut written = 0;
    for path in paths {
        let mut changed = good.clone();
        *changed.pointer_mut(&path).unwrap() = HOSTILE.into();
        // Most changed strings are refused; strings of free text are read.
        let Ok(report) = read_value(&changed) else { continue };
        written += 1;
        for format in formats {
            let mut page = Vec::new();
            report.write(format, &Options::default(), &mut page).unwrap();
            // CSV ends its lines with CR and LF.
            let page = String::from_utf8(page).unwrap().replace("\r\n", "\n");
            let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!page.contains(is_hostile), "{path} {format:?}");
            assert!(!page.lines().any(|line| line.starts_with("ACCEPTED: forged")), "{path} {format:?}");
            assert!(!page.contains("<script>") || !matches!(format, Format::Html | Format::Junit), "{path} {format:?}");
        }
    }
    assert!(written > 40, "{written} texts");
}
