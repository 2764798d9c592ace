//! Tests with hostile inventories, and with builds, Pods and approvals with deliberate gaps.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::gate::verify::Grade;
use crate::judge::builds::BuiltImage;
use crate::judge::finding::{Demand, Finding, Group, Level, MissingEvidence, Verdict};
use crate::report::{Format, KeyReport};
use crate::workload::KindsWithoutImages;

fn digest(name: &str) -> Sha256 {
    Sha256::of(name.as_bytes())
}

fn commit(build: usize) -> String {
    digest(&format!("commit {build}")).hex()[..40].to_owned()
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

fn pinned(name: &str) -> String {
    format!("registry.example/acme/{name}@{}", digest(name))
}

/// Builds, Pods and approvals that all match until a test changes them.
struct Estate {
    reports: Vec<BundleReport>,
    pods: Vec<(String, String)>,
    approvals: Vec<(String, String)>,
    /// The expected rows: the kind, and the place, bundle or commit that the row must contain.
    planted: BTreeSet<(Kind, String)>,
}

impl Estate {
    const BUILT: &str = "2026-02-10T12:00:00Z";
    const APPROVED: &str = "2026-02-09T12:00:00Z";

    fn build(&mut self, build: usize, built: &str) -> usize {
        let mut report = BundleReport::of_nothing(format!("evidence/{build}.sig.tbz"), vec![Group::Manifest]);
        let image = BuiltImage {
            pushed: vec![("v1".into(), digest(&format!("image-{build}")))],
            repositories: vec!["registry.example/acme/app".into()],
            root_key: None,
            commit: Some(commit(build)),
            built: Some(at(built)),
        };
        report.built = Some(image);
        report.remotes = vec!["github.com/acme/wallet".into()];
        report.verdict = Verdict::Accept;
        report.file = Some((digest(&format!("file {build}")), 1_000));
        report.seal = Some((digest(&format!("bundle {build}")), crate::Signature::of_bytes(b"")));
        report.key = Some(KeyReport {
            fingerprint: digest(if build.is_multiple_of(2) { "key a" } else { "key b" }),
            kind: "rsa",
            bits: 2048,
            source: "policy".into(),
            grade: Grade::CommandLine,
        });
        report.findings.push(Finding {
            check: "source-approved",
            group: Group::Source,
            level: Level::Require,
            status: Status::Pass,
            message: format!("change CHG-{build}"),
            expected: None,
            found: None,
            details: Vec::new(),
            says: Vec::new(),
            demand: Demand::None,
            missing_evidence: MissingEvidence::RejectsByName,
            waiver: None,
            caused_by: None,
            effect: crate::judge::finding::Effect::None,
        });
        self.reports.push(report);
        self.reports.len() - 1
    }

    fn approve(&mut self, build: usize) {
        self.approvals.push((commit(build), Self::APPROVED.into()));
    }

    fn run(&mut self, image: String) -> String {
        let name = format!("app-{}", self.pods.len());
        self.pods.push((name.clone(), image));
        format!("pods.json: Pod prod/{name} containers main")
    }

    fn plant(&mut self, kind: Kind, subject: impl Into<String>) {
        assert!(self.planted.insert((kind, subject.into())));
    }

    fn pods_json(&self) -> String {
        let pods: Vec<String> = self
            .pods
            .iter()
            .map(|(name, image)| {
                format!(
                    r#"{{"kind":"Pod","metadata":{{"name":"{name}","namespace":"prod"}},"spec":{{"containers":[{{"name":"main","image":"app:v1"}}]}},"status":{{"containerStatuses":[{{"name":"main","imageID":"{image}"}}]}}}}"#
                )
            })
            .collect();
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, pods.join(","))
    }

    fn approvals(&self) -> Approvals {
        let mut text = "repository,commit,change,approver,time\n".to_owned();
        for (commit, time) in &self.approvals {
            writeln!(text, "git@github.com:acme/wallet.git,{commit},CHG,Ada,{time}").unwrap();
        }
        Approvals::read("approvals.csv", text.into_bytes(), None, &Limits::default()).unwrap()
    }

    fn answer(&self) -> Reconciliation {
        let limits = Limits::default();
        let inventory =
            Inventory::read("pods.json", self.pods_json().as_bytes(), &[], &KindsWithoutImages::default(), &limits)
                .unwrap();
        let approvals = self.approvals();
        let books = Books {
            policy: &Policy::default(),
            approvals: &approvals,
            inventories: &[inventory],
            period: Period::parse("2026-01-01/2026-03-31").unwrap(),
            sample: Some(SampleSize { count: 10, seed: "2026-Q1".into() }),
            now: at("2026-04-01T00:00:00Z"),
        };
        reconcile(&self.reports, &books)
    }
}

