//! `seal`: gathers what an audit looks at, and writes it with the verdict into one file.

use std::fmt::Write as _;
use std::path::Path;

use super::args::NamedKey;
use super::audit::{approvals_signature, read_attestation};
use super::files::{self, Existing};
use super::key_record::read_secret;
use super::seal_args::{ProfileArgument, SealArguments};
use super::{limits_with, now_or, output, threads_for};
use crate::case::{
    ApprovalsRecord, Asked, BundleRecord, Case, Contents, ImageRecord, NamedKey as StoredKey, NamedMember, Profile,
};
use crate::error::Error;
use crate::escape::{for_lines, for_terminal};
use crate::finding::Group;
use crate::folder;
use crate::image::Source;
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::report::Report;
use crate::trust::TrustFile;

pub(super) fn seal(arguments: &SealArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    // clap drops what `requires` says where the flag that is required conflicts with another that is given.
    if !arguments.tsa_cas.is_empty() && arguments.tsr.is_none() {
        return Err(usage("--tsa-ca is for --tsr, and none is given", STAMP_HINT));
    }
    let output = match (super::case::named(&arguments.paths)?, &arguments.output) {
        (Some(case), None) => return stamp(case, arguments, &limits),
        (Some(_), Some(_)) => {
            return Err(usage("a case is sealed already", "leave --output out: --tsq and --tsr are for a case"));
        }
        (None, _) if arguments.tsr.is_some() => {
            return Err(usage("--tsr is for a case, and none is named", STAMP_HINT));
        }
        (None, None) => return Err(usage("it is not said where to write the case", "give --output FILE")),
        (None, Some(output)) => output,
    };
    super::audit::only_bundles(&arguments.require)?;
    let secret = arguments.sign_key.as_deref().map(|path| read_secret(path, &limits)).transpose()?;
    let contents = gather(arguments, &limits)?;
    let profile = match arguments.profile {
        ProfileArgument::Full => Profile::Full,
        ProfileArgument::Filing => Profile::Filing,
    };
    let (mut case, report) = contents.seal(profile, arguments.retain_until.clone(), threads_for(None), &limits)?;
    if let Some(secret) = &secret {
        case.sign(secret)?;
    }
    write(&case, output, Existing::Refused)?;
    if let Some(path) = &arguments.tsq {
        files::write_whole(path, &case.stamp_request()?, Existing::Refused)?;
    }
    output::print(&page(&case, &report, output))?;
    Ok(report.exit_code())
}

const STAMP_HINT: &str =
    "seal first, send what `seal CASE --tsq FILE` writes to an authority, then `seal CASE --tsr FILE`";

fn usage(message: &str, hint: &str) -> Error {
    Error::Usage { message: message.into(), hint: hint.into() }
}

/// `--tsq` and `--tsr` for a case that is there.
fn stamp(path: &Path, arguments: &SealArguments, limits: &Limits) -> Result<u8, Error> {
    let given = [
        ("--key", !arguments.keys.keys.is_empty()),
        ("--policy", arguments.policy.is_some()),
        ("--require", !arguments.require.is_empty()),
        ("--now", arguments.now.is_some()),
        ("--approvals", arguments.approvals.is_some()),
        ("--trust", arguments.trust.is_some()),
        ("--builder", arguments.builder.is_some()),
        ("--image", arguments.image.is_some()),
        ("--sign-key", arguments.sign_key.is_some()),
        ("--retain-until", arguments.retain_until.is_some()),
        ("--profile", arguments.profile == ProfileArgument::Filing),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(usage(
            &format!("{flag} is for sealing, and a case is sealed already"),
            &format!("leave {flag} out"),
        ));
    }
    let mut case = super::case::read(path, limits)?;
    if let Some(request) = &arguments.tsq {
        files::write_whole(request, &case.stamp_request()?, Existing::Refused)?;
        return output::print(&for_lines(&format!("wrote {}, for {}\n", request.display(), case.digest())));
    }
    let Some(response) = &arguments.tsr else { return Err(usage("a case is sealed already", STAMP_HINT)) };
    let bytes = folder::read_file(response, limits.timestamp_bytes())?;
    let authorities = super::case::authorities(&arguments.tsa_cas, limits)?;
    let added = case.add_stamp(bytes, &authorities, limits)?;
    write(&case, path, Existing::Replaced)?;
    let by = added.authority.map_or("not verified: no --tsa-ca was named".to_owned(), |name| format!("by {name}"));
    output::print(&for_lines(&format!("added a time-stamp of {}, {by}, to {}\n", added.at, path.display())))
}

