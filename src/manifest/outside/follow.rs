//! Follows a command to the programs that it runs, through wrappers, shells and `-exec`, using the tables.

use std::collections::HashMap;

use super::doors::{self, Git};
use super::programs::{Rule, Special, Wrapper, lists, rule_of};
use super::sed;
use super::shell::{self, Command, Document, Script, Word};
use super::socket;
use super::subcommand::{self, LOOKED_AT, Lists, Reading};
use super::windows;
use super::wrapper::{Taken, is_standard, name_of, option, shown, starts_a_shell};

/// Maximum depth of nested commands that are followed: `sh -c "sh -c …"`, `sudo env …`.
const DEPTH: usize = 12;
/// The maximum number of bytes of nested text that may be reread for each byte of the step.
const READ_AGAIN: usize = 4;

/// Programs that one RUN step runs.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// Programs that use the network.
    pub(super) fetching: Vec<String>,
    /// Programs that run a script.
    pub(super) scripts: Vec<String>,
    /// Programs that are not in any table, or whose sub-command is not in any list.
    pub(super) unknown: Vec<String>,
    /// The reason why part of the step cannot be followed.
    pub(super) unclear: Option<&'static str>,
    /// See [`Script::opens`] and [`Script::reads`]: one script may read from a socket that another script opens.
    opens: bool,
    reads: bool,
    /// The number of bytes that may still be read.
    left: usize,
}

/// Programs that a command line in shell form runs. `shell` is the shell with its options.
pub(super) fn in_shell(shell: &[String], text: &str) -> Programs {
    let mut programs = Programs::with_room_for(text);
    let words: Vec<Word> = shell.iter().map(String::as_str).chain([text]).map(Word::literal).collect();
    programs.command(&words, None, false, 0);
    programs
}

/// Reads a line that begins with PowerShell or cmd.exe. These shells separate commands differently from sh. Double quotes belong to the builder's
/// shell and are ignored.
pub(super) fn on_windows(text: &str) -> Option<Programs> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let name = name_of(first);
    if !matches!(rule_of(name), Some(Rule::Windows)) {
        return None;
    }
    let mut programs = Programs::with_room_for(text);
    windows::read(name, &rest.replace('"', " "), &mut programs);
    Some(programs)
}

/// Programs that a command in exec form runs.
pub(super) fn of_words(words: &[String]) -> Programs {
    let mut programs = Programs::with_room_for(&words.concat());
    let words: Vec<Word> = words.iter().map(Word::literal).collect();
    programs.command(&words, None, false, 0);
    programs
}

impl Programs {
    fn with_room_for(text: &str) -> Self {
        Self { left: text.len().saturating_mul(READ_AGAIN).saturating_add(1_000), ..Self::default() }
    }

    fn note(&mut self, why: &'static str) {
        self.unclear.get_or_insert(why);
    }

    fn may_read(&mut self, text: &str) -> bool {
        let left = self.left.checked_sub(text.len());
        self.left = left.unwrap_or(0);
        if left.is_none() {
            self.note("nested scripts are too long in total");
        }
        left.is_some()
    }

    /// Follows a shell script.
    fn script(&mut self, text: &str, bash: bool, depth: usize) {
        if depth > DEPTH {
            return self.note("scripts are nested too deeply");
        }
        if self.may_read(text) {
            let script = shell::split(text, bash);
            self.commands(&script, depth + 1);
        }
    }

    fn commands(&mut self, script: &Script, depth: usize) {
        let unset = |command: &Command| matches!(command.words.as_slice(), [name, option, ..] if name.text == "unset" && option.text.starts_with('-'));
        let none = HashMap::new();
        let functions = if script.commands.iter().any(unset) { &none } else { &script.functions };
        for (at, command) in script.commands.iter().enumerate() {
            let input = command.input.and_then(|document| script.documents.get(document));
            // Before the definition, the name is that of a program.
            let first = command.words.first().and_then(|word| functions.get(&word.text));
            self.command(&command.words, input, first.is_some_and(|defined| *defined <= at), depth);
        }
        for (name, before) in &script.variables {
            self.variable(name, *before);
        }
        if script.sockets {
            self.fetching.push("/dev/tcp".into());
        }
        self.opens |= script.opens;
        self.reads |= script.reads;
        if self.opens && self.reads {
            self.note(socket::DEVICE);
        }
        if let Some(why) = script.unclear {
            self.note(why);
        }
    }

