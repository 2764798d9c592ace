//! Faults that `git fsck --strict` reports, with git's own names (git-fsck(1), "FSCK MESSAGES").

/// The first fault of an object whose content matches its id.
///
/// `repeatedHeader` is defined by this crate: git ignores a repeated `tree` or `parent` header that appears out of order. The contents of
/// `.gitmodules` and `.gitattributes` are checked in HEAD's tree only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "git-fsck(1) describes each")]
pub enum Malformed {
    BadDate,
    BadDateOverflow,
    BadEmail,
    BadFilemode,
    BadName,
    BadObjectSha1,
    BadParentSha1,
    BadTimezone,
    BadTree,
    BadTreeSha1,
    BadType,
    DuplicateEntries,
    FullPathname,
    GitattributesBlob,
    GitattributesLineLength,
    GitattributesMissing,
    GitattributesSymlink,
    GitignoreSymlink,
    GitmodulesBlob,
    GitmodulesMissing,
    GitmodulesName,
    GitmodulesParse,
    GitmodulesPath,
    GitmodulesSymlink,
    GitmodulesUpdate,
    GitmodulesUrl,
    HasDot,
    HasDotdot,
    HasDotgit,
    LargePathname,
    MailmapSymlink,
    MissingAuthor,
    MissingCommitter,
    MissingEmail,
    MissingNameBeforeEmail,
    MissingObject,
    MissingSpaceBeforeDate,
    MissingSpaceBeforeEmail,
    MissingTagEntry,
    MissingTaggerEntry,
    MissingTree,
    MissingTypeEntry,
    MultipleAuthors,
    NulInCommit,
    NulInHeader,
    NullSha1,
    RepeatedHeader,
    TreeNotSorted,
    UnterminatedHeader,
    ZeroPaddedDate,
    ZeroPaddedFilemode,
}

impl Malformed {
    /// git's name for the fault, for example `missingEmail`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadDate => "badDate",
            Self::BadDateOverflow => "badDateOverflow",
            Self::BadEmail => "badEmail",
            Self::BadFilemode => "badFilemode",
            Self::BadName => "badName",
            Self::BadObjectSha1 => "badObjectSha1",
            Self::BadParentSha1 => "badParentSha1",
            Self::BadTimezone => "badTimezone",
            Self::BadTree => "badTree",
            Self::BadTreeSha1 => "badTreeSha1",
            Self::BadType => "badType",
            Self::DuplicateEntries => "duplicateEntries",
            Self::FullPathname => "fullPathname",
            Self::GitattributesBlob => "gitattributesBlob",
            Self::GitattributesLineLength => "gitattributesLineLength",
            Self::GitattributesMissing => "gitattributesMissing",
            Self::GitattributesSymlink => "gitattributesSymlink",
            Self::GitignoreSymlink => "gitignoreSymlink",
            Self::GitmodulesBlob => "gitmodulesBlob",
            Self::GitmodulesMissing => "gitmodulesMissing",
            Self::GitmodulesName => "gitmodulesName",
            Self::GitmodulesParse => "gitmodulesParse",
            Self::GitmodulesPath => "gitmodulesPath",
            Self::GitmodulesSymlink => "gitmodulesSymlink",
            Self::GitmodulesUpdate => "gitmodulesUpdate",
            Self::GitmodulesUrl => "gitmodulesUrl",
            Self::HasDot => "hasDot",
            Self::HasDotdot => "hasDotdot",
            Self::HasDotgit => "hasDotgit",
            Self::LargePathname => "largePathname",
            Self::MailmapSymlink => "mailmapSymlink",
            Self::MissingAuthor => "missingAuthor",
            Self::MissingCommitter => "missingCommitter",
            Self::MissingEmail => "missingEmail",
            Self::MissingNameBeforeEmail => "missingNameBeforeEmail",
            Self::MissingObject => "missingObject",
            Self::MissingSpaceBeforeDate => "missingSpaceBeforeDate",
            Self::MissingSpaceBeforeEmail => "missingSpaceBeforeEmail",
            Self::MissingTagEntry => "missingTagEntry",
            Self::MissingTaggerEntry => "missingTaggerEntry",
            Self::MissingTree => "missingTree",
            Self::MissingTypeEntry => "missingTypeEntry",
            Self::MultipleAuthors => "multipleAuthors",
            Self::NulInCommit => "nulInCommit",
            Self::NulInHeader => "nulInHeader",
            Self::NullSha1 => "nullSha1",
            Self::RepeatedHeader => "repeatedHeader",
            Self::TreeNotSorted => "treeNotSorted",
            Self::UnterminatedHeader => "unterminatedHeader",
            Self::ZeroPaddedDate => "zeroPaddedDate",
            Self::ZeroPaddedFilemode => "zeroPaddedFilemode",
        }
    }

    /// Whether `git fsck --strict` reports this fault only as information and accepts the object.
    pub fn is_information(self) -> bool {
        matches!(
            self,
            Self::BadFilemode
                | Self::GitattributesSymlink
                | Self::GitignoreSymlink
                | Self::GitmodulesParse
                | Self::MailmapSymlink
                | Self::MissingTaggerEntry
        )
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
