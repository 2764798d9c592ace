//! Dockerfiles (docs.docker.com, "Dockerfile reference"): directives, instructions and here-documents. [`read`] prepares instructions for
//! comparison with the lines of docker's classic builder, `Step n/m : INSTRUCTION`.

use crate::base::strict_json;

/// One instruction: lines joined, keyword in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The number of the line on which the instruction begins, counted from 1.
    pub line: usize,
    /// The text in [`canonical`] form, for example `FROM debian:bookworm-slim AS base`.
    pub text: String,
    /// The here-documents that follow the instruction, parsed as by BuildKit.
    pub documents: Vec<HereDocument>,
}

/// A here-document of RUN, COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereDocument {
    /// The delimiter that ends the here-document.
    pub name: String,
    /// The lines before the delimiter. With `<<-`, leading tabs are removed.
    pub content: String,
}

/// A whole Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// Parser directives, `# syntax=…`: names in lower case, with their values.
    pub directives: Vec<(String, String)>,
    /// The escape character.
    pub escape: char,
    /// All instructions.
    pub instructions: Vec<Instruction>,
}

/// The reason why a Dockerfile's instructions cannot be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileFault {
    /// The Dockerfile is not valid UTF-8.
    #[error("the Dockerfile is not UTF-8")]
    NoText,
    /// The Dockerfile has here-documents, which the classic builder does not support.
    #[error("line {0} has a here-document, which is not supported")]
    HereDocument(usize),
    /// A here-document is not terminated.
    #[error("the here-document on line {0} is not terminated")]
    Unterminated(usize),
    /// A line does not begin with a known instruction.
    #[error("line {line} begins with {word:?}, which is not a Dockerfile instruction")]
    UnknownInstruction {
        /// The line number, counted from 1.
        line: usize,
        /// The line's first word.
        word: String,
    },
    /// The Dockerfile has no instruction.
    #[error("the Dockerfile has no instructions")]
    Empty,
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads all instructions of a Dockerfile that has no here-documents. Comments and empty lines are dropped. Lines that end with the escape character
/// are joined as the classic builder joins them: the escape character and the line break are removed without replacement.
///
/// Does not interpret instructions or expand variables: the builder prints variables unexpanded, too.
///
/// # Errors
/// [`DockerfileFault`].
pub fn read(content: &[u8]) -> Result<Vec<Instruction>, DockerfileFault> {
    let file = read_whole(content).map_err(|fault| match fault {
        DockerfileFault::Unterminated(line) => DockerfileFault::HereDocument(line),
        other => other,
    })?;
    match file.instructions.iter().find(|instruction| has_here_document(&instruction.text)) {
        Some(instruction) => Err(DockerfileFault::HereDocument(instruction.line)),
        None => Ok(file.instructions),
    }
}

/// Reads directives, instructions and here-documents, as BuildKit does.
///
/// # Errors
/// [`DockerfileFault`], except `HereDocument`.
pub fn read_whole(content: &[u8]) -> Result<Dockerfile, DockerfileFault> {
    let text = std::str::from_utf8(content).map_err(|_| DockerfileFault::NoText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (directives, escape) = directives(text);
    let mut instructions = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let is_comment = line.trim_start().starts_with('#');
        if is_comment || (line.trim().is_empty()) {
            continue;
        }
        let begin = pending.is_none();
        let (first, mut joined) = pending.take().unwrap_or((number, String::new()));
        // Only the first line loses its leading white space; continuation lines keep theirs.
        let line = if begin { line.trim_start() } else { line };
        match strip_escape(line, escape) {
            Some(part) => {
                joined.push_str(part);
                pending = Some((first, joined));
            }
            None => {
                joined.push_str(line);
                let mut instruction = normalise(first, &joined)?;
                instruction.documents = here_documents(&instruction, &mut lines)?;
                instructions.push(instruction);
            }
        }
    }
    if let Some((first, joined)) = pending {
        instructions.push(normalise(first, &joined)?);
    }
    if instructions.is_empty() {
        return Err(DockerfileFault::Empty);
    }
    Ok(Dockerfile { directives, escape, instructions })
}

