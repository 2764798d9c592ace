//! The meaning of each response to each request. A single table defines what each response means: docs/generated/fetch-answers.md shows the table,
//! and `tests/fetch/answers.rs` tests every source with every response. A response that the table lists neither as saved nor as
//! a note is a fault, except for a blob that the registry need not have.

use std::collections::BTreeSet;

/// A request to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Status,
    Bundle,
    Key,
    ImageDigest,
    ImageKey,
    BuildLog,
    Listing,
    Object,
    Image,
    Platform,
    Blob,
    CosignTag,
    Referrers,
    Referrer,
    Interface,
    Signatures,
    Lookaside,
    Timestamp,
    Named,
    OldRoot,
    BuilderFile,
}

/// The meaning of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The response contains the requested content, which is then read.
    Here,
    /// The source does not have the content or does not support such requests. Usually, the response becomes a note.
    Absent,
    /// Any other response, which is a fault.
    Refused,
}

/// A response as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Came<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// Why evidence is absent, for a note. A status does not tell whether the content is missing or hidden: a registry also responds with 404 for a
/// private repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    /// The status of the responses, if all had the same status and that status is the reason.
    pub(crate) status: Option<u16>,
    pub(crate) why: String,
}

struct Row {
    asked: Asked,
    /// A description of the request, for the page.
    #[cfg_attr(not(test), expect(dead_code, reason = "used only by the test that compares the page"))]
    what: &'static str,
    here: &'static [u16],
    absent: &'static [u16],
    /// Descriptions of two more groups of responses: those that are saved, and those that become a note.
    #[cfg_attr(not(test), expect(dead_code, reason = "used only by the test that compares the page"))]
    more: [&'static str; 2],
}

const FOLLOWED: [&str; 2] = ["redirects", ""];
const NO_MORE: [&str; 2] = ["", ""];
const MADE: &[u16] = &[200, 201];
const GONE: &[u16] = &[404, 410];

const fn row(
    asked: Asked,
    what: &'static str,
    here: &'static [u16],
    absent: &'static [u16],
    more: [&'static str; 2],
) -> Row {
    Row { asked, what, here, absent, more }
}

const ROWS: [Row; 21] = [
    row(Asked::Status, "build server: status", MADE, &[], NO_MORE),
    row(Asked::Bundle, "build server: bundle", MADE, &[], NO_MORE),
    row(Asked::Key, "build server: public key", MADE, &[], NO_MORE),
    row(Asked::ImageDigest, "build server: image digest", MADE, GONE, NO_MORE),
    row(Asked::ImageKey, "build server: image key", MADE, GONE, ["", "an empty key"]),
    row(Asked::BuildLog, "build server: log", MADE, GONE, NO_MORE),
    row(Asked::Listing, "object store: listing", &[200], &[], ["pages", ""]),
    row(Asked::Object, "object store: bundle", &[200], &[], NO_MORE),
    row(Asked::Image, "registry: the image's manifest", &[200], GONE, FOLLOWED),
    row(Asked::Platform, "registry: a manifest that the image's index lists", &[200], GONE, FOLLOWED),
    row(Asked::Blob, "registry: a blob", &[200], &[], FOLLOWED),
    row(Asked::CosignTag, "registry: a signature tag (cosign)", &[200], GONE, FOLLOWED),
    row(
        Asked::Referrers,
        "registry: referrers",
        &[200],
        &[404, 405, 406, 501],
        ["redirects, pages", "400 UNSUPPORTED, HTML 200, HTML 400"],
    ),
    row(Asked::Referrer, "registry: a manifest in the list of referrers", &[200], &[], FOLLOWED),
    row(Asked::Interface, "registry: its API for simple signing", &[200], &[401, 404], ["redirects", "HTML 200"]),
    row(Asked::Signatures, "registry: simple signatures", &[200], GONE, FOLLOWED),
    row(Asked::Lookaside, "lookaside: a signature", &[200], GONE, NO_MORE),
    row(Asked::Timestamp, "trust server: timestamp", &[200], GONE, NO_MORE),
    row(Asked::Named, "trust server: a file that its metadata lists", &[200], &[], NO_MORE),
    row(Asked::OldRoot, "trust server: an earlier root", &[200], GONE, NO_MORE),
    row(Asked::BuilderFile, "builder file", &[200], &[], NO_MORE),
];

impl Asked {
    /// The meaning of a response to this request.
    pub(crate) fn judge(self, came: Came<'_>) -> Meaning {
        let Some(row) = ROWS.iter().find(|row| row.asked == self) else { return Meaning::Refused };
        // A server that does not support the request may send an HTML page or the error UNSUPPORTED.
        if self == Asked::Referrers
            && ((matches!(came.status, 200 | 400) && came.is_html()) || (came.status == 400 && came.is_unsupported()))
        {
            return Meaning::Absent;
        }
        match came.status {
            status if row.here.contains(&status) => Meaning::Here,
            status if row.absent.contains(&status) => Meaning::Absent,
            _ => Meaning::Refused,
        }
    }
}

impl Absence {
    /// Content is absent because `who`, for example "the registry", responded with these statuses.
    pub(crate) fn of(who: &str, statuses: &BTreeSet<u16>) -> Self {
        let list: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let is_gone = !statuses.is_empty() && statuses.iter().all(|status| GONE.contains(status));
        let may = if is_gone { " (missing or hidden)" } else { "" };
        let status = statuses.first().copied().filter(|_| statuses.len() == 1);
        Self { status, why: format!("{who} responded with status {}{may}", list.join(" or ")) }
    }

    /// The same absence, with `more` appended to the reason.
    pub(crate) fn and(self, more: &str) -> Self {
        Self { why: format!("{} {more}", self.why), ..self }
    }
}

impl From<&str> for Absence {
    fn from(why: &str) -> Self {
        Self { status: None, why: why.to_owned() }
    }
}

impl Came<'_> {
    fn is_html(&self) -> bool {
        self.content_type.eq_ignore_ascii_case("text/html") || is_html(self.body)
    }

    /// `{"errors": [{"code": "UNSUPPORTED"}]}` (Distribution specification, "Error Codes").
    fn is_unsupported(&self) -> bool {
        let document = crate::base::strict_json::parse(self.body).ok();
        let errors = document.as_ref().and_then(|document| document.get("errors")).and_then(|errors| errors.as_array());
        errors.is_some_and(|errors| {
            errors.iter().any(|error| error.get("code").and_then(|code| code.as_str()) == Some("UNSUPPORTED"))
        })
    }
}

/// Whether a body looks like an HTML page.
pub(crate) fn is_html(body: &[u8]) -> bool {
    let head = body.trim_ascii_start();
    let begins = |with: &[u8]| head.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    begins(b"<!doctype html") || begins(b"<html")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "| request | saved | note |\n";

    fn cell(numbers: &[u16], more: &str) -> String {
        let numbers = numbers.iter().map(u16::to_string);
        let all: Vec<String> = numbers.chain(Some(more.to_owned()).filter(|more| !more.is_empty())).collect();
        if all.is_empty() { "–".into() } else { all.join(", ") }
    }

    /// `HPSB_UPDATE=1` rewrites the page.
    #[test]
    fn the_page_shows_this_table() {
        let rows = ROWS.iter().map(|row| {
            format!("| {} | {} | {} |\n", row.what, cell(row.here, row.more[0]), cell(row.absent, row.more[1]))
        });
        let table = format!("{BEGIN}| --- | --- | --- |\n{}", rows.collect::<String>());
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/generated/fetch-answers.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page contains the table's head");
        let after: String = rest.split_inclusive('\n').skip_while(|line| line.starts_with('|')).collect();
        let expected = format!("{before}{table}{after}");
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(&path, &expected).unwrap();
        } else {
            assert!(page == expected, "docs/generated/fetch-answers.md is out of date: HPSB_UPDATE=1 rewrites it");
        }
    }

    #[test]
    fn html_pages_and_unsupported_requests_are_recognised() {
        let came = |status, content_type, body: &'static [u8]| Came { status, content_type, body };
        let judge = |came| Asked::Referrers.judge(came);
        assert_eq!(judge(came(200, "", b" <!DOCTYPE HTML><p>")), Meaning::Absent);
        assert_eq!(judge(came(400, "text/html", b"x")), Meaning::Absent);
        assert_eq!(judge(came(503, "text/html", b"<html>")), Meaning::Refused);
        assert_eq!(judge(came(400, "", b"{\"errors\": [{\"code\": \"UNSUPPORTED\"}]}")), Meaning::Absent);
        assert_eq!(judge(came(400, "", b"{\"errors\": [{\"code\": \"DENIED\"}]}")), Meaning::Refused);
        assert_eq!(judge(came(200, "", b"{}")), Meaning::Here);
    }
}
