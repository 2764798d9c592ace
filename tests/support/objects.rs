//! Git objects, packs and SSH signatures, written by hand so that malformed ones can also be written. zlib streams have stored blocks, because the
//! output of a compressor may change between versions.

use sha1::{Digest as _, Sha1};
use sha2::Sha512;

use super::encoding::{base64, hex};
use super::tar::Entry;

const GIT: &str = "git/wallet/.git";

/// The author of commits that are not in the recorded repository.
pub const WHO: &str = "Ada Example <ada@example.com> 1771600000 +0000";

/// The tree of the recorded HEAD.
pub const TREE: &str = "a877cfd7e2377b45485ba681ab8651947591f9e4";

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4).
pub fn zlib(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut pieces = content.chunks(0xffff).peekable();
    if content.is_empty() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(piece) = pieces.next() {
        let length = (piece.len() as u16).to_le_bytes();
        out.push(u8::from(pieces.peek().is_none()));
        out.extend(length);
        out.extend(length.map(|byte| !byte));
        out.extend_from_slice(piece);
    }
    let (mut low, mut high) = (1u32, 0u32);
    for byte in content {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    out.extend((high << 16 | low).to_be_bytes());
    out
}

pub fn object_id(kind: &str, content: &[u8]) -> String {
    hex(&Sha1::digest([format!("{kind} {}\0", content.len()).as_bytes(), content].concat()))
}

/// A loose object's path below `git/`.
pub fn loose_path(id: &str) -> String {
    format!("{GIT}/objects/{}/{}", &id[..2], &id[2..])
}

/// Adds a loose object and returns its id.
pub fn add_object(entries: &mut Vec<Entry>, kind: &str, content: &[u8]) -> String {
    let id = object_id(kind, content);
    let bytes = zlib(&[format!("{kind} {}\0", content.len()).as_bytes(), content].concat());
    entries.push(Entry::file(loose_path(&id), bytes));
    id
}

/// A commit of this tree without parents.
pub fn commit_of(tree: &str) -> String {
    format!("tree {tree}\nauthor {WHO}\ncommitter {WHO}\n\nMade for a test\n")
}

/// Sets HEAD's branch to this commit.
pub fn set_head(entries: &mut [Entry], id: &str) {
    file(entries, "refs/heads/main").content = format!("{id}\n").into_bytes();
}

/// A file below `.git`.
pub fn file<'e>(entries: &'e mut [Entry], path: &str) -> &'e mut Entry {
    let path = format!("{GIT}/{path}");
    entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
}

/// A file of the work tree.
pub fn work_file<'e>(entries: &'e mut [Entry], path: &str) -> &'e mut Entry {
    let path = format!("git/wallet/{path}");
    entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
}

/// The recorded pack's file with this extension.
pub fn pack_file<'e>(entries: &'e mut [Entry], ending: &str) -> &'e mut Entry {
    let start = format!("{GIT}/objects/pack/pack-");
    let found =
        |entry: &&mut Entry| entry.path.starts_with(start.as_bytes()) && entry.path.ends_with(ending.as_bytes());
    entries.iter_mut().find(found).unwrap()
}

/// Replaces the last 20 bytes with the SHA-1 of all bytes before them, which is the checksum of packs and indexes.
pub fn reseal(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() - 20);
    let digest = Sha1::digest(&*bytes);
    bytes.extend(digest);
}

/// A tree with these entries: mode, name and id.
pub fn tree(entries: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend((0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
    }
    bytes
}

/// A pack with these entries: type, the bytes between header and stream, and content.
pub fn pack(entries: &[(u8, &[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend((entries.len() as u32).to_be_bytes());
    for (kind, base, content) in entries {
        let mut size = content.len();
        let mut header = vec![kind << 4 | (size & 15) as u8];
        size >>= 4;
        while size > 0 {
            *header.last_mut().unwrap() |= 0x80;
            header.push((size & 0x7f) as u8);
            size >>= 7;
        }
        bytes.extend(header);
        bytes.extend_from_slice(base);
        bytes.extend(zlib(content));
    }
    bytes.extend([0; 20]);
    reseal(&mut bytes);
    bytes
}

/// A second pack without an index.
pub fn second_pack(entries: &mut Vec<Entry>, bytes: Vec<u8>) {
    entries.push(Entry::file(format!("{GIT}/objects/pack/pack-{}.pack", "0".repeat(40)), bytes));
}

/// A signer's key pair, derived from a fixed seed.
pub struct SshSigner(ed25519_dalek::SigningKey);

impl SshSigner {
    pub fn new(seed: u8) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    fn blob(&self) -> Vec<u8> {
        strings(&[b"ssh-ed25519", self.0.verifying_key().as_bytes()])
    }

    /// The public key as OpenSSH writes it.
    pub fn public_line(&self) -> String {
        format!("ssh-ed25519 {} test key", base64(&self.blob()))
    }

    /// The output of `ssh-keygen -Y sign -n NAMESPACE`.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> String {
        use ed25519_dalek::Signer as _;
        let digest = Sha512::digest(message);
        let signed = [b"SSHSIG".to_vec(), strings(&[namespace.as_bytes(), b"", b"sha512", &digest])].concat();
        let signature = strings(&[b"ssh-ed25519", &self.0.sign(&signed).to_bytes()]);
        let fields = strings(&[&self.blob(), namespace.as_bytes(), b"", b"sha512", &signature]);
        let text = base64(&[b"SSHSIG\0\0\0\x01".to_vec(), fields].concat());
        let lines: Vec<&str> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
    }
}

/// The commit with this signature in its header.
pub fn with_signature(commit: &str, armour: &str) -> String {
    let header = format!("gpgsig {}\n", armour.trim_end().replace('\n', "\n "));
    let end = commit.find("\n\n").unwrap() + 1;
    format!("{}{header}{}", &commit[..end], &commit[end..])
}

fn strings(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|field| [&(field.len() as u32).to_be_bytes(), *field].concat()).collect()
}
