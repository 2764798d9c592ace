//! The time-stamps of a case. The first time-stamp covers the case's digest; each later time-stamp covers the case and
//! all earlier time-stamps, so that the series remains valid after an earlier time-stamp's certificate expires.

use super::Case;
use super::attached::stamp_name;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::timestamp::{Authorities, Token, Verified, request};
use crate::report::{InputReport, StampReport};

/// The hint shown if an authority's response is refused.
const ANOTHER: &str = "nothing was added; send the request that --tsq writes, or use a different authority";

/// What the time-stamps of a case state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamps {
    pub(crate) reports: Vec<StampReport>,
    /// The first stamp's time, if the whole series is valid.
    pub(crate) existed_by: Option<Timestamp>,
    /// When the last stamp's certificate expires.
    pub(crate) again_by: Option<Timestamp>,
    pub(crate) remarks: Vec<String>,
    pub(crate) inputs: Vec<InputReport>,
}

impl Case {
    fn stamp_count(&self) -> usize {
        (1..).take_while(|number| self.attached.contains_key(&stamp_name(*number))).count()
    }

    /// The digest covered by the stamp that follows the first `before` stamps: the digest of `case.json` and those
    /// stamps, concatenated.
    fn imprint(&self, before: usize) -> Sha256 {
        let stamps = (1..=before).filter_map(|number| self.attached.get(&stamp_name(number)));
        let parts: Vec<&[u8]> = std::iter::once(&self.record_bytes).chain(stamps).map(Vec::as_slice).collect();
        Sha256::of(&parts.concat())
    }

    /// A request for the next time-stamp, in DER.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the request cannot be encoded.
    pub fn stamp_request(&self) -> Result<Vec<u8>, Error> {
        request(&self.imprint(self.stamp_count()))
            .map_err(|message| Error::malformed("the time-stamp request", message))
    }

    /// Adds an authority's response. The response must always be for this case, but its signature is verified only if
    /// authorities are specified.
    ///
    /// # Errors
    /// [`Error::OwnFile`] if the response is refused, [`Error::Usage`] if there are already nine time-stamps.
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
                message: format!("the case already has {count} time-stamps, the maximum"),
                hint: "seal the evidence again".into(),
            });
        }
        self.attached.insert(name, response);
        Ok(report(&token, verified.as_ref()))
    }

    /// Reads every time-stamp, and verifies it if authorities are specified. The series is valid if each stamp was
    /// created before the previous stamp's certificate expired and the last stamp's certificate has not expired at
    /// `today`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a stamp that is not for this case or does not verify.
    pub(crate) fn stamps(&self, authorities: &Authorities, today: Timestamp, limits: &Limits) -> Result<Stamps, Error> {
        let mut stamps = Stamps::default();
        let mut verified: Vec<Verified> = Vec::new();
        for number in 1..=self.stamp_count() {
            let name = stamp_name(number);
            let malformed = |message: String| Error::malformed(name.clone(), message);
            let digest = self.imprint(number.saturating_sub(1));
            let bytes = self.attached.get(&name).map(Vec::as_slice).unwrap_or_default();
            let token = Token::read(bytes, limits);
            let token = token.map_err(malformed)?;
            token.must_be_over(&digest).map_err(malformed)?;
            let one = match authorities.is_empty() {
                true => None,
                false => Some(token.verify(&digest, authorities).map_err(malformed)?),
            };
            stamps.remarks.extend(one.iter().filter(|one| one.named_by_sha1).map(|one| {
                format!("the time-stamp of {} identifies its certificate only by SHA-1 (ESSCertID)", one.authority)
            }));
            stamps.reports.push(report(&token, one.as_ref()));
            stamps.inputs.push(InputReport { kind: "timestamp", name, sha256: Sha256::of(bytes) });
            verified.extend(one);
        }
        let Some(last) = verified.last() else { return Ok(stamps) };
        let seen_at = verified.iter().skip(1).map(|next| next.at).chain([today]);
        let over = verified.iter().zip(seen_at).find(|(stamp, seen)| stamp.ends < *seen);
        match over {
            None => {
                stamps.existed_by = verified.first().map(|first| first.at);
                stamps.again_by = Some(last.ends);
            }
            Some((stamp, _)) => {
                stamps.remarks.push(format!(
                    "the time-stamps do not count: the certificate of {} expired on {}, and no later stamp was made before then",
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
