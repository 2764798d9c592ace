//! Collects the files that an audit reads into the contents of a case, without changing them.

use std::path::{Path, PathBuf};

use super::evidence::{GIVEN_BUILDER, GIVEN_TRUST};
use super::record::{ApprovalsRecord, Asked, BundleRecord, ImageRecord, NamedMember, StoredKey};
use super::seal::Contents;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::base::time::Timestamp;
use crate::dossier::{Beside, Handed, NamedKey, Storage};
use crate::given::server_record::ServerFiles;
use crate::image::{Form, Source};
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::trust::TrustFile;

/// The evidence to seal, as specified by the auditor.
#[derive(Debug)]
pub struct Sealing<'a> {
    /// The time as of which the audit is made.
    pub now: Timestamp,
    /// Groups that are required in addition to the policy's.
    pub require: &'a [Group],
    /// Keys to trust.
    pub keys: &'a [NamedKey],
    /// The policy.
    pub policy: Option<&'a Path>,
    /// The list of approvals.
    pub approvals: Option<&'a Path>,
    /// The signatures of the image.
    pub trust: Option<&'a Path>,
    /// The build server's own attestation record.
    pub builder: Option<&'a Path>,
    /// The image, which is allowed only with a single bundle.
    pub image: Option<&'a Source>,
    /// The bundles.
    pub bundles: &'a [PathBuf],
}

/// Collects everything that the audit of these bundles reads.
///
/// # Errors
/// Any read error; [`Error::OverLimit`]; [`Error::Usage`] for input that a case cannot contain.
pub fn gather(sealing: &Sealing<'_>, storage: Storage<'_>, limits: &Limits) -> Result<Contents, Error> {
    let builder = sealing.builder.map(|path| storage.read_attestation_and_files(path, limits)).transpose()?;
    let (builder, builder_files) = builder.unzip();
    let trust = sealing.trust.map(|path| storage.read_trust(path, limits)).transpose()?;
    let handed = Handed { image: sealing.image.cloned(), trust, builder, ..Handed::default() };
    let mut contents = Contents::new(asked(sealing, &handed, limits), limits);
    add_keys(&mut contents, sealing.keys, storage, limits)?;
    if let Some(path) = sealing.policy {
        add_policy(&mut contents, path, storage, limits)?;
    }
    if let Some(path) = sealing.approvals {
        add_approvals(&mut contents, path, storage, limits)?;
    }
    if let Some(files) = &handed.trust {
        add_files(&mut contents, GIVEN_TRUST, files.clone(), limits)?;
    }
    if let Some(files) = builder_files {
        add_files(&mut contents, GIVEN_BUILDER, files, limits)?;
    }
    for (number, path) in (1..).zip(sealing.bundles) {
        add_bundle(&mut contents, number, path, &handed, storage, limits)?;
    }
    Ok(contents)
}

fn asked(sealing: &Sealing<'_>, handed: &Handed, limits: &Limits) -> Asked {
    let own = Limits::default().entries();
    let changed = limits.entries().into_iter().zip(own).filter(|((_, value, _), (_, own, _))| value != own);
    let words = |groups: &[Group]| groups.iter().map(|group| group.word().to_owned()).collect();
    Asked {
        now: sealing.now.to_string(),
        require: words(sealing.require),
        handed: words(&handed.groups()),
        keys: Vec::new(),
        policy: None,
        policy_files: Vec::new(),
        approvals: None,
        limits: changed.map(|((name, value, _), _)| (name.to_owned(), value)).collect(),
    }
}

fn add_keys(contents: &mut Contents, keys: &[NamedKey], storage: Storage<'_>, limits: &Limits) -> Result<(), Error> {
    for (number, named) in (1..).zip(keys) {
        let (key, bytes) = named.read(storage, limits)?;
        let member = bytes.map(|bytes| {
            let member = format!("keys/{number}.pem");
            contents.add(&member, bytes, limits).map(|()| member)
        });
        let (fingerprint, member) = (key.fingerprint.to_string(), member.transpose()?);
        contents.question.keys.push(StoredKey { fingerprint, member });
    }
    Ok(())
}

/// Adds the policy and every file that it refers to.
fn add_policy(contents: &mut Contents, path: &Path, storage: Storage<'_>, limits: &Limits) -> Result<(), Error> {
    let bytes = storage.read(path, limits.policy_bytes())?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    Policy::from_toml(&slashed(path), &bytes, limits, |file| {
        let content = storage.read(&base.join(file), limits.key_file_bytes())?;
        if files.iter().all(|(name, _)| name != file) {
            files.push((file.to_owned(), content.clone()));
        }
        Ok(content)
    })?;
    contents.add("policy/policy.toml", bytes, limits)?;
    contents.question.policy = Some("policy/policy.toml".into());
    for (number, (name, content)) in (1..).zip(files) {
        let member = format!("policy/files/{number}");
        contents.add(&member, content, limits)?;
        contents.question.policy_files.push(NamedMember { name, member });
    }
    Ok(())
}

