use super::*;

const STATUSES: [Status; 8] = [
    Status::Pass,
    Status::Fail,
    Status::Unknown,
    Status::NotRun(Reason::Refused),
    Status::NotRun(Reason::NoEvidence),
    Status::NotRun(Reason::NoExpectation),
    Status::NotRun(Reason::Off),
    Status::NotRun(Reason::NotBuiltIn),
];
const DEMANDS: [Demand; 3] = [Demand::None, Demand::Group, Demand::Check];
/// The groups that the tests' policy requires.
const REQUIRED: Option<&[Group]> = Some(&[Group::Manifest]);

fn finding(level: Level, status: Status, demand: Demand, missing_evidence: MissingEvidence) -> Finding {
    Finding {
        check: "test",
        group: Group::Manifest,
        level,
        status,
        caused_by: None,
        message: String::new(),
        expected: None,
        found: None,
        details: Vec::new(),
        says: Vec::new(),
        demand,
        missing_evidence,
        waiver: None,
        effect: Effect::None,
    }
}

fn waiver(standing: WaiverStanding) -> Waiver {
    Waiver { owner: "Ada".into(), reason: "known".into(), expires: Timestamp::epoch(), standing }
}

/// Settles the findings, with waivers for the listed checks.
fn settled(mut findings: Vec<Finding>, waived: &[(&str, WaiverStanding)]) -> Vec<Finding> {
    settle(&mut findings, &[Group::Manifest], |check| {
        waived.iter().find(|(name, _)| *name == check).map(|(_, standing)| waiver(*standing))
    });
    findings
}

/// A finding that passes at `require`, so that the group has an answer regardless of the other finding.
fn pass() -> Finding {
    let pass = finding(Level::Require, Status::Pass, Demand::None, MissingEvidence::RejectsWithGroup);
    Finding { check: "other", ..pass }
}

fn verdict(findings: &[Finding]) -> Verdict {
    Verdict::of(findings, &[Group::Manifest], REQUIRED)
}

/// The table of rejections, written by hand from the documented rule. The table has one letter for each status, in the order of [`STATUSES`]: `R`
/// if the status rejects.
fn table() -> Vec<(Finding, bool)> {
    let rows = [
        (Level::Require, Demand::None, MissingEvidence::RejectsWithGroup, ".RR....."),
        (Level::Require, Demand::Group, MissingEvidence::RejectsWithGroup, ".RRRR..R"),
        (Level::Require, Demand::Check, MissingEvidence::RejectsWithGroup, ".RRRR..R"),
        (Level::Require, Demand::None, MissingEvidence::RejectsByName, ".RR....."),
        (Level::Require, Demand::Group, MissingEvidence::RejectsByName, ".RRR...R"),
        (Level::Require, Demand::Check, MissingEvidence::RejectsByName, ".RRRR..R"),
    ];
    let lower = [Level::Warn, Level::Off]
        .into_iter()
        .flat_map(|level| DEMANDS.map(|demand| (level, demand, MissingEvidence::RejectsWithGroup, "........")));
    let rows = rows.into_iter().chain(lower);
    rows.flat_map(|(level, demand, missing, row)| {
        STATUSES
            .into_iter()
            .zip(row.chars())
            .map(move |(status, letter)| (finding(level, status, demand, missing), letter == 'R'))
    })
    .collect()
}

#[test]
fn every_status_can_be_parsed_from_its_text() {
    // This match does not compile until the position of a new variant is added here.
    let place = |status: Status| match status {
        Status::Pass => 0,
        Status::Fail => 1,
        Status::Unknown => 2,
        Status::NotRun(reason) => 3 + Reason::ALL.iter().position(|known| *known == reason).unwrap(),
    };
    assert!(Status::all().map(place).eq(0..3 + Reason::ALL.len()));
    assert!(Status::all().eq(STATUSES));
    for status in STATUSES {
        assert_eq!(Status::from_words(status.word(), status.reason()), Some(status));
    }
    for (word, reason) in [("not-run", None), ("pass", Some("off")), ("refused", None), ("not-run", Some("fail"))] {
        assert_eq!(Status::from_words(word, reason), None, "{word} {reason:?}");
    }
}

