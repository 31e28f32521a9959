//! f32 matrices as triples of bf16 tiles.
//!
//! A number of 24 digits is the exact sum of three of 8: what its first 16 bits say, what is left
//! of it rounded to bf16, and what is left then. (Numbers below 2⁻¹⁰⁸ lose their last digits, since
//! the unit takes subnormal numbers for zeros.)
//!
//! Of A a tile has 16 rows and 32 terms of each; of B, 16 columns, of which a row of the tile has
//! two terms side by side, 16 times. Both are the same to pack once A's rows and B's columns are
//! called *lines*.

use super::tile::{SIDE, TERMS, TILE, TRIPLE};
use consonance_host::MatRef;
use consonance_host::transpose::Block;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// How the unit reads an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A: the terms of a line side by side.
    A,
    /// B: pairs of terms, of all lines side by side.
    B,
}

/// Writes some terms of `lines` [lines, terms] as triples: a panel of 16 lines after the other,
/// zeros for lines and terms that are missing.
///
/// # Safety
/// The unit is available.
pub(super) unsafe fn pack(
    side: Side,
    lines: MatRef<'_, f32>,
    terms: Range<usize>,
    triples: &mut [MaybeUninit<f32>],
) {
    let depth = terms.len().div_ceil(TERMS);
    let panels = triples.chunks_exact_mut(depth * TRIPLE);
    for (panel, first) in panels.zip((0..lines.rows()).step_by(SIDE)) {
        let panel_lines = lines.rows_range(first..(first + SIDE).min(lines.rows()));
        for (triple, start) in panel.chunks_exact_mut(TRIPLE).zip(terms.clone().step_by(TERMS)) {
            let block = panel_lines.columns(start..(start + TERMS).min(terms.end));
            // SAFETY: the caller's promise
            unsafe { pack_block(side, block, triple) };
        }
    }
}

/// Writes a triple of up to 16 lines of up to 32 terms.
///
/// # Safety
/// The unit is available.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_block(side: Side, block: MatRef<'_, f32>, triple: &mut [MaybeUninit<f32>]) {
    let (lines, terms) = (block.rows(), block.cols());
    assert!(lines <= SIDE && terms <= TERMS && triple.len() == TRIPLE, "a block of one tile");
    let to: *mut u16 = triple.as_mut_ptr().cast();
    let from = block.as_ptr();
    // SAFETY: the pointers reach what the block has, and `to` a triple
    unsafe {
        match (side, block.row_stride(), block.col_stride()) {
            (Side::A, apart, 1) => lines_to_a(from, apart, lines, terms, to),
            (Side::B, 1, apart) => terms_to_b(from, apart, lines, terms, to),
            (Side::A, 1, apart) if lines == SIDE && terms == TERMS => turn_to_a(from, apart, to),
            (Side::B, apart, 1) if terms.is_multiple_of(SIDE) => {
                turn_to_b(from, apart, lines, terms, to);
            }
            (Side::A, 1, apart) => {
                let mut by_term = [[0.0; SIDE]; TERMS];
                for (term, row) in by_term[..terms].iter_mut().enumerate() {
                    let lines_of = _mm512_maskz_loadu_ps(first(lines), from.add(term * apart));
                    _mm512_storeu_ps(row.as_mut_ptr(), lines_of);
                }
                turn_to_a(by_term.as_ptr().cast(), SIDE, to);
            }
            _ => {
                let mut by_line = [[0.0; TERMS]; SIDE];
                for (line, row) in by_line[..lines].iter_mut().enumerate() {
                    for (term, x) in row[..terms].iter_mut().enumerate() {
                        *x = block.get(line, term);
                    }
                }
                match side {
                    Side::A => lines_to_a(by_line.as_ptr().cast(), TERMS, SIDE, TERMS, to),
                    Side::B => turn_to_b(by_line.as_ptr().cast(), TERMS, SIDE, TERMS, to),
                }
            }
        }
    }
}

/// 16 neighbouring lines of 32 terms, which lie `apart`.
///
/// # Safety
/// The processor has the instructions; the lines can be read, three tiles written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn turn_to_a(from: *const f32, apart: usize, to: *mut u16) {
    let square = Block { lines: SIDE, len: SIDE };
    let mut turned = [MaybeUninit::<[f32; SIDE * SIDE]>::uninit(); 2];
    // SAFETY: the caller's promise; a square is written whole before it is read, line by line
    unsafe {
        for (half, turned) in turned.iter_mut().enumerate() {
            square.transpose(
                from.add(half * SIDE * apart),
                apart,
                turned.as_mut_ptr().cast(),
                SIDE,
                SIDE,
            );
        }
        for line in 0..SIDE {
            let halves = turned.each_ref().map(|half| {
                let half: *const f32 = half.as_ptr().cast();
                _mm512_loadu_ps(half.add(line * SIDE))
            });
            line_to_a(halves, to.add(line * TERMS));
        }
    }
}

