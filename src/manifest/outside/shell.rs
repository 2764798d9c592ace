//! A strict splitter of shell text into simple commands (POSIX "Shell Command Language", with bash's additions).
//!
//! The splitter expands nothing. It marks words that the shell would expand, and reports in [`Script::unclear`] the first construct that it cannot
//! follow. It reads the text once, apart from here-documents and backtick substitutions, and [`DEPTH`] limits nesting.

use std::collections::HashSet;

use super::lexer::{Lexer, is_blank};
use super::socket;

/// Maximum depth of nested substitutions.
pub(super) const DEPTH: usize = 20;

/// A word without its quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The text, before any expansion.
    pub(super) text: String,
    /// The shell may change the word: it contains a variable, a substitution, a pattern or braces, or begins with `~`.
    pub(super) expands: bool,
    /// The word may become several words or none: it contains an expansion outside quotes.
    pub(super) splits: bool,
    /// Part of the word is quoted or escaped.
    pub(super) quoted: bool,
    /// `NAME=…`
    pub(super) assigns: bool,
}

impl Word {
    /// A word without expansions.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn is(&self, text: &str) -> bool {
        !self.quoted && self.text == text
    }
}

/// Program and arguments, without assignments and redirections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// The here-document that the command reads, as an index into [`Script::documents`].
    pub(super) input: Option<usize>,
}

/// The text of a here-document, and whether the shell expands it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) expands: bool,
}

/// The commands of a script, with the details needed to follow them.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    pub(super) documents: Vec<Document>,
    /// Functions that are defined unconditionally. `commands` includes the commands in these functions.
    pub(super) functions: HashSet<String>,
    /// Assigned variables, and whether the assignment applies to one program only.
    pub(super) variables: Vec<(String, bool)>,
    /// A word refers to a socket: bash's /dev/tcp or /dev/udp.
    pub(super) sockets: bool,
    /// Output goes to a target specified by a variable. The target may be a socket, which can also be read.
    pub(super) opens: bool,
    /// The script reads from an open descriptor.
    pub(super) reads: bool,
    /// The reason why part of the script cannot be followed.
    pub(super) unclear: Option<&'static str>,
}

/// Splits a script. `bash` means that the script is certainly run by bash, ksh or zsh, which support `[[`.
pub(super) fn split(text: &str, bash: bool) -> Script {
    split_at(text, bash, 0)
}

pub(super) fn split_at(text: &str, bash: bool, depth: usize) -> Script {
    let mut splitter =
        Splitter { lexer: Lexer::new(text), script: Script::default(), bash, blocks: 0, pending: Vec::new() };
    splitter.list(None, depth);
    splitter.script
}

/// The commands in the substitutions of text that is expanded as if in double quotes.
fn in_quotes(text: &str, bash: bool, depth: usize) -> Script {
    let mut splitter =
        Splitter { lexer: Lexer::new(text), script: Script::default(), bash, blocks: 0, pending: Vec::new() };
    splitter.quoted_to_end(depth);
    splitter.script
}

pub(super) struct Splitter<'t> {
    pub(super) lexer: Lexer<'t>,
    pub(super) script: Script,
    bash: bool,
    /// Number of open `if`, `while`, `for`, `case` and `{`.
    blocks: usize,
    /// Here-documents that begin on the next line.
    pending: Vec<Pending>,
}

struct Pending {
    document: usize,
    name: String,
    strip_tabs: bool,
}

/// A construct that encloses the current position within a list.
#[derive(PartialEq, Eq)]
enum Enclosing {
    Parentheses,
    Case,
}

/// The current command in a list as read so far, and the position in the list.
struct State {
    command: Command,
    /// Variables assigned before the command.
    variables: Vec<String>,
    enclosing: Vec<Enclosing>,
    /// The command certainly runs, because it is the first command or follows `;` or a new line.
    certain: bool,
    /// See [`Script::opens`].
    opens: bool,
    depth: usize,
}

