# METADATA
# title: Verification summary of the auditor
# description: The image has a SLSA verification summary by hpsb-audit, with every level that is asked for.
package summary

import rego.v1

# Every group that you rely on.
_wanted := {"HPSB_AUDIT_MANIFEST", "HPSB_AUDIT_SOURCE", "HPSB_AUDIT_IMAGE"}

# METADATA
# title: A summary with every level
# description: Confirm that one summary has every level that is asked for.
# custom:
#   short_name: has_every_level
#   failure_msg: No verification summary by hpsb-audit has every level that is asked for
deny contains result if {
	not _one_has_every_level
	result := {
		"code": "summary.has_every_level",
		"msg": "No verification summary by hpsb-audit has every level that is asked for",
	}
}

# Only attestations whose signatures Conforma has verified are in the input.
_one_has_every_level if {
	some attestation in input.attestations
	attestation.statement.predicateType == "https://slsa.dev/verification_summary/v1"
	predicate := attestation.statement.predicate
	predicate.verifier.id == "pkg:cargo/hpsb-audit"
	predicate.verificationResult == "PASSED"
	count(_wanted - {level | some level in predicate.verifiedLevels}) == 0
}
