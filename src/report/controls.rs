//! The controls that a passed check supports: a table that users can replace.

use serde::Deserialize;

use super::{BundleReport, chain, summary};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::judge::check;
use crate::judge::finding::{Finding, Status, Verdict};

const OWN: &str = include_str!("controls.toml");

/// Controls and the checks that support them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controls {
    pub(super) list: Vec<Control>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    pub(super) framework: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) checks: Vec<String>,
    /// IDs of assessment objectives, for OSCAL.
    #[serde(default)]
    pub(super) objectives: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    control: Vec<Control>,
}

impl Controls {
    /// The built-in table: NIST SP 800-53 and SSDF.
    ///
    /// # Errors
    /// This error never occurs in practice, because a test reads the built-in table.
    pub fn own() -> Result<Self, Error> {
        Self::from_toml("the built-in controls", OWN.as_bytes(), &Limits::default())
    }

    /// Reads a user's table.
    ///
    /// # Errors
    /// [`Error::Policy`] for a malformed table or an unrecognised field or check, [`Error::OverLimit`] for a file that is too large.
    pub fn from_toml(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        limits.policy_bytes().check(bytes.len() as u64, name)?;
        let fail = |message: String| Error::Policy { path: name.into(), message };
        let text = std::str::from_utf8(bytes).map_err(|error| fail(error.to_string()))?;
        let file: File = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
        if file.version != 1 {
            return Err(fail(format!("version: expected 1, found {}", file.version)));
        }
        let unknown = file.control.iter().flat_map(|control| &control.checks).find(|name| check::find(name).is_none());
        match unknown {
            Some(name) => Err(fail(format!("unknown check {name:?}{}", check::near(name)))),
            None => Ok(Self { list: file.control }),
        }
    }

    /// The controls that the bundle's passed checks support, each with those checks.
    pub(super) fn supported<'a>(&'a self, bundle: &'a BundleReport) -> Vec<(&'a Control, Vec<&'a str>)> {
        let supporting = supporting_checks(bundle);
        let of = |control: &'a Control| (control, control.supported_by(&supporting));
        self.list.iter().map(of).filter(|(_, checks)| !checks.is_empty()).collect()
    }
}

/// The passed checks that may support a control. A bundle that is not accepted supports no controls.
fn supporting_checks(bundle: &BundleReport) -> Vec<&str> {
    if bundle.exit_code() != 0 {
        return Vec::new();
    }
    // The check `log-image` can pass although the log names no image.
    let is_empty = |finding: &Finding| match finding.check {
        name if name == check::LOG_IMAGE.name => !summary::log_names_image(bundle),
        _ => !chain::is_statement(finding),
    };
    let passed = bundle.played().filter(|finding| finding.status == Status::Pass && !is_empty(finding));
    passed.map(|finding| finding.check).collect()
}

