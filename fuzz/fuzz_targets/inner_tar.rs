#![no_main]

#[path = "../properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hpsb_audit::fuzzing::inner_tar(&properties::with_checksums(bytes)));
