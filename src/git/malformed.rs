//! Faults that `git fsck --strict` reports, with git's own names (git-fsck(1), "FSCK MESSAGES").

macro_rules! faults {
    ($($fault:ident = $name:literal, $means:literal;)*) => {
        /// A fault of an object whose content matches its id.
        ///
        /// `repeatedHeader` is defined by this crate: git ignores a repeated `tree` or `parent` header that appears out of order. The contents of
        /// `.gitmodules` and `.gitattributes` are checked only in HEAD's tree and in the trees of its submodules.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Malformed {
            $(#[doc = $means] $fault,)*
        }

        /// Every fault with its meaning, for the generated page.
        #[cfg(test)]
        const ALL: &[(Malformed, &str)] = &[$((Malformed::$fault, $means),)*];

        impl Malformed {
            /// git's name for the fault, for example `missingEmail`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)*
                }
            }
        }
    };
}

faults! {
    BadDate = "badDate", "the date of an author, committer or tagger is not a number followed by a space";
    BadDateOverflow = "badDateOverflow", "the date of an author, committer or tagger does not fit into 63 bits";
    BadEmail = "badEmail", "an address is not followed by `>`, or contains `<`";
    BadFilemode = "badFilemode", "a mode other than 40000, 100644, 100755, 120000 and 160000";
    BadName = "badName", "a name contains `>` before the address";
    BadObjectSha1 = "badObjectSha1", "the `object` of a tag is not an id";
    BadParentSha1 = "badParentSha1", "a `parent` is not an id";
    BadTimezone = "badTimezone", "a time zone is not a sign and four digits, or the line does not end after it";
    BadTree = "badTree", "the content is not a list of tree entries, a name is empty, or a mode has more than seven digits";
    BadTreeSha1 = "badTreeSha1", "the `tree` is not an id";
    BadType = "badType", "the `type` of a tag is unknown";
    DuplicateEntries = "duplicateEntries", "a tree contains a name twice, possibly as a file and a folder";
    FullPathname = "fullPathname", "a name contains `/`";
    GitattributesBlob = "gitattributesBlob", ".gitattributes is a folder";
    GitattributesLineLength = "gitattributesLineLength", ".gitattributes has a line of 2,048 bytes or more";
    GitattributesMissing = "gitattributesMissing", ".gitattributes is a submodule";
    GitattributesSymlink = "gitattributesSymlink", ".gitattributes is a symbolic link";
    GitignoreSymlink = "gitignoreSymlink", ".gitignore is a symbolic link";
    GitmodulesBlob = "gitmodulesBlob", ".gitmodules is a folder";
    GitmodulesMissing = "gitmodulesMissing", ".gitmodules is a submodule";
    GitmodulesName = "gitmodulesName", "a submodule's name is empty or has a segment `..`";
    GitmodulesParse = "gitmodulesParse", ".gitmodules cannot be read as a config";
    GitmodulesPath = "gitmodulesPath", "a submodule's path begins with `-`";
    GitmodulesSymlink = "gitmodulesSymlink", ".gitmodules is a symbolic link";
    GitmodulesUpdate = "gitmodulesUpdate", "a submodule's `update` is a command";
    GitmodulesUrl = "gitmodulesUrl", "a submodule's address begins with `-`, has no host (HTTP, FTP), contains a line ending or `%0a` (HTTP, FTP, `git://`, relative), or is relative and replaces the host";
    HasDot = "hasDot", "a name is `.`";
    HasDotdot = "hasDotdot", "a name is `..`";
    HasDotgit = "hasDotgit", "a name is `.git`, or a Windows or macOS file system reads it as `.git`";
    LargePathname = "largePathname", "a name has more than 4,096 bytes";
    MailmapSymlink = "mailmapSymlink", ".mailmap is a symbolic link";
    MissingAuthor = "missingAuthor", "no `author` after the parents";
    MissingCommitter = "missingCommitter", "no `committer` after the author";
    MissingEmail = "missingEmail", "the line has neither `<` nor `>`";
    MissingNameBeforeEmail = "missingNameBeforeEmail", "the line begins with the address";
    MissingObject = "missingObject", "a tag does not begin with `object`";
    MissingSpaceBeforeDate = "missingSpaceBeforeDate", "no space between address and date";
    MissingSpaceBeforeEmail = "missingSpaceBeforeEmail", "no space between name and address";
    MissingTagEntry = "missingTagEntry", "no `tag` after the type";
    MissingTaggerEntry = "missingTaggerEntry", "no `tagger` after the tag";
    MissingTree = "missingTree", "a commit does not begin with `tree`";
    MissingTypeEntry = "missingTypeEntry", "no `type` after the object";
    MultipleAuthors = "multipleAuthors", "a second `author` directly after the first";
    NulInCommit = "nulInCommit", "a commit contains a NUL";
    NulInHeader = "nulInHeader", "a header contains a NUL";
    NullSha1 = "nullSha1", "the id of a tree entry is all zeros";
    RepeatedHeader = "repeatedHeader", "a second `tree`, `parent`, `author` or `committer` out of order; only this program refuses it";
    TreeNotSorted = "treeNotSorted", "the entries of a tree are not sorted as paths";
    UnterminatedHeader = "unterminatedHeader", "the headers do not end with a line ending";
    ZeroPaddedDate = "zeroPaddedDate", "a date with several digits begins with a zero";
    ZeroPaddedFilemode = "zeroPaddedFilemode", "a mode begins with a zero";
}

impl Malformed {
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// `HPSB_UPDATE=1` rewrites the page.
    #[test]
    fn the_page_shows_this_table() {
        let mut page = String::from(
            "# Malformed git objects\n\nThis page is part of [git-proof.md](../git-proof.md#malformed-objects). It lists the faults in commits, trees and \
tags, with git's names (git-fsck(1)). A fault marked *information* or *detail* does not fail the check.\n\n| fault | means | |\n| --- | --- | --- |\n",
        );
        for (fault, means) in ALL {
            let remark = match fault {
                Malformed::GitmodulesUpdate => "detail",
                fault if fault.is_information() => "information",
                _ => "",
            };
            let _ = writeln!(page, "| `{fault}` | {means} | {remark} |");
        }
        let _ = writeln!(
            page,
            "\n## Extensions\n\nThese extensions in a config are accepted: {}, `partialclone`, `objectformat = sha1`, `refstorage = files`.",
            super::super::format::HARMLESS.map(|name| format!("`{name}`")).join(", ")
        );
        page.push_str(super::super::object::SPECIAL_NAMES);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/generated/git-faults.md");
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == page, "{path} is out of date: HPSB_UPDATE=1 rewrites it");
    }
}
