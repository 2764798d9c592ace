//! Tests pages for filing, as Debian's Chromium prints them on A4 and Letter paper: the first page contains everything up to the signature lines;
//! every page has the digest, the reference and the page number; and the command copied from the paper runs. `tests/print` runs these tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hpsb_audit::Sha256;
use program::{BUNDLE, Folder, NOW, fixture, run};
use serde_json::Value;

const REFERENCE: &str = "AZ 2026/0815 \"Wallet\" </style>";

fn tool(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(name).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is needed: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The text of each page of `page`, printed on paper of this size.
fn printed(folder: &Folder, page: &str, size: &str) -> Vec<String> {
    let html = fs::read_to_string(folder.path().join(page)).unwrap();
    assert_eq!(html.matches("size: auto;").count(), 1);
    folder.write("sized.html", html.replace("size: auto;", &format!("size: {size};")));
    let path = folder.path().join("sized.html");
    let browser = folder.path().join("browser");
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        &format!("--user-data-dir={}", browser.display()),
        "--print-to-pdf=page.pdf",
        &format!("file://{}", path.display()),
    ];
    tool("chromium", &arguments, folder.path());
    if let Some(kept) = std::env::var_os("HPSB_PRINTS") {
        let test = std::thread::current().name().unwrap().to_owned();
        for (from, to) in [("page.pdf", format!("{test}.{size}.pdf")), (page, format!("{test}.html"))] {
            fs::copy(folder.path().join(from), Path::new(&kept).join(to)).unwrap();
        }
    }
    let text = String::from_utf8(tool("pdftotext", &["page.pdf", "-"], folder.path()).stdout).unwrap();
    text.split_terminator('\u{c}').map(str::to_owned).collect()
}

/// States by how many pixels the page is wider than a phone screen of 360 pixels. The expected number is 0: only tables may scroll.
fn wider_than_a_phone(folder: &Folder, page: &str) -> String {
    folder.write(
        "phone.html",
        format!(
            "<!DOCTYPE html><body><iframe src=\"{page}\" style=\"width:360px;height:800px;border:0\" \
             onload=\"let top = this.contentDocument.documentElement; document.body.textContent = 'wider by ' + (top.scrollWidth - top.clientWidth) + '.'\"></iframe>"
        ),
    );
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        &format!("--user-data-dir={}", folder.path().join("browser").display()),
        "--dump-dom",
        &format!("file://{}", folder.path().join("phone.html").display()),
    ];
    String::from_utf8(tool("chromium", &arguments, folder.path()).stdout).unwrap()
}

/// The command on a page, in the form in which a reader copies it.
fn command(page: &str) -> String {
    let lines = page.lines().skip_while(|line| !line.starts_with("hpsb-audit ") || !line.ends_with('\\'));
    let mut command = Vec::new();
    for line in lines.map(|line| line.trim_end_matches(' ')) {
        command.push(line);
        if !line.ends_with('\\') {
            return command.join("\n");
        }
    }
    panic!("no command on page one:\n{page}");
}

/// Runs the command in a shell, in the folder of the audit.
fn repeated(folder: &Folder, command: &str) -> (i32, Value) {
    let program = Path::new(env!("CARGO_BIN_EXE_hpsb-audit")).parent().unwrap().display().to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{command} --format json")]).current_dir(folder.path());
    let output = shell.env("PATH", format!("{program}:/usr/bin:/bin")).output().unwrap();
    let report =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {command}: {output:?}"));
    (output.status.code().unwrap(), report)
}

/// Runs the program, prints the pages for filing and checks them.
fn filed(folder: &Folder, arguments: &[&str], (code, headline): (i32, &str)) -> Vec<String> {
    let line = [arguments, &["--reference", REFERENCE, "--report", "html=page.html"]].concat();
    let answer = run(folder.path(), &[&line[..], &["--report", "json=page.json"]].concat());
    assert_eq!(answer.code, code, "{}{}", answer.out, answer.err);
    let page = if folder.path().join("page.html").is_dir() { "page.html/index.html" } else { "page.html" };
    let report: Value = serde_json::from_slice(&fs::read(folder.path().join("page.json")).unwrap()).unwrap();
    assert_eq!(report["reference"], REFERENCE);
    let pages = looked_at(folder, page, headline, |command| {
        let (again, found) = repeated(folder, command);
        assert_eq!((again, &found["verdict"]), (code, &report["verdict"]), "{command}: {found:#}");
        let answers = |report: &Value| {
            let findings = report["reports"].as_array().unwrap().iter().map(|one| one["findings"].clone());
            findings.collect::<Vec<_>>()
        };
        assert_eq!(answers(&found), answers(&report), "{command}");
    });
    if let [one] = report["reports"].as_array().unwrap().as_slice()
        && let Some(digest) = one["bundle"]["sha256"].as_str()
    {
        assert!(pages.iter().all(|page| page.starts_with(&format!("Bundle sha256:{digest}"))), "{pages:?}");
    }
    pages
}

