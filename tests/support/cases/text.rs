//! Text that is not meant for the reader: secrets, and text that terminals, browsers and spreadsheets interpret.

use super::super::case::Case;
use super::super::image::Image;
use super::super::inputs;
use super::super::objects::{TREE, WHO, commit_of};
use super::super::tar::Entry;

pub fn cases() -> Vec<Case> {
    [secrets(), hostile(), hostile_names()].into_iter().flatten().collect()
}

fn secrets() -> Vec<Case> {
    vec![
        Case::fails("secret-in-status", "build-status", "The status quotes a command with a password.")
            .record(|text| {
                let status = "exiting due to a non-zero return value: 1, cmd: docker login --username acme --password hunter2-5f1d docker.io";
                text.replace("image pushed", status)
            })
            .absent("hunter2-5f1d"),
        Case::good("secret-in-log", "The log quotes commands with passwords and tokens.")
            .log(|text| {
                let lines = "cmd=docker login --username acme --password hunter2-5f1d docker.io\n\
                             cmd=git clone https://ada:hunter2-5f1d@github.com/acme/wallet.git\n\
                             run: DOCKER_PASSWORD=hunter2-5f1d\n\
                             run: token ghp_0123456789abcdefghijABCDEFGHIJ012345";
                super::insert_before(&text, "building a docker image", lines)
            })
            .absent("hunter2-5f1d")
            .absent("ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        Case::fails("secret-in-log-image", "log-image", "The repository that is pushed to has a password in it.")
            .log(|text| {
                let push = "The push refers to repository [docker.io/acme/wallet]";
                text.replace(push, "The push refers to repository [https://acme:hunter2-5f1d@docker.io/evil/wallet]")
            })
            .absent("hunter2-5f1d"),
        Case::good("secret-in-unknown-field", "An unknown field of the record contains a password.")
            .record(|text| text.replacen('{', "{\n    \"docker_password\": \"hunter2-5f1d\",", 1))
            .absent("hunter2-5f1d"),
        Case::good("secret-in-remote", "The remote's URL contains a token.")
            .text("git/wallet/.git/config", |text| {
                text.replace("git@github.com:acme/", "https://ada:hunter2-5f1d@github.com/acme/")
            })
            .absent("hunter2-5f1d"),
    ]
}

/// Clears the screen, moves the cursor to the top, and sets the title and the colour, with control sequences of ECMA-48 and xterm.
const ESCAPES: &str = "\u{1b}[2J\u{1b}[1;1H\u{1b}]0;ACCEPTED\u{7}\u{9b}32mACCEPTED";
/// "Trojan Source": reverses the direction of the following text, and contains an invisible character.
const BIDI: &str = "\u{202e}dehsup\u{2066}\u{200b}";
const HTML: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>";
const FORMULA: &str = "=cmd|' /C calc'!A0";
const MARKDOWN: &str = "](https://evil.example) | `x` <!--";

/// Text of each kind on one line, without `<`, which a commit's author name cannot contain.
const EVERYTHING: &str =
    "=cmd|' /C calc'!A0 [x](mailto:eve@evil.example) | `x` &lt;b&gt;\u{1b}[2J\u{202e}dehsup\u{200b}";

fn hostile() -> Vec<Case> {
    let status = |name: &str, about, status: &'static str| {
        // JSON requires control characters to be escaped.
        let quoted = serde_json::to_string(status).unwrap();
        Case::fails(name, "build-status", about).record(move |text| text.replace("\"image pushed\"", &quoted))
    };
    let image = |name: &str, about, hostile: &'static str| {
        Case::fails(name, "log-image", about).log(move |text| {
            text.replace("repository [docker.io/acme/wallet]", &format!("repository [docker.io/{hostile}]"))
        })
    };
    let on_branch = |case: Case, hostile: &'static str| {
        let reference = format!("refs/heads/{hostile}");
        let commit = format!("{}\n", inputs::head_commit());
        let path = format!("git/wallet/.git/{reference}");
        case.text("git/wallet/.git/HEAD", move |_| format!("ref: {reference}\n"))
            .inner(move |entries| entries.push(Entry::file(path, commit)))
    };
    let branch = |name: &str, about, hostile| on_branch(Case::good(name, about), hostile);
    vec![
        status("text-escapes-in-status", "The status draws the word ACCEPTED on a terminal.", ESCAPES)
            .inert("\u{1b}")
            .inert("\u{7}")
            .inert("\u{9b}"),
        status("text-bidi-in-status", "The status reverses the direction of the text after it.", BIDI)
            .inert("\u{202e}")
            .inert("\u{200b}"),
        status("text-html-in-status", "The status is HTML.", HTML),
        status("text-formula-in-status", "The status is a spreadsheet formula.", FORMULA),
        status("text-markdown-in-status", "The status is Markdown.", MARKDOWN),
        status(
            "text-new-lines-in-status",
            "The status forges a line of a report.",
            "image built\r\nACCEPTED\u{2028}ACCEPTED",
        )
        .inert("\r")
        .inert("\u{2028}"),
        image("text-escapes-in-log", "The log draws the word ACCEPTED on a terminal.", ESCAPES)
            .inert("\u{1b}")
            .inert("\u{7}")
            .inert("\u{9b}"),
        image("text-bidi-in-log", "The log reverses the direction of the text after it.", BIDI)
            .inert("\u{202e}")
            .inert("\u{200b}"),
        image("text-html-in-log", "The log has HTML.", HTML),
        image("text-markdown-in-log", "The log has Markdown.", MARKDOWN),
        Case::fails("text-formula-in-log", "log-key", "The log has a spreadsheet formula in place of the key id.")
            .log(|text| text.replace(&inputs::log_key_id(), FORMULA)),
        branch("text-bidi-in-branch", "The branch's name reverses the direction of the text after it.", BIDI)
            .inert("\u{202e}")
            .inert("\u{200b}"),
        branch("text-html-in-branch", "The branch's name is HTML.", "<b>main</b>"),
        on_branch(
            Case::fails(
                "text-escapes-in-branch",
                "source-objects",
                "The branch's name has an escape sequence, which git does not allow.",
            ),
            "\u{1b}[31mmain",
        )
        .inert("\u{1b}"),
        Case::good("text-carriage-return-in-log", "A log line forges a key id after a carriage return.")
            .log(|text| {
                let forged = "run: ok\r2026-03-02 10:15:30,122  root       INFO    keyid=0000";
                super::insert_before(&text, "building the wallet", forged)
            })
            .inert("\r")
            .expect("log-key", "pass"),
        Case::good("text-not-utf-8-in-log", "The log has bytes that are not text.").inner(|entries| {
            let log = entries.iter_mut().find(|entry| entry.path == b"data/build.log").unwrap();
            log.content.splice(0..0, *b"\xff\xfe\x80\x00\xed\xa0\x80\n");
        }),
    ]
}

