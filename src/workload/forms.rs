//! Which form a file has, told by the marks of each YAML document. Marks of two forms in one document are refused: two programs would read two
//! different things.

use serde_json::Value;

use super::{Form, compose, kind_of, kubernetes, sections, token};

/// A mark of each form that a document has, in words.
fn marks(document: &Value) -> Vec<(Form, &'static str)> {
    let has = |key: &str| document.get(key).is_some_and(|value| !value.is_null());
    let mut marks = Vec::new();
    if compose::is_compose(document) {
        marks.push((Form::Compose, "`services` (a compose file)"));
    }
    if has("apiVersion") && has("kind") {
        marks.push((Form::Kubernetes, "`apiVersion` and `kind` (a Kubernetes manifest)"));
    }
    let whole = ["workload", "env", "envWorkloadSignature"].iter().any(|key| has(key));
    if whole || sections::is_section(document) || document.as_str().is_some_and(token::is_token) {
        marks.push((Form::Contract, "`workload`, `env` or `type` (a contract)"));
    }
    marks
}

/// The form of one document; `None` where it has no mark.
fn of_one(document: &Value) -> Result<Option<Form>, String> {
    match marks(document).as_slice() {
        // Not a mapping, so no mark; but it is meant to be one.
        [] if document.get("services").is_some() => Ok(Some(Form::Compose)),
        [] => Ok(None),
        [(form, _)] => Ok(Some(*form)),
        [(_, one), .., (_, other)] => Err(format!(
            "one document has {one} and {other}, and each program reads another half of it: write a file for each"
        )),
    }
}

/// The form of a file's documents.
///
/// # Errors
/// In words, with what its owner can do.
pub(super) fn of(documents: &[Value]) -> Result<Form, String> {
    let count = documents.len();
    let mut found: Option<Form> = None;
    for (at, document) in (1..).zip(documents) {
        let which = if count == 1 { String::new() } else { format!("document {at} of {count}: ") };
        let form = of_one(document).map_err(|why| format!("{which}{why}"))?;
        let form = form.ok_or_else(|| format!("{which}{}", unknown(document)))?;
        if found.is_some_and(|found| found != form) {
            let words = (found.map_or("", Form::word), form.word());
            return Err(format!("{which}it is {}, and one before it is {}: write a file for each", words.1, words.0));
        }
        if form == Form::Kubernetes && !kubernetes::is_resource(document) {
            return Err(format!("{which}`apiVersion` and `kind`: expected text"));
        }
        found = Some(form);
    }
    match found {
        None => Err("it is empty".into()),
        Some(Form::Compose) if count > 1 => Err(format!(
            "it has {count} documents: some programs merge them, others read the first. Name what `docker compose config` prints"
        )),
        Some(Form::Contract) if count > 1 => {
            Err(format!("it has {count} documents, and a contract is one: write a file for each"))
        }
        Some(form) => Ok(form),
    }
}

/// What a document without marks is, and what to do.
fn unknown(document: &Value) -> String {
    let Value::Object(fields) = document else {
        return format!("{EXPECTED}; found {}", kind_of(document));
    };
    let has = |key: &str| fields.contains_key(key);
    if has("include") {
        return "`include` is not read, and without `services` nothing else is here: name what `docker compose config` prints".into();
    }
    if has("resources") || has("kustomize") {
        return format!("{EXPECTED}. If it is a kustomization, name what `kubectl kustomize` prints");
    }
    if fields.values().any(|value| value.get("image").is_some() || value.get("build").is_some()) {
        return format!(
            "{EXPECTED}. If it is a compose file of version 1, or values of a Helm chart, name what `docker compose config` or `helm template` prints"
        );
    }
    let keys: Vec<String> = fields.keys().take(5).map(|key| key.chars().take(40).collect()).collect();
    format!("{EXPECTED}; found the keys {}", keys.join(", "))
}

const EXPECTED: &str = "expected a compose file (a mapping `services`), Kubernetes manifests (`apiVersion` and `kind` in every document) or a contract \
(`workload`, `env`)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::strict_yaml;

    fn form(text: &str) -> Result<Form, String> {
        of(&strict_yaml::documents(text.as_bytes(), &Limits::default()).unwrap())
    }

    #[test]
    fn one_form_by_its_marks() {
        for (text, expected) in [
            ("services: {}", Form::Compose),
            ("services: []", Form::Compose),
            ("services: {a: {}}\nx-env: 1\nkind: null\napiVersion: v1", Form::Compose),
            ("apiVersion: v1\nkind: Pod", Form::Kubernetes),
            ("apiVersion: v1\nkind: Pod\n---\n---\napiVersion: v1\nkind: Service", Form::Kubernetes),
            ("apiVersion: x/v1\nkind: Own\nservices: [a]", Form::Kubernetes),
            ("apiVersion: v1\nkind: Secret\ntype: Opaque", Form::Kubernetes),
            ("workload: x", Form::Contract),
            ("env: {}", Form::Contract),
            ("envWorkloadSignature: x", Form::Contract),
            ("type: workload", Form::Contract),
            ("type: env", Form::Contract),
            ("hyper-protect-basic.a.b", Form::Contract),
        ] {
            assert_eq!(form(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn two_forms_in_one_document_are_refused_and_both_are_named() {
        let marks = [
            ("services: {a: {image: x}}", "`services` (a compose file)"),
            ("apiVersion: v1\nkind: Pod", "`apiVersion` and `kind` (a Kubernetes manifest)"),
            ("workload: x", "(a contract)"),
            ("env: x", "(a contract)"),
            ("envWorkloadSignature: x", "(a contract)"),
            ("type: workload", "(a contract)"),
        ];
        for (at, (one, first)) in marks.iter().enumerate() {
            for (other, second) in marks.iter().skip(at + 1).filter(|(_, second)| second != first) {
                let error = form(&format!("{one}\n{other}\n")).unwrap_err();
                assert!(error.contains(first) && error.contains(second), "{error}");
                let error = form(&format!("{one}\n---\n{other}\n")).unwrap_err();
                assert!(error.contains("document 2 of 2") && error.contains("a file for each"), "{error}");
            }
        }
    }

    #[test]
    fn what_has_no_form_says_what_it_is_and_what_to_do() {
        for (text, words) in [
            ("", "it is empty"),
            ("# nothing\n", "it is empty"),
            ("- a", "found a list"),
            ("text", "found text"),
            ("a: 1\nb: 2", "found the keys a, b"),
            ("include: [a.yaml]", "`docker compose config`"),
            ("resources: [a.yaml]", "`kubectl kustomize`"),
            ("web: {image: x}", "compose file of version 1"),
            ("services: {}\n---\nservices: {}", "it has 2 documents: some programs merge them"),
            ("workload: x\n---\nworkload: y", "a contract is one"),
            ("apiVersion: v1\nkind: Pod\n---\na: 1", "document 2 of 2: expected a compose file"),
            ("apiVersion: v1\nkind: [Pod]", "expected text"),
        ] {
            let error = form(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
