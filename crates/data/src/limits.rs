//! What a file may at most be, so that a damaged or hostile one costs an error and not the memory.

/// Limits on what is read. The defaults are far beyond any sensible table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one record of a text file: 64 MiB.
    pub record_bytes: usize,
    /// Cells of one record: 1,000,000.
    pub columns: usize,
    /// How many times as large as a packed file it may be unpacked, where that is more than 64
    /// MiB: 200. Tables are packed to a fifth or a twentieth; a file of one repeated byte to a
    /// thousandth.
    pub unpacked_ratio: u64,
}

impl Limits {
    /// Unpacked sizes below this are never refused.
    pub(crate) const UNPACKED_FREE: u64 = 64 << 20;

    /// No limits but the machine's memory.
    pub const NONE: Limits =
        Limits { record_bytes: usize::MAX, columns: usize::MAX, unpacked_ratio: u64::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Limits { record_bytes: 64 << 20, columns: 1_000_000, unpacked_ratio: 200 }
    }
}
