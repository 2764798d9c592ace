//! `self-test`: the good case and known tamperings, on this machine.

use super::files::{Existing, write_whole};
use super::output;
use super::report_args::SelfTestArguments;
use crate::error::Error;
use crate::self_test::{as_json, as_text, cases, exit_code, run};

pub(super) fn self_test(arguments: &SelfTestArguments) -> Result<u8, Error> {
    let outcomes = run(&cases());
    if let Some(path) = &arguments.report {
        write_whole(path, as_json(&outcomes).as_bytes(), Existing::Replaced)?;
    }
    output::print(&as_text(&outcomes))?;
    Ok(exit_code(&outcomes))
}
