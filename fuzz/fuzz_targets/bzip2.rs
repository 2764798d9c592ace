#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bzip2_threads::differential::any_bytes(bytes));
