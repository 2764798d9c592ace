//! Explains what is wrong with a YAML file and what its owner can do, without the parser's jargon.

use serde_saphyr::{Error, UserMessageFormatter, budget::BudgetBreach};

/// Delimiters of template languages: Go's and Helm's, Jinja's and Ansible's.
const TEMPLATES: [&str; 2] = ["{{", "{%"];

/// The error on one line, with its position.
pub(super) fn of(error: &Error, text: &str) -> String {
    let what = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("duplicate key {}", short(key)),
        Error::DuplicateMappingKey { .. } => "duplicate key".into(),
        Error::UnsupportedTag { tag, .. } => self::tag(tag),
        Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            "a tag for which JSON has no type: remove the tag".into()
        }
        Error::NullIntoString { .. } => "a key is empty (null), expected text".into(),
        Error::Unexpected { expected: "string scalar", .. } => "a key is a mapping or a list, expected text".into(),
        Error::NonFiniteFloat { .. } => "a number that is not finite: put it in quotes if it is text".into(),
        Error::UnknownAnchor { .. } => "an alias (*name) without an anchor (&name)".into(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an anchor that contains its own alias".into(),
        Error::Budget { breach, .. } => over(breach).into(),
        Error::Message { msg, .. } => one_line(msg),
        _ if is_json(text) && error.to_string().contains("<document start>") => {
            "several JSON documents in a row: put a line --- between them, or combine them into one List (jq -s)".into()
        }
        other if other.to_string().contains("recursion limit") => over(&BudgetBreach::Depth { depth: 0 }).into(),
        other => one_line(&other.without_snippet().render_with_formatter(&UserMessageFormatter)),
    };
    let place = error.location().filter(|place| place.line() > 0 && !what.contains(" at line "));
    let place = place.map(|place| format!(" at line {}, column {}", place.line(), place.column())).unwrap_or_default();
    let template = match TEMPLATES.iter().find(|mark| text.contains(**mark)) {
        Some(mark) => format!(
            ". It looks like a template ({mark}): if it is one, specify the output of `helm template` or of the template's own program"
        ),
        None => String::new(),
    };
    format!("{what}{place}{template}")
}

fn tag(tag: &str) -> String {
    let short = short(tag);
    match tag {
        "!reset" | "!override" => {
            format!("docker compose resolves the tag {short}: specify the output of `docker compose config`")
        }
        _ => format!(
            "only the program that defines the tag {short} understands it: specify that program's output, without tags"
        ),
    }
}

fn over(breach: &BudgetBreach) -> &'static str {
    match breach {
        BudgetBreach::Depth { .. } => "it is nested more deeply than the limit yaml_depth",
        BudgetBreach::Documents { .. } => "it has more documents than the limit yaml_documents",
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => "it has more nodes than the limit yaml_nodes",
        _ => "it has too much text or too many anchors, aliases or merges",
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(100).collect::<String>())
}

/// The first line of a longer message.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use crate::base::limits::Limits;
    use crate::base::strict_yaml::documents;

    #[test]
    fn each_message_states_the_fault_and_the_remedy() {
        for (text, words) in [
            ("a: 1\na: 2", "duplicate key \"a\" at line 2, column 1"),
            ("{\"a\": 1, \"a\": 2}", "duplicate key \"a\""),
            ("1: a\n\"1\": b", "duplicate key \"1\""),
            (
                "services: !reset null",
                "docker compose resolves the tag \"!reset\": specify the output of `docker compose config`",
            ),
            ("a: !override [1]", "docker compose resolves the tag \"!override\""),
            ("a: !Ref x", "only the program that defines the tag \"!Ref\" understands it"),
            ("a: !!timestamp 2026-01-01", "remove the tag"),
            (
                "{{- if .Values.x }}\na: b\n{{- end }}",
                "looks like a template ({{): if it is one, specify the output of `helm template`",
            ),
            ("image: {{ .Values.image }}", "`helm template`"),
            ("{% if x %}\na: b\n{% endif %}", "looks like a template ({%)"),
            ("{\"a\": 1}\n{\"b\": 2}\n", "several JSON documents in a row: put a line ---"),
            ("{\"a\": 1}{\"b\": 2}", "several JSON documents in a row"),
            ("~: a", "a key is empty (null), expected text at line 1"),
            ("? [a]\n: b", "a key is a mapping or a list, expected text"),
            ("a: .nan", "a number that is not finite"),
            ("a: *nobody", "an alias (*name) without an anchor"),
            ("a: &x [*x]", "an anchor that contains its own alias"),
            ("a: [1", "at line 1"),
            ("a: b: c", "at line 1, column 5"),
            (&"[".repeat(10_000), "yaml_depth"),
            (&"a: 1\n---\n".repeat(5_000), "yaml_documents"),
        ] {
            let error = documents(text.as_bytes(), &Limits::default()).unwrap_err();
            assert!(error.contains(words), "{text:.60}: {error}");
            for library in ["Policy", "Options", "Option<", "deserialize", "budget", "scalar", "breach", "serde"] {
                assert!(!error.contains(library), "{text:.60}: {error}");
            }
        }
    }
}
