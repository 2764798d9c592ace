//! Reads what a git directory's `config` file (git-config(1), "CONFIGURATION FILE") states about the repository.
//!
//! This program runs and follows nothing that the file names: no include, hook, filter or file-system monitor.

use std::sync::Arc;

use super::directory::GitDirectory;
use crate::base::limits::{Bound, Limits};

/// One `key = value` of a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// In lower case. All keys of a section share one copy.
    pub(super) section: Arc<str>,
    /// Case-sensitive if it was quoted; in lower case if it followed a dot.
    pub(super) subsection: Option<Arc<str>>,
    /// In lower case.
    pub(super) key: String,
    /// `None` for a key without `=`, which means true.
    pub(super) value: Option<String>,
}

impl Setting {
    /// Whether this setting moves git's work tree elsewhere.
    pub(super) fn moves_work_tree(&self) -> bool {
        &*self.section == "core" && self.key == "worktree"
    }

    /// The value as a boolean (git-config(1), "Values"). `None` for numbers other than 0 and 1, which also are booleans, and for values that git refuses.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value.as_deref().unwrap_or("true").to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "" | "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }
}

/// The settings that apply to a repository.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// All settings in git's order: later ones take precedence.
    pub(super) all: Vec<Setting>,
    /// Why the list may be incomplete, apart from includes: one clause for each reason.
    pub(super) faults: Vec<String>,
}

impl Settings {
    /// Reads `config` and, if `extensions.worktreeConfig` is on, `config.worktree` (git-worktree(1), "CONFIGURATION FILE").
    pub(super) fn read(directory: &GitDirectory<'_>, limits: &Limits) -> Self {
        let mut settings = Self::default();
        settings.add(directory, "config", limits);
        // git reads this extension only in `config`.
        let is_extension = |setting: &&Setting| {
            &*setting.section == "extensions" && setting.subsection.is_none() && setting.key == "worktreeconfig"
        };
        let flags: Vec<Option<bool>> = settings.all.iter().filter(is_extension).map(Setting::flag).collect();
        if flags.contains(&None) {
            settings.faults.push(
                "extensions.worktreeConfig has a value that is not recognised: config.worktree may be in use".into(),
            );
        }
        if flags.last() == Some(&Some(true)) {
            settings.add(directory, "config.worktree", limits);
        }
        settings
    }

    fn add(&mut self, directory: &GitDirectory<'_>, file: &str, limits: &Limits) {
        match directory.file(file.as_bytes()).map(|config| read_config(config, limits)) {
            Some(Ok(settings)) => self.all.extend(settings),
            Some(Err(_)) => self.faults.push(format!(".git/{file} cannot be read")),
            None => {}
        }
    }
}

/// Why a config file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConfigFault {
    #[error("line {0} of config is malformed")]
    Line(usize),
    #[error("config is larger than the limit {0}")]
    TooLarge(Bound),
}

/// A quoted name is the name of a remote or branch, or a submodule path, so Linux's PATH_MAX is long enough. A limit is needed because a name can be
/// copied for each key in its section.
const SUBSECTION_BYTES_MAX: usize = 4_096;

/// Reads all settings in order. Invalid UTF-8 becomes replacement characters.
pub(super) fn read_config(bytes: &[u8], limits: &Limits) -> Result<Vec<Setting>, ConfigFault> {
    if bytes.len() as u64 > limits.git_config_bytes {
        return Err(ConfigFault::TooLarge(limits.git_config_bytes()));
    }
    // git also refuses a NUL.
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(ConfigFault::Line(bytes.iter().take(at).filter(|&&byte| byte == b'\n').count() + 1));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut settings = Vec::new();
    let mut place: Option<(Arc<str>, Option<Arc<str>>)> = None;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let fault = ConfigFault::Line(number + 1);
        let mut rest = line.trim_start();
        if let Some(header) = rest.strip_prefix('[') {
            let (section, after) = read_section(header).ok_or_else(|| fault.clone())?;
            if section.1.as_ref().is_some_and(|subsection| subsection.len() > SUBSECTION_BYTES_MAX) {
                return Err(fault);
            }
            place = Some((section.0.into(), section.1.map(Arc::from)));
            rest = after.trim_start();
        }
        if rest.is_empty() || rest.starts_with(['#', ';']) {
            continue;
        }
        let (section, subsection) = place.clone().ok_or_else(|| fault.clone())?;
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(rest.len());
        let (key, after) = rest.split_at_checked(end).ok_or_else(|| fault.clone())?;
        if !key.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return Err(fault);
        }
        let after = after.trim_start();
        let value = match after.strip_prefix('=') {
            Some(text) => Some(read_value(text, &mut lines).ok_or(fault)?),
            None if after.is_empty() || after.starts_with(['#', ';']) => None,
            None => return Err(fault),
        };
        settings.push(Setting { section, subsection, key: key.to_ascii_lowercase(), value });
    }
    Ok(settings)
}

