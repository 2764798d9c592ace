//! The `.sig` member contains text that is not a signature, or a signature of something else.

use num_bigint::BigUint;

use super::super::case::Case;
use super::super::encoding::{bzip2, der, der_integer, hex};
use super::super::keys::{Named, RsaKey};
use super::super::signing::{
    SHA256_PREFIX, digest_info, p256_der, p256_numbers, p256_order, pkcs1_block, pss_block, sha256, sign_archive,
    sign_message,
};
use super::super::tar::BLOCK;

pub fn cases() -> Vec<Case> {
    [text(), other_bytes(), rsa_blocks(), rsa_lengths(), p256()].into_iter().flatten().collect()
}

/// Text that is not an even number of hexadecimal digits followed by at most one newline.
fn text() -> Vec<Case> {
    let malformed =
        |name: &str, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, "malformed", about).signature(edit);
    vec![
        malformed("signature-two-newlines", "Two newlines after the signature.", |text| text.extend(b"\n\n")),
        malformed("signature-cr-lf", "CR LF after the signature.", |text| text.extend(b"\r\n")),
        malformed("signature-leading-blank", "A blank before the signature.", |text| text.insert(0, b' ')),
        malformed("signature-inner-blank", "A blank in the signature, which `xxd` skips.", |text| {
            text.insert(64, b' ')
        }),
        malformed("signature-wrapped", "The signature is in lines of 64 digits, which `xxd` reads.", |text| {
            *text = text.chunks(64).collect::<Vec<_>>().join(&b'\n');
        }),
        malformed("signature-odd-length", "One digit is missing.", |text| {
            text.pop();
        }),
        malformed("signature-prefix-0x", "`0x` before the digits.", |text| drop(text.splice(0..0, *b"0x"))),
        malformed("signature-not-hex", "A letter that is not a hexadecimal digit.", |text| text[100] = b'g'),
        malformed("signature-binary", "The signature is in binary instead of text.", |text| *text = vec![0x80; 256]),
        malformed("signature-nul-padded", "A NUL after the signature.", |text| text.extend(b"\0\0")),
        malformed("signature-empty", "The signature is empty.", Vec::clear),
        malformed("signature-newline-only", "The signature is a single newline.", |text| *text = b"\n".to_vec()),
        Case::error("signature-ten-megabytes", 3, "over-limit", "Ten million digits.")
            .signature(|text| *text = vec![b'0'; 10_000_000]),
    ]
}

fn other_bytes() -> Vec<Case> {
    let trust_server = |case: Case| case.file("key.pem", Named::Server.public_pem());
    vec![
        trust_server(Case::unsigned("other-key", "Signed by a key other than the trusted one.").key(Named::Other)),
        trust_server(
            Case::unsigned("other-key-beside", "Signed by a different key, which is next to the bundle.")
                .key(Named::Other),
        )
        .file("manifest-public.pem", Named::Other.public_pem()),
        trust_server(
            Case::unsigned("other-kind-p256", "An ECDSA signature, but the trusted key is RSA.").key(Named::ServerP256),
        ),
        Case::unsigned("other-kind-rsa", "An RSA signature, but the trusted key is ECDSA.")
            .file("key.pem", Named::ServerP256.public_pem()),
        Case::unsigned("archive-byte-flipped", "One bit of the signed archive is flipped.").outer(|entries| {
            let middle = entries[0].content.len() / 2;
            entries[0].content[middle] ^= 1;
        }),
        Case::unsigned("archive-byte-appended", "One extra byte after the signed archive.")
            .outer(|entries| entries[0].content.push(0)),
        Case::unsigned("archive-cut", "The last byte of the signed archive is missing.").outer(|entries| {
            entries[0].content.pop();
        }),
        Case::unsigned("archive-empty", "The signed archive is empty.").outer(|entries| entries[0].content.clear()),
        Case::unsigned(
            "archive-stream-appended",
            "An extra bzip2 stream after the signed archive: it unpacks to the same content.",
        )
        .outer(|entries| entries[0].content.extend(bzip2(&[0; BLOCK]))),
        Case::unsigned("signature-byte-flipped", "One bit of the signature is flipped.")
            .signature(|text| text[300] = if text[300] == b'0' { b'1' } else { b'0' }),
        Case::unsigned("signature-of-another-build", "The signature is valid, but for a different archive.")
            .sign(|key, _| sign_archive(key, b"another archive")),
        Case::unsigned("single-hash", "The signature is over the archive itself, which is hashed once, not twice.")
            .sign(sign_message),
        Case::unsigned("hash-over-hex-text", "The signature is over the digest's hexadecimal text.")
            .sign(|key, archive| sign_message(key, hex(&sha256(archive)).as_bytes())),
        Case::unsigned("three-hashes", "The signed digest was hashed once too often.")
            .sign(|key, archive| sign_archive(key, &sha256(archive))),
    ]
}