/// The line without its trailing escape character. A line that ends with two escape characters does not continue.
fn strip_escape(line: &str, escape: char) -> Option<&str> {
    line.trim_end_matches([' ', '\t']).strip_suffix(escape).filter(|part| !part.ends_with(escape))
}

/// The directives at the top of the file, and the escape character: a backslash unless `escape` sets it. Directives end at the first line that is not
/// a directive. If the first line begins with `#!`, BuildKit accepts only the directive `syntax`.
fn directives(text: &str) -> (Vec<(String, String)>, char) {
    let (mut found, mut escape) = (Vec::new(), None);
    let is_script = text.starts_with("#!");
    for line in text.lines().skip(usize::from(is_script)) {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|comment| comment.split_once('=')) else {
            break;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "escape" if !is_script => {
                escape.get_or_insert(if value == "`" { '`' } else { '\\' });
            }
            "escape" | "syntax" | "check" => {}
            _ => break,
        }
        found.push((name, value.to_owned()));
    }
    (found, escape.unwrap_or('\\'))
}

/// An instruction in the form used for comparison: keyword in upper case, one space, and the trimmed remainder. Depending on their version, builders
/// print the keyword as typed or in upper case.
pub fn canonical(text: &str) -> String {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    format!("{} {}", word.to_ascii_uppercase(), rest.trim()).trim_end().to_owned()
}

/// Whether the text begins with an instruction keyword, ignoring case.
pub(crate) fn is_instruction(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn normalise(line: usize, joined: &str) -> Result<Instruction, DockerfileFault> {
    let text = joined.trim();
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    if !KEYWORDS.contains(&word.to_ascii_uppercase().as_str()) {
        return Err(DockerfileFault::UnknownInstruction { line, word: word.chars().take(40).collect() });
    }
    Ok(Instruction { line, text: canonical(text), documents: Vec::new() })
}

/// Whether the instruction is RUN, COPY or ADD, also after ONBUILD, with `<<WORD`, `<<-WORD` or `<<"WORD"`: BuildKit does not read the following
/// lines as instructions. A shell's here-document looks the same and also counts.
fn has_here_document(text: &str) -> bool {
    with_here_documents(text).is_some_and(|rest| {
        rest.match_indices("<<").any(|(at, _)| {
            let after = rest.get(at + 2..).unwrap_or_default();
            let after = after.strip_prefix('-').unwrap_or(after).trim_start_matches(['"', '\'']);
            after.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        })
    })
}

/// The text after the keyword, if the instruction can have here-documents.
fn with_here_documents(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    let rest = rest.trim_start();
    match word {
        "RUN" | "COPY" | "ADD" => Some(rest),
        "ONBUILD" => {
            let (word, rest) = rest.split_once(char::is_whitespace)?;
            ["RUN", "COPY", "ADD"].iter().any(|name| word.eq_ignore_ascii_case(name)).then_some(rest)
        }
        _ => None,
    }
}

/// Reads an instruction's here-documents from the lines after it.
fn here_documents<'t>(
    instruction: &Instruction,
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Result<Vec<HereDocument>, DockerfileFault> {
    let mut documents = Vec::new();
    let rest = with_here_documents(&instruction.text).filter(|rest| rest.contains("<<") && !is_array(rest));
    for (name, strip_tabs) in rest.map(here_names).unwrap_or_default() {
        let mut content = String::new();
        loop {
            let (_, line) = lines.next().ok_or(DockerfileFault::Unterminated(instruction.line))?;
            let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
            if line == name {
                break;
            }
            content.push_str(line);
            content.push('\n');
        }
        documents.push(HereDocument { name, content });
    }
    Ok(documents)
}

/// Whether the text is in exec form, which cannot have here-documents.
fn is_array(text: &str) -> bool {
    text.starts_with('[') && strict_json::parse(text.as_bytes()).is_ok_and(|value| value.is_array())
}

/// The delimiters in words of the form `N<<-WORD`, quoted or not, each with a flag that states whether tabs are stripped. Blanks in quotes do not separate
/// words.
fn here_names(text: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let (mut word, mut bare, mut quote) = (String::new(), String::new(), None);
    let mut letters = text.chars().chain([' ']);
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, _) if letter.is_whitespace() => {
                names.extend(here_name(&word, &bare));
                word.clear();
                bare.clear();
                continue;
            }
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = letters.next();
                word.push(letter);
                word.extend(escaped);
                bare.extend(escaped);
                continue;
            }
            _ => bare.push(letter),
        }
        word.push(letter);
    }
    names
}

