//! The fingerprint of an armoured OpenPGP certificate (RFC 9580, RFC 4880), without verifying anything in it.
//!
//! The fingerprint identifies the key that a contract contains. The bindings of subkeys and user ids are not examined: the program that uses the
//! contract's key does that, and accepts only what the primary key signed.

use base64ct::{Base64, Encoding as _};
use gix_hash::{Kind, hasher};

use crate::base::digest::Sha256;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Types of packets in a transferable public key (RFC 9580, 10.1, and the marker of 5.8).
const PUBLIC_KEY: u8 = 6;
const OTHERS: [u8; 6] = [2, 10, 13, 14, 17, 21];

/// The fingerprint of the only primary key, in lower-case hexadecimal.
///
/// # Errors
/// A description of the fault if the text is anything but one block with one certificate of version 4 or 6.
pub(crate) fn fingerprint(armoured: &[u8]) -> Result<String, String> {
    let packets = unarmoured(armoured)?;
    let mut rest = packets.as_slice();
    let mut primary = None;
    while !rest.is_empty() {
        let (tag, body, after) = packet(rest).ok_or("it contains a packet that cannot be read")?;
        rest = after;
        match (tag, primary) {
            (PUBLIC_KEY, None) => primary = Some(body),
            (PUBLIC_KEY, Some(_)) => return Err("it contains more than one key".into()),
            (tag, Some(_)) if OTHERS.contains(&tag) => {}
            _ => return Err("it is not an OpenPGP public key".into()),
        }
    }
    of_key(primary.ok_or("it is not an OpenPGP public key")?)
}

/// The data of the only block. Programs read a damaged block in different ways, so the block must consist of headers, one empty line, data and an
/// optional checksum, with no other empty line. The checksum is not compared: it protects only against accidents (RFC 9580, 6.1).
fn unarmoured(bytes: &[u8]) -> Result<Vec<u8>, String> {
    const FAULT: &str = "expected exactly one armoured OpenPGP public key, and no other text";
    let text = std::str::from_utf8(bytes).map_err(|_| FAULT)?.replace("\r\n", "\n");
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or(FAULT)?;
    if body.contains("-----") {
        return Err(FAULT.into());
    }
    let (headers, data) = match body.strip_prefix('\n') {
        Some(data) => ("", data),
        None => body.split_once("\n\n").ok_or(FAULT)?,
    };
    if !headers
        .lines()
        .all(|line| line.split_once(": ").is_some_and(|(name, _)| !name.is_empty() && !name.contains(' ')))
    {
        return Err("before the empty line, its armour has a line that is not a header".into());
    }
    let mut lines: Vec<&str> = data.lines().collect();
    lines.pop_if(|line| line.starts_with('='));
    match lines.iter().any(|line| line.is_empty()) {
        true => Err("its armour has more than one empty line".into()),
        false => Base64::decode_vec(&lines.concat()).map_err(|_| "its armour is not base64".into()),
    }
}

/// The first packet's type and content, and what follows it (RFC 9580, 4.2). Partial and indeterminate lengths are not allowed in keys.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let number = |bytes: &[u8]| bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let (tag, length, rest) = match first {
        0xc0.. => {
            let (one, after) = rest.split_first()?;
            let (length, after) = match one {
                ..192 => (usize::from(*one), after),
                192..224 => {
                    let (two, after) = after.split_first()?;
                    ((usize::from(*one) - 192) * 256 + usize::from(*two) + 192, after)
                }
                224..255 => return None,
                255 => {
                    let (four, after) = after.split_at_checked(4)?;
                    (number(four), after)
                }
            };
            (first & 0x3f, length, after)
        }
        0x80.. => {
            let (length, after) = rest.split_at_checked(match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            })?;
            (first >> 2 & 0xf, number(length), after)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((tag, body, rest))
}

/// The fingerprint of a key packet (RFC 9580, 5.5.4). The SHA-1 implementation detects collision attacks.
fn of_key(body: &[u8]) -> Result<String, String> {
    match body.first() {
        Some(4) => {
            let length = u16::try_from(body.len()).map_err(|_| "its key is too long")?;
            let mut sha1 = hasher(Kind::Sha1);
            [&[0x99][..], &length.to_be_bytes(), body].iter().for_each(|part| sha1.update(part));
            let digest = sha1.try_finalize().map_err(|_| "a key made by a SHA-1 collision attack")?;
            Ok(digest.to_string())
        }
        Some(6) => {
            let length = u32::try_from(body.len()).map_err(|_| "its key is too long")?;
            Ok(Sha256::of(&[&[0x9b][..], &length.to_be_bytes(), body].concat()).hex())
        }
        _ => Err("expected a key of version 4 or 6".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> String {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inputs/trust/openpgp");
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    /// gpg wrote the fingerprints.
    #[test]
    fn a_certificate_has_the_fingerprint_that_gpg_states() {
        for name in ["early", "lapsed", "lost", "named", "replaced", "short", "unfit", "v3", "young"] {
            let stated = file(&format!("{name}.fingerprint")).trim().to_lowercase();
            assert_eq!(fingerprint(file(&format!("{name}.asc")).as_bytes()), Ok(stated), "{name}");
        }
    }

    #[test]
    fn anything_but_one_certificate_is_refused() {
        let (one, other) = (file("early.asc"), file("young.asc"));
        let together = [unarmoured(one.as_bytes()).unwrap(), unarmoured(other.as_bytes()).unwrap()].concat();
        let lines = |text: &str| text.split_once("\n\n").unwrap().1.split_once("\n=").unwrap().0.to_owned();
        let hidden = |line: &str| format!("{BEGIN}Comment: x\n{line}\n{}\n\n{}\n{END}\n", lines(&other), lines(&one));
        let joined = format!("{BEGIN}\n{}\n{END}\n", Base64::encode_string(&together));
        for (text, why) in [
            (format!("{one}{other}"), "exactly one"),
            (format!("# a key\n{one}"), "exactly one"),
            (joined, "more than one key"),
            (one.replace("PUBLIC", "PRIVATE"), "exactly one"),
            (format!("{BEGIN}\n\n{END}"), "more than one empty line"),
            (format!("{BEGIN}\n{END}"), "not an OpenPGP public key"),
            (format!("{BEGIN}\nAAAA\n{END}"), "cannot be read"),
            // GnuPG ends the headers at a line of spaces, and would read the other key.
            (hidden(" "), "not a header"),
            (hidden("x"), "not a header"),
            (one.replacen("\n\n", "\n\n\n", 1), "more than one empty line"),
            (one.replace("\n=", "\n=AAAA\n="), "not base64"),
        ] {
            assert!(
                fingerprint(text.as_bytes()).unwrap_err().contains(why),
                "{why}: {:?}",
                fingerprint(text.as_bytes())
            );
        }
    }
}