fn add_approvals(contents: &mut Contents, path: &Path, storage: Storage<'_>, limits: &Limits) -> Result<(), Error> {
    let member = "given/approvals".to_owned();
    contents.add(&member, storage.read(path, limits.approvals_bytes())?, limits)?;
    let signature = storage.approvals_signature(path, limits)?.map(|bytes| {
        let name = format!("{member}.sig");
        contents.add(&name, bytes, limits).map(|()| name)
    });
    let signature = signature.transpose()?;
    contents.question.approvals = Some(ApprovalsRecord { member, signature });
    Ok(())
}

fn add_files(contents: &mut Contents, place: &str, files: Vec<TrustFile>, limits: &Limits) -> Result<(), Error> {
    files.into_iter().try_for_each(|file| contents.add(&format!("{place}/{}", file.path), file.bytes, limits))
}

/// Adds one bundle and the files that belong to it, as `audit` would read them.
fn add_bundle(
    contents: &mut Contents,
    number: u32,
    path: &Path,
    handed: &Handed,
    storage: Storage<'_>,
    limits: &Limits,
) -> Result<(), Error> {
    let place = format!("bundles/{number}");
    let member = format!("{place}/bundle.sig.tbz");
    contents.add(&member, storage.read(path, limits.bundle_bytes())?, limits)?;
    let beside = Beside::of(path, handed, storage, limits)?;
    let mut keys_beside = Vec::new();
    for (at, (name, _, bytes)) in (1..).zip(beside.keys) {
        let member = format!("{place}/keys/{at}.pem");
        contents.add(&member, bytes, limits)?;
        keys_beside.push(NamedMember { name, member });
    }
    let server = beside.server.map(|files| add_server(contents, format!("{place}/server"), &files, limits));
    let mut folder = |given: Option<&str>, name: &str, files: Option<Vec<TrustFile>>| match (given, files) {
        (Some(given), _) => Ok(Some(given.to_owned())),
        (None, Some(files)) => {
            let folder = format!("{place}/{name}");
            add_files(contents, &folder, files, limits).map(|()| Some(folder))
        }
        (None, None) => Ok(None),
    };
    let trust = folder(handed.trust.as_ref().map(|_| GIVEN_TRUST), "trust", beside.trust)?;
    let builder = folder(handed.builder.as_ref().map(|_| GIVEN_BUILDER), "builder", beside.builder)?;
    let source = handed.image.as_ref().or(beside.image.as_ref());
    let image = source.map(|source| add_image(contents, &format!("{place}/image"), source, storage, limits));
    contents.bundles.push(BundleRecord {
        member,
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        build_name: None,
        archive_sha256: None,
        signature: None,
        keys_beside,
        server: server.transpose()?,
        trust,
        builder,
        image: image.transpose()?,
    });
    Ok(())
}

/// Adds the build server's saved responses and returns their folder.
fn add_server(contents: &mut Contents, folder: String, files: &ServerFiles, limits: &Limits) -> Result<String, Error> {
    for (name, bytes) in files.named() {
        contents.add(&format!("{folder}/{name}"), bytes.clone(), limits)?;
    }
    Ok(folder)
}

/// Adds every file of an image, because a file that is not in the case cannot be checked again.
fn add_image(
    contents: &mut Contents,
    place: &str,
    source: &Source,
    storage: Storage<'_>,
    limits: &Limits,
) -> Result<ImageRecord, Error> {
    let Some((path, form, reference)) = source.place() else {
        return Err(Error::Usage {
            message: format!("{source} is not a file, but a case must store the image's bytes"),
            hint: "save the image first: skopeo copy --preserve-digests docker://REF dir:image".into(),
        });
    };
    let form = form.map(|form| match form {
        Form::DockerArchive => "docker-archive",
        Form::Directory => "dir",
        Form::Layout | Form::Registry => "oci",
    });
    let record =
        |place: String| ImageRecord { place, form: form.map(str::to_owned), reference: reference.map(str::to_owned) };
    if !storage.is_folder(path) {
        let place = format!("{place}.tar");
        contents.add(&place, storage.read(path, limits.case_bytes())?, limits)?;
        return Ok(record(place));
    }
    for (name, file) in storage.files_below(path, limits.case_members(), limits)? {
        let content = storage.read(&file, limits.case_bytes())?;
        contents.add(&format!("{place}/{name}"), content, limits)?;
    }
    Ok(record(place.to_owned()))
}