fn looked_at(folder: &Folder, page: &str, headline: &str, repeat: impl Fn(&str)) -> Vec<String> {
    let wider = wider_than_a_phone(folder, page);
    assert!(wider.contains("wider by 0."), "{page}: {wider}");
    let mut first = Vec::new();
    for size in ["A4", "Letter"] {
        let pages = printed(folder, page, size);
        let filed = &pages[0];
        for heading in ["Found", "Not proved", "Exceptions", "How to repeat", "Prepared by", "Reviewed by"] {
            assert!(
                filed.lines().any(|line| line.starts_with(heading)),
                "{size}: {heading} is not on page one:\n{filed}"
            );
        }
        assert!(filed.lines().any(|line| line.starts_with(headline)), "{size}: {headline}:\n{filed}");
        assert!(filed.contains("Judged as of"), "{size}: {filed}");
        assert!(pages.len() > 1, "{size}: the first sheet is a separate page");
        // The page's subject; the reference is on the same line, at the other margin.
        let head = filed.lines().next().unwrap().split("  ").next().unwrap().to_owned();
        assert!(head.len() > 10, "{size}: {filed}");
        for (at, text) in pages.iter().enumerate() {
            assert!(text.contains(&format!("page {} of {}", at + 1, pages.len())), "{size} page {}:\n{text}", at + 1);
            assert!(text.contains(REFERENCE), "{size} page {}:\n{text}", at + 1);
            assert!(text.starts_with(&head), "{size} page {}: {head}\n{text}", at + 1);
        }
        repeat(&command(filed));
        first.push(pages.into_iter().next().unwrap());
    }
    first
}

fn audit(folder: &Folder, more: &[&str], expected: (i32, &str)) -> Vec<String> {
    filed(folder, &[&["audit", BUNDLE], more, &["--now", NOW]].concat(), expected)
}

/// A fixture with a different policy.
fn with_policy(name: &str, policy: &str) -> Folder {
    let folder = Folder::with_fixture(name);
    folder.write("policy.toml", policy);
    folder
}

const KEY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

/// Tests that the PDFs in docs/examples are those of the pages next to them.
#[test]
#[ignore = "tests/print"]
fn the_example_pdfs_match_their_html_pages() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    for name in ["accepted", "rejected", "case"] {
        let folder = Folder::new();
        fs::copy(examples.join(format!("{name}.html")), folder.path().join("page.html")).unwrap();
        let pdf = tool("pdftotext", &[&format!("{name}.pdf"), "-"], &examples).stdout;
        let kept: Vec<String> = String::from_utf8(pdf).unwrap().split_terminator('\u{c}').map(str::to_owned).collect();
        assert!(printed(&folder, "page.html", "A4") == kept, "{name}.pdf is out of date: docs/examples/make");
    }
}

#[test]
#[ignore = "tests/print"]
fn an_accepted_build_prints_correctly() {
    let folder = with_policy("good-rsa-2048", KEY);
    let pages = audit(&folder, &["--policy", "policy.toml"], (0, "ACCEPTED: manifest, source"));
    for page in &pages {
        for text in [
            "remote origin: github.com/acme/wallet",
            "2026-03-10T00:00:00Z",
            "docker.io/acme/wallet",
            "\"build server A\"",
        ] {
            assert!(page.contains(text), "{text}:\n{page}");
        }
    }
}

#[test]
#[ignore = "tests/print"]
fn an_accepted_build_with_a_witnessed_key_prints_correctly() {
    let folder = Folder::with_fixture("good-key-witnessed");
    let pages = audit(&folder, &["--policy", "policy.toml"], (0, "ACCEPTED: manifest, source"));
    for text in ["Ada at 2026-03-03T08:00:00Z over server-api", "Bob at 2026-03-04T08:00:00Z over courier"] {
        assert!(pages.iter().all(|page| page.replace('\n', " ").contains(text)), "{text}:\n{}", pages[0]);
    }
}

