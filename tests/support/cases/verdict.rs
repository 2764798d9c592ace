//! The rows of the verdict table: what leads to acceptance, what leads only to acceptance in part,
//! and how a cause affects its consequences.

use super::super::case::Case;
use super::super::keys::Named;
use super::policy;

/// The line of the common policy that some cases replace.
const REQUIRE: &str = "require = [\"manifest\"]";

/// The checks of the group image that decide the result.
const IMAGE: [&str; 4] = ["image-digest", "image-config", "image-layers", "image-platform"];

fn under(case: Case, text: String) -> Case {
    case.file("key.pem", Named::Server.public_pem()).policy(text)
}

/// A waiver of each check, for this bundle.
fn waivers(bundle: &str, checks: &[&str]) -> String {
    let waiver = |check: &&str| {
        format!(
            "[[waivers]]\ncheck = \"{check}\"\nbundle = \"{bundle}\"\nowner = \"Ada\"\nreason = \"known\"\nexpires = 2027-01-01T00:00:00Z\n"
        )
    };
    checks.iter().map(waiver).collect()
}

/// The SHA-256 of a case's bundle.
fn digest_of(case: Case) -> String {
    let files = case.make();
    let (_, bytes) = files.iter().find(|(name, _)| name.ends_with(".sig.tbz")).unwrap();
    hpsb_audit::Sha256::of(bytes).hex()
}

/// Nothing in the source can be proved: there is one cause, with its consequences.
fn without_head(case: Case) -> Case {
    case.inner(|entries| entries.retain(|entry| entry.path != b"git/wallet/.git/HEAD"))
}

fn wrong_waiver(name: &str, about: &'static str, waivers: &str) -> Case {
    under(Case::error(name, 2, "policy", about), policy::with(waivers))
}

pub fn cases() -> Vec<Case> {
    let old = "[expect]\nmax-age = \"1d\"\n";
    let good = digest_of(Case::good("bundle", ""));
    let headless = digest_of(without_head(Case::good("bundle", "")));
    let waived = |checks: &[&str]| policy::with(&waivers(&headless, checks));
    vec![
        under(
            Case::good("verdict-workload-only", "The policy requires only `workload`, which no build can answer."),
            policy::with("").replace(REQUIRE, "require = [\"workload\"]"),
        )
        .in_part(),
        under(
            Case::good(
                "verdict-workload-too",
                "One policy for audits and admissions: its workload rules are ignored, as the report states.",
            ),
            policy::with("[levels]\nworkload-key = \"off\"\n")
                .replace(REQUIRE, "require = [\"manifest\", \"source\", \"workload\"]"),
        ),
        under(
            Case::good(
                "verdict-group-without-answer",
                "The policy requires the group image and there is none; each check that would reject for it is waived.",
            ),
            policy::with(&waivers(&good, &IMAGE)).replace(REQUIRE, "require = [\"manifest\", \"image\"]"),
        )
        .expect("image-digest", "not-run: no-evidence")
        .expect("image-config", "not-run: refused")
        .in_part(),
        under(
            Case::good("verdict-group-by-flag", "--require adds a group that the policy does not require."),
            policy::with(""),
        )
        .arguments(&["--policy", "policy.toml", "--require", "source"])
        .expect("source-commit", "pass"),
        Case::error(
            "verdict-require-workload",
            2,
            "usage",
            "The group `workload` is required, but it has no checks of a bundle.",
        )
        .arguments(&["--key", "key.pem", "--require", "workload"]),
        under(
            Case::good("verdict-waived", "The build is too old, but the policy has a waiver."),
            policy::with(&format!("{old}{}", waivers(&good, &["build-age"]))),
        )
        .expect("build-age", "fail")
        .in_part(),
        under(
            Case::good("verdict-waived-to-a-date", "The waiver's end is a date, which has not begun in UTC."),
            policy::with(&format!(
                "{old}{}",
                waivers(&good, &["build-age"]).replace("2027-01-01T00:00:00Z", "2026-03-11")
            )),
        )
        .expect("build-age", "fail")
        .in_part(),
        under(
            Case::fails(
                "verdict-waiver-over",
                "build-age",
                "The build is too old, and the waiver ends at this moment.",
            ),
            policy::with(&format!(
                "{old}{}",
                waivers(&good, &["build-age"]).replace("2027-01-01T00:00:00Z", "2026-03-10T00:00:00Z")
            )),
        ),
        under(
            Case::fails(
                "verdict-waiver-of-another",
                "build-age",
                "The build is too old, and the waiver is for another bundle.",
            ),
            policy::with(&format!("{old}{}", waivers(&headless, &["build-age"]))),
        ),
        wrong_waiver(
            "policy-waiver-of-the-signature",
            "A waiver of `manifest-signature`.",
            &waivers(&good, &["manifest-signature"]),
        ),
        wrong_waiver(
            "policy-waiver-of-a-workload",
            "A waiver of a check of the group `workload`.",
            &waivers(&good, &["workload-key"]),
        ),
        wrong_waiver(
            "policy-waiver-twice",
            "Two waivers of one check for one bundle.",
            &waivers(&good, &["build-age", "build-age"]),
        ),
        wrong_waiver(
            "policy-platform-with-slash",
            "A platform ends with a slash.",
            "[expect]\nplatforms = [\"linux/s390x/\"]\n",
        ),
        wrong_waiver(
            "policy-waiver-without-reason",
            "A waiver without a reason.",
            &waivers(&good, &["build-age"]).replace("reason = \"known\"\n", ""),
        ),
        wrong_waiver(
            "policy-waiver-short-digest",
            "A waiver for the beginning of a digest.",
            &waivers(&good[..12], &["build-age"]),
        ),
        without_head(under(
            Case::rejected(
                "verdict-waived-cause",
                "The cause is waived; the checks that were not run because of it are not.",
            ),
            waived(&["source-objects"]),
        ))
        .expect("source-objects", "fail")
        .expect("source-commit", "not-run: refused")
        .expect("source-tree", "not-run: refused"),
        without_head(under(
            Case::good(
                "verdict-waived-consequences",
                "The cause and each check that was not run because of it are waived.",
            ),
            waived(&["source-objects", "source-commit", "source-tree"]),
        ))
        .expect("source-objects", "fail")
        .expect("source-commit", "not-run: refused")
        .in_part(),
        without_head(under(
            Case::rejected(
                "verdict-warn-cause",
                "The cause only warns; the checks that were not run because of it reject.",
            ),
            policy::with("[levels]\nsource-objects = \"warn\"\n"),
        ))
        .expect("source-objects", "fail")
        .expect("source-commit", "not-run: refused"),
        without_head(Case::rejected(
            "verdict-one-cause",
            "A cause is listed once, however many findings follow from it.",
        ))
        .expect("source-objects", "fail")
        .expect("source-commit", "not-run: refused"),
    ]
}
