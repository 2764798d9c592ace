//! Options and arguments that make a program run another program or use the network, in addition to what the program's rule in the tables states. The
//! programs that such arguments start are unknown.
//!
//! Sources, as of 2026-11-28: the manual pages listed in `table.rs` and `table_local.rs`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::shell::Word;

/// Programs, each with patterns for these arguments: `--long` also matches its abbreviations (`--req…rest` matches abbreviations from `--req`
/// onward); `-x` matches alone or among other letters; `^TEXT` matches at the start of a word, `*TEXT` anywhere in a word, and `=TEXT` matches
/// the complete word.
const DOORS: &[(&str, &str)] = &[
    ("sort", "--compress-program"),
    ("split", "--filter"),
    ("install ginstall", "--strip-…program"),
    (
        "tar bsdtar",
        "--checkpoint-…action --to-c…ommand --use-compress-program --rsh-command --rmt-command --info-script --new-volume-script -I -F",
    ),
    ("cpio", "--rsh-command --rmt-command"),
    ("zip", "^-TT --unzip-command"),
    ("awk gawk mawk nawk original-awk", "--file --include --load --exec ^-E *@load *@include"),
    (
        "rpm",
        "--eval --define --pipe --macros --load --rcfile -E -D *% -i -U -F --install --upgrade --freshen --reinstall",
    ),
    ("dpkg", "-i --install --unpack --configure --triggers-only --pre-invoke --post-invoke --status-logger"),
    ("apt-get apt aptitude apt-cache apt-config apt-mark", "*nvoke *::Bin *Methods *::Run"),
    ("protoc grpc_tools.protoc", "^--plugin ^@"),
    (
        "gcc g++ cc c++ cpp clang clang++ gfortran",
        "^-wrapper ^-B ^-fplugin ^-specs ^--specs ^@ ^-load ^-Wl,-plugin ^-Wl,--plugin ^--ld-path ^-fuse-ld=/ ^-fuse-ld=.",
    ),
    ("ld ld.gold ld.lld lld mold gold", "^-plugin ^--plugin ^@"),
    ("rustc", "^-Clinker ^linker= ^--linker ^@"),
    ("rustdoc", "^-Clinker ^linker= ^--linker ^@ =--test ^--test-"),
    ("javac", "^-processor ^--processor ^@ ^-J ^-cp ^-classpath ^--class-path"),
    ("ocamlopt ocamlc", "^-pp"),
    ("mcs csc", "^@ *analyzer"),
    ("ar nm ranlib strip", "--plugin"),
    ("bison", "-S --skeleton"),
    ("capnp", "^-o ^--output"),
    ("makeinfo texi2any", "--init-file --conf-dir"),
    ("nvcc", "^-ccbin ^--compiler-bindir ^-run ^--run ^-optf ^--options-file"),
    ("apxs apxs2", "^-Wc ^-Wl =-S"),
    ("hash", "-p"),
    ("mapfile readarray", "-C *[$( *[`"),
    ("enable", "-f"),
    ("complete compgen", "-C -F"),
    ("jobs", "-x"),
    ("emulate", "-c"),
    // bash evaluates an index, including its substitutions, even if the word is quoted.
    ("let read unset test [ [[ wait getopts declare typeset local readonly", "*[$( *[`"),
    ("printf", "=-v"),
    ("rg", "--pre --hostname-bin"),
    ("ag", "--pager"),
    ("cloc", "--extract-with"),
    ("mksquashfs", "=-p ^-pf ^-pd ^-pseudo"),
    ("xorriso", "*external_filter *launch_frontend *options_from_file =-dialog"),
    ("markdownlint", "--rules =-r"),
    ("javadoc", "^-doclet ^-taglet ^-J ^@"),
    // Patterns for options that reach the network.
    ("gem", "-r -b --remote --both"),
    ("dnf dnf5 yum", "--add-…repo --dup…licates"),
    ("composer composer.phar", "--editor"),
    ("pylint", "--init-hook --load-plugins"),
    ("asciidoctor", "--require -r *allow-uri-read"),
    ("gpg gpg2 gpg1", "--photo-viewer --exec-path --agent-program --dirmngr-program --options"),
    ("gpg-connect-agent", "--dirmngr --run -r"),
    ("gpgconf", "--launch"),
    ("openssl", "*:// ^-engine ^-provider ^-config ^-crl_download ^--crl_download"),
    ("certutil certutil.exe keytool", "*:// ^-J"),
    ("rsync", "-e --rsh --rsync-path --daemon"),
    ("ip", "-b -B ^-batch"),
    ("busybox", "--install"),
    ("sysctl", "*core_pattern *modprobe"),
    ("man", "-P -H --pager --html"),
    ("mypy", "--install-types"),
    ("venv", "--upgrade-deps"),
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    DOORS.iter().flat_map(|(names, marks)| names.split(' ').map(move |name| (name, *marks))).collect()
});

