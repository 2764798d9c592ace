//! `self-test`: the good case and known tamperings, on this machine.

use crate::base::error::Error;
use crate::cli::args::report::SelfTestArguments;
use crate::cli::files::{Existing, write_whole};
use crate::cli::output;
use crate::self_test::{as_json, as_text, cases, exit_code, run};

pub(crate) fn self_test(arguments: &SelfTestArguments) -> Result<u8, Error> {
    let outcomes = run(&cases());
    if let Some(path) = &arguments.report {
        write_whole(path, as_json(&outcomes).as_bytes(), Existing::Replaced)?;
    }
    output::print(&as_text(&outcomes))?;
    Ok(exit_code(&outcomes))
}
