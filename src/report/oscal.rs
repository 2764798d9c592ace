//! OSCAL assessment results (NIST, model 1.2): one result per bundle, one observation per check, with the digest of the examined data.
//! A finding is written only for an objective in the table of controls. The objective is satisfied only if the bundle was accepted and every check of
//! the control supports it, by the same rule as in Markdown and HTML.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::controls::Control;
use super::{BundleReport, InputReport, Options, Report, markdown, remarks, sarif, summary};
use crate::base::digest::Sha256;
use crate::base::escape::{for_terminal, in_json};
use crate::judge::check::{self, status_text};
use crate::judge::evidence::Known;
use crate::judge::finding::{Finding, Group};

const OSCAL_VERSION: &str = "1.2.1";
const NAMESPACE: &str = "urn:hpsb-audit:oscal";

pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(&document(report, options))?;
    writeln!(out, "{}", in_json(&document))
}

const TIMES: &str = "Every time field of this document is the time as of which the audit was made; the user may have chosen it. No time states when evidence was collected.";

fn document(report: &Report, options: &Options) -> Value {
    let now = report.now.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |now| now.to_string());
    let seed = seed(report, options);
    let results: Vec<Value> = match report.bundles.as_slice() {
        [] => vec![no_result(report, options, &seed, &now)],
        bundles => bundles.iter().enumerate().map(|(at, b)| result(report, b, options, &seed, at, &now)).collect(),
    };
    let plan = options.oscal_plan.as_ref().map_or_else(|| format!("#{}", uuid(&seed, "plan")), |path| sarif::uri(path));
    let mut resources: Vec<Value> = Vec::new();
    for (at, bundle) in report.bundles.iter().enumerate() {
        resources.push(resource(&seed, at, bundle));
        resources.extend(inputs(&seed, at, bundle));
    }
    if options.oscal_plan.is_none() {
        resources.push(question(report, &seed));
    }
    let remarks: Vec<String> = [TIMES.to_owned()].into_iter().chain(remarks::with_voucher(report)).collect();
    json!({ "assessment-results": {
        "uuid": uuid(&seed, "assessment-results"),
        "metadata": {
            "title": "Audit of build manifests",
            "last-modified": now,
            "version": "1",
            "oscal-version": OSCAL_VERSION,
            "remarks": remarks.join(" "),
            "props": [
                prop("tool", &format!("{} {}", report.tool.name, report.tool.version)),
                prop("verdict", report.verdict().word()),
                prop("exit-code", &report.exit_code().to_string()),
            ],
        },
        "import-ap": { "href": plan },
        "results": results,
        "back-matter": { "resources": resources },
    }})
}

/// The values that distinguish this report from other reports. All identifiers are derived from these values.
fn seed(report: &Report, options: &Options) -> String {
    let policy = report.policy.as_ref().map(|policy| (&policy.path, policy.sha256));
    let mut seed = format!("{:?} {policy:?} {:?}", report.now, options.oscal_plan);
    for bundle in &report.bundles {
        seed.push_str(&format!(" {} {:?} {}", bundle.path, bundle.file, bundle.verdict.word()));
    }
    seed
}