/// 250 builds, each running in two places: everything matches.
fn sound() -> Estate {
    let mut estate = Estate { reports: Vec::new(), pods: Vec::new(), approvals: Vec::new(), planted: BTreeSet::new() };
    for build in 0..250 {
        estate.build(build, Estate::BUILT);
        estate.approve(build);
        for _ in 0..2 {
            estate.run(pinned(&format!("image-{build}")));
        }
    }
    estate
}

fn reject(report: &mut BundleReport, message: &str) {
    report.verdict = Verdict::Reject;
    let finding = report.findings.first_mut().unwrap();
    finding.status = Status::Fail;
    finding.message = message.to_owned();
}

#[test]
fn matching_records_give_only_matched_rows() {
    let answer = sound().answer();
    assert_eq!((answer.exit_code(), answer.rows.len(), answer.count(Kind::Matched)), (0, 500, 500));
    assert_eq!((answer.builds_in_period, answer.approvals_in_period), (250, 250));
    // The policy does not come from a file, so the inputs do not list it.
    assert_eq!(answer.inputs.len(), 1 + 1 + 250);
    let keys: Vec<_> = answer.keys.iter().map(|key| (key.builds, key.first)).collect();
    assert_eq!(keys, [(125, Some(at(Estate::BUILT))); 2]);
}

