//! Tests time-stamps of cases (RFC 3161): openssl is the authority and the second verifier.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use program::{BUNDLE, Folder, NOW, run};
use serde_json::Value;

fn openssl_answers(arguments: &[&str], folder: &Path) -> Output {
    Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl is needed")
}

fn openssl(arguments: &[&str], folder: &Path) {
    let output = openssl_answers(arguments, folder);
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A CA for time-stamping authorities.
fn certificate_authority(folder: &Folder, name: &str) {
    let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
    let subject = format!("/CN=Test {name}");
    let line = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", &subject, "-keyout", &key];
    let more = ["-out", &pem, "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    openssl(&[&line[..], &more].concat(), folder.path());
}

/// An authority `name` below `ca`, with these extensions, valid for `days` days.
fn authority(folder: &Folder, name: &str, ca: &str, (algorithm, days): (&[&str], &str), extensions: &str) {
    let path = folder.path();
    let (key, csr, pem, ext) =
        (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"), format!("{name}.ext"));
    folder.write(&ext, extensions);
    let subject = format!("/CN=Test {name}");
    openssl(&[&["genpkey", "-out", &key, "-algorithm"], algorithm].concat(), path);
    openssl(&["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr], path);
    let (ca_pem, ca_key) = (format!("{ca}.pem"), format!("{ca}.key"));
    let sign = ["x509", "-req", "-in", &csr, "-CA", &ca_pem, "-CAkey", &ca_key, "-CAcreateserial", "-days", days];
    openssl(&[&sign[..], &["-extfile", &ext, "-out", &pem]].concat(), path);
}

const RSA: &[&str] = &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const PURPOSE: &str = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n";

fn configuration(hash: &str, certificate_hash: &str) -> String {
    format!(
        "[tsa]\nserial = serial\ncrypto_device = builtin\nsigner_digest = {hash}\ndefault_policy = 1.2.3.4.1\n\
         digests = sha256\naccuracy = secs:1, millisecs:500\nordering = yes\ntsa_name = yes\ness_cert_id_chain = no\n\
         ess_cert_id_alg = {certificate_hash}\n"
    )
}

/// Writes the authority's response to `query` to `case.tsr`.
fn reply(folder: &Folder, name: &str, query: &str, more: &[&str]) {
    let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
    folder.write("serial", "01\n");
    let line = ["ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", query, "-inkey", &key];
    openssl(&[&line[..], &["-signer", &pem, "-out", "case.tsr"], more].concat(), folder.path());
}

/// Whether openssl verifies `case.tsr` for the query under the CA.
fn openssl_verifies(folder: &Folder, query: &str, ca: &str) -> bool {
    let line = ["ts", "-verify", "-queryfile", query, "-in", "case.tsr", "-CAfile", ca];
    openssl_answers(&line, folder.path()).status.success()
}

fn policy(revoked: &str) -> String {
    format!("version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"A\"\nfile = \"key.pem\"\n{revoked}\n")
}

/// A sealed case, its request `case.tsq`, and the CA `ca` with the authority `tsa`.
fn folder() -> Folder {
    let folder = Folder::with_fixture("good-rsa-2048");
    folder.write("policy.toml", policy(""));
    folder.write("tsa.cnf", configuration("sha256", "sha256"));
    let line = ["seal", BUNDLE, "--policy", "policy.toml", "--output", "case.tar", "--now", NOW, "--tsq", "case.tsq"];
    let answer = run(folder.path(), &line);
    assert_eq!(answer.code, 0, "{}", answer.err);
    certificate_authority(&folder, "ca");
    authority(&folder, "tsa", "ca", (RSA, "365"), PURPOSE);
    folder
}

fn audit(folder: &Folder, more: &[&str]) -> (i32, Value) {
    let line = ["audit", "case.tar", "--format", "json", "--policy", "policy.toml"];
    let answer = run(folder.path(), &[&line, more].concat());
    (answer.code, serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {} {}", answer.out, answer.err)))
}

/// With `--seal-key`, the verdict is the sealer's: it depends neither on the reader's authorities nor on their certificates' dates.
#[test]
fn a_stamp_does_not_change_the_sealers_verdict() {
    let folder = folder();
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ada.key"], folder.path());
    openssl(&["pkey", "-in", "ada.key", "-pubout", "-out", "ada.pub"], folder.path());
    folder.write("policy.toml", policy("revoked = { at = 2099-01-01T00:00:00Z, reason = \"compromised\" }"));
    fs::remove_file(folder.path().join("case.tar")).unwrap();
    let line =
        ["seal", BUNDLE, "--policy", "policy.toml", "--output", "case.tar", "--now", NOW, "--sign-key", "ada.key"];
    run(folder.path(), &[&line[..], &["--tsq", "new.tsq"]].concat());
    reply(&folder, "tsa", "new.tsq", &[]);
    add(&folder, "ca.pem").unwrap();
    assert_eq!(audit(&folder, &["--tsa-ca", "ca.pem"]).0, 0);
    let line = ["audit", "case.tar", "--format", "json", "--seal-key", "ada.pub", "--tsa-ca", "ca.pem"];
    let answer = run(folder.path(), &line);
    let report: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.code, report["case"]["sealed_verdict"].as_str()), (1, Some("reject")), "{report}");
    assert!(report["case"]["existed_by"].is_string(), "{report}");
}

/// Adds `case.tsr`, verified with the CA, and returns the error message if it is refused.
fn add(folder: &Folder, ca: &str) -> Result<(), String> {
    let answer = run(folder.path(), &["seal", "case.tar", "--tsr", "case.tsr", "--tsa-ca", ca]);
    if answer.code == 0 { Ok(()) } else { Err(answer.err) }
}

#[test]
fn a_request_is_reproducible_and_openssl_reads_it() {
    let folder = folder();
    let answer = run(folder.path(), &["seal", "case.tar", "--tsq", "again.tsq"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let request = fs::read(folder.path().join("case.tsq")).unwrap();
    assert_eq!(fs::read(folder.path().join("again.tsq")).unwrap(), request);
    let text = openssl_answers(&["ts", "-query", "-in", "case.tsq", "-text"], folder.path());
    let text = String::from_utf8(text.stdout).unwrap();
    for expected in ["Version: 1", "Hash Algorithm: sha256", "Certificate required: yes", "Nonce: 0x"] {
        assert!(text.contains(expected), "{text}");
    }
    // The response to openssl's own request for the same digest also matches.
    let digest = answer.out.split("sha256:").nth(1).unwrap().trim().to_owned();
    openssl(&["ts", "-query", "-digest", &digest, "-sha256", "-cert", "-out", "other.tsq"], folder.path());
    reply(&folder, "tsa", "other.tsq", &[]);
    add(&folder, "ca.pem").unwrap();
}

#[test]
fn a_stamp_dates_the_case_even_if_a_key_is_compromised_later() {
    let folder = folder();
    reply(&folder, "tsa", "case.tsq", &[]);
    assert!(openssl_verifies(&folder, "case.tsq", "ca.pem"));
    add(&folder, "ca.pem").unwrap();
    let (code, report) = audit(&folder, &["--tsa-ca", "ca.pem"]);
    assert_eq!((code, report["case"]["repeated"].as_str()), (0, Some("same-report")), "{report}");
    let existed = report["case"]["existed_by"].as_str().unwrap().to_owned();
    assert!(report["case"]["timestamp_again_by"].is_string(), "{report}");
    let facts = report["reports"][0]["evidence"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["fact"] == "existed-by").expect("a fact");
    assert_eq!((fact["known"].as_str(), fact["value"].as_str()), (Some("timestamped"), Some(existed.as_str())));
    assert_eq!(report["case"]["timestamps"][0]["authority"], "CN=Test tsa");
    // Without a CA specified by the reader, the stamp is shown but proves nothing.
    let (_, report) = audit(&folder, &[]);
    assert_eq!(report["case"]["existed_by"], Value::Null);
    assert_eq!(report["case"]["timestamps"][0]["authority"], Value::Null);

    for (revoked, with, without) in [
        ("revoked = { at = 2099-01-01T00:00:00Z, reason = \"compromised\" }", 0, 1),
        ("revoked = { at = 2026-06-01T00:00:00Z, reason = \"compromised\" }", 1, 1),
        ("revoked = { at = 2026-01-01T00:00:00Z, reason = \"superseded\" }", 1, 1),
        ("not-after = 2026-01-01T00:00:00Z\nrevoked = { at = 2099-01-01T00:00:00Z, reason = \"compromised\" }", 1, 1),
    ] {
        folder.write("policy.toml", policy(revoked));
        assert_eq!(audit(&folder, &["--tsa-ca", "ca.pem"]).0, with, "{revoked}");
        assert_eq!(audit(&folder, &[]).0, without, "{revoked}");
    }
    folder.write("policy.toml", policy("revoked = { at = 2099-01-01T00:00:00Z, reason = \"compromised\" }"));
    // The acceptance rests on the stamp: every reader sees it, and the report lists the stamp and the CA.
    let (_, report) = audit(&folder, &["--tsa-ca", "ca.pem"]);
    let inputs = report["reports"][0]["inputs"].as_array().unwrap();
    let digest = |kind: &str| inputs.iter().find(|input| input["kind"] == kind).unwrap()["sha256"].as_str().unwrap();
    let sum = |file: &str| {
        let output = Command::new("sha256sum").arg(file).current_dir(folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()[..64].to_owned()
    };
    assert_eq!((digest("timestamp"), digest("tsa-ca")), (sum("case.tsr").as_str(), sum("ca.pem").as_str()));
    let line = ["audit", "case.tar", "--policy", "policy.toml", "--tsa-ca", "ca.pem"];
    let text = run(folder.path(), &line).out.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = format!(
        "revokes the key as compromised at 2099-01-01T00:00:00Z; the bundle existed by {existed}, before that (timestamped)"
    );
    assert!(text.contains(&words), "{text}");
    // After the authority's certificate expires, the stamp no longer counts.
    let (code, report) = audit(&folder, &["--tsa-ca", "ca.pem", "--now", "2098-01-01T00:00:00Z"]);
    assert_eq!((code, &report["case"]["existed_by"]), (1, &Value::Null));
    assert!(report["case"]["remarks"].to_string().contains("do not count"), "{report}");
    assert_eq!(report["case"]["timestamp_again_by"], Value::Null);
    // A second authority adds a stamp, and the date of the series is still that of the first stamp.
    authority(&folder, "long", "ca", (&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "36400"), PURPOSE);
    assert_eq!(run(folder.path(), &["seal", "case.tar", "--tsq", "second.tsq"]).code, 0);
    reply(&folder, "long", "second.tsq", &[]);
    add(&folder, "ca.pem").unwrap();
    let (code, report) = audit(&folder, &["--tsa-ca", "ca.pem", "--now", "2098-01-01T00:00:00Z"]);
    assert_eq!((code, report["case"]["existed_by"].as_str()), (0, Some(existed.as_str())), "{report}");
}

#[test]
fn other_kinds_of_keys_hashes_and_chains_are_read() {
    let folder = folder();
    let original = fs::read(folder.path().join("case.tar")).unwrap();
    let p256: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let p384: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    authority(&folder, "p256", "ca", (p256, "365"), PURPOSE);
    authority(&folder, "p384", "ca", (p384, "365"), PURPOSE);
    authority(
        &folder,
        "middle",
        "ca",
        (RSA, "3650"),
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n",
    );
    authority(&folder, "below", "middle", (RSA, "365"), PURPOSE);
    for (name, hash, more) in [
        ("tsa", "sha512", &[][..]),
        ("p256", "sha256", &[]),
        ("p384", "sha384", &[]),
        ("below", "sha256", &["-chain", "middle.pem"]),
    ] {
        folder.write("case.tar", &original);
        folder.write("tsa.cnf", configuration(hash, "sha256"));
        reply(&folder, name, "case.tsq", more);
        assert!(openssl_verifies(&folder, "case.tsq", "ca.pem"), "{name}");
        add(&folder, "ca.pem").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(audit(&folder, &["--tsa-ca", "ca.pem"]).0, 0);
    }
}

#[test]
fn unsuitable_responses_and_cas_are_refused() {
    let folder = folder();
    certificate_authority(&folder, "other");
    let both = "extendedKeyUsage=critical,timeStamping,codeSigning\n";
    let no_sign = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,keyAgreement\n";
    let p521: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:secp521r1"];
    authority(&folder, "both", "ca", (RSA, "365"), both);
    authority(&folder, "loose", "ca", (RSA, "365"), "extendedKeyUsage=timeStamping\n");
    authority(&folder, "agreement", "ca", (RSA, "365"), no_sign);
    authority(&folder, "p521", "ca", (p521, "365"), PURPOSE);
    authority(&folder, "leaf", "ca", (RSA, "365"), "basicConstraints=CA:FALSE\n");
    authority(&folder, "below", "leaf", (RSA, "365"), PURPOSE);
    authority(&folder, "critical", "ca", (RSA, "365"), &format!("{PURPOSE}1.2.3.4.5=critical,ASN1:UTF8String:x\n"));
    let refused = |expected: &str, ca: &str| {
        let error = add(&folder, ca).expect_err(expected);
        assert!(error.contains(expected), "expected {expected:?}: {error}");
    };
    // `openssl ts` does not make a token with an unsuitable certificate, so `openssl cms` makes one below.
    for (name, expected) in [
        ("p521", "P-256 and P-384"),
        ("below", "it is not a CA certificate"),
        ("critical", "critical extension 1.2.3.4.5"),
    ] {
        reply(&folder, name, "case.tsq", if name == "below" { &["-chain", "leaf.pem"] } else { &[] });
        refused(expected, "ca.pem");
        assert!(name == "p521" || !openssl_verifies(&folder, "case.tsq", "ca.pem"), "{name}");
    }
    reply(&folder, "tsa", "case.tsq", &[]);
    openssl(&["ts", "-reply", "-in", "case.tsr", "-token_out", "-out", "token.der"], folder.path());
    openssl(&["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token.der", "-out", "tst.der"], folder.path());
    let sign = |name: &str, more: &[&str]| {
        let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
        let line = ["cms", "-sign", "-in", "tst.der", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER"];
        let tst_info =
            ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-out", "case.tsr", "-inkey", &key, "-signer", &pem];
        openssl(&[&line[..], &tst_info, more].concat(), folder.path());
    };
    let accepted_by_openssl = || {
        let line = ["ts", "-verify", "-token_in", "-queryfile", "case.tsq", "-in", "case.tsr", "-CAfile", "ca.pem"];
        openssl_answers(&line, folder.path()).status.success()
    };
    for (name, more, expected) in [
        ("both", &["-cades"][..], "not exclusively for time-stamping"),
        ("loose", &["-cades"], "not critical"),
        ("agreement", &["-cades"], "not for signatures"),
        ("tsa", &["-cades", "-keyid"], "neither a time-stamp response nor a token"),
        ("tsa", &[], "neither of the signed attributes 1.2.840.113549.1.9.16.2.47"),
        ("tsa", &["-noattr"], "no signed attributes"),
        ("tsa", &["-cades", "-md", "sha1"], "expected SHA-256, SHA-384 or SHA-512"),
        (
            "tsa",
            &["-cades", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_mgf1_md:sha512"],
            "only with an MGF1 mask that uses the message's hash",
        ),
    ] {
        sign(name, more);
        let error = add(&folder, "ca.pem").expect_err(expected);
        assert!(
            error.contains(expected) || more.contains(&"-keyid"),
            "{name} {more:?}: expected {expected:?}: {error}"
        );
        assert!(name == "tsa" || !accepted_by_openssl(), "{name}: openssl accepts it");
    }
    // The same procedure without a fault is accepted, including with RSA-PSS.
    for more in [&["-cades"][..], &["-cades", "-keyopt", "rsa_padding_mode:pss"]] {
        let before = fs::read(folder.path().join("case.tar")).unwrap();
        sign("tsa", more);
        // `openssl ts` reads PKCS#7, which has no RSA-PSS; `openssl cms` supports it.
        let line =
            ["cms", "-verify", "-inform", "DER", "-in", "case.tsr", "-CAfile", "ca.pem", "-purpose", "timestampsign"];
        assert!(openssl_answers(&line, folder.path()).status.success());
        assert!(more.len() > 1 || accepted_by_openssl());
        add(&folder, "ca.pem").unwrap();
        folder.write("case.tar", before);
    }
    reply(&folder, "tsa", "case.tsq", &[]);
    refused("none of the specified CAs signed", "other.pem");
    refused("not a CA certificate", "tsa.pem");
    // First the response has no certificates, and then it is for a different digest.
    let answer = run(folder.path(), &["seal", "case.tar", "--tsq", "again.tsq"]);
    let digest = answer.out.split("sha256:").nth(1).unwrap().trim().to_owned();
    openssl(&["ts", "-query", "-digest", &digest, "-sha256", "-out", "bare.tsq"], folder.path());
    reply(&folder, "tsa", "bare.tsq", &[]);
    refused("it does not contain the certificate", "ca.pem");
    folder.write("data", "something else");
    openssl(&["ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "other.tsq"], folder.path());
    reply(&folder, "tsa", "other.tsq", &[]);
    refused("it covers a different digest", "ca.pem");
    assert!(!openssl_verifies(&folder, "case.tsq", "ca.pem"));
    folder.write("case.tsr", "not a time-stamp");
    refused("neither a time-stamp response nor a token", "ca.pem");
}

/// Each error names the unsupported encoding (BER with indefinite lengths, as a token and inside a response; a length in more octets than needed)
/// or the imprint's hash, which is not the requested one.
#[test]
fn errors_about_unsupported_encodings_and_imprints_name_them() {
    let folder = folder();
    let path = folder.path();
    let refused = |expected: &str| {
        let error = add(&folder, "ca.pem").expect_err(expected);
        assert!(error.contains(expected) && !error.contains("fetch it again"), "expected {expected:?}: {error}");
    };
    folder.write(
        "tsa.cnf",
        configuration("sha256", "sha256").replace("digests = sha256", "digests = sha256, sha384, sha512"),
    );
    folder.write("data", "whatever an imprint is of");
    for (hash, name) in [("-sha384", "SHA-384"), ("-sha512", "SHA-512")] {
        openssl(&["ts", "-query", "-data", "data", hash, "-cert", "-out", "other.tsq"], path);
        reply(&folder, "tsa", "other.tsq", &[]);
        assert!(openssl_verifies(&folder, "other.tsq", "ca.pem"));
        refused(&format!("its imprint uses {name}, but this program's requests use SHA-256"));
    }

    reply(&folder, "tsa", "case.tsq", &[]);
    openssl(&["ts", "-reply", "-in", "case.tsr", "-token_out", "-out", "token.der"], path);
    openssl(&["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token.der", "-out", "tst.der"], path);
    let line = ["cms", "-sign", "-cades", "-stream", "-in", "tst.der", "-binary", "-nodetach", "-outform", "DER"];
    let more =
        ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-inkey", "tsa.key", "-signer", "tsa.pem", "-out", "case.tsr"];
    openssl(&[&line[..], &more].concat(), path);
    let token = fs::read(path.join("case.tsr")).unwrap();
    assert_eq!(token[1], 0x80, "openssl wrote no BER");
    refused("it is in BER, which is not supported");
    // Inside a response, which is DER up to that position: status 0, and the token.
    let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
    folder.write("case.tsr", [&[0x30, 0x82][..], &length, &[0x30, 3, 2, 1, 0], &token].concat());
    refused("it is in BER, which is not supported");
    // The length has more octets than needed.
    let token = fs::read(path.join("token.der")).unwrap();
    assert_eq!(token[..2], [0x30, 0x82]);
    folder.write("case.tsr", [&[0x30, 0x83, 0][..], &token[2..]].concat());
    refused("neither a time-stamp response nor a token in DER");
    folder.write("case.tsr", &token);
    add(&folder, "ca.pem").unwrap();
}

/// Responses like those of FreeTSA, Sectigo, IdenTrust, sigstore and others: the certificate is identified only by SHA-1, is signed with RSA-PSS, or
/// has critical policies; the CA's file contains other text and the authority's own certificate; the response has no certificates.
#[test]
fn responses_like_those_of_public_authorities_are_accepted_here_and_by_openssl() {
    let folder = folder();
    let path = folder.path();
    let original = fs::read(path.join("case.tar")).unwrap();
    let accepted = |ca: &str, remark: bool| {
        add(&folder, ca).unwrap();
        let (code, report) = audit(&folder, &["--tsa-ca", ca]);
        assert_eq!(code, 0, "{report}");
        assert_eq!(report["case"]["remarks"].to_string().contains("only by SHA-1"), remark, "{report}");
        folder.write("case.tar", &original);
    };
    folder.write("tsa.cnf", configuration("sha256", "sha1"));
    reply(&folder, "tsa", "case.tsq", &[]);
    assert!(openssl_verifies(&folder, "case.tsq", "ca.pem"));
    accepted("ca.pem", true);
    // A different certificate with the same key, name and serial number: its SHA-1 is not the signed one.
    let twin =
        ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "300", "-extfile", "tsa.ext"];
    let serial =
        String::from_utf8(openssl_answers(&["x509", "-in", "tsa.pem", "-noout", "-serial"], path).stdout).unwrap();
    let serial = format!("0x{}", serial.trim().split('=').nth(1).unwrap());
    openssl(&[&twin[..], &["-set_serial", &serial, "-out", "twin.pem"]].concat(), path);
    let mut token = fs::read(path.join("case.tsr")).unwrap();
    let der = |name: &str| {
        openssl(&["x509", "-in", name, "-outform", "DER", "-out", "one.der"], path);
        fs::read(path.join("one.der")).unwrap()
    };
    let (own, other) = (der("tsa.pem"), der("twin.pem"));
    assert_eq!(own.len(), other.len());
    {
        let at = token.windows(own.len()).position(|part| part == own).unwrap();
        token[at..at + own.len()].copy_from_slice(&other);
        folder.write("case.tsr", &token);
        assert!(!openssl_verifies(&folder, "case.tsq", "ca.pem"));
        assert!(add(&folder, "ca.pem").unwrap_err().contains("it does not contain the certificate"));
    }

    folder.write("tsa.cnf", configuration("sha256", "sha256"));
    let policies = format!("{PURPOSE}certificatePolicies=critical,1.2.3.4\n");
    authority(&folder, "policies", "ca", (RSA, "365"), &policies);
    authority(&folder, "pss", "ca", (RSA, "365"), PURPOSE);
    let pss =
        ["x509", "-req", "-in", "pss.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "300", "-extfile", "pss.ext"];
    openssl(&[&pss[..], &["-sigopt", "rsa_padding_mode:pss", "-sha256", "-out", "pss.pem"]].concat(), path);
    for name in ["policies", "pss"] {
        reply(&folder, name, "case.tsq", &[]);
        assert!(openssl_verifies(&folder, "case.tsq", "ca.pem"), "{name}");
        accepted("ca.pem", false);
    }
    // The chain as authorities publish it and as openssl prints it: with text around the blocks,
    // and the authority's own certificate before its CA.
    let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
    folder.write("chain.pem", format!("subject=CN=tsa\n{}issuer\n{}the end\n\n", read("tsa.pem"), read("ca.pem")));
    reply(&folder, "tsa", "case.tsq", &[]);
    accepted("chain.pem", false);
    // The response has no certificates; the chain file supplies them.
    let answer = run(path, &["seal", "case.tar", "--tsq", "again.tsq"]);
    let digest = answer.out.split("sha256:").nth(1).unwrap().trim().to_owned();
    openssl(&["ts", "-query", "-digest", &digest, "-sha256", "-out", "bare.tsq"], path);
    reply(&folder, "tsa", "bare.tsq", &[]);
    accepted("chain.pem", false);
    assert!(add(&folder, "ca.pem").unwrap_err().contains("it does not contain the certificate"));
    // If the signature of a CA with the right name cannot be verified, the error names the type of the CA's key.
    openssl(&["ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", "ca521.key"], path);
    let line =
        ["req", "-x509", "-new", "-key", "ca521.key", "-days", "3650", "-subj", "/CN=Test ca521", "-out", "ca521.pem"];
    openssl(&line, path);
    authority(&folder, "below521", "ca521", (RSA, "365"), PURPOSE);
    reply(&folder, "below521", "case.tsq", &[]);
    let error = add(&folder, "ca521.pem").unwrap_err();
    assert!(error.contains("P-521"), "{error}");
}

/// A response with a flipped bit is refused, or accepted with the same time.
#[test]
fn no_flipped_bit_changes_the_time_of_a_stamp() {
    let folder = folder();
    reply(&folder, "tsa", "case.tsq", &[]);
    let original = fs::read(folder.path().join("case.tar")).unwrap();
    let good = fs::read(folder.path().join("case.tsr")).unwrap();
    add(&folder, "ca.pem").unwrap();
    let at = |folder: &Folder| audit(folder, &["--tsa-ca", "ca.pem"]).1["case"]["existed_by"].clone();
    let moment = at(&folder);
    for place in (0..good.len()).step_by(good.len() / 60) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        folder.write("case.tar", &original);
        folder.write("case.tsr", &bad);
        if add(&folder, "ca.pem").is_ok() {
            // Only unsigned bytes (the status text, unused certificates) may change without effect.
            assert_eq!(at(&folder), moment, "byte {place}");
            assert!(openssl_verifies(&folder, "case.tsq", "ca.pem"), "byte {place}: openssl refuses it");
        }
    }
}
