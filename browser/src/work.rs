//! Processes a question.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use hpsb_audit::image::{Choice, Source};
use hpsb_audit::report::Tool;
use hpsb_audit::{
    Budget, BundleReport, Error, Limits, Means, Queue, Report, Request, Storage, audit_all, audit_piece, put_together,
    self_test,
};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::question::{Question, Work, formats};

type Files = BTreeMap<String, Vec<u8>>;

/// Processes the page's data: the question, then files.
pub fn answer(given: Vec<Vec<u8>>) -> Answer {
    let mut given = given.into_iter();
    let asked = given.next().unwrap_or_default();
    let asked: Question = match serde_json::from_slice(&asked) {
        Ok(asked) => asked,
        Err(error) => return Answer::defect(&format!("the question: {error}")),
    };
    match asked.work {
        Work::About => about(),
        Work::SelfTest => tested(),
        _ => audited(&asked, given).unwrap_or_else(|message| Answer::defect(&message)),
    }
}

fn about() -> Answer {
    let tool = Tool::this();
    Answer::of(json!({ "version": tool.version, "features": tool.features }))
}

fn tested() -> Answer {
    let test = self_test();
    let json: Value = serde_json::from_str(&test.json()).unwrap_or_default();
    Answer::of(json!({ "exit_code": test.exit_code(), "text": test.text(), "json": json }))
}

/// The evidence files or the trusted files, by name. A duplicate name is an error, because it is
/// not known which file was meant.
fn side(names: &[String], given: &mut impl Iterator<Item = Vec<u8>>) -> Result<Files, String> {
    let mut files = Files::new();
    for name in names {
        let bytes = given.next().ok_or("fewer files than names")?;
        if files.insert(name.clone(), bytes).is_some() {
            return Err(format!("duplicate file name {name:?}"));
        }
    }
    Ok(files)
}

fn audited(asked: &Question, mut given: impl Iterator<Item = Vec<u8>>) -> Result<Answer, String> {
    let evidence = side(&asked.evidence, &mut given)?;
    let trusted = side(&asked.trusted, &mut given)?;
    let pieces: Vec<Vec<u8>> = given.collect();
    if pieces.len() != asked.pieces {
        return Err("the question states a different number of pieces".into());
    }
    let flags = &asked.flags;
    let (limits, formats) = (flags.limits()?, formats(&asked.formats)?);
    let (keys, require, image, bases) = (flags.keys()?, flags.groups()?, flags.image()?, flags.bases()?);
    let request = Request {
        evidence: Storage::Memory(&evidence),
        trusted: Storage::Memory(&trusted),
        paths: &flags.paths,
        keys: &keys,
        policy: flags.policy.as_deref(),
        require: &require,
        approvals: flags.approvals.as_deref(),
        image: image.as_ref(),
        bases: &bases,
        trust: flags.trust.as_deref(),
        builder: flags.builder.as_deref(),
        seal_key: flags.seal_key.as_deref(),
        authorities: &flags.tsa_ca,
        shard: None,
        now: flags.now()?,
        today: flags.today()?,
    };
    let done = RefCell::new(None);
    let mut report = carry_out(asked, &request, &pieces, &limits, &done);
    report.reference = asked.reference.as_deref().map(Report::reference).transpose()?;
    // A list or a piece is made only if nothing prevents the audit; otherwise, the report states what prevents it.
    Ok(done.into_inner().unwrap_or_else(|| Answer::report(&report, &formats)))
}

/// Returns the report; stores a requested list or piece in `done`.
fn carry_out(
    asked: &Question,
    request: &Request<'_>,
    pieces: &[Vec<u8>],
    limits: &Limits,
    done: &RefCell<Option<Answer>>,
) -> Report {
    let storage = request.evidence;
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        storage.read_image(source, choice, limits, budget)
    };
    let queue = Queue { storage, read_image: &read_image, threads: 1, memory: None, state: None, step: &|| {} };
    let audit = |paths: &[PathBuf], question: &hpsb_audit::Question<'_>, report: &Report| {
        let nothing = Ok::<Vec<BundleReport>, Error>(Vec::new());
        match asked.work {
            Work::List => {
                *done.borrow_mut() = Some(list(paths, storage, limits)?);
                nothing
            }
            Work::Piece => {
                for path in paths.iter().filter(|path| asked.piece.as_ref() == Some(path)) {
                    let piece = audit_piece(path, question, report, storage, &read_image)?;
                    *done.borrow_mut() = Some(Answer::piece(piece));
                }
                nothing
            }
            Work::Finish => {
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                put_together(&pieces, paths, question, storage)
            }
            Work::About | Work::SelfTest | Work::Whole => audit_all(paths, question, &queue),
        }
    };
    request.report(&Means { read_image: &read_image, threads: 1, audit: &audit, limits })
}

/// The bundles, each with the files that its audit may read.
fn list(paths: &[PathBuf], storage: Storage<'_>, limits: &Limits) -> Result<Answer, Error> {
    let text = |path: &PathBuf| path.to_string_lossy().trim_start_matches("./").to_owned();
    let bundle = |path: &PathBuf| {
        let files: Vec<String> = storage.files_of(path, limits)?.iter().map(text).collect();
        Ok(json!({ "path": path.to_string_lossy(), "files": files }))
    };
    let bundles = paths.iter().map(bundle).collect::<Result<Vec<Value>, Error>>()?;
    Ok(Answer::of(json!({ "list": bundles })))
}
