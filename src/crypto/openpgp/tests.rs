//! How a file of certificates is read. What is judged by them is in `fixtures/` and in the tests of `signer`.

use std::io::Read as _;

use pgp::armor::Dearmor;

use super::Certificate;

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/inputs/trust/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn fingerprint(name: &str) -> String {
    String::from_utf8(recorded(&format!("{name}.fingerprint"))).unwrap().trim().to_owned()
}

#[test]
fn one_or_several_armoured_or_not() {
    let (ada, carol) = (recorded("simple-signing/ada.asc"), recorded("simple-signing/carol.asc"));
    let prints = [fingerprint("simple-signing/ada"), fingerprint("simple-signing/carol")];
    let mut packets = Vec::new();
    for file in [&ada, &carol] {
        Dearmor::new(file.as_slice()).read_to_end(&mut packets).unwrap();
    }
    assert_eq!(Certificate::read(&ada).unwrap().fingerprint(), prints[0]);
    for both in [[ada.as_slice(), b"and\n", &carol].concat(), packets] {
        let fault = Certificate::read(&both).unwrap_err();
        assert!(fault.starts_with("it holds 2 OpenPGP public keys"), "{fault}");
        assert!(prints.iter().all(|print| fault.contains(print.as_str())), "{fault}");
        for print in &prints {
            assert_eq!(Certificate::find(&both, print).unwrap().fingerprint(), *print);
        }
        assert!(Certificate::find(&both, &"0".repeat(40)).unwrap_err().contains("no certificate"));
    }
    let twice = [ada.as_slice(), &ada].concat();
    assert!(Certificate::find(&twice, &prints[0]).unwrap_err().contains("twice"));
}

#[test]
fn what_is_no_certificate_says_so() {
    let ada = String::from_utf8(recorded("simple-signing/ada.asc")).unwrap();
    for (file, says) in [
        (String::new(), "neither armour nor packets"),
        ("ada".into(), "neither armour nor packets"),
        (ada.replace("PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"), "no whole PGP PUBLIC KEY BLOCK"),
        (ada.replace("-----END", ""), "no whole PGP PUBLIC KEY BLOCK"),
        (
            ada.replacen("-----END", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n-----END", 1),
            "no whole PGP PUBLIC KEY BLOCK",
        ),
        (String::from_utf8(recorded("openpgp/lost-behind.asc")).unwrap(), "does not stand with its key"),
    ] {
        let fault = Certificate::read(file.as_bytes()).unwrap_err();
        assert!(fault.contains(says), "{fault} for {file}");
    }
    assert!(Certificate::read(&recorded("openpgp/lost")).is_err(), "a message");
}

/// Whatever is changed in a revocation: it is not taken away in silence.
#[test]
fn a_revocation_does_not_vanish() {
    let file = recorded("openpgp/lost.asc");
    let mut packets = Vec::new();
    Dearmor::new(file.as_slice()).read_to_end(&mut packets).unwrap();
    let moment = crate::base::time::Timestamp::from_rfc3339("2026-03-02T10:20:00Z").unwrap();
    let mut checked = 0;
    // The key's packet has 51 bytes and two of head; the revocation is behind it.
    for at in 58..150 {
        for bit in [0x01, 0x10, 0x80] {
            let mut packets = packets.clone();
            packets[at] ^= bit;
            if let Ok(certificate) = Certificate::read(&packets) {
                let good = certificate.check_primary(moment).is_ok();
                assert!(!good, "byte {at} and bit {bit:#x} make the key good");
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}