/// Lines, which begin `apart`, of 16 or 32 neighbouring terms.
///
/// # Safety
/// The processor has the instructions; the lines can be read, three tiles written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn turn_to_b(from: *const f32, apart: usize, lines: usize, terms: usize, to: *mut u16) {
    let mut turned = MaybeUninit::<[f32; TILE]>::uninit();
    let by_term: *mut f32 = turned.as_mut_ptr().cast();
    // SAFETY: the caller's promise; as many squares are written as there are terms
    unsafe {
        for half in 0..terms / SIDE {
            Block { lines, len: SIDE }.transpose(
                from.add(half * SIDE),
                apart,
                by_term.add(half * SIDE * SIDE),
                SIDE,
                SIDE,
            );
        }
        terms_to_b(by_term, SIDE, SIDE, terms, to);
    }
}

/// Lines of neighbouring terms, which begin `apart`.
///
/// # Safety
/// The processor has the instructions; the lines can be read, three tiles written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn lines_to_a(from: *const f32, apart: usize, lines: usize, terms: usize, to: *mut u16) {
    let masks = [first(terms), first(terms.saturating_sub(SIDE))];
    for line in 0..SIDE {
        let here = if line < lines { masks } else { [0, 0] };
        let at = from.wrapping_add(line * apart);
        // SAFETY: the caller's promise; masks keep to the terms there are
        unsafe {
            let low = _mm512_maskz_loadu_ps(here[0], at);
            let high = _mm512_maskz_loadu_ps(here[1], at.wrapping_add(SIDE));
            line_to_a([low, high], to.add(line * TERMS));
        }
    }
}

/// A line of 32 terms to the same line of three tiles.
///
/// # Safety
/// The processor has the instructions; the lines can be written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn line_to_a(line: [__m512; 2], to: *mut u16) {
    for (part, [low, high]) in split(line).into_iter().enumerate() {
        // exact: the parts are bf16 already
        let bits = _mm512_cvtne2ps_pbh(high, low);
        // SAFETY: the caller's promise; both are 512 bits
        unsafe {
            let bits: __m512i = std::mem::transmute(bits);
            _mm512_storeu_si512(to.add(part * TILE).cast(), bits);
        }
    }
}

/// Neighbouring lines, whose terms lie `apart`.
///
/// # Safety
/// The processor has the instructions; the lines can be read, three tiles written.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn terms_to_b(from: *const f32, apart: usize, lines: usize, terms: usize, to: *mut u16) {
    for pair in 0..SIDE {
        let load = |term: usize| {
            let mask = if term < terms { first(lines) } else { 0 };
            // SAFETY: the caller's promise; the mask keeps to the lines there are
            unsafe { _mm512_maskz_loadu_ps(mask, from.wrapping_add(term * apart)) }
        };
        let parts = split([load(2 * pair), load(2 * pair + 1)]);
        for (part, [even, odd]) in parts.into_iter().enumerate() {
            // the first 16 bits of an f32 are a bf16
            let even = _mm512_srli_epi32::<16>(_mm512_castps_si512(even));
            let bits = _mm512_or_si512(even, _mm512_castps_si512(odd));
            // SAFETY: the caller's promise
            unsafe { _mm512_storeu_si512(to.add(part * TILE + pair * TERMS).cast(), bits) };
        }
    }
}

/// A mask of the first `count` of 16 lanes.
fn first(count: usize) -> __mmask16 {
    ((1_u32 << count.min(SIDE)) - 1) as __mmask16
}

/// True if [`split`] finds three numbers. It finds NaN for infinities and NaN, and for some numbers
/// from 2¹¹⁹ on.
pub(super) fn splits(x: f32) -> bool {
    let left = x - f32::from_bits(x.to_bits() & !0xffff);
    (left * SHIFT).is_finite()
}

/// Moves a number's first 8 digits to where the others are rounded off.
const SHIFT: f32 = 65537.0;

/// Three numbers whose sum each is, with no bit set that bf16 has not, where it [`splits`].
#[target_feature(enable = "avx512f")]
fn split(x: [__m512; 2]) -> [[__m512; 2]; 3] {
    let parts = x.map(|x| {
        let bits = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(!0xffff));
        let first = _mm512_castsi512_ps(bits);
        let left = _mm512_sub_ps(x, first);
        // its first 8 digits, rounded (Dekker 1971, A floating-point technique for extending the
        // available precision)
        let shifted = _mm512_mul_ps(left, _mm512_set1_ps(SHIFT));
        let second = _mm512_sub_ps(shifted, _mm512_sub_ps(shifted, left));
        [first, second, _mm512_sub_ps(left, second)]
    });
    std::array::from_fn(|part| parts.map(|parts| parts[part]))
}