impl Control {
    fn supported_by<'a>(&'a self, supporting: &[&str]) -> Vec<&'a str> {
        self.checks.iter().map(String::as_str).filter(|name| supporting.contains(name)).collect()
    }

    /// Whether the control's objectives are satisfied, or why not: every check of the control must support it, and the bundle must be accepted, not
    /// only in part.
    pub(super) fn satisfied(&self, bundle: &BundleReport) -> Result<(), String> {
        let supporting = supporting_checks(bundle);
        let supported_by = self.supported_by(&supporting);
        let lacking: Vec<&str> =
            self.checks.iter().map(String::as_str).filter(|name| !supported_by.contains(name)).collect();
        match bundle.verdict {
            Verdict::Accept | Verdict::AcceptInPart if !lacking.is_empty() => {
                Err(format!("these checks did not pass or examined nothing: {}", lacking.join(", ")))
            }
            Verdict::Accept if self.checks.is_empty() => Err("the control lists no checks".into()),
            Verdict::Accept => Ok(()),
            Verdict::AcceptInPart => Err("the bundle was accepted only in part".into()),
            Verdict::Reject | Verdict::None => Err("the bundle was not accepted".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::evidence::{Fact, Known};
    use crate::judge::finding::{Demand, Finding, Group, Level, MissingEvidence, Said};

    #[test]
    fn the_built_in_table_of_controls_can_be_read() {
        assert_eq!(Controls::own().unwrap().list.len(), 6);
    }

    /// The controls listed in a check match those in the table that users copy.
    #[test]
    fn the_built_in_table_of_controls_matches_the_checks() {
        let own = Controls::own().unwrap();
        for check in check::CHECKS {
            let of_table = own.list.iter().filter(|control| control.checks.iter().any(|name| name == check.name));
            let of_table: Vec<&str> = of_table.map(|control| control.id.as_str()).collect();
            assert_eq!(of_table, check.controls, "{}: controls.toml differs from the check's `controls`", check.name);
        }
    }

    #[test]
    fn a_table_with_an_unrecognised_check_or_field_is_refused() {
        let read = |text: &str| Controls::from_toml("c", text.as_bytes(), &Limits::default());
        let row = "[[control]]\nframework = \"F\"\nid = \"1\"\ntitle = \"T\"\nchecks = [\"build-age\"]\n";
        assert!(read(&format!("version = 1\n{row}")).is_ok());
        assert!(read(&format!("version = 2\n{row}")).is_err());
        assert!(read(&format!("version = 1\n{row}more = 1\n")).is_err());
        assert!(read(&format!("version = 1\n{}", row.replace("build-age", "build-ages"))).is_err());
    }

    /// Markdown, HTML and OSCAL use one rule: a check that passed without examining anything supports nothing.
    #[test]
    fn an_objective_is_satisfied_only_if_every_check_supports_it_and_the_bundle_is_accepted() {
        let rule = "[[control]]\nframework = \"F\"\nid = \"SR-4\"\ntitle = \"T\"\nchecks = [\"log-image\", \"source-commit\"]\n";
        let controls = Controls::from_toml("c", format!("version = 1\n{rule}").as_bytes(), &Limits::default()).unwrap();
        let answered = |verdict, names_image: bool, compares_id: bool| {
            let mut bundle = BundleReport::of_nothing("a.sig.tbz", vec![Group::Manifest, Group::Source]);
            bundle.verdict = verdict;
            bundle.findings = ["log-image", "source-commit"].map(|name| passed(check::find(name).unwrap())).to_vec();
            let text = if compares_id { "HEAD is expect.commit" } else { "the snapshot has a ref named main" };
            bundle.findings[1].says = vec![Said { text: text.into(), known: Known::Recomputed }];
            let fact = Fact::new("image", "build.log", "docker.io/acme/wallet".into(), Known::Signed);
            bundle.evidence.extend(Some(fact).filter(|_| names_image));
            let supported = controls.supported(&bundle).iter().map(|(_, checks)| checks.join(" ")).collect::<String>();
            (supported, controls.list.iter().try_for_each(|control| control.satisfied(&bundle)))
        };
        let answer = |verdict, names_image| answered(verdict, names_image, true);
        let both = || "log-image source-commit".to_owned();
        assert_eq!(answered(Verdict::Accept, true, false).0, "log-image");
        let mut unsigned = BundleReport::of_nothing("a.sig.tbz", vec![Group::Source]);
        unsigned.verdict = Verdict::Accept;
        unsigned.findings = vec![passed(check::find("source-commit").unwrap())];
        unsigned.findings[0].says =
            vec![Said { text: "HEAD begins with the seven digits".into(), known: Known::Given }];
        assert!(controls.supported(&unsigned).is_empty());
        // Without a record that counts, `key-record` passes by comparing grades alone.
        let key = rule.replace("\"log-image\", \"source-commit\"", "\"key-record\"");
        let of_key = Controls::from_toml("c", format!("version = 1\n{key}").as_bytes(), &Limits::default()).unwrap();
        for (known, count) in [(Known::Given, 0), (Known::Stated, 1)] {
            let mut graded = BundleReport::of_nothing("a.sig.tbz", vec![Group::Manifest]);
            graded.verdict = Verdict::Accept;
            graded.findings = vec![passed(check::find("key-record").unwrap())];
            graded.findings[0].says = vec![Said { text: "the grade".into(), known }];
            assert_eq!(of_key.supported(&graded).len(), count, "{known:?}");
        }
        assert_eq!(answer(Verdict::Accept, true), (both(), Ok(())));
        let lacking = || Err("these checks did not pass or examined nothing: log-image".into());
        assert_eq!(answer(Verdict::Accept, false), ("source-commit".into(), lacking()));
        assert_eq!(answer(Verdict::AcceptInPart, true), (both(), Err("the bundle was accepted only in part".into())));
        assert_eq!(answer(Verdict::Reject, true), (String::new(), Err("the bundle was not accepted".into())));
    }

    fn passed(check: &check::Check) -> Finding {
        Finding {
            check: check.name,
            group: check.group,
            level: Level::Require,
            status: Status::Pass,
            message: String::new(),
            expected: None,
            found: None,
            details: Vec::new(),
            says: Vec::new(),
            demand: Demand::None,
            missing_evidence: MissingEvidence::RejectsByName,
            waiver: None,
            caused_by: None,
            effect: crate::judge::finding::Effect::None,
        }
    }
}