impl Splitter<'_> {
    fn unclear(&mut self, why: &'static str) {
        self.script.unclear.get_or_insert(why);
    }

    /// Reads commands to the end, or to the `)` that closes a substitution.
    pub(super) fn list(&mut self, closes: Option<char>, depth: usize) {
        let mut state = State {
            command: Command::default(),
            variables: Vec::new(),
            enclosing: Vec::new(),
            certain: depth == 0,
            opens: false,
            depth,
        };
        if depth > DEPTH {
            self.unclear("substitutions are nested too deeply");
            self.lexer.skip_all();
            return;
        }
        loop {
            self.lexer.skip_blanks();
            let Some(letter) = self.lexer.peek() else { break };
            match letter {
                '\n' => {
                    self.lexer.next();
                    self.end(&mut state, true);
                    self.read_documents(state.depth);
                }
                '#' => self.lexer.skip_line(),
                ';' => self.semicolon(&mut state),
                '&' if !self.lexer.at("&>") => {
                    let and = self.lexer.eat("&&");
                    let _ = and || self.lexer.eat("&");
                    self.end(&mut state, false);
                }
                '|' => {
                    let _ = self.lexer.eat("||") || self.lexer.eat("|&") || self.lexer.eat("|");
                    self.end(&mut state, false);
                }
                '(' => self.open(&mut state),
                ')' => {
                    if state.enclosing.is_empty() && closes == Some(')') {
                        self.end(&mut state, false);
                        self.lexer.next();
                        return;
                    }
                    self.lexer.next();
                    self.end(&mut state, false);
                    if state.enclosing.pop() != Some(Enclosing::Parentheses) {
                        self.unclear("unbalanced parentheses");
                    }
                }
                '<' | '>' | '&' => self.redirect(&mut state),
                _ => self.word_of(&mut state),
            }
        }
        self.end(&mut state, false);
        if closes.is_some() || !state.enclosing.is_empty() {
            self.unclear("an incomplete script");
        }
        if depth == 0 && !self.pending.is_empty() {
            self.unclear("a here-document with no body");
        }
    }

    fn semicolon(&mut self, state: &mut State) {
        let ends_case = self.lexer.eat(";;&") || self.lexer.eat(";;") || self.lexer.eat(";&");
        if !ends_case {
            self.lexer.next();
        }
        self.end(state, true);
        if ends_case && state.enclosing.last() == Some(&Enclosing::Case) {
            self.pattern(state);
        }
    }

    /// Handles `(`: a function definition after a name, a subshell elsewhere.
    fn open(&mut self, state: &mut State) {
        self.lexer.next();
        match state.command.words.as_slice() {
            [] => {
                state.enclosing.push(Enclosing::Parentheses);
                state.certain = false;
            }
            [name] if self.lexer.closes_at_once() => {
                let name = name.text.clone();
                self.define(name, state);
            }
            _ => {
                self.unclear("a parenthesis within a command");
                state.enclosing.push(Enclosing::Parentheses);
            }
        }
    }

    fn define(&mut self, name: String, state: &mut State) {
        if state.certain && self.blocks == 0 && state.enclosing.is_empty() {
            self.script.functions.insert(name);
        }
        state.command = Command::default();
        state.certain = false;
    }

    /// Finishes the current command.
    fn end(&mut self, state: &mut State, certain: bool) {
        let command = std::mem::take(&mut state.command);
        let before = !command.words.is_empty();
        self.script.variables.extend(state.variables.drain(..).map(|name| (name, before)));
        let opens = std::mem::take(&mut state.opens);
        self.script.opens |= opens;
        self.script.reads |= socket::reads_by_number(&command.words) || opens && socket::opens_for_all(&command.words);
        if !command.words.is_empty() {
            self.script.commands.push(command);
        }
        state.certain = certain && state.depth == 0 && state.enclosing.is_empty();
    }

    fn word_of(&mut self, state: &mut State) {
        let word = self.word(state.depth);
        let names_descriptor =
            !word.quoted && !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
        if names_descriptor && matches!(self.lexer.peek(), Some('<' | '>')) {
            return;
        }
        if !state.command.words.is_empty() {
            state.command.words.push(word);
            return;
        }
        if word.assigns {
            state.variables.push(assigned(&word));
            if word.text.ends_with('=') && self.lexer.eat("(") {
                self.array(state.depth);
            }
            return;
        }
        if !word.quoted && !word.expands && self.reserved(&word.text, state) {
            return;
        }
        state.command.words.push(word);
    }

    /// Reads an array's words up to `)`.
    fn array(&mut self, depth: usize) {
        loop {
            self.lexer.skip_blanks_and_lines();
            match self.lexer.peek() {
                None => return self.unclear("an incomplete script"),
                Some(')') => {
                    self.lexer.next();
                    return;
                }
                Some(letter) if is_operator(letter) => return self.unclear("an operator in an array"),
                Some(_) => {
                    self.word(depth);
                }
            }
        }
    }

    /// Handles a reserved word in command position. Returns `false` if the word is not reserved.
    fn reserved(&mut self, word: &str, state: &mut State) -> bool {
        match word {
            "if" | "while" | "until" | "{" => self.blocks += 1,
            "fi" | "done" | "}" => self.blocks = self.blocks.saturating_sub(1),
            "then" | "elif" | "else" | "do" | "!" | "coproc" => {}
            "for" | "select" => {
                self.blocks += 1;
                self.head_of_for(state.depth);
            }
            "case" => {
                self.blocks += 1;
                self.word_after_blanks(state.depth);
                let word = self.word_after_blanks(state.depth);
                if !word.is("in") {
                    self.unclear("a case without `in`");
                }
                state.enclosing.push(Enclosing::Case);
                self.pattern(state);
            }
            "esac" => self.leave_case(state),
            "function" => {
                let name = self.word_after_blanks(state.depth).text;
                self.lexer.skip_blanks();
                if self.lexer.eat("(") && !self.lexer.closes_at_once() {
                    self.unclear("a malformed function definition");
                }
                self.define(name, state);
            }
            "[[" if self.bash => self.test(state.depth),
            _ => return false,
        }
        state.certain = false;
        true
    }

    fn leave_case(&mut self, state: &mut State) {
        self.blocks = self.blocks.saturating_sub(1);
        if state.enclosing.pop() != Some(Enclosing::Case) {
            self.unclear("an `esac` without a `case`");
        }
    }

    fn word_after_blanks(&mut self, depth: usize) -> Word {
        self.lexer.skip_blanks_and_lines();
        self.word(depth)
    }

    /// `NAME [in WORD…]`: the words are expanded but not run.
    fn head_of_for(&mut self, depth: usize) {
        self.word_after_blanks(depth);
        self.lexer.skip_blanks_and_lines();
        if !self.lexer.eat_word("in") {
            return;
        }
        loop {
            self.lexer.skip_blanks();
            match self.lexer.peek() {
                None | Some('\n' | ';') => return,
                Some(letter) if is_operator(letter) => return self.unclear("an operator in the list of a `for`"),
                Some(_) => {
                    self.word(depth);
                }
            }
        }
    }

    /// `PATTERN|PATTERN)` of a case, or its `esac`.
    fn pattern(&mut self, state: &mut State) {
        self.lexer.skip_blanks_and_lines();
        if self.lexer.eat_word("esac") {
            return self.leave_case(state);
        }
        self.lexer.eat("(");
        loop {
            self.lexer.skip_blanks_and_lines();
            match self.lexer.peek() {
                Some(')') => {
                    self.lexer.next();
                    return;
                }
                Some('|') => {
                    self.lexer.next();
                }
                Some(letter) if !is_operator(letter) => {
                    self.word(state.depth);
                }
                _ => return self.unclear("a malformed case pattern"),
            }
        }
    }

    /// Reads `[[ … ]]`, whose operators are not shell operators.
    fn test(&mut self, depth: usize) {
        loop {
            self.lexer.skip_blanks_and_lines();
            match self.lexer.peek() {
                None => return self.unclear("an incomplete script"),
                Some(letter) if is_operator(letter) => {
                    self.lexer.next();
                }
                Some(_) => {
                    if self.word(depth).is("]]") {
                        return;
                    }
                }
            }
        }
    }

    /// Reads a redirection with its target. A file name does not run anything, but it may open a socket.
    fn redirect(&mut self, state: &mut State) {
        if self.lexer.eat("<<<") {
            self.lexer.skip_blanks();
            self.word(state.depth);
            return;
        }
        if self.lexer.eat("<<") {
            let strip_tabs = self.lexer.eat("-");
            self.lexer.skip_blanks();
            let name = self.word(state.depth);
            let document = self.script.documents.len();
            self.script.documents.push(Document { text: String::new(), expands: !name.quoted });
            self.pending.push(Pending { document, name: name.text, strip_tabs });
            state.command.input = Some(document);
            return;
        }
        let operators = ["&>>", "&>", ">>", ">|", ">&", "<&", "<>", "<", ">"];
        let operator = operators.iter().find(|operator| self.lexer.eat(operator)).copied().unwrap_or_default();
        self.lexer.skip_blanks();
        if self.lexer.eat("(") {
            // `<(COMMANDS)`: the command receives a file name.
            self.list(Some(')'), state.depth + 1);
            state.command.words.push(Word { text: "<(…)".into(), expands: true, ..Word::default() });
            return;
        }
        let target = self.word(state.depth);
        self.script.reads |= socket::reads_descriptor(operator, &target);
        match operator {
            "<" | "<>" if socket::may_be_one(&target) => self.unclear(socket::DEVICE),
            _ => state.opens |= socket::may_be_one(&target),
        }
        if target.text.is_empty() && !target.quoted {
            self.unclear("a redirection without a target");
        }
    }

    /// Reads the here-documents that begin after the line just read.
    fn read_documents(&mut self, depth: usize) {
        for pending in std::mem::take(&mut self.pending) {
            let (text, complete) = self.lexer.document(&pending.name, pending.strip_tabs);
            if !complete {
                self.unclear("an unterminated here-document");
            }
            let Some(document) = self.script.documents.get_mut(pending.document) else { continue };
            document.text = text;
            if document.expands {
                let inner = in_quotes(&document.text, self.bash, depth + 1);
                self.adopt(inner);
            }
        }
    }

    /// Adds the commands that nested text runs.
    pub(super) fn adopt(&mut self, inner: Script) {
        let first = self.script.documents.len();
        self.script.documents.extend(inner.documents);
        self.script.commands.extend(inner.commands.into_iter().map(|mut command| {
            command.input = command.input.map(|document| first + document);
            command
        }));
        self.script.variables.extend(inner.variables);
        self.script.sockets |= inner.sockets;
        self.script.opens |= inner.opens;
        self.script.reads |= inner.reads;
        if let Some(why) = inner.unclear {
            self.unclear(why);
        }
    }

    /// Reads nested text separately.
    pub(super) fn nested(&mut self, text: &str, depth: usize) {
        let inner = split_at(text, self.bash, depth + 1);
        self.adopt(inner);
    }

    pub(super) fn note(&mut self, why: &'static str) {
        self.unclear(why);
    }
}

/// The variable that an assignment sets.
pub(super) fn assigned(word: &Word) -> String {
    word.text.split(['=', '+', '[']).next().unwrap_or_default().to_owned()
}

/// Whether the character is an operator; operators end a word.
pub(super) fn is_operator(letter: char) -> bool {
    matches!(letter, ';' | '&' | '|' | '(' | ')' | '<' | '>' | '\n')
}

/// Whether the character ends a word: an operator or a blank.
pub(super) fn ends_word(letter: char) -> bool {
    is_operator(letter) || is_blank(letter)
}
