//! Specified keys that cannot be used, or that are not the pinned key.

use num_bigint::BigUint;

use super::super::case::{Case, build_name, image_tag};
use super::super::encoding::{der, from_pem, pem};
use super::super::inputs::{CERTIFICATE, STAMP};
use super::super::keys::{Named, rsa_pkcs1_der, rsa_public_pem};
use super::super::signing::{pkcs1_block, sha256};
use super::signature::forged_cube_root;

pub fn cases() -> Vec<Case> {
    [unusable(), weak(), pins()].into_iter().flatten().collect()
}

fn unusable() -> Vec<Case> {
    let key = |name: &str, about, content: Vec<u8>| Case::error(name, 2, "key", about).file("key.pem", content);
    let server = Named::Server.public_pem();
    let p384 = der(0x30, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22");
    let ed25519 = der(0x30, b"\x06\x03\x2b\x65\x70");
    let spki = |algorithm: Vec<u8>, key: &[u8]| {
        pem("PUBLIC KEY", &der(0x30, &[algorithm, der(3, &[&[0], key].concat())].concat())).into_bytes()
    };
    let mut off_curve = from_pem(&Named::ServerP256.public_pem());
    *off_curve.last_mut().unwrap() ^= 1;
    let p256 = from_pem(&Named::ServerP256.public_pem());
    let compressed = [&[2 + (p256[90] & 1)], &p256[27..59]].concat();
    vec![
        key("key-compressed-point", "A P-256 key in a different encoding, with a different fingerprint.", {
            spki(p256[2..23].to_vec(), &compressed)
        })
        .key(Named::ServerP256),
        key("key-private", "The named key is a private key.", Named::Server.private_pem().into()),
        key("key-certificate", "The named key is a certificate.", CERTIFICATE.into()),
        key(
            "key-two-blocks",
            "The file has two public keys.",
            [server.clone(), Named::Other.public_pem()].concat().into(),
        ),
        key("key-empty", "The file is empty.", Vec::new()),
        key("key-text-before", "Text before the PEM block.", format!("the key of server A\n{server}").into()),
        key("key-text-after", "Text after the PEM block.", format!("{server}the key of server A\n").into()),
        key("key-der", "The key is in DER, not in PEM.", from_pem(&server)),
        key("key-cut", "The PEM block has no END line.", server.as_bytes()[..200].to_vec()),
        key("key-wrong-label", "The PEM label is CERTIFICATE.", server.replace("PUBLIC KEY", "CERTIFICATE").into()),
        key("key-der-tail", "A byte after the DER in the PEM block.", {
            pem("PUBLIC KEY", &[from_pem(&server), vec![0]].concat()).into()
        }),
        key("key-p384", "An EC key on the curve P-384.", spki(p384, &[&[4], [7; 96].as_slice()].concat())),
        key("key-ed25519", "An Ed25519 key.", spki(ed25519, &[7; 32])),
        key("key-off-curve", "A P-256 point that is not on the curve.", pem("PUBLIC KEY", &off_curve).into()),
        key("key-at-infinity", "The point at infinity as a P-256 key.", {
            spki(der(0x30, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), &[0])
        }),
        Case::error(
            "key-none",
            2,
            "no-key",
            "No key is named. One is next to the bundle; it is reported but not used.",
        )
        .file(format!("manifest.{}-public.pem", build_name(&image_tag(), STAMP)), server)
        .arguments(&[]),
        Case::error(
            "policy-beside",
            2,
            "no-key",
            "A policy and the key that it names are next to the bundle. The bundle's author may have made both.",
        )
        .file("policy.toml", "version = 1\nrequire = [\"manifest\"]\n\n[[keys]]\nname = \"mine\"\nfile = \"key.pem\"\n")
        .arguments(&[]),
    ]
}

fn weak() -> Vec<Case> {
    let server = Named::Server.rsa();
    let with = |name: &str, about, n: &BigUint, e: u32| {
        Case::error(name, 2, "key", about).file("key.pem", rsa_public_pem(n, &BigUint::from(e)))
    };
    let half = (&server.n >> 1536u32) | BigUint::from(1u8);
    let huge = (BigUint::from(1u8) << 16_383u32) + 1u8;
    vec![
        Case::error("key-rsa-1024", 2, "key", "An RSA key of 1024 bits, with a correct signature.").key(Named::Weak1024),
        with("key-rsa-512", "An RSA key of 512 bits.", &half, 65_537),
        with("key-rsa-16384", "An RSA key of 16384 bits, which adds only cost.", &huge, 65_537),
        Case::error("key-exponent-3", 2, "key", "An RSA exponent of 3, with a correct signature.").key(Named::WeakE3),
        Case::error(
            "key-exponent-3-forged",
            2,
            "key",
            "An RSA exponent of 3, and a signature forged without the private key: a cube root with garbage after the digest (Bleichenbacher 2006).",
        )
        .key(Named::WeakE3)
        .sign(|key, archive| forged_cube_root(&key.rsa(), archive)),
        with("key-exponent-1", "An RSA exponent of 1: every block is its own signature.", &server.n, 1).sign(
            |key, archive| {
                let info = super::super::signing::digest_info(&sha256(archive));
                pkcs1_block(&info, key.rsa().bytes())
            },
        ),
        with("key-exponent-even", "An even RSA exponent.", &server.n, 65_538),
        with("key-exponent-zero", "An RSA exponent of 0.", &server.n, 0),
        with("key-modulus-even", "An even RSA modulus.", &(&server.n - 1u8), 65_537),
    ]
}

fn pins() -> Vec<Case> {
    let public_key_file = format!("manifest.{}-public.pem", build_name(&image_tag(), STAMP));
    let server = Named::Server.public_pem();
    let of = |bytes: &[u8]| hpsb_audit::Sha256::of(bytes).to_string();
    let pinned = |name: &str, about, pin: &str| {
        Case::rejected(name, about).unchecked().file(public_key_file.clone(), server.clone()).arguments(&["--key", pin])
    };
    let key = Named::Server.rsa();
    vec![
        pinned(
            "pin-of-another-key",
            "A different key is pinned; the one that signed is next to the bundle.",
            &Named::Other.fingerprint(),
        ),
        pinned(
            "pin-of-pem-text",
            "The pin is the SHA-256 of the PEM file, not of the key's DER.",
            &of(server.as_bytes()),
        ),
        pinned("pin-of-pkcs1", "The pin is the SHA-256 of the key's PKCS#1 form.", &of(&rsa_pkcs1_der(&key.n, &key.e))),
    ]
}
