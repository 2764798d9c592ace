//! The response to the page: JSON, followed by files.

use hpsb_audit::report::{Controls, Options};
use hpsb_audit::{BundleReport, Error, Format, Report, Sha256};
use serde_json::{Value, json};

/// The response that the page receives.
#[derive(Default)]
pub struct Answer {
    /// The JSON for the page.
    says: Value,
    /// Files by name, in the order of `files` in the JSON.
    files: Vec<(String, Vec<u8>)>,
}

impl Answer {
    /// The response to an unrecognised question, or after a defect in the module: in either case, there is no verdict.
    pub fn defect(message: &str) -> Self {
        Self { says: json!({ "defect": message }), files: Vec::new() }
    }

    /// A response without files.
    pub fn of(says: Value) -> Self {
        Self { says, files: Vec::new() }
    }

    /// A response with only the file `piece`.
    pub fn piece(bytes: Vec<u8>) -> Self {
        Self { says: json!({}), files: vec![("piece".into(), bytes)] }
    }

    /// The report in these formats, each as the file that the program would write.
    pub fn report(report: &Report, formats: &[Format]) -> Self {
        let bundles: Vec<Value> = report.bundles.iter().map(|one| bundle(report, one)).collect();
        let says = json!({
            "verdict": report.verdict().word(),
            "exit_code": report.exit_code(),
            "now": report.now.map(|now| now.to_string()),
            "error": report.error.as_ref().map(error),
            "bundles": bundles,
        });
        let mut answer = Self { says, files: Vec::new() };
        for format in formats {
            if let Err(message) = answer.write(report, *format) {
                return Self::defect(&message);
            }
        }
        answer
    }

    fn write(&mut self, report: &Report, format: Format) -> Result<(), String> {
        let controls = Controls::own().map_err(|error| error.to_string())?;
        let options = Options { controls, ..Options::default() };
        let name = format.file_name().to_owned();
        if report.has_pages(format) {
            let folder = format!("{name}.bundles");
            let pages = report.pages(&options, &folder);
            self.files.push((name, pages.first));
            self.files.extend(pages.others.into_iter().map(|(own, page)| (format!("{folder}/{own}"), page)));
            return Ok(());
        }
        let mut page = Vec::new();
        report.write(format, &options, &mut page).map_err(|error| format!("{name}: {error}"))?;
        self.files.push((name, page));
        Ok(())
    }

    /// The response as the page reads it from memory: the length of the JSON, the total length of the files, the JSON, and the files.
    pub fn framed(&self) -> Vec<u8> {
        let files: Vec<Value> = self.files.iter().map(|(name, bytes)| file(name, bytes)).collect();
        let mut says = self.says.clone();
        if let Some(fields) = says.as_object_mut() {
            fields.insert("files".into(), files.into());
        }
        let says = says.to_string().into_bytes();
        let behind: usize = self.files.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut framed = Vec::with_capacity(8 + says.len() + behind);
        // WebAssembly memory is smaller than 4 GiB, so no length is truncated.
        framed.extend_from_slice(&u32::try_from(says.len()).unwrap_or(0).to_le_bytes());
        framed.extend_from_slice(&u32::try_from(behind).unwrap_or(0).to_le_bytes());
        framed.extend_from_slice(&says);
        self.files.iter().for_each(|(_, bytes)| framed.extend_from_slice(bytes));
        framed
    }
}

fn file(name: &str, bytes: &[u8]) -> Value {
    json!({ "name": name, "size": bytes.len(), "sha256": Sha256::of(bytes).hex() })
}

fn bundle(report: &Report, bundle: &BundleReport) -> Value {
    let because: Vec<String> =
        bundle.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message)).collect();
    json!({
        "path": bundle.path,
        "verdict": bundle.verdict.word(),
        "exit_code": bundle.exit_code(),
        "headline": report.headline(bundle),
        "because": because,
        "error": bundle.error.as_ref().map(error),
    })
}

fn error(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.to_string(), "hint": error.hint() })
}
