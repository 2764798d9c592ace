//! Tests that read certificate files. Verification with certificates is tested in `fixtures/` and in the tests of
//! `signer`.

use std::io::Read as _;

use pgp::armor::Dearmor;
use pgp::types::RsaPublicParams;

use super::{Certificate, read_message};
use crate::base::limits::Limits;

fn recorded(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/inputs/trust/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn fingerprint(name: &str) -> String {
    String::from_utf8(recorded(&format!("{name}.fingerprint"))).unwrap().trim().to_owned()
}

#[test]
fn armoured_and_binary_files_with_one_or_several_certificates_are_read() {
    let (ada, carol) = (recorded("simple-signing/ada.asc"), recorded("simple-signing/carol.asc"));
    let prints = [fingerprint("simple-signing/ada"), fingerprint("simple-signing/carol")];
    let mut packets = Vec::new();
    for file in [&ada, &carol] {
        Dearmor::new(file.as_slice()).read_to_end(&mut packets).unwrap();
    }
    assert_eq!(Certificate::read(&ada).unwrap().fingerprint(), prints[0]);
    for both in [[ada.as_slice(), b"and\n", &carol].concat(), packets] {
        let fault = Certificate::read(&both).unwrap_err();
        assert!(fault.starts_with("it contains 2 OpenPGP public keys"), "{fault}");
        assert!(prints.iter().all(|print| fault.contains(print.as_str())), "{fault}");
        for print in &prints {
            assert_eq!(Certificate::find(&both, print).unwrap().fingerprint(), *print);
        }
        assert!(Certificate::find(&both, &"0".repeat(40)).unwrap_err().contains("no certificate"));
    }
    let twice = [ada.as_slice(), &ada].concat();
    assert!(Certificate::find(&twice, &prints[0]).unwrap_err().contains("more than once"));
}

#[test]
fn files_that_are_not_usable_openpgp_keys_are_refused_with_a_reason() {
    let ada = String::from_utf8(recorded("simple-signing/ada.asc")).unwrap();
    for (file, says) in [
        (String::new(), "neither armour nor packets"),
        ("ada".into(), "neither armour nor packets"),
        (ada.replace("PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"), "not a complete PGP PUBLIC KEY BLOCK"),
        (ada.replace("-----END", ""), "not a complete PGP PUBLIC KEY BLOCK"),
        (
            ada.replacen("-----END", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n-----END", 1),
            "not a complete PGP PUBLIC KEY BLOCK",
        ),
        (String::from_utf8(recorded("openpgp/lost-behind.asc")).unwrap(), "does not follow its key"),
    ] {
        let fault = Certificate::read(file.as_bytes()).unwrap_err();
        assert!(fault.contains(says), "{fault} for {file}");
    }
    assert!(Certificate::read(&recorded("openpgp/lost")).is_err(), "a message");
}

#[test]
fn a_modulus_is_measured_in_bits() {
    let is_short = |first: u8, length: u16| {
        let modulus = [&[first][..], &[0xff; 255]].concat();
        let key = [&length.to_be_bytes()[..], &modulus, &[0, 17, 1, 0, 1]].concat();
        super::is_short(&RsaPublicParams::try_from_reader(key.as_slice()).unwrap())
    };
    assert_eq!((is_short(0xff, 2048), is_short(0x7f, 2047), is_short(1, 2041)), (false, true, true));
}

/// Changes three bits of each of 92 bytes of a revocation, one at a time; the revocation must never be silently dropped.
#[test]
fn a_changed_revocation_is_not_silently_dropped() {
    let file = recorded("openpgp/lost.asc");
    let mut packets = Vec::new();
    Dearmor::new(file.as_slice()).read_to_end(&mut packets).unwrap();
    let moment = crate::base::time::Timestamp::from_rfc3339("2026-03-02T10:20:00Z").unwrap();
    let mut checked = 0;
    // The key packet has a two-byte header and 51 bytes; the revocation follows it.
    for at in 58..150 {
        for bit in [0x01, 0x10, 0x80] {
            let mut packets = packets.clone();
            packets[at] ^= bit;
            if let Ok(certificate) = Certificate::read(&packets) {
                let good = certificate.check_primary(moment).is_ok();
                assert!(!good, "changing bit {bit:#x} of byte {at} makes the key valid");
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

/// gpg compresses messages by default, and writes no length. A second message after the compressed stream must not be passed over.
#[test]
fn nothing_may_follow_a_compressed_message() {
    let limits = Limits::default();
    for name in ["primary", "subkey"] {
        let message = recorded(&format!("simple-signing/{name}"));
        assert!(read_message(&message, &limits).is_ok(), "{name}");
        for more in [b"x".as_slice(), &message] {
            let fault = read_message(&[&message, more].concat(), &limits).unwrap_err();
            assert_eq!(fault, "its compressed data is followed by other data");
        }
    }
}
