//! `contract images`: prints the keys of a build's image in the form that a contract uses.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};

use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::cli::args::admit::ContractImagesArguments;
use crate::cli::command::audit::{audit_on, policy_or_default};
use crate::cli::{limits_with, now_or, output, threads_for};
use crate::crypto::armoured_key;
use crate::dossier::{Handed, Storage, Terms, read_keys};
use crate::judge::builds::{BuiltImage, OfIndex};
use crate::judge::policy::Policy;
use crate::report::{Amount, BundleReport, Format, Look, Report};
use crate::trust::ImageSignerKey;

pub(crate) fn images(arguments: &ContractImagesArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let now = now_or(arguments.now)?;
    let policy = policy_or_default(arguments.policy.as_deref(), &limits)?;
    let named = read_keys(&arguments.keys.keys, Storage::Disk, &limits)?;
    let terms = Terms::new(policy, named, Handed::default())?;
    let path = Storage::Disk.one_bundle(&arguments.bundle, "contract images", &limits)?;
    let threads = threads_for(None);
    let question = terms.question(now, threads, &limits);
    let mut report = Report { question: None, ..question.report() };
    report.bundles = audit_on(threads, &[path], &question)?;
    // The keys of a build that is not accepted must not go into a contract. The report, which states the reason, is printed on standard error.
    if report.exit_code() != 0 {
        let look = Look { amount: Amount::Everything, ..Look::PLAIN };
        let mut page = Vec::new();
        let written = report.write(Format::Text(look), &Default::default(), &mut page);
        written.map_err(|error| Error::unwritable("standard error", &error))?;
        output::talk(&page);
        return Ok(report.exit_code());
    }
    let bundle = report.bundles.first();
    let name = bundle.map(BundleReport::titled).unwrap_or_default();
    let headline = bundle.map(|bundle| for_terminal(&question.report().headline(bundle))).unwrap_or_default();
    let built = bundle.and_then(|bundle| bundle.built.clone()).unwrap_or_default();
    let of_index = bundle.and_then(BundleReport::of_index);
    let judged = bundle.and_then(|bundle| report.judged_as_of(bundle)).unwrap_or_default();
    let ignored = question.report().question.and_then(|question| question.ignored());
    let ignored =
        ignored.map_or_else(String::new, |words| format!("# Fields of the policy {}\n", for_terminal(&words)));
    let doubts: String = bundle.iter().flat_map(|bundle| bundle.doubts()).fold(String::new(), |page, doubt| {
        page + &format!("# Warning: {}\n", for_terminal(&format!("{}: {}", doubt.check, doubt.message)))
    });
    output::print(&format!(
        "# {headline}\n# Audited as of {judged}.\n{ignored}{doubts}{}",
        section(&name, &built, of_index, &terms.policy)?
    ))
}

/// The maximum number of tags, and of repositories, to print: a build pushes two tags to one repository.
const NAMES_SHOWN: usize = 20;

/// The section in a form that can be pasted into a contract. Names are quoted as JSON strings, which are valid YAML.
///
/// The pushed digest may be that of an index, of which `of_index` is the image that was examined.
fn section(build: &str, built: &BuiltImage, of_index: Option<OfIndex>, policy: &Policy) -> Result<String, Error> {
    let mut page = format!("# Keys of the image pushed by build {}.\n", for_terminal(build));
    if of_index.is_some() {
        page.push_str("# The pushed digest is that of an index; this is the image in it that was examined.\n");
    }
    for (tag, pushed) in built.pushed.iter().take(NAMES_SHOWN) {
        let digest = of_index.map_or(*pushed, |one| one.manifest);
        for repository in built.repositories.iter().take(NAMES_SHOWN) {
            let _ = writeln!(
                page,
                "# The tag {}: specify the image as {}@{digest}",
                for_terminal(tag),
                for_terminal(repository)
            );
        }
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    page.push_str("images:\n");
    if let Some(key) = &built.root_key {
        page.push_str(
            "  # The repository's content-trust root key, as the signed log records it. The log does not record the notary server:\n  \
             # the address is guessed from the registry's name, so check it.\n  dct:\n",
        );
        for repository in &built.repositories {
            let host = repository.split('/').next().unwrap_or_default();
            let notary = quoted(&format!("https://notary.{host}"));
            let _ =
                writeln!(page, "    {}:\n      notary: {notary}\n      publicKey: {}", quoted(repository), quoted(key));
        }
        return Ok(page);
    }
    let certificates = policy.trust.signers.iter().filter_map(|signer| match &signer.key {
        ImageSignerKey::OpenPgp { fingerprint, certificates } => Some((fingerprint, certificates)),
        _ => None,
    });
    let certificates: Vec<(&String, &Vec<u8>)> = certificates.collect();
    let [(fingerprint, certificate)] = certificates.as_slice() else {
        return Err(Error::Usage {
            message:
                "the signed log records no key for the image that can be used, and the policy's [trust] does not list exactly one OpenPGP signer"
                    .into(),
            hint: "an image pinned by digest needs no entry in images".into(),
        });
    };
    // An instance that runs the contract trusts every key in this file, so it must contain only one.
    if armoured_key::fingerprint(certificate).as_ref() != Ok(fingerprint) {
        return Err(Error::Usage {
            message: format!("the policy's OpenPGP file is not one armoured key with the fingerprint {fingerprint}"),
            hint: format!("export only this key: gpg --armor --export {fingerprint}"),
        });
    }
    let certificate = Base64::encode_string(certificate);
    page.push_str("  # The key from the policy's [trust]. The signed log does not record it.\n  rhs:\n");
    for repository in &built.repositories {
        let _ = writeln!(page, "    {}:\n      publicKey: {}", quoted(repository), quoted(&certificate));
    }
    Ok(page)
}
