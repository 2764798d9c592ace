//! Commits.

use super::identity::Identity;
use super::lines::{read_extra, read_id, split_header, take_line};
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// A commit, decoded strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The tree that the commit records.
    pub tree: ObjectId,
    /// The parent commits, in order.
    pub parents: Vec<ObjectId>,
    /// The author of the change.
    pub author: Identity,
    /// The committer.
    pub committer: Identity,
    /// The remaining headers, in order.
    pub extra: Vec<(Vec<u8>, Vec<u8>)>,
    /// The text after the headers.
    pub message: Vec<u8>,
}

impl Commit {
    /// Decodes a commit. The standard headers must be in order, and only `parent` among them may be repeated. NUL bytes are
    /// refused everywhere.
    ///
    /// # Errors
    /// The first fault that `git fsck --strict` would report, or [`Malformed::RepeatedHeader`].
    pub fn read(content: &[u8]) -> Result<Self, Malformed> {
        check_commit(content)?;
        let (mut rest, body) = split_header(content)?;
        let tree = take_line(&mut rest, "tree").and_then(read_id).ok_or(Malformed::BadTreeSha1)?;
        let mut parents = Vec::new();
        while let Some(parent) = take_line(&mut rest, "parent") {
            parents.push(read_id(parent).ok_or(Malformed::BadParentSha1)?);
        }
        let author = Identity::read(take_line(&mut rest, "author").ok_or(Malformed::MissingAuthor)?)?;
        let committer = Identity::read(take_line(&mut rest, "committer").ok_or(Malformed::MissingCommitter)?)?;
        let extra = read_extra(rest);
        // If a standard header is repeated out of order, git uses the first one, but other readers might use the last.
        if extra.iter().any(|(keyword, _)| matches!(keyword.as_slice(), b"tree" | b"parent" | b"author" | b"committer"))
        {
            return Err(Malformed::RepeatedHeader);
        }
        Ok(Self { tree, parents, author, committer, extra, message: body.to_vec() })
    }

    /// The first paragraph of the message on one line, like `git log --format=%s`, except that the message is always
    /// read as UTF-8, regardless of the header `encoding`.
    pub fn subject(&self) -> String {
        let lines = self.message.split(|&byte| byte == b'\n').map(|line| {
            let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r')).map_or(0, |last| last + 1);
            line.get(..end).unwrap_or_default()
        });
        let paragraph = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
        paragraph.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }
}

/// Checks a commit as `git fsck --strict` does.
pub(super) fn check_commit(content: &[u8]) -> Result<(), Malformed> {
    let (mut rest, _) = split_header(content)?;
    let tree = take_line(&mut rest, "tree").ok_or(Malformed::MissingTree)?;
    read_id(tree).ok_or(Malformed::BadTreeSha1)?;
    while let Some(parent) = take_line(&mut rest, "parent") {
        read_id(parent).ok_or(Malformed::BadParentSha1)?;
    }
    Identity::check(take_line(&mut rest, "author").ok_or(Malformed::MissingAuthor)?)?;
    if take_line(&mut rest, "author").is_some() {
        return Err(Malformed::MultipleAuthors);
    }
    Identity::check(take_line(&mut rest, "committer").ok_or(Malformed::MissingCommitter)?)?;
    if content.contains(&0) {
        return Err(Malformed::NulInCommit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";
    const WHO: &str = "Ada <ada@example.org> 1592901588 +0200";

    fn text(lines: &[&str]) -> Vec<u8> {
        lines.join("\n").replace("ID", ID).replace("WHO", WHO).into_bytes()
    }

    #[test]
    fn a_commit_with_all_headers_is_read() {
        let commit = Commit::read(&text(&[
            "tree ID",
            "parent ID",
            "parent ID",
            "author WHO",
            "committer WHO",
            "encoding UTF-8",
            "gpgsig one",
            " two",
            " ",
            " three",
            "",
            "subject  ",
            "",
            "body\n",
        ]))
        .unwrap();
        assert_eq!(commit.parents.len(), 2);
        assert_eq!(commit.subject(), "subject");
        assert_eq!(commit.message, b"subject  \n\nbody\n");
        assert_eq!(commit.extra[1], (b"gpgsig".to_vec(), b"one\ntwo\n\nthree".to_vec()));
    }

    #[test]
    fn a_commit_may_end_after_its_headers() {
        assert_eq!(Commit::read(&text(&["tree ID", "author WHO", "committer WHO\n"])).unwrap().message, b"");
    }

    #[test]
    fn duplicate_or_misplaced_headers_and_nul_bytes_are_refused() {
        use Malformed::*;
        for (lines, fault) in [
            (&["tree ID", "tree ID", "author WHO", "committer WHO", "", "x"][..], MissingAuthor),
            (&["tree ID", "author WHO", "committer WHO", "tree ID", "", "x"], RepeatedHeader),
            (&["tree ID", "author WHO", "parent ID", "committer WHO", "", "x"], MissingCommitter),
            (&["tree ID", "author WHO", "committer WHO", "parent ID", "", "x"], RepeatedHeader),
            (&["author WHO", "tree ID", "committer WHO", "", "x"], MissingTree),
            (&["tree 123", "author WHO", "committer WHO", "", "x"], BadTreeSha1),
            (&["tree ID", "parent IDID", "author WHO", "committer WHO", "", "x"], BadParentSha1),
            (&["tree ID", "author WHO", "author WHO", "committer WHO", "", "x"], MultipleAuthors),
            (&["tree ID", "author WHO", "", "x"], MissingCommitter),
            (&["tree ID", "author WHO", "committer WHO"], UnterminatedHeader),
            (&["tree ID\0", "author WHO", "committer WHO", "", "x"], NulInHeader),
            (&["tree ID", "author WHO", "committer WHO", "", "x\0y"], NulInCommit),
        ] {
            assert_eq!(Commit::read(&text(lines)), Err(fault), "{lines:?}");
        }
    }
}