/// Variables that make a program run another program, or replace the program that runs.
const VARIABLES: &str = "BASH_ENV ENV LD_PRELOAD LD_AUDIT PYTHONSTARTUP PERL5OPT PERL5DB RUBYOPT NODE_OPTIONS PROMPT_COMMAND PS4 LESSOPEN LESSCLOSE PAGER MANPAGER EDITOR VISUAL TAR_OPTIONS TAPE RSH RSYNC_RSH CVS_RSH ZIPOPT GCC_EXEC_PREFIX COMPILER_PATH JAVA_TOOL_OPTIONS";

/// The first argument that matches one of the program's patterns.
pub(super) fn opened<'w>(name: &str, arguments: &'w [Word]) -> Option<&'w str> {
    let version = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-');
    let tool = || name.rsplit_once('-').filter(|(machine, _)| machine.contains("-linux-")).map(|(_, tool)| tool);
    let marks = BY_NAME
        .get(name)
        .or_else(|| BY_NAME.get(name.trim_end_matches(version)))
        .or_else(|| BY_NAME.get(tool()?.trim_end_matches(version)))?;
    // tar's old style: the first argument is a group of option letters without `-`.
    let old = arguments
        .first()
        .map(|word| word.text.as_str())
        .filter(|text| matches!(name, "tar" | "bsdtar") && !text.starts_with('-'));
    let old = old.filter(|text| has(marks, &format!("-{text}")));
    old.or_else(|| arguments.iter().map(|word| word.text.as_str()).find(|word| has(marks, word)))
}

/// Whether the word matches one of the patterns in `marks`.
pub(super) fn has(marks: &str, word: &str) -> bool {
    marks.split(' ').any(|mark| {
        if let Some(start) = mark.strip_prefix('^') {
            word.starts_with(start)
        } else if let Some(part) = mark.strip_prefix('*') {
            word.contains(part)
        } else if let Some(whole) = mark.strip_prefix('=') {
            word == whole
        } else if mark.starts_with("--") {
            is_long(mark, word)
        } else {
            mark.strip_prefix('-')
                .and_then(|letter| letter.chars().next())
                .is_some_and(|letter| has_letter(word, letter))
        }
    })
}

/// Whether the word is this long option or an abbreviation of it, with or without a value.
pub(super) fn is_long(mark: &str, word: &str) -> bool {
    let (least, rest) = mark.split_once('…').unwrap_or((mark, ""));
    let least = if rest.is_empty() { "--" } else { least };
    let name = word.split('=').next().unwrap_or_default();
    let full = mark.replace('…', "");
    name.len() > 2 && name.starts_with(least) && full.starts_with(name)
}

/// Whether the letter is among the word's option letters. The first character that is not a letter begins a value.
pub(super) fn has_letter(word: &str, letter: char) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| letters.chars().take_while(char::is_ascii_alphabetic).any(|one| one == letter))
}

/// Whether this variable can change which program runs; every git variable counts. `before` means that the variable is set for one program only; in
/// that case, the search paths for programs and libraries also count.
pub(super) fn changes_what_runs(variable: &str, before: bool) -> bool {
    let listed = VARIABLES.split(' ').any(|name| name == variable);
    listed || variable.starts_with("GIT_") || before && matches!(variable, "PATH" | "LD_LIBRARY_PATH" | "PYTHONPATH")
}

/// Substrings of git configuration keys whose value is a program, a folder of programs or an additional configuration file.
const KEYS: [&str; 14] = [
    "alias.",
    "command",
    "fsmonitor",
    "hookspath",
    "pager",
    "editor",
    "external",
    "textconv",
    "filter.",
    "helper",
    "askpass",
    "program",
    "include",
    ".cmd",
];

/// The effect of git options and arguments, in addition to the rule for the sub-command.
pub(super) enum Git {
    Fetches(String),
    Unknown(String),
    Nothing,
}

pub(super) fn git(arguments: &[Word]) -> Git {
    let mut rest = arguments;
    let sub = loop {
        let Some((word, after)) = rest.split_first() else { return Git::Nothing };
        let text = word.text.as_str();
        rest = after;
        if text.starts_with("-c") || is_long("--config-env", text) || text.starts_with("--exec-path=") {
            return Git::Unknown(format!("git {text}"));
        }
        match text {
            "-C" | "--git-dir" | "--work-tree" | "--namespace" | "--super-prefix" | "--attr-source" => {
                rest = rest.split_first().map_or(&[], |(_, after)| after);
            }
            _ if text.starts_with('-') => {}
            _ => break text,
        }
    };
    let any = |marks: &str| rest.iter().any(|word| has(marks, &word.text));
    let word = |names: &str| rest.iter().any(|word| names.split(' ').any(|name| name == word.text));
    let fetches = match sub {
        "remote" => word("update show prune set-head") || any("-f --fetch"),
        "archive" => any("--remote --exec"),
        _ => false,
    };
    let key = |word: &Word| {
        let text = word.text.to_ascii_lowercase();
        KEYS.iter().any(|key| text.contains(key))
    };
    let runs = match sub {
        "config" => rest.iter().any(key) || any("-e --edit"),
        "grep" => any("-O --open-files-in-pager"),
        "init" => any("--template"),
        _ => any("--ext-diff --textconv"),
    };
    if fetches {
        Git::Fetches(format!("git {sub}"))
    } else if runs {
        Git::Unknown(format!("git {sub}, with an argument that can run a program"))
    } else {
        Git::Nothing
    }
}