/// The bundle is accepted in part, with an image and very long names: text that is wider than the paper is wrapped.
#[test]
#[ignore = "tests/print"]
fn a_build_accepted_in_part_with_long_and_odd_names_prints_correctly() {
    let folder = Folder::with_fixture("image-good");
    let long = format!("it's a folder/{}/{}", "deep-".repeat(30), "x".repeat(120));
    fs::create_dir_all(folder.path().join(&long)).unwrap();
    let (bundle, image) = (format!("{long}/{BUNDLE}"), format!("oci-archive:{long}/image.tar"));
    for name in [BUNDLE, "image.tar"] {
        fs::rename(folder.path().join(name), folder.path().join(&long).join(name)).unwrap();
    }
    let line =
        ["audit", &bundle, "--key", "key.pem", "--image", &image, "--limit", "archive_members=5000", "--now", NOW];
    filed(&folder, &line, (0, "ACCEPTED IN PART: no policy; trust, builder not checked"));
}

/// A policy under which the bundle is rejected for six or more reasons.
fn strict(more: &str) -> String {
    let repositories: String = (0..40).map(|at| format!("\"git@github.com:acme/other-{at}.git\", ")).collect();
    format!(
        "{KEY}{more}[expect]\nimages = [\"docker.io/acme/other\"]\nrepositories = [{repositories}]\ncommit = \"{}\"\n\
         min-server-version = \"9.9\"\nmax-age = \"1d\"\nminimum-grade = \"challenged\"\nbranch = \"release\"\n",
        "0".repeat(40)
    )
}

#[test]
#[ignore = "tests/print"]
fn a_build_rejected_for_six_reasons_prints_correctly() {
    let folder = with_policy("good-rsa-2048", &strict(""));
    let pages = audit(&folder, &["--policy", "policy.toml", "--require", "image,trust"], (1, "REJECTED"));
    assert!(pages.iter().all(|page| page.contains("more: see Findings")), "{}", pages[0]);
}

/// Everything that a first page can contain: six reasons, six exceptions, of which two are waivers with
/// long reasons, and four lines of a key record.
#[test]
#[ignore = "tests/print"]
fn a_rejected_build_with_every_possible_section_fits_on_the_first_page() {
    let folder = Folder::with_fixture("good-key-witnessed");
    let policy = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    let digest = Sha256::of(&fs::read(folder.path().join(BUNDLE)).unwrap()).hex();
    let waiver = |check: &str| {
        let reason = "the base is rebuilt with the next release, and until then nothing of it is reachable ".repeat(4);
        format!(
            "[[waivers]]\ncheck = \"{check}\"\nbundle = \"{digest}\"\nowner = \"Ada Example, head of release\"\nreason = \"{reason}\"\nexpires = 2026-12-31T00:00:00Z\n"
        )
    };
    let expected = strict("").split_once("[expect]").unwrap().1.replace("minimum-grade = \"challenged\"\n", "");
    let policy = policy.split_once("[expect]").map_or(policy.clone(), |(before, after)| {
        let after = after.split_once("\n[").map_or(String::new(), |(_, rest)| format!("\n[{rest}"));
        format!("{before}{after}")
    });
    let levels = "[levels]\n\"root-ssh\" = \"off\"\n\"log-order\" = \"off\"\n\"log-key\" = \"warn\"\n\"server-record\" = \"off\"\n";
    folder.write(
        "policy.toml",
        format!("{policy}\n[expect]{expected}{levels}{}{}", waiver("build-age"), waiver("log-image")),
    );
    audit(&folder, &["--policy", "policy.toml", "--require", "image,trust,builder"], (1, "REJECTED"));
}

#[test]
#[ignore = "tests/print"]
fn a_waived_build_prints_correctly() {
    let folder = with_policy("good-rsa-2048", KEY);
    let digest = Sha256::of(&fs::read(folder.path().join(BUNDLE)).unwrap()).hex();
    let waiver = "owner = \"Ada\"\nreason = \"the release is older than the rule\"\nexpires = 2026-12-31T00:00:00Z\n";
    let policy =
        format!("{KEY}[expect]\nmax-age = \"1d\"\n[[waivers]]\ncheck = \"build-age\"\nbundle = \"{digest}\"\n{waiver}");
    folder.write("policy.toml", policy);
    let pages = audit(&folder, &["--policy", "policy.toml"], (0, "ACCEPTED IN PART:"));
    assert!(pages.iter().all(|page| page.contains("waived by Ada until 2026-12-31T00:00:00Z")), "{}", pages[0]);
}

#[test]
#[ignore = "tests/print"]
fn a_build_signed_by_another_key_prints_correctly() {
    audit(&Folder::with_fixture("other-key_fail"), &["--key", "key.pem"], (1, "REJECTED"));
}

#[test]
#[ignore = "tests/print"]
fn a_bundle_without_a_verdict_prints_correctly() {
    audit(&Folder::with_fixture("bundle-gzip_fail"), &["--key", "key.pem"], (3, "NO VERDICT"));
}