/// A case whose signature is a block computed from the archive's digest, signed with the case's own key.
fn block(name: &str, about: &'static str, make: fn(&[u8], usize) -> Vec<u8>) -> Case {
    Case::unsigned(name, about).sign(move |key, archive| {
        let key = key.rsa();
        key.sign_block(&make(&sha256(archive), key.bytes()))
    })
}

/// Blocks that lenient PKCS#1 v1.5 parsers accept, all signed with the real private key.
fn rsa_blocks() -> Vec<Case> {
    vec![
        block("digest-info-sha1", "The DigestInfo names SHA-1 and contains a SHA-1 digest.", |message, length| {
            pkcs1_block(
                &with_algorithm(b"\x2b\x0e\x03\x02\x1a", &<sha1::Sha1 as sha1::Digest>::digest(message)),
                length,
            )
        }),
        block("digest-info-md5", "The DigestInfo names MD5 and contains an MD5 digest.", |message, length| {
            let digest = <md5::Md5 as md5::Digest>::digest(message);
            pkcs1_block(&with_algorithm(b"\x2a\x86\x48\x86\xf7\x0d\x02\x05", &digest), length)
        }),
        block("digest-info-without-null", "The DigestInfo's algorithm has no NULL parameters.", |message, length| {
            let algorithm = der(0x30, b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01");
            pkcs1_block(&der(0x30, &[algorithm, der(4, &sha256(message))].concat()), length)
        }),
        block("digest-info-missing", "The bare digest, without a DigestInfo.", |message, length| {
            pkcs1_block(&sha256(message), length)
        }),
        block("digest-info-long-length", "The DigestInfo has a length in BER's long form.", |message, length| {
            let info = digest_info(message);
            pkcs1_block(&[b"\x30\x81", &info[1..]].concat(), length)
        }),
        block(
            "garbage-in-parameters",
            "Garbage in the parameters of the DigestInfo's algorithm.",
            |message, length| {
                let parameters = der(4, &[0x55; 64]);
                let algorithm =
                    der(0x30, &[b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", parameters.as_slice()].concat());
                pkcs1_block(&der(0x30, &[algorithm, der(4, &sha256(message))].concat()), length)
            },
        ),
        block(
            "garbage-after-hash",
            "Short padding, and garbage after the digest (Bleichenbacher 2006).",
            |message, length| {
                let head = [b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00", digest_info(message).as_slice()].concat();
                [head.as_slice(), &vec![0x55; length - head.len()]].concat()
            },
        ),
        block("padding-not-ff", "One padding byte is not ff.", |message, length| {
            edited(pkcs1_block(&digest_info(message), length), 40, 0xfe)
        }),
        block("padding-with-zero", "A zero in the middle of the padding.", |message, length| {
            edited(pkcs1_block(&digest_info(message), length), 40, 0)
        }),
        block("block-type-2", "The block is of type 2, which is for encryption.", |message, length| {
            edited(pkcs1_block(&digest_info(message), length), 1, 2)
        }),
        block("block-type-0", "The block is of type 0, padded with zeros.", |message, length| {
            let info = digest_info(message);
            [vec![0; length - info.len()], info].concat()
        }),
        block("pss", "The signature is RSASSA-PSS, over the right digest.", pss_block),
    ]
}

fn with_algorithm(identifier: &[u8], digest: &[u8]) -> Vec<u8> {
    let algorithm = der(0x30, &[der(6, identifier), der(5, b"")].concat());
    der(0x30, &[algorithm, der(4, digest)].concat())
}

fn edited(mut block: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    block[at] = byte;
    block
}

fn rsa_lengths() -> Vec<Case> {
    let number = |name: &str, about, make: fn(&RsaKey) -> BigUint| {
        Case::unsigned(name, about).sign(move |key, _| key.rsa().fixed(&make(&key.rsa())))
    };
    vec![
        Case::unsigned("signature-longer", "A zero byte before the signature: longer than the modulus.")
            .signature(|text| drop(text.splice(0..0, *b"00"))),
        Case::unsigned("signature-with-tail", "A zero byte after the signature.").signature(|text| text.extend(b"00")),
        Case::unsigned("signature-shorter", "The last byte is missing.").signature(|text| text.truncate(510)),
        Case::unsigned("signature-twice", "The signature is a duplicate member.")
            .signature(|text| text.extend(text.clone())),
        Case::unsigned("signature-of-4096-bits", "The signature is by a longer key.")
            .sign(|_, archive| sign_archive(Named::Server4096, archive)),
        number("signature-zeros", "The signature is zero.", |_| BigUint::ZERO),
        number("signature-one", "The signature is the number one: any power of one is one.", |_| BigUint::from(1u8)),
        number("signature-modulus", "The signature is the modulus.", |key| key.n.clone()),
        number("signature-modulus-less-one", "The signature is the modulus minus one.", |key| &key.n - 1u8),
    ]
}

fn p256() -> Vec<Case> {
    let with = |name: &str, about, make: fn(Vec<u8>) -> Vec<u8>| {
        Case::unsigned(name, about).key(Named::ServerP256).sign(move |key, archive| make(sign_archive(key, archive)))
    };
    vec![
        Case::unsigned("p256-single-hash", "An ECDSA signature over the archive itself, hashed once.")
            .key(Named::ServerP256)
            .sign(sign_message),
        with("p256-raw", "r and s are 64 raw bytes instead of DER.", |signature| {
            let (r, s) = p256_numbers(&signature);
            [fixed(&r), fixed(&s)].concat()
        }),
        with("p256-r-zero", "r is 0.", |signature| p256_der(&BigUint::ZERO, &p256_numbers(&signature).1)),
        with("p256-s-zero", "s is 0.", |signature| p256_der(&p256_numbers(&signature).0, &BigUint::ZERO)),
        with("p256-both-zero", "r and s are 0 (CVE-2022-21449).", |_| p256_der(&BigUint::ZERO, &BigUint::ZERO)),
        with("p256-r-order", "r is the group order.", |signature| p256_der(&p256_order(), &p256_numbers(&signature).1)),
        with("p256-s-order", "s is the group order.", |signature| p256_der(&p256_numbers(&signature).0, &p256_order())),
        with("p256-s-plus-order", "The group order is added to s.", |signature| {
            let (r, s) = p256_numbers(&signature);
            p256_der(&r, &(s + p256_order()))
        }),
        with("p256-der-tail", "A byte after the DER.", |signature| [signature, vec![0]].concat()),
        with("p256-der-tail-inside", "A NULL after s, inside the sequence.", |signature| {
            der(0x30, &[&signature[2..], b"\x05\x00"].concat())
        }),
        with("p256-ber-length", "The sequence length is in BER's long form.", |signature| {
            [b"\x30\x81", &signature[1..]].concat()
        }),
        with("p256-ber-integer", "An extra zero byte before r.", |signature| {
            let (r, s) = p256_numbers(&signature);
            let long = der(2, &[&[0, 0], fixed(&r).as_slice()].concat());
            der(0x30, &[long, der_integer(&s.to_bytes_be())].concat())
        }),
        with("p256-cut", "The last byte is missing.", |mut signature| {
            signature.pop();
            signature
        }),
    ]
}

fn fixed(number: &BigUint) -> Vec<u8> {
    let digits = number.to_bytes_be();
    [vec![0; 32 - digits.len()], digits].concat()
}

/// A signature for an exponent of 3 made without a private key: the cube root of a block with garbage after the digest.
pub(super) fn forged_cube_root(key: &RsaKey, archive: &[u8]) -> Vec<u8> {
    let head = [b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00", SHA256_PREFIX, &sha256(&sha256(archive))].concat();
    let garbage = key.bytes() - head.len();
    let least = BigUint::from_bytes_be(&head) << (8 * garbage);
    let root = (least - 1u8).cbrt() + 1u8;
    assert!(key.fixed(&root.pow(3)).starts_with(&head));
    key.fixed(&root)
}
