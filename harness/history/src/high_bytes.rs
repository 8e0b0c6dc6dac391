//! The bytes above 127 that clients of a TCP pool send along, for their members to compare.

/// The header that carries them.
pub const HIGH_BYTES_HEADER: &str = "x-lblab-bytes";

/// What it carries: every byte above 127 whose lower seven bits are a visible ASCII character, so that a request that has lost its
/// highest bits is still a request. A header's value may have them: `obs-text` of RFC 9110, 5.5.
pub const HIGH_BYTES: [u8; 94] = {
    let mut bytes = [0xa1; 94];
    let mut next = 1;
    while next < bytes.len() {
        bytes[next] = bytes[next - 1] + 1;
        next += 1;
    }
    bytes
};

#[cfg(test)]
mod tests {
    use super::HIGH_BYTES;

    #[test]
    fn all_are_above_127_and_visible_without_their_highest_bit() {
        assert_eq!((HIGH_BYTES.first(), HIGH_BYTES.last()), (Some(&0xa1), Some(&0xfe)));
        assert!(HIGH_BYTES.iter().all(|byte| !byte.is_ascii() && (byte & 0x7f).is_ascii_graphic()));
    }
}
