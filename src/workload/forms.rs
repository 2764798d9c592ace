//! The forms of workloads. A file's form is recognised by the identifying keys in each YAML document. A document with the keys of two forms is
//! refused, because two programs would read it differently.

use serde_json::Value;

use super::{compose, kind_of, kubernetes, sections, token};
use crate::base::words::{any_of, words};

/// Forms of workload files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A docker-compose file.
    Compose,
    /// Kubernetes manifests.
    Kubernetes,
    /// A contract of IBM Hyper Protect, or one section of it.
    Contract,
}

words! {
    /// The form's name as it is used in reports.
    pub Form { Compose = "compose", Kubernetes = "kubernetes", Contract = "contract" }
}

impl Form {
    /// The term for a file of this form in messages.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Compose => "a compose file",
            Self::Kubernetes => "Kubernetes manifests",
            Self::Contract => "a contract",
        }
    }

    /// The description of a file of any form, for messages.
    pub fn any() -> String {
        any_of(&Self::ALL.map(Self::file))
    }

    /// The keys that a file of this form must have, for messages.
    fn must_have(self) -> &'static str {
        match self {
            Self::Compose => "a mapping `services`",
            Self::Kubernetes => "`apiVersion` and `kind` in every document",
            Self::Contract => "`workload`, `env` or `type`",
        }
    }

    /// Whether the document has this form's identifying keys.
    fn is_marked(self, document: &Value) -> bool {
        let has = |key: &str| document.get(key).is_some_and(|value| !value.is_null());
        match self {
            Self::Compose => compose::is_compose(document),
            Self::Kubernetes => has("apiVersion") && has("kind"),
            Self::Contract => {
                let whole = ["workload", "env", "envWorkloadSignature"].into_iter().any(has);
                whole || sections::is_section(document) || document.as_str().is_some_and(token::is_token)
            }
        }
    }

    /// The form's identifying keys, for messages.
    fn marks(self) -> &'static str {
        match self {
            Self::Compose => "`services` (a compose file)",
            Self::Kubernetes => "`apiVersion` and `kind` (a Kubernetes manifest)",
            Self::Contract => "`workload`, `env` or `type` (a contract)",
        }
    }

    /// The reason why a file with several documents is refused, and what the author can do. `None` if each document is read separately.
    fn refuses_several(self) -> Option<&'static str> {
        match self {
            Self::Compose => Some(
                ": some programs merge them, and others read only the first. Use the output of `docker compose config`",
            ),
            Self::Kubernetes => None,
            Self::Contract => Some(", but a contract is a single document: use a separate file for each"),
        }
    }
}

/// The form of one document; `None` if the document has no form's identifying keys.
fn of_one(document: &Value) -> Result<Option<Form>, String> {
    let marks: Vec<Form> = Form::ALL.into_iter().filter(|form| form.is_marked(document)).collect();
    match marks.as_slice() {
        // `services` is not a mapping and therefore does not identify a form, but the document is evidently intended as a
        // compose file.
        [] if document.get("services").is_some() => Ok(Some(Form::Compose)),
        [] => Ok(None),
        [form] => Ok(Some(*form)),
        [one, .., other] => Err(format!(
            "one document has {} and {}, so programs would read different parts of it: use a separate file for each",
            one.marks(),
            other.marks()
        )),
    }
}

/// The form of a file's documents.
///
/// # Errors
/// A message with advice for the file's author.
pub(super) fn of(documents: &[Value]) -> Result<Form, String> {
    let count = documents.len();
    let mut found: Option<Form> = None;
    for (at, document) in (1..).zip(documents) {
        let which = if count == 1 { String::new() } else { format!("document {at} of {count}: ") };
        let form = of_one(document).map_err(|why| format!("{which}{why}"))?;
        let form = form.ok_or_else(|| format!("{which}{}", unknown(document)))?;
        if found.is_some_and(|found| found != form) {
            let words = (found.map_or("", Form::word), form.word());
            return Err(format!(
                "{which}this document's form is {}, but an earlier document's is {}: use a separate file for each",
                words.1, words.0
            ));
        }
        if form == Form::Kubernetes && !kubernetes::is_resource(document) {
            return Err(format!("{which}`apiVersion` and `kind`: expected strings"));
        }
        found = Some(form);
    }
    let form = found.ok_or("the file is empty")?;
    match form.refuses_several().filter(|_| count > 1) {
        Some(why) => Err(format!("it has {count} documents{why}")),
        None => Ok(form),
    }
}

