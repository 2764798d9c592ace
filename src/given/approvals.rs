//! `--approvals FILE`: who approved which commit. The list is *given*, and the report states that.
//!
//! The list is CSV (RFC 4180) with the header line `repository,commit,change,approver,time`, or a JSON array of objects
//! with those fields. Every field is required, and no other fields are allowed. A file `FILE.sig` next to the list may
//! contain an SSH signature over the list's bytes:
//!
//! ```text
//! ssh-keygen -Y sign -n hpsb-audit-approvals -f KEY FILE
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::is_treacherous;
use crate::base::limits::Limits;
use crate::base::memo::Memo;
use crate::base::strict_csv;
use crate::base::strict_json;
use crate::base::time::Timestamp;
use crate::git::{ObjectId, RepositoryName};

/// The namespace of signatures over approvals.
pub(crate) const NAMESPACE: &str = "hpsb-audit-approvals";

const FIELDS: [&str; 5] = ["repository", "commit", "change", "approver", "time"];

/// A list of approvals, as supplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// The file's path as specified.
    pub name: String,
    /// SHA-256 of the file's bytes.
    pub sha256: Sha256,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Option<Vec<u8>>,
    /// Whether the person who runs the audit does not vouch for the list, because it is in a case that they evaluate with their own policy.
    pub(crate) is_unvouched: bool,
    pub(crate) records: Vec<Approval>,
    /// For each commit, the indexes of its approvals in `records`.
    by_commit: BTreeMap<ObjectId, Vec<usize>>,
    /// The result of verifying the signature, cached for the signers' names and SSH keys.
    pub(crate) vouched: Memo<Vec<(String, String)>, Result<String, String>>,
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) repository: RepositoryName,
    pub(crate) commit: ObjectId,
    /// The change's ID in the system where it was approved.
    pub(crate) change: String,
    /// A name, an address, `name <address>` or `name (address)`. Any other text does not identify anyone: see
    /// [`Self::approver_names`].
    pub(crate) approver: String,
    pub(crate) time: Timestamp,
}

impl Approval {
    /// The approver's name and address, or whichever of the two is present. `None` for any other text, such as two
    /// addresses, an address with `mailto:` or a comma, or a name with an `@`: interpreting it would be a guess.
    pub(crate) fn approver_names(&self) -> Option<Vec<&str>> {
        let text = self.approver.trim();
        if is_address(text) || is_name(text) {
            return Some(vec![text]);
        }
        let (text, open) = match (text.strip_suffix('>'), text.strip_suffix(')')) {
            (Some(text), _) => (text, '<'),
            (_, Some(text)) => (text, '('),
            _ => return None,
        };
        let (name, address) = text.split_once(open)?;
        let (name, address) = (name.strip_suffix(' ')?.trim_end(), address);
        (is_name(name) && is_address(address)).then(|| vec![name, address])
    }
}

/// Whether a text is a name. The only ASCII characters that a name may contain are letters, digits, spaces, `.`, `-`,
/// `'`, `_` and backquotes: commas, slashes and `&` separate names.
fn is_name(text: &str) -> bool {
    let fits = |letter: char| match letter {
        ' ' | '.' | '-' | '\'' | '_' | '`' => true,
        _ if letter.is_ascii() => letter.is_ascii_alphanumeric(),
        _ => !letter.is_whitespace() && !is_treacherous(letter),
    };
    !text.is_empty() && text.chars().all(fits)
}

/// Whether a text is an address: one `@` between dot-atoms (RFC 5322, section 3.4.1, without quotes and comments) of ASCII letters, digits
/// and some symbols. A final dot, or a letter that looks like another one, could make an author's own address seem to be a different one.
fn is_address(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+%='~#/".contains(&byte);
    let atoms = |text: &str| text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(fits));
    text.split_once('@').is_some_and(|(local, domain)| atoms(local) && atoms(domain))
}

impl Approvals {
    /// The same list, for which the person who runs the audit does not vouch.
    pub(crate) fn unvouched(self) -> Self {
        Self { is_unvouched: true, ..self }
    }

