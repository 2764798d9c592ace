//! The remotes of a clone, and the rules for when two spellings refer to the same repository.

use std::collections::HashSet;
use std::fmt;

use super::config::{Setting, Settings};
use super::directory::GitDirectory;
use crate::base::budget::{Budget, Work};

/// A repository's identity: its host and path, regardless of the protocol. `git@github.com:acme/wallet.git`,
/// `ssh://git@github.com/acme/wallet` and `https://user:token@github.com/acme/wallet.git/` identify the same
/// repository.
///
/// The host is case-insensitive. The path is case-sensitive, although some hosts ignore its case. The identity is the clone's configured address; it
/// does not show which server responded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    host: String,
    path: String,
}

impl RepositoryName {
    /// Parses a URL (`https`, `http`, `ssh`, `git`) or the short form `[user@]host:path` (git-clone(1), "GIT URLS").
    /// `None` for local paths, other protocols, URLs without a path, and unusual spellings. User, password and default
    /// ports are dropped.
    ///
    /// A query or fragment is refused: `https://evil.example#@github.com/x` goes to the host before the `#` (RFC 3986,
    /// section 3.2).
    pub fn parse(url: &str) -> Option<Self> {
        if url.contains(['?', '#', '\\']) || url.contains(char::is_control) {
            return None;
        }
        let (authority, path) = match url.split_once("://") {
            Some((protocol, rest)) => {
                let usual = match protocol.to_ascii_lowercase().as_str() {
                    "https" => ":443",
                    "http" => ":80",
                    "ssh" | "git+ssh" | "ssh+git" => ":22",
                    "git" => ":9418",
                    _ => return None,
                };
                let (authority, path) = rest.split_once('/')?;
                (authority.strip_suffix(usual).unwrap_or(authority), path)
            }
            None => {
                // As in git, this form has a colon before the first slash. A single letter before the colon would be a
                // Windows drive.
                let (authority, path) = url
                    .split_once(':')
                    .filter(|(host, path)| !host.contains('/') && host.len() > 1 && !path.starts_with(':'))?;
                (authority, path)
            }
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        // An `@` in the path probably belongs to a password that contains a slash, not to a name.
        let parts_are_plain = path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('@'));
        let host_letter =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '[' | ']');
        let plain = !host.is_empty() && parts_are_plain && host.chars().all(host_letter);
        plain.then(|| Self { host, path: path.to_owned() })
    }
}

impl RepositoryName {
    /// Parses a name as written in a policy: everything that [`Self::parse`] accepts, and `host/path`.
    pub fn from_policy(text: &str) -> Option<Self> {
        let plain = || text.split_once('/').filter(|(host, _)| host.contains('.'));
        Self::parse(text).or_else(|| plain().and_then(|_| Self::parse(&format!("https://{text}"))))
    }

    /// The host without a port.
    pub fn host_name(&self) -> &str {
        self.host.split(':').next().unwrap_or(&self.host)
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// One `[remote "…"]` of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The remote's name, usually `origin`.
    pub name: String,
    /// The remote's URL without user, password, token or query, after applying the config's `insteadOf` rules.
    pub url: String,
    /// The repository that the URL identifies; `None` for a local path or an unrecognised spelling.
    pub repository: Option<RepositoryName>,
}

impl fmt::Display for Remote {
    /// The name, and the repository or else the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repository {
            Some(repository) => write!(f, "{}: {repository}", self.name),
            None => write!(f, "{}: {}", self.name, self.url),
        }
    }
}

/// The remotes of one repository, as its config states them: `config` and, if `extensions.worktreeConfig` is on, `config.worktree`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remotes {
    /// One for each `url`.
    pub listed: Vec<Remote>,
    /// Files that the config includes. These files are not read, and they could define further remotes.
    pub included: Vec<String>,
    /// Other reasons why git may fetch from an address that is not listed, one clause each.
    pub elsewhere: Vec<String>,
}

impl Remotes {
    /// Reads the config. The lists are incomplete if the budget is exceeded.
    pub(super) fn read(directory: &GitDirectory<'_>, settings: &Settings, budget: &Budget) -> Self {
        Self {
            listed: remotes(&settings.all, budget),
            included: included(&settings.all),
            elsewhere: elsewhere(directory, settings),
        }
    }

    /// Why git may fetch from an address that is not listed, includes among the reasons: one clause each.
    pub fn reservations(&self) -> impl Iterator<Item = String> {
        let include =
            |file: &String| format!("the config includes {file}, which was not read and could define other remotes");
        self.included.iter().map(include).chain(self.elsewhere.iter().cloned())
    }
}

/// The cost of matching one URL against one rewrite rule, in bytes.
const RULE_UNITS: u64 = 8;
/// The memory for a remote, excluding its text.
const REMOTE_HELD_BYTES: u64 = 200;

