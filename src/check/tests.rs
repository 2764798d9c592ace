use super::*;

/// The contract's table, in its order: name, group, default level.
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
fn the_table_is_the_contracts() {
    let table: Vec<String> =
        CHECKS.iter().map(|c| format!("{} {} {}", c.name, c.group.word(), c.level.word())).collect();
    let contract: Vec<String> =
        CONTRACT.split(',').map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(table, contract);
}

#[test]
fn these_reject_for_a_lack_of_evidence_only_when_named() {
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
fn every_check_says_what_it_says() {
    for check in CHECKS {
        assert!(!check.says.is_empty() && !check.says.ends_with('.'), "{}", check.name);
        assert!(check.explanation.ends_with('.'), "{}", check.name);
        assert!(std::ptr::eq(find(check.name).unwrap(), check), "{} stands twice", check.name);
    }
    assert!(find("no-such-check").is_none());
}

#[test]
fn versions_compare_by_number() {
    assert!(parse_version("1.3.0.16") > parse_version("1.3.0.9"));
    assert_eq!(parse_version("1.3"), parse_version("1.3.0"));
    for bad in ["", "1.", "1..2", "v1", "1.-2", "1.2-rc"] {
        assert_eq!(parse_version(bad), None, "{bad}");
    }
}