#[test]
fn reconciliation_finds_exactly_the_planted_gaps() {
    let mut estate = sound();
    // Adds images without a build, an image that the node reports only by its ID, and an image that the node does not report.
    for stranger in 0..7 {
        let place = estate.run(pinned(&format!("stranger-{stranger}")));
        estate.plant(Kind::RunningWithoutAcceptedBuild, place);
    }
    let place = estate.run(digest("an image's id").to_string());
    estate.plant(Kind::RunningWithoutAcceptedBuild, place);
    let place = estate.run(String::new());
    estate.plant(Kind::RunningWithoutAcceptedBuild, place);
    // Builds that the audit rejects, each running in two places.
    for build in [3, 5, 7] {
        reject(&mut estate.reports[build], "the list does not name the commit");
        estate.plant(Kind::BundleNotAccepted, format!("evidence/{build}.sig.tbz"));
        estate.plant(Kind::BuiltWithoutApproval, format!("evidence/{build}.sig.tbz"));
        estate.plant(Kind::ApprovedNotSeen, commit(build));
        for pod in [2 * build, 2 * build + 1] {
            estate.plant(Kind::RunningWithoutAcceptedBuild, format!("pods.json: Pod prod/app-{pod} containers main"));
        }
    }
    // Adds builds without an approval: one runs in two places, the other nowhere.
    let finding = |report: &mut BundleReport| report.findings[0].status = Status::Fail;
    finding(&mut estate.reports[100]);
    estate.approvals.remove(100);
    for pod in [200, 201] {
        estate.plant(Kind::BuiltWithoutApproval, format!("pods.json: Pod prod/app-{pod} containers main"));
    }
    let idle = estate.build(900, Estate::BUILT);
    finding(&mut estate.reports[idle]);
    estate.plant(Kind::BuiltWithoutApproval, "evidence/900.sig.tbz");
    // A build outside the period, without an approval: the place where it runs is not an exception, but has its own row.
    let old = estate.build(901, "2025-06-01T00:00:00Z");
    finding(&mut estate.reports[old]);
    estate.run(pinned("image-901"));
    // Adds commits that were approved but never built, approved and built but not running, or approved in a different period.
    for build in [910, 911, 912] {
        estate.approve(build);
        estate.plant(Kind::ApprovedNotSeen, commit(build));
    }
    estate.build(920, Estate::BUILT);
    estate.approve(920);
    estate.plant(Kind::ApprovedNotSeen, commit(920));
    // A build of an approved commit from a different repository.
    let elsewhere = estate.build(921, Estate::BUILT);
    estate.reports[elsewhere].remotes = vec!["github.com/acme/other".into()];
    estate.approve(921);
    estate.run(pinned("image-921"));
    estate.plant(Kind::ApprovedNotSeen, commit(921));
    estate.approvals.push((commit(930), "2025-06-01T00:00:00Z".into()));
    // Adds a second build of a commit, with a different digest.
    let again = estate.build(940, Estate::BUILT);
    estate.reports[again].built.as_mut().unwrap().commit = Some(commit(40));
    estate.run(pinned("image-940"));
    estate.plant(Kind::SeveralDigests, commit(40));
    // A copy of a bundle counts neither as a second digest nor as a second build.
    let copy = estate.reports[41].clone();
    estate.reports.push(BundleReport { path: "evidence/copy.sig.tbz".into(), ..copy });
    // Adds a bundle that cannot be read.
    let mut broken = BundleReport::of_nothing("evidence/broken.sig.tbz", vec![Group::Manifest]);
    broken.error = Some(Error::Truncated { what: "it".into() });
    estate.reports.push(broken);
    estate.plant(Kind::BundleNotAccepted, "evidence/broken.sig.tbz");

    let answer = estate.answer();
    let exceptions: Vec<&Row> = answer.rows.iter().filter(|row| row.kind.is_exception()).collect();
    let outside: Vec<&Row> = answer.rows.iter().filter(|row| row.kind == Kind::OutsidePeriod).collect();
    assert!(
        matches!(outside.as_slice(), [row] if row.message.starts_with("built outside the period; source-approved is fail: ")),
        "{outside:?}"
    );
    let found: BTreeSet<(Kind, String)> = exceptions
        .iter()
        .map(|row| {
            let subject = match row.kind {
                Kind::ApprovedNotSeen | Kind::SeveralDigests => &row.commit,
                _ if row.place.is_some() => &row.place,
                _ => &row.bundle,
            };
            (row.kind, subject.clone().unwrap())
        })
        .collect();
    assert_eq!(found, estate.planted);
    assert_eq!(exceptions.len(), estate.planted.len());
    assert_eq!(answer.exit_code(), 1);
    assert_eq!(answer.count(Kind::Matched), 500 - 6 - 2 + 2);
    assert_eq!(answer.keys.iter().map(|key| key.builds).sum::<usize>(), 250 + 5);
    assert_eq!(answer.keys.iter().map(|key| key.builds_in_period).sum::<usize>(), 250 + 4);
    assert!(answer.keys.iter().any(|key| key.first == Some(at("2025-06-01T00:00:00Z"))));
    for word in ["text", "json", "csv", "html"] {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        answer.write(Format::from_word(word).unwrap(), &mut one).unwrap();
        estate.answer().write(Format::from_word(word).unwrap(), &mut other).unwrap();
        assert!(one == other, "{word} differs between two runs");
        let text = String::from_utf8(one).unwrap();
        for (_, subject) in &estate.planted {
            // The tables in the text report break long words.
            assert!(word == "text" || text.contains(subject.as_str()), "{word}: {subject}");
        }
    }
    assert!(answer.write(Format::Sarif, &mut Vec::new()).is_err());
}

#[test]
fn a_sample_depends_only_on_seed_and_bundle_digests() {
    let estate = sound();
    let sample = estate.answer().sample.unwrap();
    assert_eq!((sample.population, sample.builds.len()), (250, 10));
    let mut turned = sound();
    turned.reports.reverse();
    assert_eq!(turned.answer().sample.unwrap(), sample);
    // `printf '2026-Q1\n%s' "$(printf 'bundle 0' | sha256sum | cut -c1-64)" | sha256sum`
    let first = Sha256::from_hex("b02bad8138e2c91d32358964cc9193652c65f3771588229978ffd5e35d8db75a").unwrap();
    assert!(sample.builds.iter().all(|build| build.places == 2));
    let all = estate.reports.iter().map(|report| {
        let sha256 = report.seal.as_ref().unwrap().0;
        Sha256::of(format!("2026-Q1\n{}", sha256.hex()).as_bytes())
    });
    let mut all: Vec<Sha256> = all.collect();
    assert!(all.contains(&first));
    all.sort();
    assert_eq!(sample.builds.iter().map(|build| build.rank).collect::<Vec<_>>(), all[..10]);
}

