//! Matrices turned in blocks of 16 × 16 numbers, through registers.

use crate::matrix::{MatMut, MatRef};

/// Writes aᵀ to `b`: four rows at a time, which compilers turn into shuffles of registers, then
/// one.
///
/// # Panics
/// If the shapes do not fit, or rows of either do not lie in one piece.
pub(crate) fn by_rows<T: Copy>(a: MatRef<'_, T>, mut b: MatMut<'_, T>) {
    let (rows, columns) = (a.rows(), a.cols());
    assert_eq!((rows, columns), (b.cols(), b.rows()), "shapes of a transpose");
    let panels = a.in_which_panels().is_some() || b.in_which_panels().is_some();
    let pieces = a.col_stride() == 1 && b.col_stride() == 1 && !panels;
    assert!(pieces, "the elements of a row lie apart");
    let (to, stride) = (b.as_mut_ptr(), b.row_stride());
    let whole = rows / 4 * 4;
    for row in (0..whole).step_by(4) {
        let [p, q, r, s]: [&[T]; 4] = std::array::from_fn(|i| a.row(row + i));
        for (column, (((&p, &q), &r), &s)) in p.iter().zip(q).zip(r).zip(s).enumerate() {
            let turned = [p, q, r, s];
            // SAFETY: four elements of a row of b, which has one for each column of a
            unsafe { to.add(column * stride + row).cast::<[T; 4]>().write_unaligned(turned) };
        }
    }
    for row in whole..rows {
        for (column, &x) in a.row(row).iter().enumerate() {
            b.set(column, row, x);
        }
    }
}

/// Writes aᵀ to `b`, in blocks where this processor has AVX-512 and rows of both lie in one piece.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn in_blocks(a: MatRef<'_, f32>, b: MatMut<'_, f32>) {
    assert_eq!((a.rows(), a.cols()), (b.cols(), b.rows()), "shapes of a transpose");
    assert!(a.in_which_panels().is_none() && b.in_which_panels().is_none(), "a matrix in panels");
    #[cfg(target_arch = "x86_64")]
    if crate::simd::level() == crate::simd::Level::Avx512
        && a.col_stride() == 1
        && b.col_stride() == 1
    {
        let mut b = b;
        for row in (0..a.rows()).step_by(16) {
            for column in (0..a.cols()).step_by(16) {
                let block =
                    Block { lines: (a.rows() - row).min(16), len: (a.cols() - column).min(16) };
                let (from_stride, to_stride) = (a.row_stride(), b.row_stride());
                // SAFETY: the processor has the instructions, and the block lies within both views
                unsafe {
                    let from = a.as_ptr().add(row * from_stride + column);
                    let to = b.as_mut_ptr().add(column * to_stride + row);
                    block.transpose(from, from_stride, to, to_stride, block.lines);
                }
            }
        }
        return;
    }
    by_rows(a, b);
}

/// A block of at most 16 × 16 numbers.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// How many lines it has; they are the columns of what is written.
    pub lines: usize,
    /// How many numbers a line has, side by side.
    pub len: usize,
}

#[cfg(target_arch = "x86_64")]
impl Block {
    /// Writes element j of line i of `from` as element i of line j of `to`; lines begin `stride`
    /// apart. `width` numbers of a line are written, zeros where there are fewer lines than that.
    ///
    /// Pairs of lines are interleaved, then pairs of pairs, which transposes four by four inside each
    /// quarter of the registers; then the quarters are exchanged.
    ///
    /// # Safety
    /// The processor has AVX-512; `lines`, `len` and `width` are at most 16, and the block and `len`
    /// lines of `width` numbers lie in memory to read and to write.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
        width: usize,
    ) {
        use std::arch::x86_64::*;
        let first = |count: usize| ((1_u32 << count) - 1) as __mmask16;
        let read = first(self.len);
        let line = |i: usize| match i < self.lines {
            // SAFETY: the caller's promise; what the mask leaves out is not read
            true => unsafe { _mm512_maskz_loadu_ps(read, from.add(i * from_stride)) },
            false => _mm512_setzero_ps(),
        };
        let mut fours = [_mm512_setzero_ps(); 16];
        for four in 0..4 {
            let [a, b, c, d] = std::array::from_fn(|i| line(4 * four + i));
            let (low, low_next) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (high, high_next) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            let pair = |x: __m512, y: __m512| {
                let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
                let (first, second) = (_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y));
                [_mm512_castpd_ps(first), _mm512_castpd_ps(second)]
            };
            let [first, second] = pair(low, low_next);
            let [third, fourth] = pair(high, high_next);
            fours[4 * four..4 * four + 4].copy_from_slice(&[first, second, third, fourth]);
        }
        // quarter q of fours[4 f + j] holds element 4 q + j of lines 4 f to 4 f + 3
        for j in 0..4 {
            let [a, b, c, d] = std::array::from_fn(|f| fours[4 * f + j]);
            let (even, even_next) =
                (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
            let (odd, odd_next) =
                (_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d));
            let quarters = [
                _mm512_shuffle_f32x4::<0x88>(even, even_next),
                _mm512_shuffle_f32x4::<0x88>(odd, odd_next),
                _mm512_shuffle_f32x4::<0xdd>(even, even_next),
                _mm512_shuffle_f32x4::<0xdd>(odd, odd_next),
            ];
            for (q, written) in quarters.into_iter().enumerate() {
                let number = 4 * q + j;
                if number < self.len {
                    // SAFETY: the caller's promise; what the mask leaves out is not written
                    unsafe {
                        let to = to.add(number * to_stride);
                        match width {
                            16 => _mm512_storeu_ps(to, written),
                            _ => _mm512_mask_storeu_ps(to, first(width), written),
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_written_where_they_belong_and_nowhere_else() {
        for (rows, columns) in [(1, 1), (16, 10), (3, 10), (16, 16), (40, 33), (17, 5)] {
            for gap in [0, 3] {
                let a: Vec<f32> = (1..=rows * (columns + gap)).map(|i| i as f32).collect();
                let view = MatRef::with_strides(&a, rows, columns, columns + gap, 1);
                let mut b = vec![-1.0; columns * (rows + gap)];
                in_blocks(view, MatMut::with_strides(&mut b, columns, rows, rows + gap, 1));
                for (at, &x) in b.iter().enumerate() {
                    let (j, i) = (at / (rows + gap), at % (rows + gap));
                    let expected = if i < rows { view.get(i, j) } else { -1.0 };
                    assert_eq!(x, expected, "{rows} × {columns}, {gap}: {j}, {i}");
                }
            }
        }
    }
}
