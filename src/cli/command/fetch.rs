//! `fetch`: saves evidence into a folder and prints what was saved.

use crate::base::words::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::error::Error;
use crate::base::escape::{for_lines, for_terminal};
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::cli::args::OutputFormat;
use crate::cli::args::fetch::FetchArguments;
use crate::cli::limits_with;
use crate::cli::output::{self, Spinner};
use crate::client::{
    self, Bucket, BuildReport, Event, FetchReport, Kept, Layers, Outcome, Patience, Request, Run, ServerOptions,
    Settings, SourceReport, StoreKeys, TlsFiles, TrustOptions,
};

pub(crate) fn fetch(arguments: &FetchArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let request = request(arguments, &limits)?;
    if arguments.plan {
        let mut page = client::plan(&request)?.join("\n");
        page.push('\n');
        return output::print(&for_lines(&page));
    }
    let patience = Patience {
        total: arguments.patience.timeout,
        idle: arguments.patience.idle_timeout,
        tries: arguments.patience.tries,
        ..Patience::default()
    };
    let spinner = Spinner::new();
    let hear = |event: &Event| match event {
        Event::Asking(what) => spinner.say(&for_terminal(what)),
        Event::Received { what, bytes, .. } => spinner.say(&format!("{} ({} MiB)", for_terminal(what), bytes >> 20)),
        _ => {}
    };
    let run = Run { limits: &limits, patience: &patience, clock: client::system_clock, hear: &hear };
    let report = client::fetch(&request, run)?;
    drop(spinner);
    output::print(&match arguments.format {
        OutputFormat::Text => as_text(&report, &request.to),
        OutputFormat::Json => as_json(&report),
    })?;
    for error in report.faults.iter().chain(report.builds.iter().flat_map(|build| &build.faults)) {
        output::complain(error);
    }
    Ok(report.exit_code())
}

fn request(arguments: &FetchArguments, limits: &Limits) -> Result<Request, Error> {
    let working_folder = PathBuf::from(".");
    let settings = arguments.env.as_ref().map(|path| Settings::read(path, &working_folder, limits)).transpose()?;
    let outside_wanted = arguments.image || arguments.trust;
    let login = match (&arguments.env, outside_wanted) {
        (Some(path), true) => client::registry_login(path, limits)?,
        _ => None,
    };
    let push_server = settings.as_ref().and_then(|settings| settings.push_server.clone());
    let trust_server = settings.as_ref().and_then(|settings| settings.trust_server.clone());
    Ok(Request {
        to: arguments.to.clone(),
        bucket: arguments
            .bucket
            .as_ref()
            .map(|bucket| bucket_of(arguments, bucket, settings.as_ref(), limits))
            .transpose()?,
        builds: arguments.builds.clone(),
        image: arguments.image.then_some(if arguments.no_layers { Layers::Leave } else { Layers::Save }),
        image_name: arguments.image_name.clone(),
        trust: arguments.trust.then(|| TrustOptions {
            server: arguments.trust_server.clone().or(trust_server),
            lookaside: arguments.lookaside.clone(),
        }),
        builder_files: arguments.builder_files.clone(),
        outside: arguments
            .outside
            .options(login.map(|login| (push_server.unwrap_or_else(|| "docker.io".into()), login))),
        server: settings.map(|settings| ServerOptions {
            settings,
            tls: TlsFiles {
                ca: arguments.server.ca.clone(),
                certificate: arguments.server.cert.clone(),
                key: arguments.server.key_file.clone(),
            },
            resolves: arguments.outside.resolves.clone(),
        }),
    })
}

