#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hpsb_audit::fuzzing::ssh(bytes));
