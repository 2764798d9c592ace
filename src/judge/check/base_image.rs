//! `base-image`: the policy lists the base images in the log, and the image begins with the layers of the base in
//! `--base`.

use std::collections::HashSet;

use super::image_evidence::steps;
use super::outcome::Outcome;
use super::{Check, Expected, Run, image_config, image_digest};
use crate::base::digest::Sha256;
use crate::base::image_name::{ImageName, repository_of};
use crate::base::mask::keep_name;
use crate::image::ImageFacts;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason, Status};
use crate::judge::policy::Policy;
use crate::manifest::build_log::{BuildLog, LogEvent};

pub(super) static CHECK: Check = Check {
    name: "base-image",
    group: Group::Source,
    level: Level::Warn,
    says: "the policy lists every base image in the log, if it lists any base images; with --base, the image's configuration begins with the base image's layers",
    explanation: "Reads the FROM of every stage that the builder printed into the signed log, with the digest to which it resolved. The digest is in the \
instruction itself, in the pull line directly after the instruction, or in BuildKit's line. podman's `[1/2] STEP 1/3: FROM`, and `STEP 1: FROM` of old \
versions, are read if every step appears once and in order. A log with lines from two builders gives unknown, because a program in the build may \
have printed some of the lines. An image that is only used by COPY --from or a mount is not compared. Each base image must be one of expect.base-images, by repository and digest. A listed repository without a digest in the log gives \
unknown: the server does not pull an image that it already has. For a multi-platform image, the digest is that of the index. With --base SOURCE, the \
diff_ids of that base, or of one of these bases, must be the lowest diff_ids of the supplied image. The build server resolved the names in the log, so \
these digests are signed, not recomputed.",
    known: Known::Signed,
    expected: Expected::Requires(&["base-images"]),
    links: &[],
    controls: &["SR-4"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

/// A FROM instruction in the log.
#[derive(Debug, PartialEq, Eq)]
struct Base {
    name: String,
    digest: Option<Sha256>,
}

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let expected = &policy.expect.base_images;
    let bases = match evidence.log().map(bases) {
        Some(Ok(bases)) => bases,
        Some(Err(message)) => return Outcome::unknown(message),
        None => Vec::new(),
    };
    let layers = on_bases(evidence);
    if let Some(outcome) = layers.as_ref().filter(|outcome| outcome.status != Status::Pass) {
        return outcome.clone();
    }
    if expected.is_empty() {
        return layers.unwrap_or_else(|| {
            let names: Vec<String> = bases.iter().map(|base| keep_name(&base.shown())).collect();
            let found =
                if names.is_empty() { none(evidence).into() } else { format!("the log shows {}", names.join(", ")) };
            Outcome::not_run(Reason::NoExpectation, format!("the policy lists no base images; {found}"))
        });
    }
    if bases.is_empty() {
        return Outcome::not_run(Reason::NoEvidence, none(evidence));
    }
    let mut outcome = judge(&bases, expected);
    if let Some(layers) = layers {
        outcome = match outcome.status {
            Status::Pass => outcome.also(layers.message, Known::Given),
            _ => outcome.detail(layers.message),
        };
    }
    outcome
}

/// Why no base image is known.
fn none(evidence: &Evidence<'_>) -> &'static str {
    match evidence.log() {
        Some(_) => "no base image was recognised in the log",
        None => "the archive has no data/build.log",
    }
}

fn judge(bases: &[Base], expected: &[String]) -> Outcome {
    let allowed: Vec<(String, Option<Sha256>)> =
        expected.iter().map(|text| (repository_of(text), digest_in(text))).collect();
    let mut unpinned = Vec::new();
    for base in bases {
        let repository = repository_of(&base.name);
        match base.digest {
            Some(digest) if allowed.contains(&(repository.clone(), Some(digest))) => {}
            None if allowed.iter().any(|(known, _)| *known == repository) => unpinned.push(keep_name(&base.shown())),
            _ => {
                return Outcome::fail("a base image in the log is not in the policy")
                    .sides(kept(expected), keep_name(&base.shown()));
            }
        }
    }
    match unpinned.first() {
        Some(base) => Outcome::unknown("the log does not record the digest of a base image")
            .sides(kept(expected), format!("{base}, without a digest")),
        None => {
            let count = bases.len();
            let mut outcome =
                Outcome::pass(format!("the policy lists every base image in the log (number of base images: {count})"));
            outcome.details = bases.iter().map(|base| keep_name(&base.shown())).collect();
            outcome
        }
    }
}

/// Compares the image's lowest layers with `--base`. `None` if there is no `--base`.
fn on_bases(evidence: &Evidence<'_>) -> Option<Outcome> {
    if evidence.bases.is_empty() {
        return None;
    }
    let Some(image) = evidence.image else {
        return Some(Outcome::unknown("--base was used without an --image to compare it with"));
    };
    let Some(config) = &image.config else {
        let cause = if image.undecided.is_some() { &image_digest::CHECK } else { &image_config::CHECK };
        return Some(Outcome::caused_by(cause, "the image's configuration cannot be read"));
    };
    for base in evidence.bases {
        let Some(lowest) = &base.config else {
            return Some(Outcome::unknown(format!(
                "the configuration of the base image {} cannot be read",
                base.source
            )));
        };
        if lowest.diff_ids.is_empty() {
            return Some(Outcome::unknown(format!("the base image {} has no layers", base.source)));
        }
        if let Some(fault) = unproved(base) {
            return Some(Outcome::unknown(format!("the base image {} is inconsistent: {fault}", base.source)));
        }
        if config.diff_ids.starts_with(&lowest.diff_ids) {
            let (lower, all) = (lowest.diff_ids.len(), config.diff_ids.len());
            let among = match evidence.bases.len() {
                1 => String::new(),
                count => format!(", one of the {count} specified base images; only one must match"),
            };
            return Some(
                Outcome::pass(format!(
                    "the first {lower} of the {all} layers in the image's configuration are those of {}{among}",
                    base.source
                ))
                .known(Known::Given)
                .detail("the diff_ids in both configurations were compared; image-layers compares the layers with these diff_ids"),
            );
        }
    }
    let sources: Vec<&str> = evidence.bases.iter().map(|base| base.source.as_str()).collect();
    let list = |ids: &[Sha256]| ids.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let expected = evidence.bases.iter().filter_map(|base| Some(list(&base.config.as_ref()?.diff_ids)));
    Some(
        Outcome::fail(format!("the image's configuration does not begin with the layers of {}", sources.join(" or ")))
            .sides(expected.collect::<Vec<_>>().join(" or "), list(&config.diff_ids)),
    )
}

/// How the base's documents contradict its bytes or each other.
fn unproved(base: &ImageFacts) -> Option<String> {
    let config = base.config.as_ref()?;
    if let Some((_, message)) = base.faults.first() {
        return Some(message.clone());
    }
    let said = base.config_descriptor.as_ref()?;
    (said.digest != config.digest)
        .then(|| format!("its manifest does not refer to the configuration {}", config.digest))
}

/// Lists the names for a message.
fn kept(names: &[String]) -> String {
    names.iter().map(|name| keep_name(name)).collect::<Vec<_>>().join(" or ")
}

impl Base {
    fn shown(&self) -> String {
        match self.digest {
            Some(digest) if !self.name.contains('@') => format!("{}@{digest}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// The base images that the log shows, as text.
///
/// # Errors
/// A message, if the log's steps cannot be trusted.
pub(crate) fn base_images(log: &BuildLog) -> Result<Vec<String>, String> {
    Ok(bases(log)?.iter().map(Base::shown).collect())
}

/// All base images that the log shows, except `scratch` and earlier stages, each with its digest if the log shows one.
fn bases(log: &BuildLog) -> Result<Vec<Base>, String> {
    steps(log)?;
    stage_steps(log)?;
    plain_steps(log)?;
    let mut bases: Vec<Base> = Vec::new();
    let mut stages: HashSet<String> = HashSet::new();
    let mut open = false;
    for event in log.input_events() {
        match event {
            LogEvent::Step { instruction, .. }
            | LogEvent::StageStep { instruction, .. }
            | LogEvent::PlainStep { instruction, .. } => {
                let from = from(instruction, &mut stages);
                open = from.is_some();
                bases.extend(from);
            }
            LogEvent::ResolvedBase { name, .. } => bases.push(Base { name: name.clone(), digest: digest_in(name) }),
            LogEvent::PulledDigest(digest) if open => {
                if let Some(base) = bases.last_mut().filter(|base| base.digest.is_none()) {
                    base.digest = Some(*digest);
                }
            }
            _ => {}
        }
    }
    bases.dedup();
    Ok(bases)
}

/// Checks that each of podman's steps of a multi-stage build appears once and in order, as podman prints them without `--jobs`. If a program in the
/// build prints such a line, the extra line is detected.
fn stage_steps(log: &BuildLog) -> Result<(), String> {
    let mut last: Option<((u32, u32), (u32, u32))> = None;
    for event in log.events() {
        let LogEvent::StageStep { stage, step, .. } = event else { continue };
        let next = match last {
            None => stage.0 == 1 && step.0 == 1,
            Some((at, done)) if done.0 < done.1 => *stage == at && *step == (done.0 + 1, done.1),
            Some((at, _)) => Some(stage.0) == at.0.checked_add(1) && stage.1 == at.1 && step.0 == 1,
        };
        if !next || stage.0 > stage.1 || step.0 > step.1 {
            return Err(format!(
                "[{}/{}] STEP {}/{} is out of order: a stage was skipped, stages were built in parallel, or a RUN step printed the line",
                stage.0, stage.1, step.0, step.1
            ));
        }
        last = Some((*stage, *step));
    }
    match last {
        Some((stage, step)) if stage.0 < stage.1 || step.0 < step.1 => Err("podman's last step is missing".into()),
        Some(_) if log.shows_steps() => {
            Err("the log has steps with and without a stage: a RUN step may have printed some of them".into())
        }
        _ => Ok(()),
    }
}

/// Checks that each step printed by an old version of podman, which numbers steps across all stages, appears once and in order.
fn plain_steps(log: &BuildLog) -> Result<(), String> {
    let (mut last, mut others) = (0_u32, false);
    for event in log.events() {
        match event {
            LogEvent::PlainStep { number, instruction } => {
                if Some(*number) != last.checked_add(1) {
                    return Err(format!(
                        "STEP {number} follows STEP {last}: stages were built in parallel, or a RUN step printed the line"
                    ));
                }
                last = *number;
                let base = instruction.split_whitespace().nth(1).unwrap_or_default();
                if base.len() == 64 && base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(format!(
                        "STEP {number} refers to its base by an image id, which does not show the base's name"
                    ));
                }
            }
            LogEvent::Step { .. } | LogEvent::StageStep { .. } => others = true,
            _ => {}
        }
    }
    match last > 0 && others {
        true => Err("the log has steps of two versions of podman: a RUN step may have printed some of them".into()),
        false => Ok(()),
    }
}

fn digest_in(name: &str) -> Option<Sha256> {
    ImageName::parse(name).ok()?.sha256()
}

/// `FROM [--platform=…] NAME [AS STAGE]`
fn from(instruction: &str, stages: &mut HashSet<String>) -> Option<Base> {
    let mut words = instruction.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("FROM") {
        return None;
    }
    let mut words = words.skip_while(|word| word.starts_with("--"));
    let name = words.next()?;
    let is_stage = stages.contains(&name.to_ascii_lowercase());
    if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
        stages.extend(words.next().map(str::to_ascii_lowercase));
    }
    (name != "scratch" && !is_stage).then(|| Base { name: name.to_owned(), digest: digest_in(name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;

    const ONE: &str = "sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c";
    const TWO: &str = "sha256:8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f";

    fn read(lines: &[String]) -> Result<Vec<Base>, String> {
        let text: String =
            lines.iter().map(|line| format!("2026-03-02 10:15:30,123  root       INFO    run: {line}\n")).collect();
        bases(&BuildLog::from_bytes(text.as_bytes(), &Limits::default()).unwrap())
    }

    fn shown(lines: &[String]) -> Vec<String> {
        read(lines).unwrap().iter().map(Base::shown).collect()
    }

    #[test]
    fn steps_that_end_before_their_total_or_change_it_are_refused() {
        let steps = |lines: &[&str]| read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        assert!(steps(&["Step 1/2 : FROM a", "Step 2/2 : RUN b"]).is_ok());
        for bad in [&["Step 1/2 : FROM a"][..], &["Step 1/2 : FROM a", "Step 2/3 : RUN b"]] {
            assert!(steps(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_belongs_to_the_from_line_directly_before_it() {
        let lines = [
            "Step 1/5 : FROM golang:1 AS build".to_owned(),
            format!("Digest: {ONE}"),
            "Status: Downloaded newer image for golang:1".into(),
            " ---> 0123456789ab".into(),
            "Step 2/5 : RUN ./build.sh".into(),
            format!("Digest: {TWO}"),
            "Step 3/5 : FROM nginx:1".into(),
            " ---> 0123456789ab".into(),
            format!("Digest: {TWO}"),
            "Step 4/5 : FROM build".into(),
            "Step 5/5 : FROM scratch".into(),
        ];
        assert_eq!(shown(&lines), [format!("golang:1@{ONE}"), "nginx:1".into()]);
        let kit = [format!("#5 [1/7] FROM docker.io/library/node:19@{ONE} 0.1s"), "#6 [2/7] RUN make".into()];
        assert_eq!(shown(&kit), [format!("docker.io/library/node:19@{ONE}")]);
        assert_eq!(shown(&[format!("Step 1/1 : FROM nginx:1@{TWO}")]), [format!("nginx:1@{TWO}")]);
    }

    #[test]
    fn podman_stages_are_read_only_if_complete_and_in_order() {
        let from = |stage: &str, step: &str, rest: &str| format!("[{stage}] STEP {step}: {rest}");
        let (first, run) = (from("1/2", "1/2", &format!("FROM golang@{ONE} AS build")), from("1/2", "2/2", "RUN make"));
        let (second, copy) = (from("2/2", "1/2", "FROM nginx:1"), from("2/2", "2/2", "COPY --from=build a b"));
        let honest = [&first, &run, &second, &copy].map(Clone::clone);
        assert_eq!(shown(&honest), [format!("golang@{ONE}"), "nginx:1".into()]);
        assert_eq!(shown(&[first.clone(), run.clone(), from("2/2", "1/1", "FROM build")]), [format!("golang@{ONE}")]);
        for printed in
            [from("1/2", "1/1", "FROM a AS evil"), from("2/2", "1/1", "FROM a AS evil"), "STEP 1/1: FROM a".into()]
        {
            for at in 0..=honest.len() {
                let mut lines = honest.to_vec();
                lines.insert(at, printed.clone());
                assert!(read(&lines).is_err(), "{lines:?}");
            }
        }
        assert!(
            read(&[first.clone(), run.clone()]).is_err() && read(&[second, copy]).is_err() && read(&[run]).is_err()
        );
    }

    #[test]
    fn old_podman_steps_are_read_only_if_complete_and_in_order() {
        let lines =
            |text: &str| text.lines().map(|line| line.trim().replace('@', &format!("@{ONE}"))).collect::<Vec<_>>();
        let honest = lines(
            "STEP 1: FROM golang@ AS build\nSTEP 2: RUN make\n--> 0123456789ab\nSTEP 3: FROM nginx:1\nSTEP 4: COPY --from=build a b\nSTEP 5: COMMIT x:1",
        );
        assert_eq!(shown(&honest), [format!("golang@{ONE}"), "nginx:1".into()]);
        assert_eq!(shown(&lines("STEP 1: FROM alpine AS a\nSTEP 2: COMMIT\nSTEP 3: FROM a")), ["alpine"]);
        for printed in [
            "STEP 3: FROM x AS nginx:1",
            "STEP 1: FROM x",
            "STEP 1/1: FROM x",
            "[1/1] STEP 1/1: FROM x",
            "STEP 9: RUN x",
        ] {
            for at in 0..=honest.len() {
                let mut lines = honest.clone();
                lines.insert(at, printed.into());
                assert!(read(&lines).is_err(), "{lines:?}");
            }
        }
        let id = "0".repeat(64);
        assert!(read(&[format!("STEP 1: FROM {id}")]).is_err() && read(&lines("STEP 2: FROM x")).is_err());
    }

    #[test]
    fn many_build_stages_are_read_in_linear_time() {
        // Comparing every pair of stages would take far too long.
        let lines: Vec<String> =
            (1..=200_000).map(|number| format!("Step {number}/200000 : FROM base{number} AS s{number}")).collect();
        assert_eq!(read(&lines).unwrap().len(), 200_000);
    }

    #[test]
    fn a_step_line_printed_by_a_run_step_is_detected() {
        let lines = ["Step 1/2 : FROM nginx:1", "Step 2/2 : RUN x", "Step 2/2 : FROM allowed:1"].map(str::to_owned);
        assert!(read(&lines).is_err());
        let other_builders = [
            "#5 [1/1] FROM allowed:1",
            "STEP 1/1: FROM allowed:1",
            "[1/2] STEP 1/1: FROM allowed:1",
            "STEP 1: FROM allowed:1",
        ];
        for other in other_builders {
            assert!(read(&["Step 1/1 : FROM nginx:1".into(), other.to_owned()]).is_err(), "{other}");
        }
    }

    #[test]
    fn every_base_must_be_allowed_by_repository_and_digest() {
        let base = |name: &str, digest: Option<&str>| Base {
            name: name.into(),
            digest: digest.and_then(Sha256::from_prefixed),
        };
        let allowed = [format!("docker.io/library/golang@{ONE}"), format!("nginx@{TWO}")];
        let status = |bases: &[Base]| judge(bases, &allowed).status;
        assert_eq!(status(&[base("golang:1", Some(ONE)), base("nginx", Some(TWO))]), Status::Pass);
        assert_eq!(status(&[base("golang:1", Some(TWO))]), Status::Fail);
        assert_eq!(status(&[base("evil/golang:1", Some(ONE))]), Status::Fail);
        assert_eq!(status(&[base("evil/golang:1", None)]), Status::Fail);
        assert_eq!(status(&[base("golang:1", None)]), Status::Unknown);
    }
}