fn bucket_of(
    arguments: &FetchArguments,
    (name, prefix): &(String, String),
    settings: Option<&Settings>,
    limits: &Limits,
) -> Result<Bucket, Error> {
    let of_settings = settings.and_then(|settings| settings.bucket_endpoint.clone());
    let endpoint = arguments.store.endpoint.clone().or(of_settings).ok_or_else(|| Error::Usage {
        message: "the address of the object store is unknown".into(),
        hint: "set it with --endpoint, for example https://s3.us-south.cloud-object-storage.appdomain.cloud".into(),
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let region = arguments.store.region.clone();
    Ok(Bucket {
        endpoint,
        name: name.clone(),
        prefix: prefix.clone(),
        region: region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION")),
        keys: StoreKeys::find(&variable, limits)?,
        parallel: arguments.store.parallel,
    })
}

fn as_text(report: &FetchReport, to: &Path) -> String {
    let mut page = String::new();
    for build in &report.builds {
        build_as_text(build, &mut page);
    }
    for name in &report.without_key {
        let _ = writeln!(
            page,
            "WITHOUT KEY: {name}: the folder has no key under its name; the live server may supply one (--env)"
        );
    }
    let faults = report.faults.len() + report.builds.iter().map(|build| build.faults.len()).sum::<usize>();
    let builds = report.builds.len();
    let _ = match report.exit_code() {
        0 => writeln!(page, "SAVED: {} in {}{}", counted(builds, "build"), slashed(to), unreadable(report)),
        _ => writeln!(
            page,
            "INCOMPLETE: {}, {} without a key; run the command again: saved files are kept",
            counted(faults, "fault"),
            counted(report.without_key.len(), "bundle")
        ),
    };
    for_lines(&page)
}

/// This text is part of the last line, because people read that line first.
fn unreadable(report: &FetchReport) -> String {
    match report.builds.iter().filter(|build| build.unreadable.is_some()).count() {
        0 => String::new(),
        count => format!(", but {} in it cannot be audited: see the notes", counted(count, "build")),
    }
}

fn build_as_text(build: &BuildReport, page: &mut String) {
    let _ = writeln!(page, "{}", build.build_name);
    let mut blobs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, kept) in &build.files {
        let word = match kept {
            Kept::New => "saved    ",
            Kept::Same => "unchanged",
            Kept::Beside(name) => {
                let _ = writeln!(
                    page,
                    "  DIFFERS   {path}: a different file exists and is kept; the received file is {name}"
                );
                continue;
            }
        };
        match path.split_once("/blobs/") {
            // Several signatures may have the same blob.
            Some((folder, blob)) => drop(blobs.entry(folder).or_default().insert(blob)),
            None => drop(writeln!(page, "  {word} {path}")),
        }
    }
    for (folder, blobs) in blobs {
        let _ = writeln!(page, "  and       {} in {folder}", counted(blobs.len(), "blob"));
    }
    for note in &build.notes {
        let _ = writeln!(page, "  note      {note}");
    }
    for fault in &build.faults {
        let _ = writeln!(page, "  MISSING   {fault}");
    }
    for (word, outcome) in
        [("saved:    ", Outcome::Saved), ("note:     ", Outcome::Note), ("FAULT:    ", Outcome::Fault)]
    {
        let of = build.sources.iter().filter(|source| source.outcome == outcome).map(|source| source.source.name());
        let names = of.collect::<Vec<_>>().join(", ");
        if !names.is_empty() {
            let _ = writeln!(page, "  {word}{names}");
        }
    }
}

fn as_json(report: &FetchReport) -> String {
    let fault = |error: &Error| json!({"code": error.code(), "message": error.to_string(), "hint": error.hint()});
    let file = |(path, kept): &(String, Kept)| match kept {
        Kept::New => json!({"path": path, "kept": "new"}),
        Kept::Same => json!({"path": path, "kept": "same"}),
        Kept::Beside(name) => json!({"path": path, "kept": "beside", "as": name}),
    };
    let source = |source: &SourceReport| json!({"source": source.source.name(), "outcome": source.outcome.name(), "files": source.files});
    let build = |build: &BuildReport| {
        json!({
            "build_name": build.build_name.as_str(),
            "files": build.files.iter().map(file).collect::<Vec<Value>>(),
            "sources": build.sources.iter().map(source).collect::<Vec<Value>>(),
            "notes": build.notes,
            "unreadable": build.unreadable.as_ref().map(fault),
            "faults": build.faults.iter().map(fault).collect::<Vec<Value>>(),
        })
    };
    let document = json!({
        "schema_version": 1,
        "exit_code": report.exit_code(),
        "builds": report.builds.iter().map(build).collect::<Vec<Value>>(),
        "faults": report.faults.iter().map(fault).collect::<Vec<Value>>(),
        "without_key": report.without_key.iter().map(|name| name.as_str()).collect::<Vec<&str>>(),
    });
    format!("{document:#}\n")
}
