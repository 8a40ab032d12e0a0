//! Hash maps get the same keys in every process, so that the seed of a round fixes all that it does.

/// What the standard library asks for the keys of hash maps, instead of the system's function of this name.
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    // SAFETY: the caller asks for `length` bytes to be written there, and owns them.
    unsafe { buffer.write_bytes(0, length) };
    isize::try_from(length).unwrap_or(-1)
}
