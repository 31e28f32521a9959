//! The matrix unit's registers: eight tiles of 16 rows of 64 bytes.

use std::arch::asm;
use std::marker::PhantomData;

/// Elements of a tile of results, f32, to a side.
pub(super) const SIDE: usize = 16;

/// Terms of the sums that one instruction adds up: pairs of bf16, 16 to a row.
pub(super) const TERMS: usize = 32;

/// bf16 numbers of a tile.
pub(super) const TILE: usize = SIDE * TERMS;

/// Elements of f32 in whose memory three tiles of bf16 lie.
pub(super) const TRIPLE: usize = 3 * TILE / 2;

/// True if the processor has the unit and the system lets this process use it, which it is asked
/// here.
pub(super) fn is_available() -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};

        /// Leaf 7: the instructions for bf16, and the tiles.
        const AMX: u32 = 1 << 22 | 1 << 24;
        /// `arch_prctl`: to be allowed a part of the processor's state, here the tiles' data
        /// (Linux, Documentation/arch/x86/xstate.rst).
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILE_DATA: libc::c_long = 18;

        let (highest_leaf, _) = __get_cpuid_max(0);
        let has = highest_leaf >= 7 && __cpuid_count(7, 0).edx & AMX == AMX;
        // SAFETY: a system call of numbers, refused by systems that do not know it
        has && is_x86_feature_detected!("avx512bf16")
            && unsafe {
                libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA) == 0
            }
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// The unit of this thread, in use: all tiles 16 rows of 64 bytes. Given back when it is dropped.
pub(super) struct Unit(PhantomData<*const ()>);

impl Unit {
    /// # Safety
    /// The unit is [available](is_available).
    pub(super) unsafe fn take() -> Self {
        /// What `ldtilecfg` reads.
        #[repr(C, align(64))]
        struct Shapes {
            palette: u8,
            start_row: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        static SHAPES: Shapes = Shapes {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
            rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        // SAFETY: the caller's promise; compiled code has no use for tiles of its own
        unsafe { asm!("ldtilecfg [{}]", in(reg) &SHAPES, options(nostack, readonly)) };
        Unit(PhantomData)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: only a thread that took the unit drops it
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// One product of a block of up to 2 × 2 tiles.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Triples of A for the first and the second 16 rows, one after the other.
    pub(super) a: [*const f32; 2],
    /// Triples of B for the first and the second 16 columns.
    pub(super) b: [*const f32; 2],
    /// How many triples each has: blocks of [`TERMS`] terms.
    pub(super) depth: usize,
    /// C, and the distance of its rows.
    pub(super) c: *mut f32,
    pub(super) stride: usize,
    /// True if C is added to, false if it is overwritten.
    pub(super) adds: bool,
}

macro_rules! with {
    ($instruction:literal) => {
        $instruction
    };
}

macro_rules! without {
    ($instruction:literal) => {
        ""
    };
}

/// Of three bf16 each, a = a₀ + a₁ + a₂ and b = b₀ + b₁ + b₂, the six products that reach the
/// digits of f32, the smallest first: a₂b₀, a₁b₀, a₁b₁, a₀b₁, a₀b₂, a₀b₀. Sums are tiles 0 to 3,
/// parts of A tiles 4 and 5, of B tiles 6 and 7.
macro_rules! multiply {
    ($name:ident, $row:ident, $column:ident, $corner:ident) => {
        /// C ← A·B, + C if it `adds`.
        ///
        /// # Safety
        /// The thread has taken its unit; A and B have `depth` triples, C all elements of the
        /// tiles, which nobody else uses.
        unsafe fn $name(block: &Block) {
            // SAFETY: the caller's promise
            unsafe {
                asm!(
                    "test {adds}, {adds}",
                    "jnz 2f",
                    "tilezero tmm0",
                    $column!("tilezero tmm1"),
                    $row!("tilezero tmm2"),
                    $corner!("tilezero tmm3"),
                    "jmp 3f",
                    "2:",
                    "tileloadd tmm0, [{c} + {stride}]",
                    $column!("tileloadd tmm1, [{c} + {stride} + 64]"),
                    $row!("tileloadd tmm2, [{below} + {stride}]"),
                    $corner!("tileloadd tmm3, [{below} + {stride} + 64]"),
                    "3:",
                    // a₂b₀
                    "tileloadd tmm4, [{a} + {line} + 2048]",
                    "tileloadd tmm6, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tileloadd tmm7, [{b1} + {line}]"),
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tileloadd tmm5, [{a1} + {line} + 2048]"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    // a₁b₀
                    "tileloadd tmm4, [{a} + {line} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tileloadd tmm5, [{a1} + {line} + 1024]"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    // a₁b₁
                    "tileloadd tmm6, [{b} + {line} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tileloadd tmm7, [{b1} + {line} + 1024]"),
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    // a₀b₁
                    "tileloadd tmm4, [{a} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tileloadd tmm5, [{a1} + {line}]"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    // a₀b₂
                    "tileloadd tmm6, [{b} + {line} + 2048]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tileloadd tmm7, [{b1} + {line} + 2048]"),
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    // a₀b₀
                    "tileloadd tmm6, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    $column!("tileloadd tmm7, [{b1} + {line}]"),
                    $column!("tdpbf16ps tmm1, tmm4, tmm7"),
                    $row!("tdpbf16ps tmm2, tmm5, tmm6"),
                    $corner!("tdpbf16ps tmm3, tmm5, tmm7"),
                    "add {a}, 3072",
                    "add {a1}, 3072",
                    "add {b}, 3072",
                    "add {b1}, 3072",
                    "dec {depth}",
                    "jnz 3b",
                    "tilestored [{c} + {stride}], tmm0",
                    $column!("tilestored [{c} + {stride} + 64], tmm1"),
                    $row!("tilestored [{below} + {stride}], tmm2"),
                    $corner!("tilestored [{below} + {stride} + 64], tmm3"),
                    "/* {below} */",
                    adds = in(reg) usize::from(block.adds),
                    a = inout(reg) block.a[0] => _,
                    a1 = inout(reg) block.a[1] => _,
                    b = inout(reg) block.b[0] => _,
                    b1 = inout(reg) block.b[1] => _,
                    depth = inout(reg) block.depth => _,
                    c = in(reg) block.c,
                    below = in(reg) block.c.wrapping_add(SIDE * block.stride),
                    stride = in(reg) 4 * block.stride,
                    line = in(reg) 64_usize,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

multiply!(one, without, without, without);
multiply!(wide, without, with, without);
multiply!(high, with, without, without);
multiply!(four, with, with, with);

impl Block {
    /// C ← A·B, + C if it `adds`: a block of `down` × `across` tiles, one or two each.
    ///
    /// Every element of C is one chain of sums along the terms, whatever tile it falls into.
    ///
    /// # Safety
    /// The thread has taken its [`Unit`]; A and B have `depth` triples, at least one, for each
    /// tile, and C all elements of the tiles, which nobody else uses.
    pub(super) unsafe fn run(&self, down: usize, across: usize) {
        // SAFETY: the caller's promise
        unsafe {
            match (down, across) {
                (1, 1) => one(self),
                (1, _) => wide(self),
                (_, 1) => high(self),
                _ => four(self),
            }
        }
    }
}
