//! The program `hpsb-audit`: see the library's `cli`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hpsb_audit::cli::run()
}
