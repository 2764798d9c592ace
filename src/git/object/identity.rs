//! The author, committer or tagger line of a commit or tag: `Name <email> seconds +zone`.

use crate::base::time::Timestamp;
use crate::git::malformed::Malformed;

/// An author, committer or tagger. The commit or tag states all of these values. A signature may vouch for them, but
/// git does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name as text; invalid UTF-8 becomes replacement characters.
    pub name: String,
    /// The text between the angle brackets, converted like the name.
    pub email: String,
    /// The time according to the person's clock. `None` if the time is out of range.
    pub time: Option<Timestamp>,
    /// The person's time zone, for example `+0200`.
    pub zone: String,
}

impl Identity {
    /// Decodes the value of an `author`, `committer` or `tagger` line.
    pub(super) fn read(line: &[u8]) -> Result<Self, Malformed> {
        let fields = split(line)?;
        let seconds = std::str::from_utf8(fields.seconds).ok().and_then(|digits| digits.parse::<i64>().ok());
        Ok(Self {
            name: String::from_utf8_lossy(fields.name).into_owned(),
            email: String::from_utf8_lossy(fields.email).into_owned(),
            time: seconds.and_then(Timestamp::from_unix_seconds),
            zone: String::from_utf8_lossy(fields.zone).into_owned(),
        })
    }

    /// Checks a line without decoding it.
    pub(super) fn check(line: &[u8]) -> Result<(), Malformed> {
        split(line).map(|_| ())
    }
}

struct Fields<'a> {
    name: &'a [u8],
    email: &'a [u8],
    seconds: &'a [u8],
    zone: &'a [u8],
}

fn split(line: &[u8]) -> Result<Fields<'_>, Malformed> {
    if line.starts_with(b"<") {
        return Err(Malformed::MissingNameBeforeEmail);
    }
    let open = line.iter().position(|byte| matches!(byte, b'<' | b'>')).ok_or(Malformed::MissingEmail)?;
    let (name, rest) = line.split_at_checked(open).ok_or(Malformed::MissingEmail)?;
    let rest = rest.strip_prefix(b"<").ok_or(Malformed::BadName)?;
    let name = name.strip_suffix(b" ").ok_or(Malformed::MissingSpaceBeforeEmail)?;
    let close = rest.iter().position(|byte| matches!(byte, b'<' | b'>')).ok_or(Malformed::BadEmail)?;
    let (email, rest) = rest.split_at_checked(close).ok_or(Malformed::BadEmail)?;
    let rest = rest.strip_prefix(b">").ok_or(Malformed::BadEmail)?;
    let rest = rest.strip_prefix(b" ").ok_or(Malformed::MissingSpaceBeforeDate)?.trim_ascii_start();
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (seconds, zone) = rest.split_at_checked(digits).ok_or(Malformed::BadDate)?;
    match seconds {
        [] => return Err(Malformed::BadDate),
        [b'0', _, ..] => return Err(Malformed::ZeroPaddedDate),
        // 2^63 has 19 digits. A number that has fewer digits or is smaller does not overflow a signed 64-bit time.
        _ if seconds.len() > 19 || (seconds.len() == 19 && seconds > b"9223372036854775807".as_slice()) => {
            return Err(Malformed::BadDateOverflow);
        }
        _ => {}
    }
    let zone = zone.strip_prefix(b" ").ok_or(Malformed::BadDate)?;
    match zone {
        [b'+' | b'-', digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) => {}
        _ => return Err(Malformed::BadTimezone),
    }
    Ok(Fields { name, email, seconds, zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read() {
        let ada = Identity::read(b"Ada L. <ada@example.org> 1592901588 +0200").unwrap();
        assert_eq!((ada.name.as_str(), ada.email.as_str(), ada.zone.as_str()), ("Ada L.", "ada@example.org", "+0200"));
        assert_eq!(ada.time, Timestamp::from_unix_seconds(1_592_901_588));
    }

    #[test]
    fn faults_have_the_names_that_git_fsck_uses() {
        use Malformed::*;
        for (line, fault) in [
            (&b"<a@b> 1 +0000"[..], MissingNameBeforeEmail),
            (b"Ada 1 +0000", MissingEmail),
            (b"Ada> <a@b> 1 +0000", BadName),
            (b"Ada<a@b> 1 +0000", MissingSpaceBeforeEmail),
            (b"Ada <a@b 1 +0000", BadEmail),
            (b"Ada <a<b> 1 +0000", BadEmail),
            (b"Ada <a@b>1 +0000", MissingSpaceBeforeDate),
            (b"Ada <a@b> x +0000", BadDate),
            (b"Ada <a@b> 1", BadDate),
            (b"Ada <a@b> 01 +0000", ZeroPaddedDate),
            (b"Ada <a@b> 9223372036854775808 +0000", BadDateOverflow),
            (b"Ada <a@b> 1 0000", BadTimezone),
            (b"Ada <a@b> 1 +000", BadTimezone),
            (b"Ada <a@b> 1 +0000 ", BadTimezone),
        ] {
            assert_eq!(Identity::read(line), Err(fault), "{}", String::from_utf8_lossy(line));
        }
        assert!(Identity::read(b"Ada <a@b> 9223372036854775807 +0000").unwrap().time.is_none());
    }
}