/// `word` is the word as written; `bare` is the word without quotes.
fn here_name(word: &str, bare: &str) -> Option<(String, bool)> {
    let of = |text: &str| {
        let text = text.trim_start_matches(|letter: char| letter.is_ascii_digit()).strip_prefix("<<")?;
        let name = text.strip_prefix('-').unwrap_or(text).trim_start().to_owned();
        (!name.is_empty() && !name.contains('<')).then_some((name, text.starts_with('-')))
    };
    of(word).and_then(|_| of(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str) -> Vec<String> {
        read(content.as_bytes()).unwrap().into_iter().map(|instruction| instruction.text).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let content = "# comment\n\nfrom debian:12 as base\n  RUN apt-get update \\\n  # why\n\n    && apt-get -y install curl \\  \n  && true\nCMD [\"a\",  \"b\"]  \n";
        assert_eq!(
            texts(content),
            [
                "FROM debian:12 as base",
                "RUN apt-get update     && apt-get -y install curl   && true",
                "CMD [\"a\",  \"b\"]"
            ]
        );
        assert_eq!(texts("FROM a\r\nRUN b \\\r\n c\r\n"), ["FROM a", "RUN b  c"]);
        assert_eq!(texts("FROM a\nRUN b \\"), ["FROM a", "RUN b"]);
        assert_eq!(texts("FROM\ta"), ["FROM a"]);
        assert_eq!(texts("FROM a\nRUN echo \\\\\nRUN c"), ["FROM a", "RUN echo \\\\", "RUN c"]);
    }

    #[test]
    fn the_escape_character_can_be_set_only_at_the_top() {
        assert_eq!(texts("# escape=`\nFROM a\nCOPY x `\n c:\\\nRUN d"), ["FROM a", "COPY x  c:\\", "RUN d"]);
        assert_eq!(texts("# syntax=docker/dockerfile:1\n# Escape = `\nFROM a\nRUN b `\n c"), ["FROM a", "RUN b  c"]);
        assert_eq!(texts("# note\n# escape=`\nFROM a\nRUN b \\\n c"), ["FROM a", "RUN b  c"]);
    }

    #[test]
    fn unrecognised_instructions_are_refused() {
        for (content, fault) in [
            ("", DockerfileFault::Empty),
            ("# only a comment\n", DockerfileFault::Empty),
            ("FROM a\nRUN <<EOF\nx\nEOF\n", DockerfileFault::HereDocument(2)),
            ("FROM a\nRUN <<-'EOF' cat\n", DockerfileFault::HereDocument(2)),
            ("FROM a\nFRON b\n", DockerfileFault::UnknownInstruction { line: 2, word: "FRON".into() }),
        ] {
            assert_eq!(read(content.as_bytes()), Err(fault), "{content}");
        }
        assert_eq!(read(b"FROM \xff"), Err(DockerfileFault::NoText));
        assert!(read(b"FROM a\nRUN echo $((1<<2))\n").is_ok());
    }
}
