//! Any body of a packed block is an error or a block that comes back, whichever codec it is of. The check is put right, so that
//! the body is read.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none block_unpack`, from `worker/core`.
#![no_main]

use edgewatch_core::blocks::{Block, packed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for codec in [packed::CODEC, packed::CODEC_BEFORE] {
        let bytes = packed::seal(codec, body);
        if let Ok(block) = Block::unpack(&bytes) {
            // What a block takes in memory is bounded by its length.
            let values = block.len() * (block.series().len() + 2);
            assert!(values <= bytes.len() * 64);
            assert_eq!(block.rows().count(), block.len());
            let again = block.pack();
            assert_eq!(Block::unpack(&again).as_ref(), Ok(&block));
        }
    }
    // As it came, check and all.
    let _ = Block::unpack(body);
});
