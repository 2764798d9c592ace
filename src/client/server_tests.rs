use super::*;
use crate::base::time::Timestamp;

const NAME: &str = "docker.io.acme.wallet.latest-b3416d8.2020-06-23_08-39-48.301849";

fn reply(status: u16, body: &str) -> Reply {
    let at = Timestamp::epoch();
    let origin = Origin {
        from: "https://sbs:443/x".into(),
        asked: None,
        status: Some(status),
        version: None,
        at,
        peer: None,
        redirected_to: None,
    };
    Reply { status, asked: Asked::ImageKey, body: body.into(), origin }
}

fn name() -> BuildName {
    BuildName::parse(NAME).unwrap()
}

#[test]
fn requests_match_those_of_ibms_client() {
    let name = name();
    let calls = [
        (Call::Status, "/image", "\"\"".to_owned()),
        (Call::Manifest(None), "/manifest", "\"\"".into()),
        (Call::Manifest(Some(&name)), "/manifest", format!("{{\"BUILD_NAME\": \"{NAME}\"}}")),
        (Call::PublicKey(Some(&name)), "/publickey", format!("{{\"BUILD_NAME\": \"{NAME}\"}}")),
        (Call::ImageDigest, "/imagedigest", "\"\"".into()),
        (Call::ImageKey, "/config-json", "\"\"".into()),
        (Call::BuildLog, "/log/build", "\"\"".into()),
    ];
    for (call, path, body) in calls {
        assert_eq!((call.path(), call.body()), (path, body));
    }
}

#[test]
fn a_running_build_has_no_name() {
    assert_eq!(reply(200, r#"{"status": ""}"#).newest().unwrap(), Newest::None);
    assert_eq!(reply(200, r#"{"status": "github cloned", "build_name": ""}"#).newest().unwrap(), Newest::None);
    assert_eq!(reply(200, &format!(r#"{{"build_name": "{NAME}"}}"#)).newest().unwrap(), Newest::Build(name()));
}

#[test]
fn the_image_key_is_a_certificate_or_an_openpgp_key() {
    let key = |text: &str| {
        reply(201, &serde_json::json!({"repository_name": "r", "public_key": text}).to_string()).image_key()
    };
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    let armour = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAA==\n-----END PGP PUBLIC KEY BLOCK-----\n";
    assert_eq!(key(pem).unwrap(), Some(("image-key.pem", pem.into())));
    assert_eq!(key(&Base64::encode_string(pem.as_bytes())).unwrap(), Some(("image-key.pem", pem.into())));
    assert_eq!(key(armour).unwrap(), Some(("image-key.asc", armour.into())));
    assert_eq!(key(&Base64::encode_string(armour.as_bytes())).unwrap(), Some(("image-key.asc", armour.into())));
    // A server that does not sign images has no key to provide.
    assert_eq!(key("").unwrap(), None);
    assert_eq!(reply(200, r#"{"public_key": null}"#).image_key().unwrap(), None);
    assert!(reply(200, r#"{"repository_name": "r"}"#).image_key().is_err());
    assert!(key("rubbish").is_err());
    assert!(key("-----BEGIN PGP PRIVATE KEY BLOCK-----").is_err());
}

#[test]
fn hostile_responses_are_refused_and_escaped() {
    let manifest = |name: &str, bundle: &str| {
        let text = if bundle.is_empty() { Member::Taken } else { Member::Missing };
        reply(200, &serde_json::json!({"manifest_name": name, "encoded_manifest": bundle}).to_string()).manifest(text)
    };
    let good = format!("manifest.{NAME}");
    assert_eq!(manifest(&good, "").unwrap(), name());
    for (found, says) in [
        (manifest("../../etc/x", "").unwrap_err(), "begin with manifest."),
        (manifest("manifest.../../etc/x", "").unwrap_err(), "../../etc/x"),
        // The string was not extracted, for example because its member name uses escapes.
        (manifest(&good, "QlpoOQ==").unwrap_err(), "expected manifest_name and encoded_manifest"),
        (reply(200, "<html>proxy\x1b[2J</html>").manifest(Member::Taken).unwrap_err(), "<html>proxy\\u{1b}[2J</html>"),
        (reply(200, r#"{"manifest_name":"#).manifest(Member::Taken).unwrap_err(), "expected JSON"),
        (reply(200, "[]").manifest(Member::Taken).unwrap_err(), "expected manifest_name and encoded_manifest"),
        (reply(200, r#"{"a": 1, "a": 2}"#).manifest(Member::Taken).unwrap_err(), "ambiguous"),
        (
            reply(500, "docker login --password hunter2").manifest(Member::Taken).unwrap_err(),
            "the server responded with status 500: docker login --password ***",
        ),
        (reply(302, "").manifest(Member::Taken).unwrap_err(), "never followed"),
        (reply(200, r#"{"build_name": 7}"#).newest().unwrap_err(), "build_name to be a string"),
        (reply(200, r#"{"digest": "x"}"#).image_digest().unwrap_err(), "a JSON string"),
        (reply(200, r#"{"log": ["x"]}"#).log(Member::Missing).unwrap_err(), "expected log"),
        (
            reply(200, &format!(r#"{{"build_name": "{NAME}", "public_key_pem": "-----BEGIN RSA PRIVATE KEY-----"}}"#))
                .public_key()
                .unwrap_err(),
            "private key",
        ),
        (
            reply(200, &format!(r#"{{"build_name": "{NAME}", "public_key_pem": "rubbish"}}"#))
                .public_key()
                .unwrap_err(),
            "not PEM",
        ),
    ] {
        assert_eq!(found.exit_code(), 3);
        assert!(found.to_string().contains(says), "expected {says}, found {found}");
        assert!(!found.to_string().contains("hunter2"), "{found}");
    }
}
