//! The program `hpsb-audit`; the code is in the library's module `cli`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hpsb_audit::cli::run()
}
