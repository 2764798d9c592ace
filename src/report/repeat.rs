//! The command that repeats an audit, option by option, in POSIX shell syntax.

use super::{BundleReport, Depth, Report, Voucher};

/// Maximum number of columns of a printed line: the width of Letter paper in a monospaced font of 8.5 points.
const COLUMNS: usize = 90;

/// The command as one line.
pub(super) fn command(report: &Report, bundle: &BundleReport) -> String {
    options(report, Some(bundle)).join(" ")
}

/// The command, then each operand and each option with its value. The command is for the case, if there is one; otherwise for `bundle`, if it is
/// specified; otherwise for all bundles of the run. The command is empty if the run ended before its question was determined.
pub(super) fn options(report: &Report, bundle: Option<&BundleReport>) -> Vec<String> {
    let Some(question) = &report.question else { return Vec::new() };
    let given = |name: &'static str| question.given.iter().filter(move |(flag, _)| flag == name);
    let by_seal = report.case.as_ref().is_some_and(|case| case.vouched_by == Voucher::Seal);
    let verb = if question.depth == Depth::SignatureOnly { "verify" } else { "audit" };
    let mut words = vec![format!("hpsb-audit {verb}")];
    match (&report.case, bundle) {
        (Some(case), _) => words.push(quoted(&case.path)),
        (None, Some(bundle)) => words.push(quoted(&bundle.path)),
        (None, None) => words.extend(given("path").map(|(_, path)| quoted(path))),
    }
    if by_seal && given("seal-key").next().is_none() {
        words.push("--seal-key FILE".into());
    }
    if let Some(policy) = report.policy.as_ref().filter(|_| !by_seal) {
        words.push(format!("--policy {}", quoted(&policy.path)));
    }
    if report.case.as_ref().is_some_and(|case| case.existed_by.is_some()) && given("tsa-ca").next().is_none() {
        words.push("--tsa-ca FILE".into());
    }
    let named = bundle.and_then(|one| one.key.as_ref()).is_some_and(|key| key.source.starts_with("command line"));
    // Reports of earlier versions contain only the fingerprints of keys.
    if !by_seal && given("key").next().is_none() && (report.policy.is_none() || named) {
        words.extend(question.keys.iter().map(|key| format!("--key {key}")));
    }
    let is_of_one = |flag: &str| flag != "path" && !(bundle.is_some() && flag == "shard");
    let flags = question.given.iter().filter(|(flag, _)| is_of_one(flag));
    words.extend(flags.map(|(flag, value)| format!("--{flag} {}", quoted(value))));
    if by_seal {
        return words;
    }
    let require: Vec<&str> = question.require.iter().map(|group| group.word()).collect();
    if !require.is_empty() {
        words.push(format!("--require {}", require.join(",")));
    }
    let limits = question.limits.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
    words.extend(limits.map(|limit| format!("--limit {limit}")));
    words.extend(report.now.map(|now| format!("--now {now}")));
    words
}

/// The command for printing: one option per line, with a backslash at the end of each line except the last. An option wider than the page
/// continues at the left edge of the next line, and a shell joins the two lines. The printed command can be copied and run.
pub(super) fn lines(options: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, option) in options.iter().enumerate() {
        let indent = if at == 0 { "" } else { "  " };
        let mut pieces = broken(&format!("{indent}{option}"));
        if let Some(last) = pieces.last_mut().filter(|_| at.saturating_add(1) < options.len()) {
            last.push_str(" \\");
        }
        lines.extend(pieces);
    }
    lines
}

/// An option, split into lines of at most [`COLUMNS`] characters plus the line ending. Inside quotes, a backslash would be a literal character, so
/// the quotes are closed before it and opened again after it. No line after the first begins with a space, because a leading space could be lost
/// when the page is copied.
fn broken(option: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for character in option.chars() {
        let may_break = if is_quoted { character != '\'' } else { !is_escaped && character != ' ' };
        if may_break && line.chars().count() >= COLUMNS {
            line.push_str(if is_quoted { "'\\" } else { "\\" });
            lines.push(std::mem::replace(&mut line, if is_quoted { "'".into() } else { String::new() }));
        }
        match (is_quoted, is_escaped, character) {
            (true, _, '\'') => is_quoted = false,
            (true, ..) => {}
            (false, true, _) => is_escaped = false,
            (false, false, '\\') => is_escaped = true,
            (false, false, '\'') => is_quoted = true,
            (false, false, _) => {}
        }
        line.push(character);
    }
    lines.push(line);
    lines
}

/// A word, quoted for a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::QuestionReport;

    fn asked(given: &[(&str, &str)]) -> Report {
        let mut report = Report::new(None);
        let mut question = QuestionReport::of(
            Depth::Everything,
            &crate::judge::policy::Policy::default(),
            &crate::gate::verify::KeyRing::default(),
            &[],
            &crate::base::limits::Limits::default(),
        );
        question.given = given.iter().map(|(flag, value)| ((*flag).to_owned(), (*value).to_owned())).collect();
        report.question = Some(question);
        report
    }

    #[test]
    fn the_repeat_command_contains_every_argument_of_the_audit() {
        let given = [
            ("path", "evidence"),
            ("key", "a key.pem"),
            ("image", "oci:my image"),
            ("base", "dir:base"),
            ("approvals", "a.csv"),
        ];
        let report = asked(&given);
        let bundle = BundleReport::of_nothing("b.sig.tbz", Vec::new());
        let flags = "--key 'a key.pem' --image 'oci:my image' --base dir:base --approvals a.csv";
        assert_eq!(command(&report, &bundle), format!("hpsb-audit audit b.sig.tbz {flags}"));
        assert_eq!(options(&report, None).join(" "), format!("hpsb-audit audit evidence {flags}"));
        assert!(options(&Report::new(None), None).is_empty());
    }

    #[test]
    fn a_quote_cannot_break_out_of_the_command() {
        assert_eq!(quoted("a/b.sig.tbz"), "a/b.sig.tbz");
        assert_eq!(quoted("a b'; rm x"), r"'a b'\''; rm x'");
        assert_eq!(quoted(""), "''");
    }

    /// A shell reads the same words from the printed lines, regardless of their length and quoting.
    #[test]
    #[cfg(unix)]
    fn a_shell_reads_the_printed_lines_as_one_command() {
        let long = "x".repeat(250);
        let quotes = "it's ".repeat(60);
        let mixed = format!("{}\\'{}", "a b".repeat(40), "'".repeat(95));
        for word in ["plain", "a b", &long, &quotes, &mixed] {
            let options = ["printf %s\\\\n".to_owned(), quoted(word), format!("--policy {}", quoted(word))];
            let printed = lines(&options);
            assert!(printed.iter().all(|line| line.chars().count() <= COLUMNS + 6), "{printed:?}");
            let script = printed.join("\n");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{word}\n--policy\n{word}\n"), "{script}");
        }
        assert_eq!(lines(&["a b".into(), "c".into(), "--d e".into()]), ["a b \\", "  c \\", "  --d e"]);
    }
}