/// Names chosen by people: files, authors, labels.
fn hostile_names() -> Vec<Case> {
    let inert = |case: Case| case.inert("\u{1b}").inert("\u{202e}").inert("\u{200b}");
    let commit = commit_of(TREE).replace(WHO, &format!("{EVERYTHING} <=1+1@example.com> 1771600000 +0000"));
    let mut labelled = Image::wallet();
    labelled.config["config"]["Labels"] =
        serde_json::json!({"org.opencontainers.image.revision": format!("{EVERYTHING}{HTML}")});
    // The name contains no slash, which would split it, and contains characters that only file names can have.
    let name = [EVERYTHING, HTML].concat().replace('/', "-").into_bytes();
    let name = [b"git/wallet/", name.as_slice(), b"\r\nACCEPTED\xff"].concat();
    vec![
        inert(Case::fails(
            "text-in-file-name",
            "source-tree",
            "A file that is not in HEAD has a name with control characters and markup.",
        ))
        .inert("\r")
        .inner(move |entries| entries.push(Entry::file(name, "x"))),
        inert(super::source::built_from(
            Case::good(
                "text-in-author",
                "The author and committer names of HEAD's commit have control characters and markup.",
            ),
            &commit,
        ))
        .expect("source-objects", "pass"),
        inert(Case::good("text-in-label", "The image's commit label has control characters and markup."))
            .image(&labelled)
            .hand_over(&["--image", "oci-archive:image.tar"], &labelled.layout())
            .expect("image-labels", "unknown"),
    ]
}
