//! Every output on an accepted build names what the acceptance leaves open: each gap with each output.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::process::Command;

use program::{BUNDLE, Folder, NOW, fixture, run};
use serde_json::Value;

/// One way in which an acceptance leaves something open.
struct Gap {
    /// The fixture with the bundle, the key and the image.
    fixture: &'static str,
    has_layers: bool,
    /// The groups that the policy requires.
    require: &'static str,
    levels: &'static str,
    /// The words for it; one of them must be in each output.
    words: &'static [&'static str],
}

const ALL_WARN: &str =
    "image-digest = \"warn\"\nimage-config = \"warn\"\nimage-layers = \"warn\"\nimage-platform = \"warn\"\n";
const IMAGE: &str = "\"manifest\", \"source\", \"image\"";
const NO_IMAGE: &str = "\"manifest\", \"source\"";
const OTHERS: &[&str] = &["the other images of the index", "image index of which one image was examined"];
const LAYERS: &[&str] = &["the image's layers"];

const GAPS: [Gap; 9] = [
    Gap {
        fixture: "image-other_fail",
        has_layers: true,
        require: NO_IMAGE,
        levels: ALL_WARN,
        words: &["the supplied image is NOT the one with the digest in the log"],
    },
    Gap {
        fixture: "image-other_fail",
        has_layers: true,
        require: NO_IMAGE,
        levels: ALL_WARN,
        words: &["image-digest"],
    },
    Gap {
        fixture: "image-other_fail",
        has_layers: true,
        require: IMAGE,
        levels: "image-digest = \"off\"\nimage-config = \"off\"\n",
        words: &["the image's own digest"],
    },
    Gap { fixture: "image-index", has_layers: true, require: NO_IMAGE, levels: "root-ssh = \"off\"\n", words: OTHERS },
    Gap { fixture: "image-index", has_layers: true, require: NO_IMAGE, levels: ALL_WARN, words: OTHERS },
    Gap {
        fixture: "image-good",
        has_layers: true,
        require: NO_IMAGE,
        levels: "source-tree = \"off\"\n",
        words: &["off: source-tree"],
    },
    Gap { fixture: "image-index", has_layers: false, require: NO_IMAGE, levels: ALL_WARN, words: LAYERS },
    Gap {
        fixture: "image-good",
        has_layers: false,
        require: IMAGE,
        levels: "image-layers = \"warn\"\n",
        words: LAYERS,
    },
    Gap { fixture: "image-good", has_layers: false, require: NO_IMAGE, levels: ALL_WARN, words: LAYERS },
];

/// The bundle, its key and its image, unpacked.
fn place(gap: &Gap) -> Folder {
    let (folder, from) = (Folder::new(), fixture(gap.fixture));
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    let image = folder.path().join("evidence/image");
    fs::create_dir(&image).unwrap();
    assert!(
        Command::new("tar").arg("xf").arg(from.join("image.tar")).arg("-C").arg(&image).status().unwrap().success()
    );
    for blob in fs::read_dir(image.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap().path();
        if !gap.has_layers && fs::read(&blob).unwrap().starts_with(&[0x1f, 0x8b]) {
            fs::remove_file(blob).unwrap();
        }
    }
    let approvals = fixture("good-approved").join("approvals.csv");
    folder.write("approvals.csv", fs::read(approvals).unwrap());
    folder
}

/// The texts of all outputs, and what produced each.
fn outputs(folder: &Folder) -> Vec<(String, String)> {
    let answer = |arguments: &[&str]| {
        let answer = run(folder.path(), &[arguments, &["--policy", "policy.toml", "--now", NOW]].concat());
        assert_eq!(answer.code, 0, "{arguments:?}: {}{}", answer.out, answer.err);
        answer.out
    };
    let bundle = format!("evidence/{BUNDLE}");
    let json = answer(&["audit", &bundle, "--format", "json"]);
    folder.write("saved.json", &json);
    let report: Value = serde_json::from_str(&json).unwrap();
    let facts = report["reports"][0]["evidence"].as_array().unwrap();
    let pushed = facts.iter().find(|fact| fact["fact"] == "image-digest" && fact["witness"] == "build.log").unwrap();
    let digest = pushed["data"]["digest"].as_str().unwrap();
    folder.write("compose.yaml", format!("services:\n  wallet:\n    image: docker.io/acme/wallet@{digest}\n"));
    // The same evidence twice is several bundles.
    assert!(Command::new("cp").args(["-r", "evidence", "both"]).current_dir(folder.path()).status().unwrap().success());

    let pages = ["html", "markdown", "junit", "oscal"].map(|format| format!("{format}=one.{format}"));
    let mut one = vec!["audit", &bundle];
    one.extend(pages.iter().flat_map(|page| ["--report", page]));
    let reconcile =
        ["reconcile", "--evidence", "evidence", "--inventory", "compose.yaml", "--approvals", "approvals.csv"];
    let period = ["--period", "2026-02-01/2026-03-31", "--report", "html=matched.html"];
    let mut all = vec![
        ("screen".to_owned(), answer(&one)),
        ("--details".into(), answer(&["audit", &bundle, "--details"])),
        ("several bundles".into(), answer(&["audit", "evidence", "both", "--report", "html=several.html"])),
        ("admit".into(), answer(&["admit", "compose.yaml", "--evidence", "evidence"])),
        ("reconcile".into(), answer(&[&reconcile[..], &period].concat())),
        ("saved report".into(), run(folder.path(), &["report", "saved.json", "--format", "text"]).out),
    ];
    let pages = pages.iter().map(|page| page.split_once('=').unwrap().1);
    for page in pages.chain(["several.html", "matched.html"]) {
        let text = fs::read_to_string(folder.path().join(page)).unwrap();
        all.push((page.to_owned(), first_sheet(&text).to_owned()));
    }
    all
}

/// The part of an HTML page before the sections that list every check.
fn first_sheet(text: &str) -> &str {
    text.split("Question and limits").next().unwrap()
}

/// Without escapes and line breaks.
fn plain(text: &str) -> String {
    let text = text.replace("&#39;", "'").replace("&apos;", "'").replace('\\', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A policy that accepts the build in full or, because of a waiver, in part.
fn policy(folder: &Folder, gap: &Gap, is_part: bool) -> String {
    let bundle = hpsb_audit::Sha256::of(&fs::read(folder.path().join("evidence").join(BUNDLE)).unwrap()).to_string();
    let (age, waiver) = match is_part {
        true => (
            "max-age = \"1d\"\n",
            format!(
                "[[waivers]]\ncheck = \"build-age\"\nbundle = \"{bundle}\"\nowner = \"Ada\"\nreason = \"known\"\nexpires = 2027-01-01T00:00:00Z\n"
            ),
        ),
        false => ("", String::new()),
    };
    format!(
        "version = 1\nrequire = [{}]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n[expect]\nplatforms = [\"linux/s390x\"]\n{age}[levels]\n{}{waiver}",
        gap.require, gap.levels
    )
}

#[test]
fn every_output_names_every_gap() {
    for gap in &GAPS {
        for is_part in [false, true] {
            let folder = place(gap);
            folder.write("policy.toml", policy(&folder, gap, is_part));
            for (name, text) in outputs(&folder) {
                let text = plain(&text);
                let is_named = gap.words.iter().any(|words| text.contains(words));
                assert!(is_named, "{}: {name} does not have {:?}: {text}", gap.fixture, gap.words);
                assert!(
                    !is_part || text.contains("build-age"),
                    "{}: {name} does not have the waiver: {text}",
                    gap.fixture
                );
            }
        }
    }
}
