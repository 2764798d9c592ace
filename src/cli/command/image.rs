//! `image`: shows what an image contains.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::cli::args::image::ImageArguments;
use crate::cli::args::{NetworkArguments, OutputFormat};
use crate::cli::{limits_with, output};
#[cfg(feature = "fetch")]
use crate::client::{self, Event, OutsideOptions, Patience, Run};
use crate::image::tree::{self, Tree};
use crate::image::{self, Choice, ImageFacts, Source};
use crate::judge::evidence::image_facts;

pub(crate) fn image(arguments: &ImageArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let choice = Choice { platforms: arguments.platform.iter().cloned().collect(), digests: Vec::new() };
    let image = read_image(&arguments.source, &arguments.network, &choice, &limits, &Budget::of_audit(0, &limits))?;
    image.must_be_for(arguments.platform.as_deref())?;
    let (faults, unsupported) = (image.contradictions(), image.not_supported());
    output::print(&match arguments.format {
        OutputFormat::Text => as_text(&image, &faults, &unsupported),
        OutputFormat::Json => as_json(&image, &faults, &unsupported),
    })?;
    Ok(u8::from(!faults.is_empty() || !unsupported.is_empty()))
}

/// Reads an image from its source. If the source has several images, `choice` must select one.
pub(crate) fn read_image(
    source: &Source,
    network: &NetworkArguments,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    load_image(source, network, choice, limits, budget)?.decided()
}

/// Like [`read_image`], for an audit: if the source has several images and none could be selected, the checks report that.
pub(crate) fn load_image(
    source: &Source,
    network: &NetworkArguments,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    match source {
        Source::Registry(_) if network.offline => Err(Error::Usage {
            message: format!("{source} needs the network, which --offline forbids"),
            hint: "save the image first: skopeo copy --preserve-digests docker://REF dir:image".into(),
        }),
        #[cfg(feature = "fetch")]
        Source::Registry(name) => from_registry(name, network, choice, limits, budget),
        _ => image::read_within(source, choice, limits, budget),
    }
}

#[cfg(feature = "fetch")]
fn from_registry(
    name: &str,
    network: &NetworkArguments,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    from_network(network, limits, |options, run| client::read_image(name, options, run, choice, budget))
}

/// The files of layer number `at`, counted from 0; `None` if the layer's bytes are not available. A layer in a registry is downloaded again.
pub(crate) fn layer_files(
    source: &Source,
    image: &ImageFacts,
    at: usize,
    network: &NetworkArguments,
    limits: &Limits,
) -> Result<Option<Tree>, Error> {
    match source {
        Source::Registry(name) => registry_layer(name, image, at, network, limits),
        _ => tree::of_layer(image, at, limits),
    }
}

#[cfg(feature = "fetch")]
fn registry_layer(
    name: &str,
    image: &ImageFacts,
    at: usize,
    network: &NetworkArguments,
    limits: &Limits,
) -> Result<Option<Tree>, Error> {
    let Some(measured) = image.layers.get(at).and_then(|layer| layer.measured.as_ref()) else { return Ok(None) };
    from_network(network, limits, |options, run| client::read_layer(name, measured, options, run))
}

#[cfg(not(feature = "fetch"))]
fn registry_layer(_: &str, _: &ImageFacts, _: usize, _: &NetworkArguments, _: &Limits) -> Result<Option<Tree>, Error> {
    Ok(None)
}

#[cfg(feature = "fetch")]
fn from_network<T>(
    network: &NetworkArguments,
    limits: &Limits,
    ask: impl FnOnce(&OutsideOptions, Run<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let options = network.outside.options(None);
    let spinner = output::Spinner::new();
    let hear = |event: &Event| match event {
        Event::Asking(what) => spinner.say(&for_terminal(what)),
        Event::Received { what, bytes, .. } => spinner.say(&format!("{} ({} MiB)", for_terminal(what), bytes >> 20)),
        _ => {}
    };
    let patience = Patience::default();
    let run = Run { limits, patience: &patience, clock: client::system_clock, hear: &hear };
    ask(&options, run)
}

fn as_text(image: &ImageFacts, faults: &[String], unsupported: &[String]) -> String {
    let mut page = format!("{}\n", for_terminal(&image.source));
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(page, "  {label:<14} {}", for_terminal(value));
    };
    for fact in image_facts(image) {
        line(&fact.fact, &format!("{} [{}]", fact.masked_value(), fact.known.word()));
    }
    let mut line = |label: &str, value: &str| line(label, &mask(value));
    if let Some(config) = &image.config {
        for (name, value) in &config.settings {
            line("setting", &format!("{name}={value}"));
        }
        for (name, value) in &config.labels {
            line("label", &format!("{name}={value}"));
        }
        for step in &config.history {
            let mark = if step.makes_layer { "" } else { " (no layer)" };
            line("history", &format!("{}{mark}", step.created_by));
        }
    }
    for fault in faults {
        line("CONTRADICTION", fault);
    }
    for what in unsupported {
        line("NOT SUPPORTED", what);
    }
    page.push_str(
        "\nDigests are recomputed from the bytes, unless marked as given. Settings, labels, history, platform and times are the image's own statements.\n",
    );
    page
}

fn as_json(image: &ImageFacts, faults: &[String], unsupported: &[String]) -> String {
    let rows: Vec<_> = image_facts(image)
        .into_iter()
        .map(|fact| json!({"fact": fact.fact, "witness": fact.witness, "value": fact.masked_value(), "known": fact.known.word()}))
        .collect();
    let config = image.config.as_ref().map(|config| {
        let masked = |texts: &BTreeMap<String, String>| -> serde_json::Map<_, _> {
            texts.iter().map(|(name, value)| (name.clone(), mask(value).into())).collect()
        };
        let (settings, labels) = (masked(&config.settings), masked(&config.labels));
        let history: Vec<_> = config
            .history
            .iter()
            .map(|step| json!({"created_by": mask(&step.created_by), "created": step.created, "makes_layer": step.makes_layer}))
            .collect();
        let diff_ids: Vec<String> = config.diff_ids.iter().map(ToString::to_string).collect();
        json!({"settings": settings, "labels": labels, "history": history, "diff_ids": diff_ids})
    });
    let document = json!({
        "schema_version": 1, "source": image.source, "form": image.form.witness(), "evidence": rows, "config": config,
        "contradictions": faults, "not_supported": unsupported,
    });
    format!("{document:#}\n")
}
