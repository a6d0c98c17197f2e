//! Any bytes are an error or a dictionary that comes back.
#![no_main]

use edgewatch_core::blocks::dictionary::Dictionary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(dictionary) = Dictionary::decode(bytes) {
        assert_eq!(Dictionary::decode(&dictionary.encode()), Ok(dictionary));
    }
});