    /// Reads a list. Input that begins with `[` is JSON; anything else is CSV. `signature` is the content of
    /// `FILE.sig`, which the check verifies.
    ///
    /// # Errors
    /// [`Error::Malformed`], with the number of the record that cannot be read, if known; [`Error::OverLimit`].
    pub fn read(name: &str, bytes: Vec<u8>, signature: Option<Vec<u8>>, limits: &Limits) -> Result<Self, Error> {
        let what = || format!("the approvals {name}");
        limits.approvals_bytes().check(bytes.len() as u64, what())?;
        let rows = if bytes.trim_ascii_start().starts_with(b"[") { json_rows(&bytes) } else { csv_rows(&bytes) };
        let rows = rows.map_err(|message| Error::malformed(what(), message))?;
        let records = (1..).zip(rows).map(|(number, row)| {
            approval(row).map_err(|message| Error::malformed(what(), format!("record {number}: {message}")))
        });
        let records = records.collect::<Result<Vec<_>, _>>()?;
        let mut by_commit: BTreeMap<ObjectId, Vec<usize>> = BTreeMap::new();
        for (place, record) in records.iter().enumerate() {
            by_commit.entry(record.commit).or_default().push(place);
        }
        let sha256 = Sha256::of(&bytes);
        Ok(Self {
            name: name.into(),
            sha256,
            bytes,
            signature,
            is_unvouched: false,
            records,
            by_commit,
            vouched: Memo::default(),
        })
    }

    /// The approvals of a commit, in the order of the list.
    pub(crate) fn of_commit(&self, commit: ObjectId) -> impl Iterator<Item = &Approval> {
        self.by_commit.get(&commit).into_iter().flatten().filter_map(|place| self.records.get(*place))
    }
}

/// The five fields, in order.
type Row = [String; 5];

fn approval(row: Row) -> Result<Approval, String> {
    let [repository, commit, change, approver, time] = row;
    let expected = |field: &str, what: &str, found: &str| format!("{field}: expected {what}, found {found:?}");
    Ok(Approval {
        repository: RepositoryName::from_policy(&repository)
            .ok_or_else(|| expected("repository", "a repository's address", &repository))?,
        commit: ObjectId::from_hex(&commit)
            .ok_or_else(|| expected("commit", "all 40 lower-case hexadecimal digits", &commit))?,
        time: Timestamp::from_rfc3339(&time)
            .ok_or_else(|| expected("time", "RFC 3339, for example 2026-03-01T12:00:00Z", &time))?,
        approver: Some(approver).filter(|text| !text.trim().is_empty()).ok_or("approver is empty")?,
        change: Some(change).filter(|text| !text.trim().is_empty()).ok_or("change is empty")?,
    })
}

fn json_rows(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let Value::Array(records) = strict_json::parse(bytes).map_err(|error| error.to_string())? else {
        return Err("expected an array".into());
    };
    let row = |(number, record): (usize, Value)| {
        let Value::Object(mut fields) = record else { return Err(format!("record {number}: expected an object")) };
        let row = FIELDS.map(|field| match fields.remove(field) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(format!("record {number}: {field}: expected a string")),
            None => Err(format!("record {number}: the field {field} is missing")),
        });
        if let Some(unknown) = fields.keys().next() {
            return Err(format!("record {number}: unrecognised field {unknown:?}"));
        }
        let [repository, commit, change, approver, time] = row;
        Ok([repository?, commit?, change?, approver?, time?])
    };
    (1..).zip(records).map(row).collect()
}

