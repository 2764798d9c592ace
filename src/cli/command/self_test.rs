//! `self-test`: runs known good and tampered cases on this machine.

use crate::base::error::Error;
use crate::cli::args::report::SelfTestArguments;
use crate::cli::files::{Existing, write_whole};
use crate::cli::output;
use crate::self_test::self_test as run;

pub(crate) fn self_test(arguments: &SelfTestArguments) -> Result<u8, Error> {
    let found = run();
    if let Some(path) = &arguments.report {
        write_whole(path, found.json().as_bytes(), Existing::Replaced)?;
    }
    output::print(&found.text())?;
    Ok(found.exit_code())
}