#[test]
fn bundles_have_every_group_except_workload() {
    assert!(Group::OF_BUNDLES.into_iter().eq(Group::ALL.into_iter().filter(|group| *group != Group::Workload)));
}

#[test]
fn findings_reject_as_in_the_truth_table() {
    for (one, rejects) in table() {
        let alone = settled(vec![one.clone(), pass()], &[]);
        assert_eq!((alone[0].rejects(), alone[0].is_waived()), (rejects, false), "{one:?}");
        let not_built_in = one.level == Level::Require && one.status == Status::NotRun(Reason::NotBuiltIn);
        let kept = match (rejects, not_built_in) {
            (true, _) => Verdict::Reject,
            // The check was not requested, but an acceptance would claim that it ran.
            (false, true) => Verdict::AcceptInPart,
            (false, false) => Verdict::Accept,
        };
        assert_eq!(verdict(&alone), kept, "{one:?}");
        // The best verdict is an acceptance in part if there is no policy, or if a group required by the policy or --require has no answer. If the
        // group has an answer, the verdict does not change.
        let in_part = if rejects { Verdict::Reject } else { Verdict::AcceptInPart };
        let both: Option<&[Group]> = Some(&[Group::Manifest, Group::Image]);
        let of = |findings: &[Finding], required| Verdict::of(findings, &[Group::Manifest, Group::Image], required);
        assert_eq!((of(&alone, None), of(&alone, Some(&[])), of(&alone, both)), (in_part, in_part, in_part), "{one:?}");
        let answered = settled(vec![one.clone(), pass(), Finding { group: Group::Image, ..pass() }], &[]);
        assert_eq!(of(&answered, both), kept, "{one:?}");
        // A waived answer does not reject, but is not a pass: the best verdict is an acceptance in part. The status of
        // a waived answer does not change.
        let waived = settled(vec![one.clone(), pass()], &[("test", WaiverStanding::Active)]);
        assert_eq!((waived[0].rejects(), waived[0].is_waived(), waived[0].status), (false, rejects, one.status));
        assert_eq!(verdict(&waived), if rejects { Verdict::AcceptInPart } else { kept }, "{one:?}");
        // An expired waiver has no effect.
        let expired = settled(vec![one.clone(), pass()], &[("test", WaiverStanding::Expired)]);
        assert_eq!((expired[0].rejects(), expired[0].is_waived(), verdict(&expired)), (rejects, false, kept));
        // The signature cannot be waived, even if the policy reader accepted a waiver.
        let signature = Finding { check: MANIFEST_SIGNATURE, ..one.clone() };
        let signature = settled(vec![signature, pass()], &[(MANIFEST_SIGNATURE, WaiverStanding::Active)]);
        assert_eq!((signature[0].rejects(), signature[0].is_waived(), verdict(&signature)), (rejects, false, kept));
        // A finding of a group that is not in play has no effect.
        let elsewhere = settled(vec![Finding { group: Group::Source, ..one }, pass()], &[]);
        assert_eq!((elsewhere[0].effect, verdict(&elsewhere)), (Effect::None, Verdict::Accept));
    }
}

