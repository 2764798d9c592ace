//! Tests the gate, which is the signature check, through the library: bundles, keys, signatures, and which keys are trusted.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{self, Read};

use hpsb_audit::{Bundle, Error, KeyRing, KeySource, Limits, PublicKey, Sha256, Signature, SignatureFault, TrustedKey};
use num_bigint::BigUint;
use support::Case;
use support::encoding::{der, from_pem, hex, pem};
use support::keys::{Named, rsa_pkcs1_der, rsa_public_pem};
use support::signing::{sign_archive, sign_message};

fn good_bundle() -> Vec<u8> {
    Case::good("good", "").make_bundle_bytes()
}

fn read(bytes: &[u8]) -> Result<Bundle, Error> {
    Bundle::from_reader(bytes, &Limits::default())
}

fn key(text: &str) -> Result<PublicKey, Error> {
    PublicKey::from_pem("key.pem", text.as_bytes(), &Limits::default())
}

fn trusted(named: Named) -> TrustedKey {
    let key = key(&named.public_pem()).unwrap();
    pinned(key.fingerprint(), Some(key))
}

fn pinned(fingerprint: Sha256, key: Option<PublicKey>) -> TrustedKey {
    TrustedKey {
        fingerprint,
        key,
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    }
}

fn ring(keys: impl IntoIterator<Item = TrustedKey>) -> KeyRing {
    let mut ring = KeyRing::default();
    keys.into_iter().for_each(|key| ring.add(key));
    ring
}

fn limits(name: &str, value: u64) -> Limits {
    let mut limits = Limits::default();
    limits.set(name, value).unwrap();
    limits
}

fn signature(bytes: &[u8]) -> Signature {
    Signature::from_member(hex(bytes).as_bytes(), &Limits::default()).unwrap()
}

/// Returns one byte at a time, and fails at a specified position.
struct Slow<'a> {
    bytes: &'a [u8],
    fails_at: usize,
    read: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.fails_at {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "gone"));
        }
        let Some(byte) = self.bytes.get(self.read) else { return Ok(0) };
        buffer[0] = *byte;
        self.read += 1;
        Ok(1)
    }
}

#[test]
fn a_bundle_does_not_depend_on_how_its_bytes_arrive() {
    let bytes = good_bundle();
    let whole = read(&bytes).unwrap();
    let mut slow = Slow { bytes: &bytes, fails_at: usize::MAX, read: 0 };
    let slowly = Bundle::from_reader(&mut slow, &Limits::default()).unwrap();
    assert_eq!(slow.read, bytes.len(), "the input is read to its end");
    assert_eq!(slowly.archive_digest(), whole.archive_digest());
    assert_eq!(slowly.signature(), whole.signature());
    assert_eq!(
        whole.build_name().as_str(),
        "docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456",
        "the name comes from the members"
    );
    let broken = Slow { bytes: &bytes, fails_at: 5000, read: 0 };
    assert!(matches!(Bundle::from_reader(broken, &Limits::default()), Err(Error::Unreadable { .. })));
}

#[test]
fn every_truncation_of_a_bundle_is_an_error() {
    let bytes = good_bundle();
    for end in (0..bytes.len()).step_by(41).chain([bytes.len() - 1]) {
        assert!(matches!(read(&bytes[..end]), Err(Error::Truncated { .. } | Error::Malformed { .. })), "cut at {end}");
    }
}

#[test]
fn a_changed_byte_never_changes_the_signed_bytes() {
    let bytes = good_bundle();
    let digest = read(&bytes).unwrap().archive_digest();
    let keys = ring([trusted(Named::Server)]);
    for at in (0..bytes.len()).step_by(23).chain(0..20) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x11;
        if let Ok(archive) = read(&changed).map(|bundle| bundle.verify(&keys)) {
            assert!(archive.is_ok_and(|archive| archive.digest() == digest), "byte {at}");
        }
    }
}

