//! Compares the results for public authorities' tokens with `openssl ts -verify`. The tokens are not in this repository: `tests/signatures` lists
//! their sources.

use std::path::Path;
use std::process::Command;

use super::*;

fn openssl_verifies(token: &Path, is_token: bool, imprint: &str, ca: &Path) -> bool {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["ts", "-verify", "-digest", imprint, "-CAfile"])
        .arg(ca)
        .arg("-untrusted")
        .arg(ca)
        .arg("-in")
        .arg(token);
    if is_token {
        openssl.arg("-token_in");
    }
    // Verify as of the token's own time, because certificates expire but tokens do not.
    let at = Token::read(&std::fs::read(token).unwrap(), &Limits::default());
    if let Ok(moment) = at.and_then(|token| super::moment(&token.info.time)) {
        openssl.args(["-attime", &moment.unix_seconds().to_string()]);
    }
    openssl.output().unwrap().status.success()
}

/// HPSB_TOKENS is the path of a folder with one subfolder per authority. Each subfolder contains tokens or responses, and `ca.pem`.
#[test]
#[ignore = "tests/signatures provides the tokens"]
fn results_for_public_authorities_tokens_are_printed_next_to_those_of_openssl() {
    let top = std::env::var("HPSB_TOKENS").expect("tests/signatures sets it");
    let mut folders: Vec<_> = std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let ca = folder.join("ca.pem");
        let mut authorities = Authorities::default();
        let pem = authorities.add_pem("ca", &std::fs::read(&ca).unwrap_or_default(), &Limits::default());
        for file in files.into_iter().filter(|file| file.extension().is_none_or(|end| end != "pem")) {
            let bytes = std::fs::read(&file).unwrap();
            let token = Token::read(&bytes, &Limits::default());
            let imprint = token
                .as_ref()
                .map(|token| crate::base::digest::encode_hex(token.info.message_imprint.hashed_message.as_bytes()));
            let is_token = Response::from_der(&bytes).is_err();
            let openssl = openssl_verifies(&file, is_token, imprint.as_deref().unwrap_or("00"), &ca);
            let ours = pem.clone().and_then(|()| token?.verify_as_it_is(&authorities));
            let (name, answer) =
                (file.strip_prefix(folder.parent().unwrap()).unwrap().display(), if openssl { "OK" } else { "no" });
            match ours {
                Ok(verified) => {
                    let sha1 = if verified.named_by_sha1 { ", named by SHA-1" } else { "" };
                    println!("{name}\topenssl {answer}\taccepted: {} {}{sha1}", verified.authority, verified.at);
                }
                Err(message) => println!("{name}\topenssl {answer}\trefused: {message}"),
            }
        }
    }
}