/// Tests consequences of every cause, at every level. While the cause rejects, the consequence has no effect. Otherwise, the consequence
/// rejects at `require`, and needs a separate waiver.
#[test]
fn consequences_reject_as_in_the_truth_table() {
    use WaiverStanding::{Active, Expired};
    let by = |check, status, level, demand| Finding {
        check,
        caused_by: Some("cause"),
        ..finding(level, status, demand, MissingEvidence::RejectsByName)
    };
    for (cause, cause_rejects) in table() {
        let cause = Finding { check: "cause", ..cause };
        for status in [Status::Unknown, Status::NotRun(Reason::Refused)] {
            for (level, demand) in Level::ALL.into_iter().flat_map(|level| DEMANDS.map(|demand| (level, demand))) {
                let findings =
                    |waived: &[_]| settled(vec![by("test", status, level, demand), cause.clone(), pass()], waived);
                let effects = |waived: &[_]| findings(waived)[0].effect;
                let own = if level == Level::Require { Effect::Rejects } else { Effect::None };
                let follows = if level == Level::Off { Effect::None } else { Effect::Follows };
                let expected = if cause_rejects { follows } else { own };
                assert_eq!(effects(&[]), expected, "{cause:?} {status:?} {level:?} {demand:?}");
                // A waived cause does not waive its consequences.
                assert_eq!(effects(&[("cause", Active)]), own);
                // A waiver of the consequence alone changes nothing while the cause rejects.
                let waived = if cause_rejects {
                    follows
                } else if level == Level::Require {
                    Effect::Waived
                } else {
                    Effect::None
                };
                assert_eq!(effects(&[("test", Active)]), waived);
                // An expired waiver of the cause or of the consequence has no effect.
                assert_eq!((effects(&[("cause", Expired)]), effects(&[("test", Expired)])), (expected, expected));
                // A finding that is not in play has no effect, and as a cause it does not excuse its consequences.
                let elsewhere = |finding: Finding| Finding { group: Group::Source, ..finding };
                let consequence = by("test", status, level, demand);
                let outside = settled(vec![elsewhere(consequence.clone()), cause.clone(), pass()], &[]);
                assert_eq!((outside[0].effect, outside[1].rejects()), (Effect::None, cause_rejects));
                let caused = settled(vec![consequence, elsewhere(cause.clone()), pass()], &[]);
                assert_eq!((caused[0].effect, caused[1].effect), (own, Effect::None));
                let both = findings(&[("cause", Active), ("test", Active)]);
                assert!(!both.iter().any(Finding::rejects));
                if level == Level::Require {
                    assert_eq!((both[0].effect, verdict(&both)), (Effect::Waived, Verdict::AcceptInPart));
                }
            }
        }
    }
}

/// Findings with the same message have the same cause, regardless of their groups. The first finding that rejects keeps its answer, and no verdict
/// depends on this choice.
#[test]
fn only_the_first_finding_with_a_given_message_rejects() {
    use WaiverStanding::Active;
    let no = |check, status| Finding {
        check,
        message: "the same".into(),
        ..finding(Level::Require, status, Demand::Group, MissingEvidence::RejectsWithGroup)
    };
    let effects = |findings: &[Finding]| findings.iter().map(|one| (one.caused_by, one.effect)).collect::<Vec<_>>();
    let (rejects, follows) = ((None, Effect::Rejects), (Some("a"), Effect::Follows));
    for status in
        [Status::Fail, Status::Unknown, Status::NotRun(Reason::NoEvidence), Status::NotRun(Reason::NotBuiltIn)]
    {
        let three = vec![no("a", status), no("b", status), no("c", status)];
        let found = settled(three.clone(), &[]);
        assert_eq!(effects(&found), [rejects, follows, follows]);
        assert_eq!((found[0].status, found[1].status), (status, Status::NotRun(Reason::Refused)));
        assert_eq!(effects(&settled(found, &[])), [rejects, follows, follows], "settled again");
        // A waiver of the first check does not waive the other checks. A waiver of one of the other checks changes
        // nothing.
        assert_eq!(settled(three.clone(), &[("a", Active)]).iter().filter(|one| one.rejects()).count(), 2);
        assert_eq!(effects(&settled(three, &[("b", Active)])), [rejects, follows, follows]);
    }
    let fail = no("a", Status::Fail);
    let with = |other: Finding| effects(&settled(vec![other, fail.clone()], &[]))[0];
    assert_eq!(with(Finding { level: Level::Warn, ..no("w", Status::Fail) }), follows);
    let kept = (None, Effect::None);
    assert_eq!(with(Finding { level: Level::Warn, ..no("w", Status::NotRun(Reason::NoEvidence)) }), kept);
    assert_eq!(with(no("w", Status::Pass)), kept);
    assert_eq!(with(Finding { group: Group::Source, ..no("w", Status::Fail) }), kept, "not in play");
    // A finding that only warns is never a cause. Findings with a different message, or with different expected or found
    // values, have different causes.
    for other in [
        Finding { level: Level::Warn, ..no("w", Status::Fail) },
        Finding { message: "other".into(), ..no("w", Status::Fail) },
        Finding { found: Some("x".into()), ..no("w", Status::Fail) },
    ] {
        assert_eq!(effects(&settled(vec![other, fail.clone()], &[]))[1], rejects);
    }
}

