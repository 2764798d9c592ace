//! The build server's saved responses: *given* evidence without a signature. The responses alone never affect a
//! verdict; the check `server-record` compares them with the signed archive.

use crate::base::digest::Sha256;
use crate::base::image_name::ImageName;
use crate::base::limits::Limits;
use crate::base::mask::{hides_something, mask};
use crate::manifest::build_record::BuildRecord;

/// The saved files next to a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFiles {
    /// `status.json`: the response to `GET /image`.
    pub status: Option<Vec<u8>>,
    /// `image-digest.json`: the response to `GET /imagedigest`.
    pub image_digest: Option<Vec<u8>>,
    /// `server-build.log`: the text in the response to `GET /log/build`.
    pub log: Option<Vec<u8>>,
}

impl ServerFiles {
    /// The file names, in the order of the fields.
    pub(crate) const NAMES: [&'static str; 3] = ["status.json", "image-digest.json", "server-build.log"];

    /// The files that exist, by name.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &Vec<u8>)> {
        let files = [&self.status, &self.image_digest, &self.log];
        Self::NAMES.into_iter().zip(files).filter_map(|(name, bytes)| Some((name, bytes.as_ref()?)))
    }
}

/// The parsed responses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerRecord {
    /// The status record.
    pub status: Option<BuildRecord>,
    /// The image's name with its digest, as the server stated it.
    pub image: Option<(String, Sha256)>,
    /// Messages about content that could not be read.
    pub faults: Vec<String>,
    /// The existing files, each with the SHA-256 of its bytes.
    pub files: Vec<(&'static str, Sha256)>,
    /// Files that seem to contain a secret.
    pub secrets_in: Vec<&'static str>,
    log: Option<SavedLog>,
}

/// The saved log, or the two results that are kept after the log is dropped.
#[derive(Debug, Clone, PartialEq)]
enum SavedLog {
    Bytes(Vec<u8>),
    Shelved { compared: (Sha256, u64), begins: bool, archive: Option<Sha256> },
}

impl ServerRecord {
    /// Reads the files. Malformed content is reported in `faults`: it is a finding, not an error.
    pub fn read(files: ServerFiles, limits: &Limits) -> Self {
        let digests = files.named().map(|(name, bytes)| (name, Sha256::of(bytes))).collect();
        let mut record = Self { files: digests, ..Self::default() };
        if files.log.as_deref().is_some_and(hides_something) {
            record.secrets_in.push("server-build.log");
        }
        record.log = files.log.map(SavedLog::Bytes);
        if let Some(bytes) = files.status {
            match BuildRecord::from_json("status.json", &bytes, limits) {
                Ok(status) => record.status = Some(status),
                Err(error) => record.faults.push(error.to_string()),
            }
            let text = String::from_utf8_lossy(&bytes);
            if mask(&text) != text {
                record.secrets_in.push("status.json");
            }
        }
        if let Some(bytes) = files.image_digest {
            match image_digest(&bytes) {
                Some(image) => record.image = Some(image),
                None => record.faults.push(
                    "image-digest.json is malformed: expected a JSON string NAME@sha256:HEX with lower-case digits"
                        .into(),
                ),
            }
        }
        record
    }

    /// Drops the saved log but keeps the results of comparing it with a signed log of this digest and size.
    pub(crate) fn shelve(&mut self, sha256: Sha256, size: u64) {
        if let (Some(begins), archive) = (self.log_begins_with(sha256, size), self.logged_archive_digest()) {
            self.log = Some(SavedLog::Shelved { compared: (sha256, size), begins, archive });
        }
    }

    /// Whether the saved log begins with `size` bytes that have this digest. `None` if no log was saved.
    pub fn log_begins_with(&self, sha256: Sha256, size: u64) -> Option<bool> {
        let log = match self.log.as_ref()? {
            SavedLog::Bytes(log) => log,
            SavedLog::Shelved { compared, begins, .. } => return Some(*begins && *compared == (sha256, size)),
        };
        let beginning = usize::try_from(size).ok().and_then(|size| log.get(..size));
        Some(beginning.is_some_and(|beginning| Sha256::of(beginning) == sha256))
    }

    /// The digest in the saved log's last line that ends with ` digest=` and 64 hexadecimal digits. Presumably, this is
    /// the digest of the signed archive: the server writes it after it has copied the log into the archive.
    pub fn logged_archive_digest(&self) -> Option<Sha256> {
        let log = match self.log.as_ref()? {
            SavedLog::Bytes(log) => log,
            SavedLog::Shelved { archive, .. } => return *archive,
        };
        let lines = log.rsplit(|&byte| byte == b'\n');
        let mut digests = lines.filter_map(|line| {
            let line = std::str::from_utf8(line).ok()?.trim_end();
            Sha256::from_hex(line.rsplit_once(" digest=")?.1)
        });
        digests.next()
    }
}

fn image_digest(bytes: &[u8]) -> Option<(String, Sha256)> {
    let value = crate::base::strict_json::parse(bytes).ok()?;
    let text = value.as_str()?;
    let digest = ImageName::parse(text).ok()?.sha256()?;
    Some((text.split('@').next()?.to_owned(), digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: Option<&str>, digest: Option<&str>, log: Option<&str>) -> ServerRecord {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let files = ServerFiles { status: bytes(status), image_digest: bytes(digest), log: bytes(log) };
        ServerRecord::read(files, &Limits::default())
    }

    #[test]
    fn malformed_responses_are_faults() {
        let digest = format!("\"docker.io/a/b@sha256:{}\"", "1".repeat(64));
        let record = read(Some(r#"{"status": "success"}"#), Some(&digest), None);
        assert!(record.faults.is_empty() && record.image.is_some() && record.status.is_some());
        for (status, digest) in [
            (Some("<html>"), None),
            (Some("{}"), None),
            (Some(r#"{"status": "a", "status": "b"}"#), None),
            (None, Some("\"docker.io/a/b:latest\"")),
            (None, Some("\"docker.io/a/b@sha256:../../x\"")),
            (None, Some("{}")),
        ] {
            assert_eq!(read(status, digest, None).faults.len(), 1, "{status:?} {digest:?}");
        }
        let secret = read(Some(r#"{"status": "cmd: docker login --password hunter2"}"#), None, None);
        assert_eq!(secret.secrets_in, ["status.json"]);
        let secret = read(None, None, Some("a\ncmd: docker login --password hunter2\n"));
        assert_eq!(secret.secrets_in, ["server-build.log"]);
    }

    #[test]
    fn a_saved_log_is_compared_with_the_signed_log() {
        let log = "a\nb\n2020-06-23 08:39:48,819  root       INFO    digest=";
        let log = format!("{log}{}\nc", "1f".repeat(32));
        let record = read(None, None, Some(&log));
        assert_eq!(record.log_begins_with(Sha256::of(b"a\nb"), 3), Some(true));
        assert_eq!(record.log_begins_with(Sha256::of(b"a\nc"), 3), Some(false));
        assert_eq!(record.log_begins_with(Sha256::of(b"a"), 1_000_000), Some(false));
        assert_eq!(record.logged_archive_digest().map(|digest| digest.hex()), Some("1f".repeat(32)));
        assert_eq!(read(None, None, None).log_begins_with(Sha256::of(b""), 0), None);
    }
}
