//! Who specified a key, and what its grade means, as text.

use crate::gate::verify::Grade;

/// Who specified the key, as text, based on the source that a report records.
pub(super) fn named(source: &str) -> String {
    let (who, name) = source.split_once("policy key ").unwrap_or((source, ""));
    let is_flag = who.starts_with("command line") || who.starts_with("sealer's command line");
    let who = if is_flag { format!("named on the {who}") } else { who.to_owned() };
    match (who.is_empty(), name.is_empty()) {
        (_, true) => who,
        (true, false) => format!("the policy calls it {name}"),
        (false, false) => format!("{who}and in the policy as {name}"),
    }
}

/// A grade's rank among the four grades, and its meaning. The name of the lowest grade, `command-line`, is not shown, because it is also used for a
/// key in a policy.
pub(super) fn grade_words(grade: Grade) -> String {
    let word = if grade == Grade::CommandLine { String::new() } else { format!(" ({})", grade.word()) };
    format!("{}{word}: {}", grade_place(grade), grade_text(grade))
}

/// The rank of a grade among the four grades.
fn grade_place(grade: Grade) -> &'static str {
    match grade {
        Grade::CommandLine => "lowest of four",
        Grade::Recorded => "second lowest of four",
        Grade::Witnessed => "second highest of four",
        Grade::Challenged => "highest of four",
    }
}

/// The meaning of a grade, as text.
fn grade_text(grade: Grade) -> &'static str {
    match grade {
        Grade::Recorded => "one of the policy's signers states who obtained the key, when, and over which channel",
        Grade::Witnessed => "two of the policy's signers state two retrievals of the key, under two names",
        Grade::Challenged => {
            "one of the policy's signers states that the key's holder built a commit chosen by an auditor; the record has a signature by the key over the digest stated for that build"
        }
        Grade::CommandLine => "no accepted record of how the key was obtained",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_name_in_a_policy_cannot_imitate_the_command_line() {
        assert_eq!(named("command line (key.pem)"), "named on the command line (key.pem)");
        assert_eq!(named(r#"policy key "operator""#), r#"the policy calls it "operator""#);
        for name in ["command line", "a policy key b"] {
            assert_eq!(named(&format!("policy key {name:?}")), format!("the policy calls it {name:?}"));
            let both = named(&format!("command line, policy key {name:?}"));
            assert_eq!(both, format!("named on the command line, and in the policy as {name:?}"));
        }
    }
}