fn csv_rows(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let mut rows = strict_csv::records(bytes)?.into_iter();
    let header = rows.next().unwrap_or_default();
    if header != FIELDS {
        return Err(format!("expected the header line {}, found {:?}", FIELDS.join(","), header.join(",")));
    }
    (1..)
        .zip(rows)
        .map(|(number, row)| {
            let count = row.len();
            row.try_into().map_err(|_| format!("record {number}: expected {} fields, found {count}", FIELDS.len()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "b0398d3eeb1921c4b063ea213713c42e0c584a70";

    fn read(text: &str) -> Result<Vec<Approval>, String> {
        let approvals = Approvals::read("list", text.as_bytes().to_vec(), None, &Limits::default());
        approvals.map(|approvals| approvals.records).map_err(|error| error.to_string())
    }

    #[test]
    fn csv_and_json_give_the_same_records() {
        let csv = format!(
            "repository,commit,change,approver,time\r\ngit@github.com:acme/wallet.git,{COMMIT},\"CHG,1\",\"Grace \"\"G\"\" <g@example.org>\",2026-03-01T12:00:00Z\n\n"
        );
        let json = format!(
            r#"[{{"repository": "https://github.com/acme/wallet", "commit": "{COMMIT}", "change": "CHG,1", "approver": "Grace \"G\" <g@example.org>", "time": "2026-03-01T13:00:00+01:00"}}]"#
        );
        let [csv, json] = [csv, json].map(|text| read(&text).unwrap());
        assert_eq!(csv, json);
        assert_eq!((csv[0].change.as_str(), csv[0].approver.as_str()), ("CHG,1", "Grace \"G\" <g@example.org>"));
    }

    #[test]
    fn an_approver_is_a_name_or_an_address_or_both() {
        let names = |text: &str| {
            let record = Approval {
                repository: RepositoryName::from_policy("h.example/r").unwrap(),
                commit: ObjectId::from_hex(COMMIT).unwrap(),
                change: "c".into(),
                approver: text.into(),
                time: Timestamp::from_unix_seconds(1).unwrap(),
            };
            record.approver_names().map(|names| names.join("|"))
        };
        for (text, expected) in [
            ("Grace Hopper", "Grace Hopper"),
            ("Zoë O'Neill-Müller Jr.", "Zoë O'Neill-Müller Jr."),
            ("g@example.org", "g@example.org"),
            (" Grace <g@example.org> ", "Grace|g@example.org"),
            ("Grace (g+x@example.org)", "Grace|g+x@example.org"),
        ] {
            assert_eq!(names(text).as_deref(), Some(expected));
        }
        for odd in [
            "Grace <g@x> <ada@x>",
            "<ada@x",
            "<ada@x>",
            "ada@x,",
            "X <mailto:ada@x>",
            "mailto:ada@x",
            "Grace, Ada",
            "Grace & Ada",
            "Grace/Ada",
            "Grace; Ada",
            "ada@x@y",
            "@x",
            "ada@",
            "Grace<g@x>",
            "Grace <g@x> and more",
            "Grace <g@x)",
            "Grace <Ada <ada@x>",
            "Grace (reviewer)",
            "\"Grace\" <g@x>",
            "Gra\u{200b}ce",
            "Grace\nAda",
            "Grace\u{a0}Ada",
        ] {
            assert_eq!(names(odd), None, "{odd}");
        }
    }

    #[test]
    fn errors_describe_missing_and_unexpected_input() {
        let header = "repository,commit,change,approver,time";
        for (text, fault) in [
            (String::new(), "expected the header line"),
            ("commit,repository,change,approver,time\n".into(), "expected the header line"),
            (format!("{header}\na,b\n"), "record 1: expected 5 fields, found 2"),
            (format!("{header}\nh.example/r,{COMMIT},c,a,2026-03-01T12:00:00Z,more\n"), "expected 5 fields, found 6"),
            (format!("{header}\nh.example/r,b0398d3,c,a,2026-03-01T12:00:00Z\n"), "commit: expected all 40"),
            (format!("{header}\nh.example/r,{COMMIT},c,a,2026-03-01\n"), "time: expected RFC 3339"),
            (format!("{header}\nh.example/r,{COMMIT},c,,2026-03-01T12:00:00Z\n"), "approver is empty"),
            (format!("{header}\nnowhere,{COMMIT},c,a,2026-03-01T12:00:00Z\n"), "repository: expected"),
            (format!("{header}\n\"a"), "is not closed"),
            (format!("{header}\n\"a\"b,c"), "after a field's closing"),
            (format!("{header}\na\"b,c"), "a quotation mark inside"),
            ("[1]".into(), "record 1: expected an object"),
            ("[{\"commit\": 1}]".into(), "record 1: the field repository is missing"),
            (
                format!(
                    "[{{\"repository\":\"h.example/r\",\"commit\":\"{COMMIT}\",\"change\":\"c\",\"approver\":\"a\",\"time\":\"2026-03-01T12:00:00Z\",\"x\":1}}]"
                ),
                "unrecognised field \"x\"",
            ),
            ("[{\"commit\": 1, \"commit\": 2}]".into(), "commit"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(fault), "{text}: {error}");
        }
        assert_eq!(read(&format!("{header}\n")), Ok(Vec::new()));
    }
}