    fn command(&mut self, words: &[Word], input: Option<&Document>, is_function: bool, depth: usize) {
        let Some((program, arguments)) = words.split_first() else { return };
        if depth > DEPTH {
            return self.note("commands are nested too deeply");
        }
        let name = name_of(&program.text);
        let rule = if program.expands && name.contains(['$', '`', '*', '?', '[', '{']) { None } else { rule_of(name) };
        let Some(rule) = rule else {
            if !is_function {
                self.unknown.push(program.text.clone());
            }
            return;
        };
        let asks_for_version =
            matches!(arguments, [only] if lists("--version -version -V --help -h -help", &only.text));
        let before = self.listed();
        self.arguments(name, rule, arguments);
        match rule {
            Rule::Never | Rule::Text => {}
            Rule::Shell => self.shell(program, arguments, input, depth),
            Rule::Wraps(wrapper) => self.wrapped(wrapper, program, arguments, input, depth),
            Rule::Special(special) => self.special(special, program, arguments, depth),
            Rule::Windows => self.windows(name, arguments),
            _ if asks_for_version => {}
            Rule::Always => self.fetching.push(name.to_owned()),
            Rule::Script => self.scripts.push(shown(program, name)),
            Rule::By { fetches, scripts, local } => self.by_word(name, Lists { fetches, scripts, local }, arguments),
            Rule::Options(options) => self.by_argument(program, arguments, |word| doors::has(options, &word.text)),
            Rule::Scripts(marks) => self.marked(program, name, arguments, marks),
            Rule::Address => self.by_argument(program, arguments, |word| word.text.contains("://")),
            Rule::Host => self.by_argument(program, arguments, |word| word.text.contains(':')),
        }
        // A file that has a known program's name but is not in a standard folder is treated as an unknown program. Windows paths are not checked.
        let follows = matches!(rule, Rule::Shell | Rule::Wraps(_) | Rule::Special(_));
        if !is_standard(&program.text, name) && !program.text.contains('\\') && (follows || before == self.listed()) {
            self.unknown.push(program.text.clone());
        }
    }

    /// Number of programs listed so far.
    fn listed(&self) -> usize {
        self.fetching.len() + self.scripts.len() + self.unknown.len()
    }

    /// Lists arguments that run a program or use the network, in addition to what the program's rule lists.
    fn arguments(&mut self, name: &str, rule: Rule, arguments: &[Word]) {
        if let Some(word) = doors::opened(name, arguments) {
            self.unknown.push(format!("{name} {word}"));
        }
        if matches!(rule, Rule::Never)
            && let Some(word) =
                arguments.iter().find(|word| doors::is_address(&word.text) || doors::may_be_address(word))
        {
            self.unknown.push(format!("{name} {}", word.text));
        }
        if name == "git" {
            match doors::git(arguments) {
                Git::Fetches(what) => self.fetching.push(what),
                Git::Unknown(what) => self.unknown.push(what),
                Git::Nothing => {}
            }
        }
        if lists("export declare typeset local readonly", name) {
            for word in arguments.iter().filter(|word| word.assigns) {
                self.variable(&shell::assigned(word), false);
            }
        }
    }

    fn variable(&mut self, name: &str, before: bool) {
        if doors::changes_what_runs(name, before) {
            self.unknown.push(format!("programs run with the variable {name}"));
        }
    }