/// The remotes of a config, one for each `url`, after applying the config's `insteadOf` rules. `pushurl` is ignored.
/// The list is empty if the budget is exceeded.
fn remotes(settings: &[Setting], budget: &Budget) -> Vec<Remote> {
    let is_rule = |setting: &&Setting| &*setting.section == "url" && setting.key == "insteadof";
    let rules = || settings.iter().filter(is_rule);
    let longest = rules().filter_map(|rule| Some(rule.subsection.as_ref()?.len())).max().unwrap_or(0);
    let urls = || settings.iter().filter(|setting| &*setting.section == "remote" && setting.key == "url");
    let pairs = (urls().count() as u64).saturating_mul(rules().count() as u64);
    let text = |url: &Setting| {
        let (name, value) =
            (url.subsection.as_ref().map_or(0, |name| name.len()), url.value.as_ref().map_or(0, String::len));
        (name + 3 * (value + longest)) as u64 + REMOTE_HELD_BYTES
    };
    let held = urls().map(text).fold(0, u64::saturating_add);
    let spent = budget.spend(Work::Bytes(pairs.saturating_mul(RULE_UNITS).saturating_add(held)), "the remotes");
    if spent.and_then(|()| budget.hold(held, "the remotes")).is_err() {
        return Vec::new();
    }
    urls()
        .map(|setting| {
            let url = rewritten(setting.value.as_deref().unwrap_or_default(), settings);
            let repository = RepositoryName::parse(&url);
            Remote {
                name: setting.subsection.as_deref().unwrap_or_default().to_owned(),
                url: without_credentials(&url),
                repository,
            }
        })
        .collect()
}

fn included(settings: &[Setting]) -> Vec<String> {
    let paths = settings.iter().filter(|setting| matches!(&*setting.section, "include" | "includeif"));
    paths.map(|setting| setting.value.clone().unwrap_or_default()).collect()
}

/// The maximum number of clauses of [`elsewhere`], without the last one, which counts the rest.
const ELSEWHERE_NAMED: usize = 20;

/// Why git may fetch from an address that is not among [`remotes`], apart from includes: one clause for each reason.
fn elsewhere(directory: &GitDirectory<'_>, settings: &Settings) -> Vec<String> {
    let is_url = |setting: &&Setting| &*setting.section == "remote" && setting.key == "url";
    let names = settings.all.iter().filter(is_url).filter_map(|url| url.subsection.as_deref());
    let names: HashSet<&str> = names.collect();
    // git ignores a remote whose name is empty or begins with a slash, and reads the name as a path.
    let is_remote = |name: &str| !name.is_empty() && !name.starts_with('/') && names.contains(name);
    let odd = |setting: &Setting| {
        let value = setting.value.as_deref().unwrap_or_default();
        match (&*setting.section, setting.key.as_str()) {
            ("fetch", "bundleuri") | ("bundle" | "remotes", _) => {
                return Some(format!("{}.{} can name an address", setting.section, setting.key));
            }
            ("extensions", "partialclone") if !is_remote(value) => {
                return Some(format!(
                    "extensions.partialClone is {:?}, which is not the name of a remote with a url",
                    without_credentials(value)
                ));
            }
            _ => {}
        }
        let name = setting.subsection.as_deref()?;
        match (&*setting.section, setting.key.as_str()) {
            // A dot is this repository itself: a branch that follows a local one.
            ("branch", "remote") if value != "." && !is_remote(value) => Some(format!(
                "branch.{name}.remote is {:?}, which is not the name of a remote with a url",
                without_credentials(value)
            )),
            ("remote", "vcs") => Some(format!("remote.{name}.vcs runs a program to fetch")),
            // git takes the name of such a remote as an address.
            ("remote", _) if !names.contains(name) => {
                Some(format!("remote.{name}.{} is set for a remote without a url", setting.key))
            }
            _ => None,
        }
    };
    // git before version 3 also reads remotes from these files (gitrepository-layout(5)).
    let files = ["remotes/", "branches/"].into_iter().flat_map(|folder| {
        let files = directory.files_below(folder);
        files.map(move |(name, _)| format!(".git/{folder}{} can define a remote", String::from_utf8_lossy(name)))
    });
    let settings = settings.faults.iter().cloned().chain(settings.all.iter().filter_map(odd));
    let mut reasons = settings.chain(files);
    let mut named: Vec<String> = reasons.by_ref().take(ELSEWHERE_NAMED).collect();
    let more = reasons.count();
    named.extend((more > 0).then(|| format!("further reasons, not named here: {more}")));
    named
}

/// The URL that git really uses: the longest matching `url.BASE.insteadOf` is replaced by BASE (git-config(1)).
fn rewritten(url: &str, settings: &[Setting]) -> String {
    let rules = settings.iter().filter(|setting| &*setting.section == "url" && setting.key == "insteadof");
    let fitting =
        rules.filter_map(|rule| Some((rule.subsection.as_deref()?, url.strip_prefix(rule.value.as_deref()?)?)));
    let mut best: Option<(&str, &str)> = None;
    let mut several = false;
    for (base, rest) in fitting {
        let (longer, equal) =
            best.map_or((true, false), |(_, found)| (rest.len() < found.len(), rest.len() == found.len()));
        several = !longer && (several || (equal && best.is_some_and(|(known, _)| known != base)));
        best = if longer { Some((base, rest)) } else { best };
    }
    match best {
        // Several bases have the longest match. git-config(1) does not state which of them wins, so no URL is returned instead of a possibly wrong one.
        Some(_) if several => String::new(),
        Some((base, rest)) => format!("{base}{rest}"),
        None => url.to_owned(),
    }
}

