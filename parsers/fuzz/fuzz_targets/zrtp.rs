#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| callscope_parsers::fuzzing::zrtp(data));
