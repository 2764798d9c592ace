//! Dockerfiles (docs.docker.com, "Dockerfile reference"), as far as their instructions can be compared with what
//! docker's classic builder prints: `Step n/m : INSTRUCTION`.

/// One instruction: its lines joined, its keyword in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The line it begins on, from 1.
    pub line: usize,
    /// As [`canonical`] has it, for example `FROM debian:bookworm-slim AS base`.
    pub text: String,
}

/// Why a Dockerfile's instructions are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileFault {
    /// It is no text.
    #[error("the Dockerfile is not UTF-8")]
    NoText,
    /// It has here-documents, which the classic builder does not know.
    #[error("line {0} has a here-document, which is not read")]
    HereDocument(usize),
    /// A line begins with no known instruction.
    #[error("line {line} begins with {word:?}, which is no instruction")]
    UnknownInstruction {
        /// From 1.
        line: usize,
        /// Its first word.
        word: String,
    },
    /// There is no instruction.
    #[error("the Dockerfile has no instruction")]
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

/// Reads all instructions. Comments and empty lines drop out, lines that end with the escape letter are joined, as the
/// classic builder joins them: the escape letter and the line's end vanish, and nothing takes their place.
///
/// It does not look at what instructions say, and expands no variable: the builder prints them unexpanded too.
///
/// # Errors
/// [`DockerfileFault`].
pub fn read(content: &[u8]) -> Result<Vec<Instruction>, DockerfileFault> {
    let text = std::str::from_utf8(content).map_err(|_| DockerfileFault::NoText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_letter(text);
    let mut instructions = Vec::new();
    let mut pending: Option<Instruction> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let is_comment = line.trim_start().starts_with('#');
        if is_comment || (line.trim().is_empty()) {
            continue;
        }
        let begin = pending.is_none();
        let instruction = pending.get_or_insert_with(|| Instruction { line: number, text: String::new() });
        // The first line loses its blanks at the start, those after it keep them.
        let line = if begin { line.trim_start() } else { line };
        match strip_escape(line, escape) {
            Some(part) => instruction.text.push_str(part),
            None => {
                instruction.text.push_str(line);
                instructions.extend(pending.take());
            }
        }
    }
    instructions.extend(pending);
    if instructions.is_empty() {
        return Err(DockerfileFault::Empty);
    }
    instructions.into_iter().map(normalise).collect()
}

/// The line without the escape letter at its end. Two of them are no line's continuation.
fn strip_escape(line: &str, escape: char) -> Option<&str> {
    line.trim_end_matches([' ', '\t']).strip_suffix(escape).filter(|part| !part.ends_with(escape))
}

/// `# escape=X` among the directives at the very top; a backslash without it.
fn escape_letter(text: &str) -> char {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|comment| comment.split_once('=')) else {
            break;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "escape" if value == "`" => return '`',
            "escape" => return '\\',
            "syntax" | "check" => {}
            _ => break,
        }
    }
    '\\'
}

/// An instruction as it is compared: keyword in upper case, one blank, the rest without blanks at its ends. Builders print
/// the keyword as it was typed or in upper case, by their version.
pub fn canonical(text: &str) -> String {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    format!("{} {}", word.to_ascii_uppercase(), rest.trim()).trim_end().to_owned()
}

/// Does the text begin with an instruction's keyword, in letters of either case?
pub(crate) fn is_instruction(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn normalise(instruction: Instruction) -> Result<Instruction, DockerfileFault> {
    let line = instruction.line;
    let text = instruction.text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = word.to_ascii_uppercase();
    if !KEYWORDS.contains(&keyword.as_str()) {
        return Err(DockerfileFault::UnknownInstruction { line, word: word.chars().take(40).collect() });
    }
    if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") && has_here_document(rest) {
        return Err(DockerfileFault::HereDocument(line));
    }
    Ok(Instruction { line, text: canonical(text) })
}

/// `<<WORD`, `<<-WORD`, `<<"WORD"`: BuildKit reads what follows as a file. A shell's own here-document on one line looks the same,
/// and is not told apart.
fn has_here_document(rest: &str) -> bool {
    rest.match_indices("<<").any(|(at, _)| {
        let after = rest.get(at + 2..).unwrap_or_default();
        let after = after.strip_prefix('-').unwrap_or(after).trim_start_matches(['"', '\'']);
        after.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &str) -> Vec<String> {
        read(content.as_bytes()).unwrap().into_iter().map(|instruction| instruction.text).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_drop_out() {
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
    fn the_escape_letter_can_be_set_at_the_top_only() {
        assert_eq!(texts("# escape=`\nFROM a\nCOPY x `\n c:\\\nRUN d"), ["FROM a", "COPY x  c:\\", "RUN d"]);
        assert_eq!(texts("# syntax=docker/dockerfile:1\n# Escape = `\nFROM a\nRUN b `\n c"), ["FROM a", "RUN b  c"]);
        assert_eq!(texts("# note\n# escape=`\nFROM a\nRUN b \\\n c"), ["FROM a", "RUN b  c"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
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