    /// Lists a program, given its name and arguments as literal words. Programs that this program runs in turn are not followed.
    pub(super) fn words<'t>(&mut self, words: impl Iterator<Item = &'t str>) {
        let words: Vec<Word> = words.map(Word::literal).collect();
        self.command(&words, None, false, DEPTH);
    }

    fn by_argument(&mut self, program: &Word, arguments: &[Word], fetches: impl Fn(&Word) -> bool) {
        if arguments.iter().any(fetches) {
            self.fetching.push(name_of(&program.text).to_owned());
        } else if let Some(word) = arguments.iter().find(|word| doors::may_be_address(word)) {
            self.unknown.push(format!("{} {}", program.text, word.text));
        }
    }

    /// Programs that run code from an argument. A pattern in `marks` that begins with `-` matches the start of an argument; any other pattern
    /// matches anywhere in an argument. `A…B` means `A` with `B` anywhere after it.
    fn marked(&mut self, program: &Word, name: &str, arguments: &[Word], marks: &str) {
        let has = |word: &Word| {
            marks.split(' ').any(|mark| match mark.split_once('…') {
                Some((one, next)) => word.text.split_once(one).is_some_and(|(_, after)| after.contains(next)),
                None if mark.starts_with('-') => word.text.starts_with(mark),
                None => word.text.contains(mark),
            })
        };
        let values = |at: usize| {
            at.checked_sub(1).and_then(|at| arguments.get(at)).is_some_and(|word| lists("-F -v", &word.text))
        };
        let text = arguments.iter().enumerate().find(|(at, word)| !word.text.starts_with('-') && !values(*at));
        let variable = text.is_some_and(|(_, word)| word.expands && word.text.contains(['$', '`']));
        if variable || arguments.iter().any(has) {
            self.scripts.push(shown(program, name));
        }
    }

    fn by_word(&mut self, name: &str, known: Lists<'_>, arguments: &[Word]) {
        match subcommand::read(name, known, arguments) {
            Reading::Nothing => {}
            Reading::Fetches(said) => self.fetching.push(said),
            Reading::Script(said) => self.scripts.push(said),
            Reading::Unknown(said) => self.unknown.push(said),
        }
    }

    fn wrapped(
        &mut self,
        wrapper: Wrapper,
        program: &Word,
        arguments: &[Word],
        input: Option<&Document>,
        depth: usize,
    ) {
        let name = name_of(&program.text);
        let mut rest = arguments;
        while let Some((word, after)) = rest.split_first() {
            if arguments.len() - rest.len() > LOOKED_AT {
                return self.unknown.push(name.to_owned());
            }
            if !word.text.starts_with('-') || word.text == "-" && !lists(wrapper.flags, "-") {
                let assigns = word.assigns && matches!(name, "env" | "sudo");
                if !assigns {
                    break;
                }
                self.variable(&shell::assigned(word), true);
                rest = after;
                continue;
            }
            if name == "command" && lists("-v -V", &word.text) {
                return;
            }
            rest = match option(&wrapper, &word.text) {
                Taken::Flag => after,
                Taken::Value => after.split_first().map_or(&[], |(_, after)| after),
                Taken::End => {
                    rest = after;
                    break;
                }
                Taken::Unknown if lists("--version --help", &word.text) => return,
                Taken::Unknown => return self.unknown.push(format!("{name} {}", word.text)),
            };
        }
        let rest = rest.get(wrapper.skip..).unwrap_or_default();
        if rest.is_empty() && starts_a_shell(name, arguments) {
            return self.shell(program, &[], input, depth);
        }
        if rest.first().is_some_and(|word| word.splits && wrapper.skip > 0) {
            return self.unknown.push(format!("{name} {}", rest.first().map_or("", |word| &word.text)));
        }
        let before = self.fetching.len();
        // A wrapper cannot run a shell function.
        self.command(rest, input, false, depth + 1);
        if name == "xargs"
            && before == self.fetching.len()
            && rest.first().is_some_and(|word| matches!(rule_of(name_of(&word.text)), Some(Rule::By { .. })))
        {
            // The sub-command may come from xargs' input.
            self.unknown.push(format!("xargs {}", rest.first().map_or("", |word| &word.text)));
        }
    }

    fn shell(&mut self, program: &Word, arguments: &[Word], input: Option<&Document>, depth: usize) {
        let name = name_of(&program.text);
        let bash = lists("bash ksh ksh93 mksh zsh", name);
        let mut rest = arguments;
        let mut reads_text = false;
        while let Some((word, after)) = rest.split_first() {
            let text = word.text.as_str();
            if lists("--version --help", text) {
                return;
            }
            if !text.starts_with(['-', '+']) || word.expands || text == "-" || text == "--" {
                break;
            }
            rest = after;
            if text.starts_with("--") {
                if !lists("--login --norc --noprofile --posix --verbose --noediting --restricted --debugger", text) {
                    return self.note("an unrecognised shell option");
                }
                continue;
            }
            reads_text |= text.starts_with('-') && text.contains('c');
            if text.ends_with(['o', 'O']) {
                rest = rest.split_first().map_or(&[], |(_, after)| after);
            }
        }
        match (rest.first(), input) {
            (Some(script), _) if reads_text => {
                if script.expands {
                    self.note("a variable in a shell script");
                }
                self.script(&script.text, bash, depth);
            }
            (None, Some(document)) if !reads_text => {
                if document.expands && document.text.contains('$') {
                    self.note("a variable in a shell script");
                }
                self.script(&document.text, bash, depth);
            }
            (Some(script), _) => self.scripts.push(format!("{name} {}", script.text)),
            (None, _) => self.scripts.push(name.to_owned()),
        }
    }

    fn special(&mut self, special: Special, program: &Word, arguments: &[Word], depth: usize) {
        let name = name_of(&program.text);
        match special {
            Special::Find => self.find(name, arguments, depth),
            Special::Sed => {
                if !sed::only_edits(arguments) {
                    self.scripts.push(name.to_owned());
                }
            }
            Special::Archive => self.archive(name, arguments),
            Special::Mount => match doors::mounts_from_network(arguments) {
                Some(true) => self.fetching.push(name.to_owned()),
                Some(false) => {}
                None => self.unknown.push(name.to_owned()),
            },
            Special::Python => self.python(program, arguments, depth),
            Special::Eval => {
                let text: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
                if arguments.iter().any(|word| word.expands) {
                    return self.scripts.push(format!("eval {}", text.join(" ")));
                }
                self.script(&text.join(" "), false, depth);
            }
            Special::Alias => {
                for word in arguments {
                    let text = word.text.split_once('=').map_or("", |(_, text)| text);
                    self.script(text, false, depth);
                }
            }
            Special::Trap => {
                let text = arguments.iter().find(|word| !lists("-- -l -p -", &word.text));
                if let Some(text) = text {
                    self.script(&text.text, false, depth);
                }
            }
            Special::Su => {
                let at = arguments.iter().position(|word| lists("-c -lc --command", &word.text));
                match at.and_then(|at| arguments.get(at + 1)) {
                    Some(text) => {
                        if text.expands {
                            self.note("a variable in a shell script");
                        }
                        self.script(&text.text, false, depth);
                    }
                    None if name == "runuser" && arguments.iter().any(|word| word.text == "--") => {
                        let at = arguments.iter().position(|word| word.text == "--").unwrap_or(0);
                        self.command(arguments.get(at + 1..).unwrap_or_default(), None, false, depth + 1);
                    }
                    None => self.scripts.push(name.to_owned()),
                }
            }
        }
    }

    fn archive(&mut self, name: &str, arguments: &[Word]) {
        if arguments.iter().any(|word| word.text == "--force-local") {
            return;
        }
        for word in doors::archives(name, arguments) {
            if doors::is_remote(word) {
                self.fetching.push(name.to_owned());
            } else if doors::may_be_address(word) {
                self.unknown.push(format!("{name} {}", word.text));
            }
        }
    }

    fn find(&mut self, name: &str, arguments: &[Word], depth: usize) {
        let runs = |word: &Word| lists("-exec -execdir -ok -okdir -x -X --exec --exec-batch", &word.text);
        let mut rest = arguments;
        while let Some(at) = rest.iter().position(runs) {
            rest = rest.get(at + 1..).unwrap_or_default();
            let end = rest.iter().position(|word| matches!(word.text.as_str(), ";" | "+")).unwrap_or(rest.len());
            self.command(rest.get(..end).unwrap_or_default(), None, false, depth + 1);
            rest = rest.get(end..).unwrap_or_default();
        }
        if let Some(word) = arguments.iter().find(|word| word.splits && word.text.starts_with("$(")) {
            self.unknown.push(format!("{name} {}", word.text));
        }
    }

    /// The module in `-m MODULE` is looked up as if it were a program.
    fn python(&mut self, program: &Word, arguments: &[Word], depth: usize) {
        let mut rest = arguments;
        while let Some((word, after)) = rest.split_first() {
            let text = word.text.as_str();
            if lists("--version -V --help -h", text) {
                return;
            }
            if text == "-m" {
                if after.first().is_some_and(|module| module.text == "pip" || !lists("pip", &module.text)) {
                    return self.command(after, None, false, depth + 1);
                }
                break;
            }
            let flag = text.len() > 1
                && text.strip_prefix('-').is_some_and(|flags| flags.chars().all(|flag| "bBdEiIOqsSuvx".contains(flag)));
            if !flag {
                break;
            }
            rest = after;
        }
        self.scripts.push(name_of(&program.text).to_owned());
    }

    fn windows(&mut self, name: &str, arguments: &[Word]) {
        let text: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        let text = text.join(" ");
        if self.may_read(&text) {
            windows::read(name, &text, self);
        }
    }
}