/// Writes a case whole or not at all.
pub(super) fn write(case: &Case, path: &Path, existing: Existing) -> Result<(), Error> {
    let mut bytes = Vec::new();
    case.write(&mut bytes).map_err(|error| output::unwritable(&path.display().to_string(), &error))?;
    files::write_whole(path, &bytes, existing)
}

fn page(case: &Case, report: &Report, path: &Path) -> String {
    let mut page = format!("SEALED {}\n", for_terminal(&path.display().to_string()));
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(page, "  {label:<10} {}", for_terminal(text));
    };
    line("case", &case.digest().to_string());
    line("verdict", report.verdict().word());
    for bundle in &report.bundles {
        line("bundle", bundle.build_name.as_deref().unwrap_or_default());
        for finding in bundle.rejecting() {
            line("because", &format!("{}: {}", finding.check, finding.message));
        }
    }
    for (name, size) in case.left_out() {
        line("left out", &format!("{name} ({size} bytes)"));
    }
    for place in case.secrets_seen() {
        line("SECRET", &format!("{place} holds what looks like a secret"));
    }
    if case.keeps_secrets() {
        page.push_str("The case holds these files as they are. --profile filing leaves them out.\n");
    }
    page
}

fn gather(arguments: &SealArguments, limits: &Limits) -> Result<Contents, Error> {
    let now = now_or(arguments.now)?;
    let own = Limits::default().entries();
    let changed = limits.entries().into_iter().zip(own).filter(|((_, value, _), (_, own, _))| value != own);
    let handed = [
        (arguments.image.is_some(), Group::Image),
        (arguments.trust.is_some(), Group::Trust),
        (arguments.builder.is_some(), Group::Builder),
    ];
    let words = |groups: Vec<Group>| groups.into_iter().map(|group| group.word().to_owned()).collect();
    let question = Asked {
        now: now.to_string(),
        require: words(arguments.require.clone()),
        handed: words(handed.into_iter().filter(|(is, _)| *is).map(|(_, group)| group).collect()),
        keys: Vec::new(),
        policy: None,
        policy_files: Vec::new(),
        approvals: None,
        limits: changed.map(|((name, value, _), _)| (name.to_owned(), value)).collect(),
    };
    let mut contents = Contents::new(question, limits);
    add_keys(&mut contents, &arguments.keys.keys, limits)?;
    if let Some(path) = &arguments.policy {
        add_policy(&mut contents, path, limits)?;
    }
    if let Some(path) = &arguments.approvals {
        add_approvals(&mut contents, path, limits)?;
    }
    let given_trust = arguments.trust.as_deref().map(|path| folder::read_trust(path, limits)).transpose()?;
    if let Some(files) = given_trust {
        add_trust(&mut contents, "given/trust", files, limits)?;
    }
    if let Some(path) = &arguments.builder {
        read_attestation(path, limits)?;
        add_trust(&mut contents, "given/builder", folder::read_trust(path, limits)?, limits)?;
    }
    let paths = folder::find_bundles(&arguments.paths, limits)?;
    super::audit::one_bundle_for(arguments.image.as_ref(), &paths)?;
    for (number, path) in (1..).zip(&paths) {
        add_bundle(&mut contents, number, path, arguments, limits)?;
    }
    Ok(contents)
}

fn add_keys(contents: &mut Contents, keys: &[NamedKey], limits: &Limits) -> Result<(), Error> {
    for (number, named) in (1..).zip(keys) {
        let stored = match named {
            NamedKey::Pin(pin) => StoredKey { fingerprint: pin.to_string(), member: None },
            NamedKey::File(path) => {
                let bytes = folder::read_file(path, limits.key_file_bytes())?;
                let key = PublicKey::from_pem(&path.display().to_string(), &bytes, limits)?;
                let member = format!("keys/{number}.pem");
                contents.add(&member, bytes, limits)?;
                StoredKey { fingerprint: key.fingerprint().to_string(), member: Some(member) }
            }
        };
        contents.question.keys.push(stored);
    }
    Ok(())
}

