//! The time-stamps of a case. The first is over its digest; each later one is over the case and the stamps before it, so that it can take
//! over before the certificate of the one before ends.

use super::Case;
use super::attached::stamp_name;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::timestamp::{Authorities, Token, Verified, request};
use crate::report::StampReport;

/// What to do where an authority's answer is refused.
const ANOTHER: &str = "nothing was added; ask with the request that --tsq writes, or ask another authority";

/// What the time-stamps of a case say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamps {
    pub(crate) reports: Vec<StampReport>,
    /// The first stamp's moment, where the whole row counts.
    pub(crate) existed_by: Option<Timestamp>,
    /// The end of the last one's certificate.
    pub(crate) again_by: Option<Timestamp>,
    pub(crate) remarks: Vec<String>,
}

impl Case {
    fn stamp_count(&self) -> usize {
        (1..).take_while(|number| self.attached.contains_key(&stamp_name(*number))).count()
    }

    /// What the stamp behind the first `before` ones is over: `case.json`, then those stamps, as one row of bytes.
    fn imprint(&self, before: usize) -> Sha256 {
        let stamps = (1..=before).filter_map(|number| self.attached.get(&stamp_name(number)));
        let parts: Vec<&[u8]> = std::iter::once(&self.record_bytes).chain(stamps).map(Vec::as_slice).collect();
        Sha256::of(&parts.concat())
    }

    /// A request for the next time-stamp, in DER.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it cannot be encoded.
    pub fn stamp_request(&self) -> Result<Vec<u8>, Error> {
        request(&self.imprint(self.stamp_count()))
            .map_err(|message| Error::malformed("the time-stamp request", message))
    }

    /// Adds what an authority answered. Verified only where authorities are named; it must be over this case in any event.
    ///
    /// # Errors
    /// [`Error::OwnFile`] where it is refused, [`Error::Usage`] when there are nine.
    pub fn add_stamp(
        &mut self,
        response: Vec<u8>,
        authorities: &Authorities,
        limits: &Limits,
    ) -> Result<StampReport, Error> {
        let count = self.stamp_count();
        let malformed = |message: String| Error::OwnFile { what: "the time-stamp".into(), message, hint: ANOTHER };
        let digest = self.imprint(count);
        let token = Token::read(&response, limits).map_err(malformed)?;
        token.must_be_over(&digest).map_err(malformed)?;
        let verified = match authorities.is_empty() {
            true => None,
            false => Some(token.verify(&digest, authorities).map_err(malformed)?),
        };
        let name = stamp_name(count + 1);
        if !super::attached::is_known(&name) {
            return Err(Error::Usage {
                message: format!("the case has {count} time-stamps, and no room for more"),
                hint: "seal the evidence anew".into(),
            });
        }
        self.attached.insert(name, response);
        Ok(report(&token, verified.as_ref()))
    }

    /// Reads and, where authorities are named, verifies every time-stamp. They count if each was there before the certificate of the one
    /// before it ended, and the last one's has not ended at `today`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a stamp that is not over this case, or does not verify.
    pub(crate) fn stamps(&self, authorities: &Authorities, today: Timestamp, limits: &Limits) -> Result<Stamps, Error> {
        let mut stamps = Stamps::default();
        let mut verified: Vec<Verified> = Vec::new();
        for number in 1..=self.stamp_count() {
            let name = stamp_name(number);
            let malformed = |message: String| Error::malformed(name.clone(), message);
            let digest = self.imprint(number.saturating_sub(1));
            let token = Token::read(self.attached.get(&name).map(Vec::as_slice).unwrap_or_default(), limits);
            let token = token.map_err(malformed)?;
            token.must_be_over(&digest).map_err(malformed)?;
            let one = match authorities.is_empty() {
                true => None,
                false => Some(token.verify(&digest, authorities).map_err(malformed)?),
            };
            stamps.remarks.extend(one.iter().filter(|one| one.named_by_sha1).map(|one| {
                format!("the time-stamp of {} names its certificate by SHA-1 alone (ESSCertID)", one.authority)
            }));
            stamps.reports.push(report(&token, one.as_ref()));
            verified.extend(one);
        }
        let Some(last) = verified.last() else { return Ok(stamps) };
        stamps.again_by = Some(last.ends);
        let seen_at = verified.iter().skip(1).map(|next| next.at).chain([today]);
        let over = verified.iter().zip(seen_at).find(|(stamp, seen)| stamp.ends < *seen);
        match over {
            None => stamps.existed_by = verified.first().map(|first| first.at),
            Some((stamp, _)) => {
                stamps.remarks.push(format!(
                    "the time-stamps do not count: the certificate of {} ended on {}, and no other stamp took over before that",
                    stamp.authority, stamp.ends
                ));
            }
        }
        Ok(stamps)
    }
}

fn report(token: &Token, verified: Option<&Verified>) -> StampReport {
    StampReport {
        at: token.at().to_string(),
        authority: verified.map(|verified| verified.authority.clone()),
        certificate_ends: verified.map(|verified| verified.ends.to_string()),
    }
}
