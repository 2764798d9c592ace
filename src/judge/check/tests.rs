use super::*;
use crate::judge::finding::MissingEvidence;

/// Published checks, in order: name, group, default level. Other programs rely on these rows, so a row must not change. A new check needs
/// no row until it is published.
const CONTRACT: &str = "manifest-signature manifest require, manifest-key manifest require, key-record manifest warn, \
    manifest-name manifest require, build-status manifest require, build-server manifest warn, build-age manifest warn, \
    root-ssh manifest require, log-image manifest require, log-key manifest require, log-order manifest warn, \
    server-record manifest require, source-objects source require, source-commit source require, source-tree source require, \
    source-repository source require, source-approved source require, source-signature source warn, source-dockerfile source warn, \
    base-image source warn, image-digest image require, image-config image require, image-layers image require, \
    image-platform image require, image-tag image warn, image-labels image warn, image-history image warn, \
    image-signature trust require, image-key trust require, trust-freshness trust warn, builder-record builder require, \
    builder-workload builder require, builder-image builder warn, builder-key-binding builder warn, workload-image workload require, \
    workload-pinned workload require, workload-key workload require, contract-signature workload require, \
    attestation-record workload require";

#[test]
fn no_published_check_changes() {
    let mut table = CHECKS.iter().map(|c| format!("{} {} {}", c.name, c.group.word(), c.level.word()));
    for row in CONTRACT.split(',').map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")) {
        assert!(table.any(|found| found == row), "{row}: not in the table, or out of order");
    }
}

/// Reports show findings in the table's order, one group after the other.
#[test]
fn the_table_is_sorted_by_group() {
    assert!(CHECKS.iter().map(|check| check.group).is_sorted());
    for check in CHECKS {
        let of_workloads = matches!(check.run, Run::Workload(_));
        assert_eq!(
            of_workloads,
            check.group == Group::Workload,
            "{}: its function does not match its group",
            check.name
        );
    }
}

#[test]
fn only_the_listed_checks_may_lack_evidence_in_good_builds() {
    let lenient: Vec<&str> =
        CHECKS.iter().filter(|c| c.missing_evidence == MissingEvidence::RejectsByName).map(|c| c.name).collect();
    assert_eq!(
        lenient,
        [
            "root-ssh",
            "log-image",
            "log-key",
            "server-record",
            "source-approved",
            "workload-key",
            "contract-signature",
            "attestation-record"
        ]
    );
}

#[test]
fn every_check_is_described_and_found_by_name() {
    for check in CHECKS {
        assert!(!check.says.is_empty() && !check.says.ends_with('.'), "{}", check.name);
        assert!(check.explanation.ends_with('.'), "{}", check.name);
        assert!(std::ptr::eq(find(check.name).unwrap(), *check), "duplicate check {}", check.name);
    }
    assert!(find("no-such-check").is_none());
}

#[test]
fn versions_are_compared_by_number() {
    assert!(parse_version("1.3.0.16") > parse_version("1.3.0.9"));
    assert_eq!(parse_version("1.3"), parse_version("1.3.0"));
    for bad in ["", "1.", "1..2", "v1", "1.-2", "1.2-rc"] {
        assert_eq!(parse_version(bad), None, "{bad}");
    }
}

/// Without evidence, every check on a bundle still has a finding, in the table's order. The signature check reports whether the signature was
/// verified; the other checks report a reason.
#[test]
fn checks_that_were_not_run_give_a_reason() {
    let policy = Policy::default();
    let answers = |gate: &Gate<'_>| {
        let findings = run_all(gate, &policy, &[], &[Group::Manifest]);
        // An audit does not run checks on workloads.
        let asked = CHECKS.iter().filter(|check| check.group != Group::Workload);
        assert!(findings.iter().map(|finding| finding.check).eq(asked.map(|check| check.name)));
        let not_in_play =
            findings.iter().filter(|finding| finding.group != Group::Manifest && finding.level != Level::Off);
        assert!(not_in_play.map(|finding| finding.status).all(|status| status == Status::NotRun(Reason::NoEvidence)));
        let in_play = findings.iter().filter(|finding| finding.group == Group::Manifest);
        let mut rest = in_play.skip(1).map(|finding| (finding.level == Level::Off, finding.status));
        let second = rest.next().unwrap();
        assert!(rest.all(|one| one.1 == second.1));
        (findings[0].level, findings[0].status, second)
    };
    let off = (true, Status::NotRun(Reason::Off));
    assert_eq!(answers(&Gate::SignatureOnly), (Level::Require, Status::Pass, off));
    let refused = (false, Status::NotRun(Reason::Refused));
    assert_eq!(answers(&Gate::NoVerdict { signed: true }), (Level::Require, Status::Pass, refused));
    assert_eq!(answers(&Gate::NoVerdict { signed: false }), (Level::Require, refused.1, refused));
    // If evidence for a group is supplied, the group is in play. The group `workload` is the exception.
    assert_eq!(in_play(&policy, &[], &[]), [Group::Manifest, Group::Source]);
    assert_eq!(in_play(&policy, &[Group::Trust], &[Group::Image]), Group::ALL[..4]);
    assert_eq!(in_play(&policy, &[Group::Workload], &[Group::Workload]), [Group::Manifest, Group::Source]);
}