/// Reads `section]`, `section "subsection"]` or the old `section.subsection]`. Also returns the text after the bracket.
fn read_section(header: &str) -> Option<((String, Option<String>), &str)> {
    let end = header.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '.')?;
    let (name, rest) = header.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(']') {
        let section = match name.split_once('.') {
            Some((section, subsection)) => (section.to_ascii_lowercase(), Some(subsection.to_ascii_lowercase())),
            None => (name.to_ascii_lowercase(), None),
        };
        return Some((section, rest));
    }
    let mut letters = rest.strip_prefix([' ', '\t'])?.trim_start().strip_prefix('"')?.chars();
    let mut subsection = String::new();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => subsection.push(letters.next()?),
            letter => subsection.push(letter),
        }
    }
    let rest = letters.as_str().strip_prefix(']')?;
    Some(((name.to_ascii_lowercase(), Some(subsection)), rest))
}

/// Reads a value up to the end of its line, including the lines that a backslash joins to it.
fn read_value<'a>(text: &'a str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut value = String::new();
    // Spaces before a comment or the end of the line are dropped; spaces between words or in quotes are kept.
    let mut kept = 0;
    let mut quoted = false;
    let mut letters = text.trim_start().chars();
    loop {
        match letters.next() {
            None if quoted => return None,
            None => break,
            Some('"') => {
                quoted = !quoted;
                kept = value.len();
            }
            Some('\\') => {
                match letters.next() {
                    None => letters = lines.next()?.1.chars(),
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some('b') => value.push('\u{8}'),
                    Some(letter @ ('"' | '\\')) => value.push(letter),
                    Some(_) => return None,
                }
                kept = value.len();
            }
            Some('#' | ';') if !quoted => break,
            Some(letter) => {
                value.push(letter);
                if quoted || !letter.is_whitespace() {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    const SAMPLE: &str = "# comment\n[core]\n\tbare = false ; why\n\tfileMode\n[Remote \"Or\\\"igin\"]\n\tURL = \"a b\" # x\n\
        \turl = one \\\ntwo\n\tx = \"semi;colon\" tail\t \n[branch.Main] merge = refs/heads/main\n[a] b = \\\\\\t\\n|\n";

    #[test]
    #[cfg(unix)]
    fn settings_match_git_config() {
        use crate::git::test_repository::git_with_input;
        let ours: String = read_config(SAMPLE.as_bytes(), &Limits::default())
            .unwrap()
            .into_iter()
            .map(|setting| {
                let subsection = setting.subsection.map(|name| format!(".{name}")).unwrap_or_default();
                let value = setting.value.map(|value| format!("\n{value}")).unwrap_or_default();
                format!("{}{subsection}.{}{value}\0", setting.section, setting.key)
            })
            .collect();
        let theirs = git_with_input(&["config", "--file", "-", "--null", "--list"], SAMPLE.as_bytes());
        assert_eq!(ours, String::from_utf8_lossy(&theirs));
    }

    #[test]
    fn malformed_lines_are_refused() {
        for bad in
            ["key = value", "[a", "[]", "[a \"b]", "[a]\n1x = 2", "[a]\nb c", "[a]\nb = \"c", "[a]\nb = \\x", "[a b]"]
        {
            assert!(read_config(bad.as_bytes(), &Limits::default()).is_err(), "{bad}");
        }
        assert_eq!(read_config(b"[a]\n\n[b]\nx y", &Limits::default()), Err(ConfigFault::Line(4)));
        let limits = Limits { git_config_bytes: 2, ..Limits::default() };
        assert_eq!(read_config(b"[a]", &limits), Err(ConfigFault::TooLarge(limits.git_config_bytes())));
    }
}
