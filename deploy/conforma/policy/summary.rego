# METADATA
# title: Verification summary of the auditor
# description: The image has a SLSA verification summary by hpsb-audit, with every required level.
package summary

import rego.v1

# Every group that you rely on.
_wanted := {"HPSB_AUDIT_MANIFEST", "HPSB_AUDIT_SOURCE", "HPSB_AUDIT_IMAGE"}

# METADATA
# title: A summary with every level
# description: Confirm that one summary has every required level.
# custom:
#   short_name: has_every_level
#   failure_msg: No verification summary by hpsb-audit has every required level
deny contains result if {
	not _one_has_every_level
	result := {
		"code": "summary.has_every_level",
		"msg": "No verification summary by hpsb-audit has every required level",
	}
}

# The input contains only attestations whose signatures Conforma has verified.
_one_has_every_level if {
	some attestation in input.attestations
	attestation.statement.predicateType == "https://slsa.dev/verification_summary/v1"
	predicate := attestation.statement.predicate
	predicate.verifier.id == "pkg:cargo/hpsb-audit"
	predicate.verificationResult == "PASSED"
	count(_wanted - {level | some level in predicate.verifiedLevels}) == 0
}