/// The policy, and every file that it names.
fn add_policy(contents: &mut Contents, path: &Path, limits: &Limits) -> Result<(), Error> {
    let bytes = folder::read_file(path, limits.policy_bytes())?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    Policy::from_toml(&path.display().to_string(), &bytes, limits, |file| {
        let content = folder::read_file(&base.join(file), limits.key_file_bytes())?;
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

fn add_approvals(contents: &mut Contents, path: &Path, limits: &Limits) -> Result<(), Error> {
    let member = "given/approvals".to_owned();
    contents.add(&member, folder::read_file(path, limits.approvals_bytes())?, limits)?;
    let signature = match approvals_signature(path, limits)? {
        Some(bytes) => {
            let name = format!("{member}.sig");
            contents.add(&name, bytes, limits)?;
            Some(name)
        }
        None => None,
    };
    contents.question.approvals = Some(ApprovalsRecord { member, signature });
    Ok(())
}

fn add_trust(contents: &mut Contents, place: &str, files: Vec<TrustFile>, limits: &Limits) -> Result<(), Error> {
    files.into_iter().try_for_each(|file| contents.add(&format!("{place}/{}", file.path), file.bytes, limits))
}

/// Files that lie beside a bundle, where there are any; the folder where they are.
fn add_beside(
    contents: &mut Contents,
    folder: String,
    files: Option<Vec<TrustFile>>,
    limits: &Limits,
) -> Result<Option<String>, Error> {
    let Some(files) = files else { return Ok(None) };
    add_trust(contents, &folder, files, limits)?;
    Ok(Some(folder))
}

/// One bundle with what lies beside it, as `audit` would look at it.
fn add_bundle(
    contents: &mut Contents,
    number: u32,
    path: &Path,
    arguments: &SealArguments,
    limits: &Limits,
) -> Result<(), Error> {
    let place = format!("bundles/{number}");
    let member = format!("{place}/bundle.sig.tbz");
    contents.add(&member, folder::read_file(path, limits.bundle_bytes())?, limits)?;
    let mut keys_beside = Vec::new();
    for (at, (name, _, bytes)) in (1..).zip(folder::key_files_beside(path, limits)) {
        let member = format!("{place}/keys/{at}.pem");
        contents.add(&member, bytes, limits)?;
        keys_beside.push(NamedMember { name, member });
    }
    let server = add_server(contents, &place, path, limits)?;
    let trust = match &arguments.trust {
        Some(_) => Some("given/trust".to_owned()),
        None => add_beside(contents, format!("{place}/trust"), folder::trust_beside(path, limits)?, limits)?,
    };
    let builder = match &arguments.builder {
        Some(_) => Some("given/builder".to_owned()),
        None => add_beside(contents, format!("{place}/builder"), folder::builder_beside(path, limits)?, limits)?,
    };
    let beside = folder::image_beside(path).map(|folder| Source::Layout(folder, None));
    let image = match arguments.image.as_ref().or(beside.as_ref()) {
        Some(source) => Some(add_image(contents, &format!("{place}/image"), source, limits)?),
        None => None,
    };
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    contents.bundles.push(BundleRecord {
        member,
        file_name,
        build_name: None,
        archive_sha256: None,
        signature: None,
        keys_beside,
        server,
        trust,
        builder,
        image,
    });
    Ok(())
}

/// The saved answers of the build server; the folder where they are.
fn add_server(contents: &mut Contents, place: &str, path: &Path, limits: &Limits) -> Result<Option<String>, Error> {
    let Some(files) = folder::server_files(path, limits)? else { return Ok(None) };
    let folder = format!("{place}/server");
    let files =
        [("status.json", files.status), ("image-digest.json", files.image_digest), ("server-build.log", files.log)];
    for (name, bytes) in files {
        if let Some(bytes) = bytes {
            contents.add(&format!("{folder}/{name}"), bytes, limits)?;
        }
    }
    Ok(Some(folder))
}

/// The files of an image, every one: what is not in the case cannot be looked at again.
fn add_image(contents: &mut Contents, place: &str, source: &Source, limits: &Limits) -> Result<ImageRecord, Error> {
    let (form, path, reference) = match source {
        Source::Registry(_) => {
            return Err(Error::Usage {
                message: format!("{source} is not a file, and a case stores the image's bytes"),
                hint: "save the image first: skopeo copy --preserve-digests docker://REF dir:image".into(),
            });
        }
        Source::Layout(path, reference) | Source::LayoutArchive(path, reference) => (Some("oci"), path, reference),
        Source::DockerArchive(path, reference) => (Some("docker-archive"), path, reference),
        Source::Directory(path) => (Some("dir"), path, &None),
        Source::Path(path) => (None, path, &None),
    };
    let record = |place: String| ImageRecord { place, form: form.map(str::to_owned), reference: reference.clone() };
    if !path.is_dir() {
        let place = format!("{place}.tar");
        contents.add(&place, folder::read_file(path, limits.case_bytes())?, limits)?;
        return Ok(record(place));
    }
    for (name, file) in folder::files_below(path, limits.case_members(), limits)? {
        let content = folder::read_file(&file, limits.case_bytes())?;
        contents.add(&format!("{place}/{name}"), content, limits)?;
    }
    Ok(record(place.to_owned()))
}
