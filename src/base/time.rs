//! Points in time, in the formats used in build names, logs, policies and `--now`. Times without an offset are UTC.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// One day in seconds.
pub(crate) const DAY_SECONDS: i64 = 86_400;

impl Timestamp {
    /// Creates a time from whole seconds since 1970.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let micros = seconds.checked_mul(1_000_000)?;
        jiff::Timestamp::from_microsecond(micros).ok()?;
        Some(Self(micros))
    }

    /// 1970-01-01T00:00:00Z.
    pub fn epoch() -> Self {
        Self(0)
    }

    /// Reads RFC 3339 with an offset or `Z`, for example `2026-11-23T08:00:00Z`.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        // This parser is stricter than the library, which also accepts ISO 8601 spellings that RFC 3339 does not allow.
        let bytes = text.as_bytes();
        let date_time_separator = matches!(bytes.get(10), Some(b'T' | b't' | b' '));
        let shape = bytes.get(4) == Some(&b'-')
            && bytes.get(7) == Some(&b'-')
            && bytes.get(13) == Some(&b':')
            && bytes.get(16) == Some(&b':');
        if !date_time_separator || !shape || text.contains(['[', ',']) || !has_zone(text) {
            return None;
        }
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()))
    }

    /// Reads RFC 3339, or a date such as `2026-10-01`, which means the start of that day in UTC; a period that ends on a date ends when that
    /// day begins.
    pub fn from_date_or_rfc3339(text: &str) -> Option<Self> {
        let is_date = text.len() == 10;
        Self::from_rfc3339(&if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() })
    }

    /// Reads the stamp at the end of a build name: `YYYY-MM-DD_HH-MM-SS.ffffff`, with or without the fraction.
    pub fn from_build_stamp(text: &str) -> Option<Self> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, exact_digits(fraction, 6)?),
            None => (text, 0),
        };
        Self::from_fields(whole, *b"--_--", fraction)
    }

    /// Reads `YYYY-MM-DD HH:MM:SS,mmm`, the time format of Python's logging.
    pub fn from_log_time(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once(',')?;
        Self::from_fields(whole, *b"-- ::", exact_digits(fraction, 3)? * 1_000)
    }

    fn from_fields(text: &str, separators: [u8; 5], micros: i64) -> Option<Self> {
        let bytes = text.as_bytes();
        let found = [4, 7, 10, 13, 16].map(|at| bytes.get(at).copied().unwrap_or(0));
        if text.len() != 19 || found != separators {
            return None;
        }
        let field = |from: usize, to: usize| exact_digits(text.get(from..to)?, to - from);
        let small = |value: i64| i8::try_from(value).ok();
        let civil = DateTime::new(
            i16::try_from(field(0, 4)?).ok()?,
            small(field(5, 7)?)?,
            small(field(8, 10)?)?,
            small(field(11, 13)?)?,
            small(field(14, 16)?)?,
            small(field(17, 19)?)?,
            0,
        )
        .ok()?;
        Some(Self(Offset::UTC.to_timestamp(civil).ok()?.as_microsecond() + micros))
    }

    /// Whole seconds since 1970, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time plus `seconds` (which may be negative), clamped to the range of 64-bit microseconds.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whether this time is more than a day later than `other`: two clocks may differ by up to a day.
    pub(crate) fn is_clearly_after(self, other: Self) -> bool {
        self > other.plus_seconds(DAY_SECONDS)
    }
}

impl fmt::Display for Timestamp {
    /// The time as RFC 3339 in UTC, with a fraction only if the fraction is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{} microseconds since 1970", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a duration in the form used in policies: a whole number and `d`, `h`, `m` or `s`. Returns seconds.
pub(crate) fn parse_duration_seconds(text: &str) -> Option<i64> {
    let unit = match text.bytes().last()? {
        b'd' => DAY_SECONDS,
        b'h' => 3_600,
        b'm' => 60,
        b's' => 1,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    exact_digits(digits, digits.len())?.checked_mul(unit)
}

fn exact_digits(text: &str, count: usize) -> Option<i64> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Whether the text ends with `Z` or an offset with a colon that is less than a day, such as `+02:00`.
fn has_zone(text: &str) -> bool {
    let number = |digits: &[u8], below: u32| match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => u32::from(tens - b'0') * 10 + u32::from(ones - b'0') < below,
        _ => false,
    };
    match text.as_bytes() {
        [.., b'Z' | b'z'] => true,
        [.., b'+' | b'-', h1, h2, b':', m1, m2] => number(&[*h1, *h2], 24) && number(&[*m1, *m2], 60),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_start_of_its_day() {
        let read = |text| Timestamp::from_date_or_rfc3339(text).map(|moment| moment.to_string());
        assert_eq!(read("2026-10-01").as_deref(), Some("2026-10-01T00:00:00Z"));
        assert_eq!(read("2026-10-01T08:00:00+02:00").as_deref(), Some("2026-10-01T06:00:00Z"));
        for bad in ["2026-13-01", "2026-02-30", "2026-1-1", "26-10-01", "2026/10/01", "", "2026-10-01T", "20261001  "] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_three_spellings_of_one_moment_agree() {
        let stamp = Timestamp::from_build_stamp("2020-06-23_08-39-48.301000");
        assert_eq!(stamp, Timestamp::from_log_time("2020-06-23 08:39:48,301"));
        assert_eq!(stamp, Timestamp::from_rfc3339("2020-06-23T10:39:48.301+02:00"));
        assert_eq!(stamp.map(|s| s.to_string()).as_deref(), Some("2020-06-23T08:39:48.301Z"));
        // `date -u -d 2020-06-23T08:39:48Z +%s` prints 1592901588.
        assert_eq!(stamp.map(Timestamp::unix_seconds), Some(1_592_901_588));
        assert_eq!(
            Timestamp::from_unix_seconds(1_592_901_588).map(|s| s.to_string()).as_deref(),
            Some("2020-06-23T08:39:48Z")
        );
    }

    #[test]
    fn invalid_moments_are_refused() {
        for bad in [
            "2020-13-01_00-00-00.000000",
            "2020-02-30_00-00-00.000000",
            "2020-06-23_08-39-48.3",
            "2020-06-23 08-39-48.301849",
            "",
        ] {
            assert_eq!(Timestamp::from_build_stamp(bad), None, "{bad}");
        }
        for bad in ["2020-06-23", "2020-06-23T08:39:48", "20200623T083948Z", "2020-06-23T08:39:48Z[UTC]", "now"] {
            assert_eq!(Timestamp::from_rfc3339(bad), None, "{bad}");
        }
        assert_eq!(Timestamp::from_log_time("2020-06-23 08:39:48.301"), None);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
    }

    #[test]
    fn clocks_may_differ_by_a_day() {
        let moment = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
        let last = moment.plus_seconds(DAY_SECONDS);
        assert!(!last.is_clearly_after(moment) && !moment.is_clearly_after(last));
        assert!(Timestamp(last.0 + 1).is_clearly_after(moment));
    }

    #[test]
    fn durations_are_read_in_seconds() {
        assert_eq!(parse_duration_seconds("90d"), Some(90 * DAY_SECONDS));
        assert_eq!(parse_duration_seconds("12h"), Some(43_200));
        for bad in ["", "d", "90", "-1d", "1.5d", "9999999999d", "1w", "1 d", "1µ"] {
            assert_eq!(parse_duration_seconds(bad), None, "{bad}");
        }
    }
}
