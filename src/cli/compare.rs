//! `compare`
use super::args::CompareArguments;
use crate::error::Error;
pub(super) fn compare(_: &CompareArguments) -> Result<u8, Error> { Ok(0) }