/// An identifier that is always the same for the same report. OSCAL's pattern allows only UUID versions 4 and 5, so the identifier is
/// marked as version 5 (name based), although it is made with SHA-256 (which would be version 8 in RFC 9562).
fn uuid(seed: &str, name: &str) -> String {
    let hex = Sha256::of(format!("{seed}\n{name}").as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn result(report: &Report, bundle: &BundleReport, options: &Options, seed: &str, at: usize, now: &str) -> Value {
    let id = |name: &str| uuid(seed, &format!("{at} {name}"));
    let observations: Vec<Value> =
        bundle.findings.iter().map(|finding| observation(bundle, finding, seed, at, now)).collect();
    let findings: Vec<Value> =
        options.controls.list.iter().flat_map(|control| objectives(bundle, control, &id)).collect();
    let lines = |lines: Vec<String>| lines.iter().map(|line| format!("- {}", markdown::text(line))).collect::<Vec<_>>();
    let mut description = vec![format!("{}.", markdown::text(&summary::headline(report, bundle)))];
    description.extend(lines(summary::because(report, bundle)));
    description.push("\nNot proved:\n".into());
    description.extend(lines(summary::not_proved(bundle)));
    let mut result = json!({
        "uuid": id("result"),
        "title": line(bundle.build_name.as_deref().unwrap_or(&bundle.path)),
        "description": description.join("\n"),
        "start": now,
        "props": [
            prop("verdict", bundle.verdict.word()),
            prop("exit-code", &bundle.exit_code().to_string()),
            prop("key-grade", bundle.key.as_ref().map_or("none", |key| key.grade.word())),
            prop("repeat", &summary::command(report, bundle)),
        ],
        "reviewed-controls": reviewed(options, &bundle.findings),
        "observations": observations,
    });
    if let (false, Some(fields)) = (findings.is_empty(), result.as_object_mut()) {
        fields.insert("findings".into(), findings.into());
    }
    if let (true, Some(fields)) = (bundle.findings.is_empty(), result.as_object_mut()) {
        fields.remove("observations");
    }
    result
}

/// OSCAL requires a result even if no bundle was audited.
fn no_result(report: &Report, options: &Options, seed: &str, now: &str) -> Value {
    let error = report.error.as_ref().map_or_else(|| "no bundle".to_owned(), summary::fault);
    json!({
        "uuid": uuid(seed, "no result"),
        "title": "No verdict",
        "description": format!("Nothing was audited: {}.", markdown::text(&error)),
        "start": now,
        "props": [prop("verdict", report.verdict().word()), prop("exit-code", &report.exit_code().to_string())],
        "reviewed-controls": reviewed(options, &[]),
    })
}

/// The controls for which at least one check ran.
fn reviewed(options: &Options, findings: &[Finding]) -> Value {
    let is_looked_at = |check: &String| findings.iter().any(|f| f.check == check.as_str() && !f.status.is_not_run());
    let controls = options.controls.list.iter().filter(|control| control.checks.iter().any(is_looked_at));
    let controls: Vec<Value> = controls.map(|control| json!({ "control-id": token(&control.id) })).collect();
    let text = "Controls that the checks may support; no check satisfies a control by itself.";
    match controls.is_empty() {
        true => json!({ "control-selections": [{ "description": text }] }),
        false => json!({ "control-selections": [{ "description": text, "include-controls": controls }] }),
    }
}

fn observation(bundle: &BundleReport, finding: &Finding, seed: &str, at: usize, now: &str) -> Value {
    let mut text = match finding.says.as_slice() {
        [] | [_] => vec![markdown::text(&finding.message)],
        says => says.iter().map(|said| format!("{} ({})", markdown::text(&said.text), said.known.word())).collect(),
    };
    text.extend(finding.expected.iter().map(|side| format!("- expected: {}", markdown::text(side))));
    text.extend(finding.found.iter().map(|side| format!("- found: {}", markdown::text(side))));
    text.extend(finding.details.iter().map(|detail| format!("- {}", markdown::text(detail))));
    let mut props = vec![
        prop("check", finding.check),
        prop("group", finding.group.word()),
        prop("level", finding.level.word()),
        prop("status", finding.status.word()),
    ];
    props.extend(finding.status.reason().map(|reason| prop("reason", reason)));
    props.extend(finding.caused_by.map(|cause| prop("caused-by", cause)));
    props.extend(finding.waiver.as_ref().map(|waiver| prop("waiver", &waiver.words())));
    props.push(prop("rejects", if finding.rejects() { "yes" } else { "no" }));
    props.extend(summary::known_words(finding).into_iter().map(|word| prop("known", word)));
    let file = uuid(seed, &format!("{at} file"));
    // OSCAL requires a method and a time for each observation. If a check did not run, its status states that. Reading a statement is not a test.
    let is_recomputed = check::find(finding.check).is_some_and(|check| check.known == Known::Recomputed)
        && finding.says.iter().all(|said| said.known == Known::Recomputed);
    let method = match (finding.status.is_not_run(), is_recomputed) {
        (true, _) => "UNKNOWN",
        (false, true) => "TEST",
        (false, false) => "EXAMINE",
    };
    let mut observation = json!({
        "uuid": uuid(seed, &format!("{at} {}", finding.check)),
        "title": format!("{}: {}", finding.check, status_text(finding.status)),
        "description": text.join("\n"),
        "props": props,
        "methods": [method],
        "subjects": [{ "subject-uuid": file, "type": "resource" }],
        "collected": now,
    });
    if let (false, Some(fields)) = (finding.status.is_not_run(), observation.as_object_mut()) {
        let mut looked_at = vec![json!({ "href": format!("#{file}"), "description": evidence(bundle) })];
        let given = bundle.inputs.iter().enumerate().filter(|(_, input)| is_evidence_for(input, finding));
        looked_at.extend(given.map(|(number, input)| {
            json!({ "href": format!("#{}", input_id(seed, at, number)), "description": line(&input_words(input)) })
        }));
        fields.insert("relevant-evidence".into(), looked_at.into());
    }
    observation
}

/// Whether the check examined this input. The policy's files and the keys that were tried are part of the question.
fn is_evidence_for(input: &InputReport, finding: &Finding) -> bool {
    match input.kind {
        "image" | "image-config" => finding.group == Group::Image || finding.check == check::BASE_IMAGE.name,
        "base-image" | "base-image-config" => finding.check == check::BASE_IMAGE.name,
        "trust" => finding.group == Group::Trust,
        "approvals" => finding.check == check::SOURCE_APPROVED.name,
        "server" => finding.check == check::SERVER_RECORD.name,
        "builder" => finding.group == Group::Builder,
        "timestamp" | "tsa-ca" => finding.check == check::MANIFEST_KEY.name,
        _ => false,
    }
}

fn input_id(seed: &str, at: usize, number: usize) -> String {
    uuid(seed, &format!("{at} input {number}"))
}

fn input_words(input: &InputReport) -> String {
    format!("{} {}, {}", input.words(), input.name, input.sha256)
}

/// An image's digest is not the digest of the file or layout that contains the image, and a key's fingerprint is not the digest of its file:
/// neither is written as the file's hash.
fn link(input: &InputReport) -> Value {
    let href = sarif::uri(&input.name);
    match input.is_image() || input.is_key() {
        true => json!({ "href": href }),
        false => json!({ "href": href, "hashes": [{ "algorithm": "SHA-256", "value": input.sha256.hex() }] }),
    }
}

/// The files that were examined besides the bundle.
fn inputs<'a>(seed: &'a str, at: usize, bundle: &'a BundleReport) -> impl Iterator<Item = Value> + 'a {
    bundle.inputs.iter().enumerate().map(move |(number, input)| {
        let mut resource = json!({
            "uuid": input_id(seed, at, number),
            "title": line(&input.name),
            "description": line(&input_words(input)),
        });
        // The name of a trusted key is not the address of a file.
        if let (true, Some(fields)) = (input.kind != "key", resource.as_object_mut()) {
            fields.insert("rlinks".into(), json!([link(input)]));
        }
        resource
    })
}

fn evidence(bundle: &BundleReport) -> String {
    match bundle.file {
        Some((digest, size)) => format!("The bundle, {digest}, {size} bytes"),
        None => "The bundle, which could not be read completely".into(),
    }
}

fn objectives(bundle: &BundleReport, control: &Control, id: &dyn Fn(&str) -> String) -> Vec<Value> {
    let (state, why) = match control.satisfied(bundle) {
        Ok(()) => ("satisfied", None),
        Err(why) => ("not-satisfied", Some(why)),
    };
    let mut status = json!({ "state": state });
    if let (Some(why), Some(fields)) = (why, status.as_object_mut()) {
        fields.insert("remarks".into(), markdown::text(&why).into());
    }
    let related: Vec<Value> = bundle
        .findings
        .iter()
        .filter(|finding| control.checks.iter().any(|name| name == finding.check))
        .map(|finding| json!({ "observation-uuid": id(finding.check) }))
        .collect();
    let write = |objective: &String| {
        let mut finding = json!({
            "uuid": id(&format!("objective {objective}")),
            "title": line(&format!("{} {}", control.id, control.title)),
            "description": format!(
                "The control lists these checks for the objective: {}. The objective is satisfied only if all of these checks passed and examined something, and the bundle was accepted, not only in part.",
                markdown::text(&control.checks.join(", "))
            ),
            "target": {
                "type": "objective-id",
                "target-id": token(objective),
                "status": status,
            },
        });
        if let (false, Some(fields)) = (related.is_empty(), finding.as_object_mut()) {
            fields.insert("related-observations".into(), related.clone().into());
        }
        finding
    };
    control.objectives.iter().map(write).collect()
}

fn resource(seed: &str, at: usize, bundle: &BundleReport) -> Value {
    let mut link = Map::new();
    link.insert("href".into(), sarif::uri(&bundle.path).into());
    if let Some((digest, _)) = bundle.file {
        link.insert("hashes".into(), json!([{ "algorithm": "SHA-256", "value": digest.hex() }]));
    }
    json!({
        "uuid": uuid(seed, &format!("{at} file")),
        "title": line(bundle.build_name.as_deref().unwrap_or(&bundle.path)),
        "description": evidence(bundle),
        "rlinks": [link],
    })
}

/// The document that replaces an assessment plan if none is specified: the question, with the policy's digest.
fn question(report: &Report, seed: &str) -> Value {
    // The evidence next to one bundle does not decide what was asked about another.
    let only = report.bundles.first().filter(|_| report.bundles.len() == 1);
    let lines: Vec<String> = summary::question(report, only).iter().map(|line| markdown::text(line)).collect();
    let mut resource = json!({
        "uuid": uuid(seed, "plan"),
        "title": "Question that the audit answers",
        "description": lines.join("\n\n"),
    });
    if let (Some(policy), Some(fields)) = (&report.policy, resource.as_object_mut()) {
        let hash = json!({ "algorithm": "SHA-256", "value": policy.sha256.hex() });
        fields.insert("rlinks".into(), json!([{ "href": sarif::uri(&policy.path), "hashes": [hash] }]));
    }
    resource
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": line(value) })
}

/// OSCAL's type `string`: not empty, one line, no leading or trailing spaces.
fn line(text: &str) -> String {
    let text = for_terminal(text);
    match text.trim() {
        "" => "-".into(),
        trimmed => trimmed.into(),
    }
}

/// OSCAL's type `token`: begins with a letter or `_`, followed by letters, digits, `.`, `-`, `_`.
fn token(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c.to_ascii_lowercase() } else { '_' };
    let token: String = text.chars().map(allowed).collect();
    if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { token } else { format!("_{token}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_tokens_have_the_forms_that_oscal_requires() {
        let one = uuid("a", "b");
        assert_eq!((one.len(), one.get(14..15), one.get(19..20)), (36, Some("5"), Some("8")));
        assert_ne!(one, uuid("a", "c"));
        assert_eq!(
            (token("SI-7"), token("10.2.1"), token("si-7_obj.a-1")),
            ("si-7".into(), "_10.2.1".into(), "si-7_obj.a-1".into())
        );
        assert_eq!((line(" \n"), line(" a ")), ("\\n".into(), "a".into()));
    }
}