/// Values of the tar and cpio options that specify an archive.
pub(super) fn archives<'w>(name: &str, arguments: &'w [Word]) -> Vec<&'w Word> {
    let letters: &[char] = if name == "cpio" { &['F', 'I', 'O'] } else { &['f'] };
    let mut found = Vec::new();
    let mut next = 0;
    for (at, word) in arguments.iter().enumerate() {
        let text = word.text.as_str();
        if next > 0 {
            found.push(word);
            next -= 1;
        }
        if text.starts_with("--") {
            if is_long("--file", text) {
                if text.contains('=') { found.push(word) } else { next = 1 }
            }
        } else if let Some(options) = text.strip_prefix('-') {
            if let Some((_, value)) = options.split_once(letters) {
                if value.is_empty() { next = 1 } else { found.push(word) }
            }
        } else if at == 0 && name != "cpio" && text.contains('f') {
            // tar's old style: option letters without `-`, followed by their values in order.
            next = text.len().min(4);
        }
    }
    found
}

/// Whether tar and cpio read this archive name as `HOST:PATH`, on its own or after an option.
pub(super) fn is_remote(word: &Word) -> bool {
    let name =
        word.text.strip_prefix("--").and_then(|text| text.split_once('=')).map_or(word.text.as_str(), |(_, name)| name);
    name.split_once(':').is_some_and(|(host, _)| !host.is_empty() && (!host.contains('/') || name.contains("://")))
}

/// Whether the text contains `://`, or begins with a network path: `//HOST` or `\\HOST`.
pub(super) fn is_address(text: &str) -> bool {
    let behind = |start: &str| {
        text.strip_prefix(start)
            .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '$'))
    };
    text.contains("://") || behind("//") || behind("\\\\")
}

/// Whether an expansion may turn the word into an address, alone or after an option's name.
pub(super) fn may_be_address(word: &Word) -> bool {
    let text = word.text.as_str();
    let value = match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(long), _) => long.split_once('=').map_or("", |(_, value)| value),
        (None, Some(short)) => {
            short.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).trim_start_matches('=')
        }
        (None, None) => text,
    };
    word.expands && value.starts_with(['$', '`'])
}

/// Whether mount uses the network. `None` if this cannot be determined.
pub(super) fn mounts_from_network(arguments: &[Word]) -> Option<bool> {
    const LOCAL: &str = "proc sysfs tmpfs ramfs devtmpfs devpts overlay ext2 ext3 ext4 vfat exfat ntfs iso9660 udf squashfs btrfs xfs none bind cgroup cgroup2 debugfs securityfs binfmt_misc mqueue hugetlbfs auto";
    let mut types: Vec<&str> = Vec::new();
    for (at, word) in arguments.iter().enumerate() {
        let text = word.text.as_str();
        let next = || arguments.get(at.saturating_add(1)).map_or("", |word| word.text.as_str());
        match (text.strip_prefix("-t"), text.strip_prefix("--types")) {
            (Some(""), _) | (_, Some("")) => types.push(next()),
            (Some(value), _) => types.push(value),
            (_, Some(value)) => types.push(value.trim_start_matches('=')),
            _ if is_address(text) || text.contains(':') => return Some(true),
            _ if text == "--all" || has_letter(text, 'a') => return None,
            _ => {}
        }
    }
    if arguments.iter().any(may_be_address) {
        return None;
    }
    Some(types.iter().flat_map(|list| list.split(',')).any(|kind| !LOCAL.split(' ').any(|local| local == kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_options_abbreviations_and_text() {
        for (marks, word, is) in [
            ("--filter", "--filter=x", true),
            ("--filter", "--fi", true),
            ("--filter", "--", false),
            ("--filter", "--filters", false),
            ("--strip-…program", "--strip", false),
            ("--strip-…program", "--strip-p=x", true),
            ("-I", "-xIf", true),
            ("-I", "-C/opt/I", false),
            ("-I", "--I", false),
            ("^@ *://", "@x", true),
            ("^@ *://", "ax://", true),
        ] {
            assert_eq!(has(marks, word), is, "{marks} {word}");
        }
    }
}