/// Describes a document that has no form's identifying keys, with advice.
fn unknown(document: &Value) -> String {
    let expected = expected();
    let Value::Object(fields) = document else {
        return format!("{expected}; found {}", kind_of(document));
    };
    let has = |key: &str| fields.contains_key(key);
    if has("include") {
        return "`include` is not supported, and the file has no `services`: use the output of `docker compose config`"
            .into();
    }
    if has("resources") || has("kustomize") {
        return format!("{expected}. For a kustomization, use the output of `kubectl kustomize`");
    }
    if fields.values().any(|value| value.get("image").is_some() || value.get("build").is_some()) {
        return format!(
            "{expected}. For a version 1 compose file or the values of a Helm chart, use the output of `docker compose config` or `helm template`"
        );
    }
    let keys: Vec<String> = fields.keys().take(5).map(|key| key.chars().take(40).collect()).collect();
    format!("{expected}; found the keys {}", keys.join(", "))
}

/// All forms, each with the keys that its files must have.
fn expected() -> String {
    let forms = Form::ALL.map(|form| format!("{} ({})", form.file(), form.must_have()));
    format!("expected {}", any_of(&forms.each_ref().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::base::strict_yaml;

    /// A file of each form, and the same file with an unrecognised key.
    fn sample(form: Form) -> (&'static str, &'static str) {
        match form {
            Form::Compose => ("services: {a: {image: app}}", "services: {a: {image: app}}\nsurplus: 1"),
            Form::Kubernetes => (
                "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: app}]}",
                "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: app}], surplus: 1}",
            ),
            Form::Contract => (
                "workload:\n  type: workload\n  play: {resources: [{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: app}]}}]}",
                "workload:\n  type: workload\n  play: {surplus: 1}",
            ),
        }
    }

    /// For every form, its sample is recognised and read, an unrecognised key is reported, and messages state the form.
    #[test]
    fn every_form_is_recognised_and_unrecognised_keys_are_reported() {
        let read = |text: &str| {
            let kinds = super::super::KindsWithoutImages::default();
            super::super::Workload::read("w", text.as_bytes(), &[], &kinds, &Limits::default())
        };
        for form in Form::ALL {
            let (text, surplus) = sample(form);
            let workload = read(text).unwrap();
            assert_eq!(workload.form, form);
            let images: Vec<_> =
                workload.images.iter().map(|used| used.image.as_ref().map(|image| &image.text)).collect();
            assert!(matches!(images.as_slice(), [Ok(image)] if *image == "app"), "{}: {images:?}", form.word());
            let images = read(surplus).unwrap().images;
            assert!(images.iter().any(|used| used.image.is_err()), "{}: {images:?}", form.word());
            let nothing = self::form("- a").unwrap_err();
            assert!(nothing.contains(form.file()) && nothing.contains(form.must_have()), "{nothing}");
        }
    }

    fn form(text: &str) -> Result<Form, String> {
        of(&strict_yaml::documents(text.as_bytes(), &Limits::default()).unwrap())
    }

    #[test]
    fn a_form_is_recognised_by_its_identifying_keys() {
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
    fn two_forms_in_one_document_are_refused_and_both_are_reported() {
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
                assert!(error.contains("document 2 of 2") && error.contains("a separate file for each"), "{error}");
            }
        }
    }

    #[test]
    fn files_without_a_form_get_a_description_and_advice() {
        for (text, words) in [
            ("", "the file is empty"),
            ("# nothing\n", "the file is empty"),
            ("- a", "found a list"),
            ("text", "found a string"),
            ("a: 1\nb: 2", "found the keys a, b"),
            ("include: [a.yaml]", "`docker compose config`"),
            ("resources: [a.yaml]", "`kubectl kustomize`"),
            ("web: {image: x}", "version 1 compose file"),
            ("services: {}\n---\nservices: {}", "it has 2 documents: some programs merge them"),
            ("workload: x\n---\nworkload: y", "a contract is a single document"),
            ("apiVersion: v1\nkind: Pod\n---\na: 1", "document 2 of 2: expected a compose file"),
            ("apiVersion: v1\nkind: [Pod]", "expected strings"),
        ] {
            let error = form(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