#[test]
fn a_consequence_of_a_consequence_has_the_same_root_cause() {
    let fail = finding(Level::Require, Status::Fail, Demand::None, MissingEvidence::RejectsWithGroup);
    let by = |check, cause| Finding { check, caused_by: Some(cause), status: Status::Unknown, ..fail.clone() };
    let chain = vec![by("c", "b"), by("b", "a"), Finding { check: "a", ..fail.clone() }];
    let found = settled(chain.clone(), &[]);
    assert_eq!(found.iter().map(|one| one.caused_by).collect::<Vec<_>>(), [Some("a"), Some("a"), None]);
    assert_eq!(
        found.iter().map(|one| one.effect).collect::<Vec<_>>(),
        [Effect::Follows, Effect::Follows, Effect::Rejects]
    );
    // The waiver of `b` does not waive its consequence `c`.
    let found = settled(chain, &[("a", WaiverStanding::Active), ("b", WaiverStanding::Active)]);
    assert_eq!(
        found.iter().map(|one| one.effect).collect::<Vec<_>>(),
        [Effect::Rejects, Effect::Waived, Effect::Waived]
    );
    // A missing or circular cause does not excuse its consequences.
    assert!(settled(vec![by("b", "nothing")], &[])[0].rejects());
    assert!(settled(vec![by("a", "b"), by("b", "a")], &[]).iter().all(Finding::rejects));
}

/// The conditions for exit code 0.
#[test]
fn an_acceptance_needs_a_policy_and_an_answer_in_every_required_group() {
    let passed = settled(vec![pass()], &[]);
    let of = |findings: &[Finding], required: Option<&[Group]>| {
        Verdict::of(findings, &[Group::Manifest, Group::Image], required)
    };
    // Groups that are in play but not required do not matter.
    assert_eq!(of(&passed, Some(&[Group::Manifest])), Verdict::Accept);
    assert_eq!(of(&passed, None), Verdict::AcceptInPart);
    assert_eq!(of(&passed, Some(&[])), Verdict::AcceptInPart);
    assert_eq!(of(&passed, Some(&[Group::Manifest, Group::Image])), Verdict::AcceptInPart);
    for (level, status) in [
        (Level::Warn, Status::Pass),
        (Level::Off, Status::NotRun(Reason::Off)),
        (Level::Require, Status::NotRun(Reason::NoEvidence)),
        (Level::Require, Status::NotRun(Reason::NoExpectation)),
    ] {
        let shown = [finding(level, status, Demand::None, MissingEvidence::RejectsByName)];
        assert_eq!(of(&shown, Some(&[Group::Manifest])), Verdict::AcceptInPart, "{level:?} {status:?}");
    }
}

#[test]
fn version_1_rules_are_unchanged() {
    let fail = finding(Level::Require, Status::Fail, Demand::None, MissingEvidence::RejectsWithGroup);
    let mut findings = vec![
        Finding { check: MANIFEST_SIGNATURE, ..fail.clone() },
        Finding { status: Status::NotRun(Reason::Refused), demand: Demand::Group, ..fail },
    ];
    version_1::settle(&mut findings, &[Group::Manifest]);
    assert!(findings.iter().all(Finding::rejects));
    assert_eq!(version_1::verdict(&findings, &[Group::Manifest]), Verdict::Reject);
    let passed = settled(vec![pass()], &[]);
    assert_eq!(version_1::verdict(&passed, &Group::ALL), Verdict::Accept);
    assert_eq!(version_1::verdict(&passed, &Group::OF_BUNDLES), Verdict::AcceptInPart);
}

#[test]
fn a_waiver_shows_its_owner_and_expiry() {
    for standing in WaiverStanding::ALL {
        assert_eq!(WaiverStanding::from_word(standing.word()), Some(standing));
    }
    assert_eq!(WaiverStanding::from_word("other"), None);
    let words = |standing| waiver(standing).words();
    assert_eq!(words(WaiverStanding::Active), "waived by Ada until 1970-01-01T00:00:00Z: known");
    let expired = "Ada's waiver expired at 1970-01-01T00:00:00Z and has no effect: known";
    assert_eq!(words(WaiverStanding::Expired), expired);
}
