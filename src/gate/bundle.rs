//! The outer archive: exactly two members. None of its content is trusted.

use std::io::{self, Read};

use crate::archive::{Member, MemberKind, TarReader, decompress};
use crate::base::budget::{Budget, Work};
use crate::base::build_name::BuildName;
use crate::base::digest::{Sha256, Sha256Hasher};
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::gate::signature::Signature;

const WHAT: &str = "the outer archive";

/// A parsed bundle. `manifest.<build_name>.sig.tbz` contains the signed archive `manifest.<build_name>.tbz` and its
/// signature `manifest.<build_name>.sig`.
///
/// Its content is not verified, and its names are not signed. Only [`Bundle::verify`] gives access to the signed archive.
#[derive(Debug)]
pub struct Bundle {
    pub(crate) build_name: BuildName,
    pub(crate) archive: Vec<u8>,
    pub(crate) digest: Sha256,
    pub(crate) signature: Signature,
}

impl Bundle {
    /// Parses a bundle, reading `input` once to its end.
    ///
    /// The members may come in either order. The signed archive is kept in memory once, still compressed.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the input is not a bzip2-compressed tar archive of exactly two regular files with matching names
    /// and a hexadecimal signature; [`Error::Truncated`], [`Error::OverLimit`], [`Error::Unreadable`].
    pub fn from_reader(input: impl Read, limits: &Limits) -> Result<Self, Error> {
        Self::from_reader_within(input, 1, limits, &Budget::of_unknown_input(limits))
    }

    /// Like [`Self::from_reader`], but on several threads and within a budget based on the input's size. The number of threads does not
    /// change the result. Reads `input` a few megabytes ahead.
    ///
    /// # Errors
    /// The errors of [`Self::from_reader`].
    pub fn from_reader_within(
        input: impl Read,
        threads: usize,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Error> {
        let input = Bounded { inner: input, left: limits.bundle_bytes, bound: limits.bundle_bytes() };
        let bound = limits.signed_archive_bytes();
        let bound = Bound { allowed: bound.allowed.saturating_add(1 << 20), ..bound };
        let expanded = budget.reading(decompress(input, threads, WHAT, bound), Work::Unpacked, WHAT);
        let mut tar = TarReader::new(expanded, WHAT, limits);
        let mut archive: Option<(BuildName, Vec<u8>, Sha256)> = None;
        let mut signature: Option<(BuildName, Signature)> = None;
        while let Some(member) = tar.next_member()? {
            if let Some(name) = member_name(&member, ".tbz")? {
                limits.signed_archive_bytes().check(member.size, "the signed archive")?;
                budget.hold(member.size.saturating_sub(budget.input()), "the signed archive")?;
                let mut hasher = Sha256Hasher::new();
                let content = tar.read_content_through(|piece| hasher.update(piece))?;
                set_once(&mut archive, (name, content, hasher.finish()), &member)?;
            } else if let Some(name) = member_name(&member, ".sig")? {
                limits.signature_bytes().check(member.size, "the signature member")?;
                set_once(&mut signature, (name, Signature::from_member(&tar.read_content()?, limits)?), &member)?;
            } else {
                return Err(Error::malformed(
                    WHAT,
                    format!("expected manifest.<build_name>.tbz and manifest.<build_name>.sig, found {}", member.path),
                ));
            }
        }
        let (Some((build_name, archive, digest)), Some((signature_name, signature))) = (archive, signature) else {
            return Err(Error::malformed(
                WHAT,
                "expected the signed archive (.tbz) and its signature (.sig), found only one or neither of them",
            ));
        };
        if build_name != signature_name {
            return Err(Error::malformed(
                WHAT,
                format!(
                    "its members are named for different builds: the archive for {build_name}, the signature for {signature_name}"
                ),
            ));
        }
        Ok(Self { build_name, archive, digest, signature })
    }

    /// The build's name, taken from the names of the two members. It is not signed.
    pub fn build_name(&self) -> &BuildName {
        &self.build_name
    }

    /// SHA-256 of the signed archive: the digest that is signed.
    pub fn archive_digest(&self) -> Sha256 {
        self.digest
    }

    /// Size of the signed archive in bytes.
    pub fn archive_size(&self) -> u64 {
        self.archive.len() as u64
    }

    /// The signature in the bundle. It is not verified.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T, member: &Member) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::malformed(WHAT, format!("a second archive or signature: {}", member.path))),
    }
}

/// The build's name if the member's name is `manifest.<build_name><suffix>`. Such a member must be a regular file.
fn member_name(member: &Member, suffix: &str) -> Result<Option<BuildName>, Error> {
    let text = std::str::from_utf8(member.path.as_bytes()).unwrap_or_default();
    let Some(name) = BuildName::from_file_name(text, suffix) else { return Ok(None) };
    match member.kind {
        // Unpacking ignores the setuid, setgid and sticky bits, but no build server writes them, so the archive is refused.
        MemberKind::File if member.mode & 0o7000 != 0 => Err(Error::malformed(
            WHAT,
            format!("member {} has a setuid, setgid or sticky bit (mode {:o})", member.path, member.mode),
        )),
        MemberKind::File => Ok(Some(name)),
        _ => Err(Error::malformed(WHAT, format!("member {} is not a regular file", member.path))),
    }
}

/// Bounds the bytes of the file itself, so that reading ends even for a device or a growing file.
struct Bounded<R> {
    inner: R,
    left: u64,
    bound: Bound,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.bound.take(self.left, read as u64, "the bundle")?;
        Ok(read)
    }
}