/// A case that two people signed off and an authority time-stamped, evaluated with its own policy because its seal is trusted.
#[test]
#[ignore = "tests/print"]
fn a_case_prints_correctly() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let openssl = |arguments: &[&str]| drop(tool("openssl", arguments, folder.path()));
    let mut policy = KEY.to_owned();
    for name in ["Ada", "Bob"] {
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &format!("{name}.key")]);
        openssl(&["pkey", "-in", &format!("{name}.key"), "-pubout", "-out", &format!("{name}.pub")]);
        policy += &format!("[[signers]]\nname = \"{name}\"\npem = \"{name}.pub\"\n");
    }
    folder.write("policy.toml", policy);
    let done = |arguments: &[&str]| {
        let answer = run(folder.path(), arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.err);
    };
    let seal = ["seal", BUNDLE, "--policy", "policy.toml", "--output", "case 1.tar", "--now", NOW, "--tsq", "case.tsq"];
    done(&[&seal[..], &["--sign-key", "Ada.key", "--retain-until", "2036-12-31"]].concat());
    openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=Test", "-keyout", "ca.key",
        "-out", "ca.pem",
    ]);
    openssl(&["genpkey", "-algorithm", "RSA", "-out", "tsa.key"]);
    openssl(&["req", "-new", "-key", "tsa.key", "-subj", "/CN=Test authority", "-out", "tsa.csr"]);
    folder.write("tsa.ext", "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n");
    let sign = ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9"];
    openssl(&[&sign[..], &["-extfile", "tsa.ext", "-out", "tsa.pem"]].concat());
    folder.write("serial", "01\n");
    folder.write("tsa.cnf", "[tsa]\nserial = serial\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = 1.2.3\ndigests = sha256\n\
        ess_cert_id_chain = no\ness_cert_id_alg = sha256\n");
    let reply =
        ["ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "case.tsq", "-inkey", "tsa.key"];
    openssl(&[&reply[..], &["-signer", "tsa.pem", "-out", "case.tsr"]].concat());
    done(&["seal", "case 1.tar", "--tsr", "case.tsr", "--tsa-ca", "ca.pem"]);
    for (role, key) in [("prepared", "Ada.key"), ("reviewed", "Bob.key")] {
        done(&["sign-off", "case 1.tar", "--role", role, "--sign-key", key, "--now", "2026-03-11T00:00:00Z"]);
    }
    let line = ["audit", "case 1.tar", "--seal-key", "Ada.pub", "--tsa-ca", "ca.pem"];
    let pages = filed(&folder, &line, (0, "ACCEPTED: manifest, source"));
    for text in [
        "2026-03-11T00:00:00Z by the signer's clock or choice",
        "does not state that the audit was repeated",
        "timestamped: CN=Test authority",
        "2036-12-31",
    ] {
        assert!(pages.iter().all(|page| page.replace('\n', " ").contains(text)), "{text}:\n{}", pages[0]);
    }
}

#[test]
#[ignore = "tests/print"]
fn many_bundles_print_correctly() {
    let folder = Folder::with_fixture("two-bundles-one-rejected_fail");
    filed(
        &folder,
        &["audit", ".", "--key", "key.pem", "--now", NOW],
        (1, "REJECTED: 2 bundles, 1 rejected, 1 accepted in part"),
    );
}

#[test]
#[ignore = "tests/print"]
fn a_reconciliation_prints_correctly() {
    let (folder, from) = (Folder::new(), fixture("good-approved"));
    for (to, name) in [("evidence/", BUNDLE), ("", "key.pem"), ("", "approvals.csv")] {
        folder.write(&format!("{to}{name}"), fs::read(from.join(name)).unwrap());
    }
    folder.write("policy.toml", KEY);
    folder.write("hosts.csv", format!("place,image\nhost a,docker.io/acme/wallet@sha256:{}\n", "0".repeat(64)));
    let line = ["reconcile", "--evidence", "evidence", "--policy", "policy.toml", "--approvals", "approvals.csv"];
    let more = ["--inventory", "hosts.csv", "--period", "2026-02-01/2026-03-31", "--now", NOW];
    let filing = ["--reference", REFERENCE, "--report", "html=page.html"];
    let answer = run(folder.path(), &[&line[..], &more, &filing].concat());
    assert_eq!(answer.code, 1, "{}{}", answer.out, answer.err);
    looked_at(&folder, "page.html", "NOT RECONCILED", |command| {
        let (code, report) = repeated(&folder, command);
        assert_eq!((code, &report["reconciled"]), (1, &Value::from(false)), "{command}");
    });
}