#[test]
fn errors_contain_the_names_of_exceeded_limits() {
    let bytes = good_bundle();
    for name in ["bundle_bytes", "signed_archive_bytes", "signature_bytes", "archive_members", "path_bytes"] {
        match Bundle::from_reader(bytes.as_slice(), &limits(name, 1)) {
            Err(Error::OverLimit { limit, allowed: 1, .. }) => assert_eq!(limit, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let signed = read(&bytes).unwrap().archive_size();
    assert!(signed > 1000 && signed < bytes.len() as u64 * 2);
    for (name, size) in
        [("bundle_bytes", bytes.len() as u64), ("signed_archive_bytes", signed), ("signature_bytes", 512)]
    {
        assert!(Bundle::from_reader(bytes.as_slice(), &limits(name, size)).is_ok(), "{name}");
        assert!(Bundle::from_reader(bytes.as_slice(), &limits(name, size - 1)).is_err(), "{name}");
    }
}

#[test]
fn a_refusal_names_every_tried_and_every_missing_key() {
    let bundle = read(&good_bundle()).unwrap();
    let digest = bundle.archive_digest();
    let (other, curve) = (trusted(Named::Other), trusted(Named::ServerP256));
    let absent = Sha256::of(b"a missing key");
    let refusal = bundle.verify(&ring([other.clone(), pinned(absent, None), curve.clone()])).unwrap_err();
    assert_eq!(refusal.digest, digest);
    let tried: Vec<_> = refusal.tried.iter().map(|key| (key.fingerprint, key.source.as_str(), key.fault)).collect();
    assert_eq!(
        tried,
        [
            (other.fingerprint, "command line", SignatureFault::Mismatch),
            (curve.fingerprint, "command line", SignatureFault::NotDer)
        ]
    );
    assert_eq!(refusal.missing, [absent]);
    let nobody = read(&good_bundle()).unwrap().verify(&KeyRing::default()).unwrap_err();
    assert!(nobody.tried.is_empty() && nobody.missing.is_empty());
}

#[test]
fn any_of_the_trusted_keys_may_have_signed() {
    let server = trusted(Named::Server);
    for keys in [vec![server.clone(), trusted(Named::Other)], vec![trusted(Named::Other), server.clone()]] {
        let archive = read(&good_bundle()).unwrap().verify(&ring(keys)).unwrap();
        assert_eq!(archive.key().fingerprint, server.fingerprint);
        assert_eq!(Sha256::of(archive.bytes()), archive.digest());
    }
}

#[test]
fn a_key_next_to_the_bundle_is_used_only_if_it_is_pinned() {
    let server = key(&Named::Server.public_pem()).unwrap();
    let beside = [key(&Named::Other.public_pem()).unwrap(), server.clone()];
    let verify = |keys: &KeyRing| read(&good_bundle()).unwrap().verify(keys);

    let by_pin = ring([pinned(server.fingerprint(), None)]);
    assert!(verify(&by_pin).is_err(), "the key is not available");
    assert!(verify(&by_pin.with_candidates(&beside)).is_ok());

    let of_another = ring([pinned(Sha256::of(b"another"), None)]);
    assert!(verify(&of_another.with_candidates(&beside)).is_err());
    assert!(verify(&ring([trusted(Named::Other)]).with_candidates(&beside)).is_err());
    assert!(verify(&KeyRing::default().with_candidates(&beside)).is_err());
}

#[test]
fn a_key_named_twice_counts_once_under_its_first_name() {
    let mut second = trusted(Named::Server);
    second.name = Some("again".into());
    let keys = ring([trusted(Named::Server), second]);
    assert_eq!(keys.keys().len(), 1);
    assert_eq!(keys.keys()[0].name, None);
}

#[test]
fn a_signature_file_is_hex_with_at_most_one_newline() {
    let read = |text: &[u8]| Signature::from_member(text, &Limits::default());
    for good in [&b"00aAfF"[..], b"00aAfF\n"] {
        assert_eq!(read(good).unwrap().as_bytes(), [0, 0xaa, 0xff]);
    }
    for bad in [
        &b""[..],
        b"\n",
        b"0",
        b"000",
        b"00\n\n",
        b"00\r\n",
        b"\n00",
        b" 00",
        b"00 ",
        b"0 0",
        b"0x00",
        b"0g",
        b"\xff\xff",
        b"00\0",
        b"00\x0b",
        "\u{ff10}\u{ff10}".as_bytes(),
    ] {
        assert!(matches!(read(bad), Err(Error::Malformed { .. })), "{bad:?}");
    }
    let bounded = limits("signature_bytes", 4);
    assert!(Signature::from_member(b"0000", &bounded).is_ok());
    assert!(matches!(
        Signature::from_member(b"00000", &bounded),
        Err(Error::OverLimit { limit: "signature_bytes", .. })
    ));
}

#[test]
fn rsa_signatures_have_exactly_the_length_of_the_modulus() {
    let key = key(&Named::Server.public_pem()).unwrap();
    let digest = Sha256::of(b"archive");
    let good = sign_message(Named::Server, digest.as_bytes());
    assert_eq!(key.verify(&digest, &signature(&good)), Ok(()));
    for (bytes, found) in [
        ([&[0], good.as_slice()].concat(), 257),
        ([good.as_slice(), &[0]].concat(), 257),
        (good[..255].to_vec(), 255),
        (good.repeat(2), 512),
        (vec![0], 1),
    ] {
        assert_eq!(key.verify(&digest, &signature(&bytes)), Err(SignatureFault::Length { expected: 256, found }));
    }
}

/// RFC 8017, 8.2.2, step 2b: a number that is not below the modulus is not a signature, although its modular power equals that of the signature.
#[test]
fn a_signature_plus_the_modulus_is_refused() {
    let key = key(&Named::Server.public_pem()).unwrap();
    let n = Named::Server.rsa().n;
    let fitting = (0_u32..).find_map(|counter| {
        let archive = counter.to_be_bytes();
        let sum = BigUint::from_bytes_be(&sign_archive(Named::Server, &archive)) + &n;
        (sum.bits() <= 2048).then(|| (Sha256::of(&archive), sum.to_bytes_be()))
    });
    let (digest, sum) = fitting.unwrap();
    assert_eq!(sum.len(), 256);
    assert_eq!(key.verify(&digest, &signature(&sum)), Err(SignatureFault::Mismatch));
}

#[test]
fn each_kind_of_key_verifies_only_its_signature_scheme() {
    let digest = Sha256::of(b"archive");
    let all = [Named::Server, Named::Server4096, Named::ServerP256];
    for signer in all {
        let made = signature(&sign_message(signer, digest.as_bytes()));
        for verifier in all {
            let answer = key(&verifier.public_pem()).unwrap().verify(&digest, &made);
            assert_eq!(answer.is_ok(), signer == verifier);
        }
        let other = key(&signer.public_pem()).unwrap().verify(&Sha256::of(b"other"), &made);
        assert_eq!(other, Err(SignatureFault::Mismatch));
    }
}

#[test]
fn keys_report_their_kind() {
    for (named, kind, bits) in
        [(Named::Server, "rsa", 2048), (Named::Server4096, "rsa", 4096), (Named::ServerP256, "ecdsa-p256", 256)]
    {
        let text = named.public_pem();
        let key = key(&text).unwrap();
        assert_eq!((key.kind(), key.bits()), (kind, bits));
        assert_eq!(key.spki_der(), from_pem(&text));
        assert_eq!(key.fingerprint(), Sha256::of(&from_pem(&text)));
    }
}

#[test]
fn the_pkcs1_form_of_a_key_is_the_same_key() {
    let server = Named::Server.rsa();
    let pkcs1 = key(&pem("RSA PUBLIC KEY", &rsa_pkcs1_der(&server.n, &server.e))).unwrap();
    assert_eq!(pkcs1, key(&Named::Server.public_pem()).unwrap());
}

#[test]
fn weak_rsa_keys_are_refused_and_the_message_states_the_rule() {
    let server = Named::Server.rsa();
    let with = |n: &BigUint, e: u64| key(&rsa_public_pem(n, &BigUint::from(e)));
    let of_bits = |bits: u32| (BigUint::from(1_u8) << (bits - 1)) + 1_u8;
    for (n, e, says) in [
        (of_bits(2047), 65_537, "2047 bits"),
        (of_bits(512), 65_537, "512 bits"),
        (of_bits(8193), 65_537, "8193 bits"),
        (&server.n - 1_u8, 65_537, "an even RSA modulus"),
        (server.n.clone(), 3, "exponent of 3;"),
        (server.n.clone(), 17, "exponent of 17;"),
        (server.n.clone(), 65_535, "exponent of 65535;"),
        (server.n.clone(), 65_538, "exponent of 65538;"),
        (server.n.clone(), 1, "exponent of 1;"),
        (server.n.clone(), 0, "exponent of 0;"),
        (server.n.clone(), 1 << 40, "more than 33 bits"),
    ] {
        match with(&n, e) {
            Err(Error::Key { message, .. }) => assert!(message.contains(says), "{message} should contain {says}"),
            other => panic!("{} bits, exponent {e}: {other:?}", n.bits()),
        }
    }
    for bits in [2048, 8192] {
        assert_eq!(with(&of_bits(bits), 65_537).unwrap().bits(), bits);
    }
    assert!(with(&server.n, 65_539).is_ok());
}

#[test]
fn files_that_are_not_public_keys_are_identified() {
    let server = Named::Server.public_pem();
    let cut = &server[..server.len() - 30];
    for (text, says) in [
        (Named::Server.private_pem().to_owned(), "expected a public key, found a private key (PRIVATE KEY)"),
        (pem("RSA PRIVATE KEY", b"x"), "expected a public key, found a private key (RSA PRIVATE KEY)"),
        (pem("EC PRIVATE KEY", b"x"), "expected a public key, found a private key"),
        (pem("ENCRYPTED PRIVATE KEY", b"x"), "expected a public key, found a private key"),
        (pem("CERTIFICATE", b"x"), "expected a public key, found CERTIFICATE"),
        (pem("PUBLIC KEY", b"x"), "not a SubjectPublicKeyInfo"),
        (pem("RSA PUBLIC KEY", b"x"), "not an RSA public key"),
        (String::new(), "expected one PEM block, found 0"),
        ("hello\n".into(), "expected one PEM block, found 0"),
        (server.repeat(2), "expected one PEM block, found 2"),
        (format!("{server}{}", Named::Server.private_pem()), "expected one PEM block, found 2"),
        (format!("for server A\n{server}"), "expected no text before the PEM block"),
        (format!("{server}for server A\n"), "not PEM"),
        (cut.to_owned(), "not PEM"),
        (server.replace("-----END PUBLIC KEY-----", "-----END CERTIFICATE-----"), "not PEM"),
    ] {
        match key(&text) {
            Err(Error::Key { name, message }) => {
                assert_eq!(name, "key.pem");
                assert!(message.starts_with(says), "{message} should begin with {says}");
            }
            other => panic!("{says}: {other:?}"),
        }
    }
    let bounded = limits("key_file_bytes", 10);
    assert!(matches!(PublicKey::from_pem("k", server.as_bytes(), &bounded), Err(Error::Key { .. })));
    assert!(PublicKey::from_pem("k", server.as_bytes(), &limits("key_file_bytes", server.len() as u64)).is_ok());
}

/// If a key had two encodings, it would have two fingerprints.
#[test]
fn keys_in_a_different_encoding_are_refused() {
    let spki = from_pem(&Named::Server.public_pem());
    let without_null = {
        let algorithm = der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
        // The key follows the sequence's four header bytes and the algorithm's fifteen bytes.
        der(0x30, &[algorithm, spki[19..].to_vec()].concat())
    };
    let long_length = [b"\x30\x83\x00", &spki[2..]].concat();
    let with_tail = [spki.as_slice(), b"\0"].concat();
    let pss_identifier = {
        let algorithm = der(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");
        der(0x30, &[algorithm, spki[19..].to_vec()].concat())
    };
    for (what, der) in
        [("no NULL", without_null), ("long length", long_length), ("tail", with_tail), ("PSS", pss_identifier)]
    {
        assert!(matches!(key(&pem("PUBLIC KEY", &der)), Err(Error::Key { .. })), "{what}");
    }
    assert!(key(&pem("PUBLIC KEY", &spki)).is_ok());
}

#[test]
fn a_compressed_point_is_refused() {
    let spki = from_pem(&Named::ServerP256.public_pem());
    let algorithm = &spki[2..23];
    let point = &spki[26..];
    assert_eq!(point[0], 4);
    let compressed = [&[0, 2 + (point[64] & 1)], &point[1..33]].concat();
    let der = der(0x30, &[algorithm, &der(3, &compressed)].concat());
    assert!(matches!(key(&pem("PUBLIC KEY", &der)), Err(Error::Key { .. })));
}