/// The URL without user and password, and without query and fragment.
fn without_credentials(url: &str) -> String {
    let before = url.split(['?', '#']).next().unwrap_or_default();
    // If the first `@` follows a `?` or a `#`, the password probably contains that character. Even the first half of the password must not be shown.
    let url = if url.contains('@') && !before.contains('@') { "" } else { before };
    let (protocol, rest) = match url.split_once("://") {
        Some((protocol, rest)) => (format!("{protocol}://"), rest),
        None => (String::new(), url),
    };
    // The `git@` of the short form is not secret, but it is not needed either.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    format!("{protocol}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_repository_are_equal() {
        let one = RepositoryName::parse("https://github.com/acme/wallet").unwrap();
        assert_eq!(one.to_string(), "github.com/acme/wallet");
        for other in [
            "git@github.com:acme/wallet.git",
            "github.com:acme/wallet",
            "github.com:/acme/wallet.git/",
            "ssh://git@github.com/acme/wallet.git",
            "ssh://git@GitHub.com:22/acme/wallet",
            "https://ada:s3cret@github.com:443/acme/wallet.git/",
            "https://x-access-token:ghs_abc@github.com/acme/wallet",
            "git://github.com/acme/wallet.git",
            "HTTP://github.com/acme/wallet",
        ] {
            assert_eq!(RepositoryName::parse(other).as_ref(), Some(&one), "{other}");
        }
        for other in [
            "https://github.com/acme/Wallet",
            "https://github.com/acme/wallet/x",
            "https://github.com:8443/acme/wallet",
            "https://github.com.evil.example/acme/wallet",
            "https://github.com@evil.example/acme/wallet",
            "https://evil.example/github.com/acme/wallet",
            "https://github.com/acme/wallet.git.git",
        ] {
            assert_ne!(RepositoryName::parse(other).as_ref(), Some(&one), "{other}");
        }
        for none in [
            "/srv/git/wallet",
            "../wallet",
            "file:///srv/wallet",
            "c:/x",
            "https://github.com",
            "",
            "a/b:c",
            "https://github.com/../x",
            "https://a:b/c@github.com/x",
            "ext::sh -c x",
            // curl ends the host before any of these characters.
            "https://evil.example#@github.com/acme/wallet",
            "https://evil.example?@github.com/acme/wallet",
            "https://evil.example\\@github.com/acme/wallet",
            "https://github.com/acme/wallet?repository=evil",
            "git@github.com:acme/wallet#evil",
            "https://github.com/acme/wallet\n",
        ] {
            assert_eq!(RepositoryName::parse(none), None, "{none}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn urls_are_rewritten_as_in_git() {
        use crate::git::test_repository::TestRepository;
        let config = "[remote \"origin\"]\n\turl = git@github.com:acme/wallet.git\n[url \"https://short.example/\"]\n\tinsteadOf = git@\n\
            [url \"https://evil.example/\"]\n\tinsteadOf = git@github.com:\n\
            [url \"https://other.example/\"]\n\tinsteadOf = git@gitlab.com:\n";
        let repository = TestRepository::new();
        repository.write(".git/config", config);
        let settings =
            super::super::config::read_config(config.as_bytes(), &crate::base::limits::Limits::default()).unwrap();
        let budget = Budget::of_unknown_input(&crate::base::limits::Limits::default());
        let ours = remotes(&settings, &budget);
        assert_eq!(ours[0].url, repository.git(&["remote", "get-url", "origin"]).trim());
        assert_eq!(ours[0].url, "https://evil.example/acme/wallet.git");
        let twice = config.replace("other", "second").replace("gitlab", "github");
        let settings =
            super::super::config::read_config(twice.as_bytes(), &crate::base::limits::Limits::default()).unwrap();
        assert_eq!(remotes(&settings, &budget)[0].repository, None);
    }

    #[test]
    fn credentials_are_not_kept() {
        for (url, shown) in [
            ("https://ada:s3cret@github.com/acme/wallet.git", "https://github.com/acme/wallet.git"),
            ("https://ghp_token@github.com/acme/wallet", "https://github.com/acme/wallet"),
            ("https://ada:s3/cret@github.com/acme/wallet", "https://github.com/acme/wallet"),
            ("https://a:b@c@github.com/acme/wallet?token=x", "https://github.com/acme/wallet"),
            ("https://a:b#c@github.com/acme/wallet", ""),
            ("git@github.com:acme/wallet.git", "github.com:acme/wallet.git"),
            ("/srv/git/wallet", "/srv/git/wallet"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