/// Three builds with one digest: it is not known which of them produced the image, so all must be reported.
#[test]
fn every_build_of_a_running_digest_is_reported() {
    let with = |order: [usize; 3]| {
        let mut estate =
            Estate { reports: Vec::new(), pods: Vec::new(), approvals: Vec::new(), planted: BTreeSet::new() };
        for build in order {
            let at = estate.build(build, Estate::BUILT);
            estate.reports[at].built.as_mut().unwrap().pushed = vec![("v1".into(), digest("image"))];
            if build == 2 {
                // The build is accepted anyway, as if the policy set `source-approved` to `warn`.
                estate.reports[at].findings[0].status = Status::Fail;
                estate.reports[at].findings[0].message = "the list does not name the commit".into();
            } else {
                estate.approve(build);
            }
        }
        estate.run(pinned("image"));
        estate.run(pinned("image"));
        estate.answer()
    };
    let answer = with([1, 2, 3]);
    assert_eq!(answer.exit_code(), 1);
    let rows = |kind| answer.rows.iter().filter(move |row| row.kind == kind);
    let unapproved: Vec<_> = rows(Kind::BuiltWithoutApproval).map(|row| (&row.place, &row.bundle)).collect();
    // One row per place.
    assert_eq!(unapproved.len(), 2);
    assert!(
        unapproved.iter().all(|(place, bundle)| place.is_some() && bundle.as_deref() == Some("evidence/2.sig.tbz"))
    );
    let matched: BTreeSet<_> = rows(Kind::Matched).map(|row| row.bundle.clone().unwrap()).collect();
    assert_eq!(matched, ["evidence/1.sig.tbz", "evidence/3.sig.tbz"].map(str::to_owned).into());
    for order in [[1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        assert_eq!(with(order).rows, answer.rows, "{order:?}");
    }
}

/// A running image may be from a build outside the period whose commit was not approved: this is not an exception, but every format
/// reports it.
#[test]
fn a_build_outside_the_period_without_approval_is_not_called_matched() {
    let answer = |approved: bool| {
        let mut estate = Estate { reports: vec![], pods: vec![], approvals: vec![], planted: BTreeSet::new() };
        let old = estate.build(1, "2025-06-01T00:00:00Z");
        if !approved {
            estate.reports[old].findings[0].status = Status::Fail;
            estate.reports[old].findings[0].message = "the list does not name the commit".into();
        }
        estate.run(pinned("image-1"));
        estate.answer()
    };
    let text = |answer: &Reconciliation, word: &str| {
        let mut out = Vec::new();
        answer.write(Format::from_word(word).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let (approved, unapproved) = (answer(true), answer(false));
    assert_eq!((approved.exit_code(), approved.count(Kind::Matched)), (0, 1));
    assert!(
        text(&approved, "text")
            .contains("every commit approved in the period was built, and an inventory lists its image")
    );
    assert_eq!((unapproved.exit_code(), unapproved.count(Kind::Matched)), (0, 0));
    let shown = text(&unapproved, "text");
    assert!(
        !shown.contains("every commit approved in the period was built, and an inventory lists its image"),
        "{shown}"
    );
    for line in [
        "RECONCILED: 1 build outside the period, approval not shown",
        "every image in the inventories has an accepted build; 1 build outside the period, approval not shown",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    for word in ["text", "json", "csv", "html"] {
        let shown = text(&unapproved, word).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains("source-approved is fail"), "{word}: {shown}");
    }
}

/// A place, and its image or the reason why the image is not known.
type Entry = (String, Result<String, String>);

fn read(text: &str) -> Result<Vec<Entry>, String> {
    let inventory = Inventory::read("i", text.as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default())
        .map_err(|e| e.to_string())?;
    Ok(inventory.images.into_iter().map(|used| (used.place, used.image.map(|image| image.text))).collect())
}

#[test]
fn a_pod_is_evaluated_from_the_status_that_its_node_reports() {
    let id = digest("x");
    let pod = |spec: &str, status: &str| {
        format!(r#"{{"kind":"Pod","metadata":{{"name":"p","namespace":"n"}},"spec":{spec},"status":{status}}}"#)
    };
    let one = |image: &str, image_id: &str| {
        let spec = format!(r#"{{"containers":[{{"name":"c","image":"{image}"}}]}}"#);
        let status = format!(r#"{{"containerStatuses":[{{"name":"c","imageID":"{image_id}"}}]}}"#);
        read(&pod(&spec, &status)).unwrap()[0].1.clone()
    };
    assert_eq!(one("app:v1", &format!("docker-pullable://app@{id}")), Ok(format!("app@{id}")));
    assert_eq!(one("app:v1", &format!("r.example/app@{id}")), Ok(format!("r.example/app@{id}")));
    // The image that ran is used, not the requested one.
    let asked = format!("app@{}", digest("y"));
    assert_eq!(one(&asked, &format!("app@{id}")), Ok(format!("app@{id}")));
    assert_eq!(one(&asked, &id.to_string()), Ok(asked.clone()));
    assert_eq!(one(&asked, ""), Ok(asked));
    assert!(one("app:v1", &id.to_string()).unwrap_err().contains("only an image ID"));
    assert!(one("", "").unwrap_err().contains("does not specify the container's image"));
    // A container that only the node reports, and a container with duplicate states.
    let status = format!(r#"{{"containerStatuses":[{{"name":"x","imageID":"app@{id}"}}]}}"#);
    assert_eq!(read(&pod(r#"{"containers":[{"name":"c","image":"a"}]}"#, &status)).unwrap().len(), 2);
    let status = r#"{"containerStatuses":[{"name":"c","imageID":"a@b"},{"name":"c","imageID":"c@d"}]}"#;
    assert!(read(&pod(r#"{"containers":[{"name":"c","image":"a"}]}"#, status)).unwrap()[0].1.is_err());
    assert!(read(&pod("{}", "{}")).unwrap()[0].1.is_err());
    let spec = format!(
        r#"{{"initContainers":[{{"name":"i","image":"a@{id}"}}],"ephemeralContainers":[{{"name":"e","image":"b@{id}"}}],"volumes":[{{"name":"v","image":{{"reference":"c@{id}"}}}}]}}"#
    );
    assert_eq!(read(&pod(&spec, "{}")).unwrap().len(), 3);
}

/// A Pod is evaluated from its status wherever it appears: in the output of `kubectl get all`, in joined documents or
/// in nested lists.
#[test]
fn pods_among_other_resources_are_found() {
    let (asked, ran, third) = (digest("asked"), digest("ran"), digest("third"));
    let pod = format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a","namespace":"x"}},"spec":{{"containers":[{{"name":"c","image":"app@{asked}"}}]}},"status":{{"containerStatuses":[{{"name":"c","image":"app@{asked}","imageID":"app@{ran}"}}],"ephemeralContainerStatuses":[{{"name":"e","imageID":"debug@{third}"}}]}}}}"#
    );
    let bare = pod.replace(r#""apiVersion":"v1","kind":"Pod","#, "");
    let service = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{}}"#;
    let job = format!(
        r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"j"}},"spec":{{"template":{{"spec":{{"containers":[{{"name":"c","image":"job@{asked}"}}]}}}}}}}}"#
    );
    let list = |kind: &str, items: &str| format!(r#"{{"apiVersion":"v1","kind":"{kind}","items":[{items}]}}"#);
    let both = [("Pod x/a containers c", ran), ("Pod x/a ephemeralContainerStatuses e", third)];
    for text in [
        pod.clone(),
        list("List", &format!("{service},{pod}")),
        list("List", &format!("{pod},{service}")),
        list("PodList", &bare),
        list("List", &list("List", &list("PodList", &bare))),
        format!("{pod}\n---\n{service}\n"),
        format!("---\n{service}\n---\n{pod}\n"),
    ] {
        let found = read(&text).unwrap();
        let expected = both.map(|(place, digest)| {
            let name = if place.ends_with('e') { "debug" } else { "app" };
            (place.to_owned(), Ok(format!("{name}@{digest}")))
        });
        assert_eq!(found, expected, "{text}");
    }
    let found = read(&list("List", &format!("{job},{pod}"))).unwrap();
    assert_eq!((found.len(), found[2].1.clone()), (3, Ok(format!("job@{asked}"))), "{found:?}");
    for (text, fault) in [
        (format!("{pod}\n---\nservices: {{a: {{build: .}}}}\n"), "without apiVersion or kind"),
        (format!("{pod}{service}"), "expected one JSON document"),
        (
            list("List", &list("List", &pod).replace("\"items\"", "\"metadata\":{\"continue\":\"x\"},\"items\"")),
            "one page",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(fault), "{text}: {error}");
    }
    // The content of a value that is not a list is unknown.
    let odd = pod.replace(r#""containers":["#, r#""initContainers":{"a":1},"containers":["#);
    assert!(read(&odd).unwrap().iter().any(|(_, image)| image.is_err()));
}

/// Images from annotations or unrecognised keys may also run, although the containers' statuses do not list them.
#[test]
fn images_that_a_pod_runs_outside_its_containers_are_reported() {
    let pod = |more: &str| {
        format!(
            r#"{{"kind":"PodList","apiVersion":"v1","items":[{{"metadata":{{"name":"a","namespace":"n"{more}}},"spec":{{"containers":[{{"name":"c","image":"a:v1"}}]}},"status":{{"containerStatuses":[{{"name":"c","imageID":"{}"}}]}}}}]}}"#,
            pinned("a")
        )
    };
    assert_eq!(read(&pod("")).unwrap().len(), 1);
    let annotated = r#","annotations":{"io.podman.annotations.volumes-from/a":"b","io.katacontainers.config.hypervisor.image":"/evil"}"#;
    let rows = read(&pod(annotated)).unwrap();
    assert!(rows.len() > 1 && rows.iter().any(|(_, image)| image.is_err()), "{rows:?}");
}

#[test]
fn pods_without_a_digest_in_their_status_are_counted() {
    let id = digest("x");
    let pod = |name: &str, status: &str| {
        format!(
            r#"{{"kind":"Pod","metadata":{{"name":"{name}"}},"spec":{{"containers":[{{"name":"c","image":"a@{id}"}},{{"name":"d","image":"a@{id}"}}]}},"status":{{"containerStatuses":[{status}]}}}}"#
        )
    };
    let state = |name: &str| format!(r#"{{"name":"{name}","imageID":"a@{id}"}}"#);
    let pods = [
        pod("whole", &format!("{},{}", state("c"), state("d"))),
        pod("half", &state("c")),
        pod("none", ""),
        pod("id", &format!("{},{}", state("c"), state("d").replace("a@", ""))),
    ];
    let text = format!(r#"{{"kind":"PodList","items":[{}]}}"#, pods.join(","));
    let inventory =
        Inventory::read("i", text.as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default()).unwrap();
    assert_eq!((inventory.pods, inventory.pods_by_spec, inventory.images.len()), (4, 3, 8));
    assert_eq!(
        inventory.what(),
        "pods; Pods: 4; Pods evaluated from their spec, because their status lacks a digest: 3"
    );
}

#[test]
fn inventories_are_read_strictly() {
    let id = digest("x");
    let rows = read(&format!("image,owner,place\r\napp@{id},Ada,host 1\n,Bob,host 2\n")).unwrap();
    assert_eq!(rows[0], ("record 1, host 1".into(), Ok(format!("app@{id}"))));
    assert_eq!(rows[1], ("record 2, host 2".into(), Err("the cell is empty".into())));
    let yaml = "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a}]}\n";
    assert_eq!(read(yaml).unwrap()[0].0, "Pod /p containers c");
    // Compose files, other manifests and contracts are read as workloads.
    assert_eq!(read(&format!("services: {{a: {{image: app@{id}}}}}\n")).unwrap().len(), 1);
    for (text, fault) in [
        ("place,image\na\n", "record 1: expected 2 fields, found 1"),
        ("place,image\n\"a", "is not closed"),
        ("place,image,image\na,b,c\n", "the columns place and image; found the line \"place,image,image\""),
        ("place;image\na;b\n", "comma-separated CSV"),
        ("host\timage\na\tb\n", "comma-separated CSV"),
        ("host,image\na,b\n", "the columns place and image"),
        ("image\na\n", "the columns place and image"),
        ("{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"x\"},\"items\":[]}", "one page"),
        ("{\"kind\":\"Pod\",\"kind\":\"Pod\"}", "malformed"),
        ("{\"kind\":\"Po", "malformed"),
        ("[]", "malformed"),
        ("", "malformed"),
        ("\u{0}", "malformed"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(fault), "{text}: {error}");
    }
    let limits = Limits { inventory_entries: 1, ..Limits::default() };
    let two = b"place,image\na,b\nc,d\n";
    assert!(matches!(
        Inventory::read("i", two, &[], &KindsWithoutImages::default(), &limits),
        Err(Error::OverLimit { limit: "inventory_entries", .. })
    ));
    let limits = Limits { inventory_bytes: 3, ..Limits::default() };
    assert!(matches!(
        Inventory::read("i", two, &[], &KindsWithoutImages::default(), &limits),
        Err(Error::OverLimit { limit: "inventory_bytes", .. })
    ));
}
