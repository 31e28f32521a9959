//! Matrix products in BLAS's words: row-major operands, transposed or not, a leading dimension.

use crate::Library;
use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_dgemm, cblas_sgemm};
use consonance_host::kernels::check_shapes;
use consonance_host::{Beta, Kernels, MatMut, MatRef, Math};

/// Products by OpenBLAS, single-threaded where the library can be made so.
#[derive(Debug, Clone, Copy)]
pub struct OpenBlas(());

impl Default for OpenBlas {
    /// Tells the library to use one thread.
    fn default() -> Self {
        Library::probe();
        OpenBlas(())
    }
}

/// The leading dimension of a matrix whose rows lie without gaps inside, if it is one.
fn leading_dimension<T>(matrix: &MatRef<'_, T>) -> Option<i32> {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    // with one row or column there is no distance to respect
    let together = cols == 1 || matrix.col_stride() == 1;
    let stride = if rows == 1 { cols } else { matrix.row_stride() };
    if together && stride >= cols { i32::try_from(stride).ok() } else { None }
}

/// How BLAS is told of an operand: as it is, or as a transpose. `None` for strides it has no
/// words for.
fn operand<T: Copy>(matrix: &MatRef<'_, T>) -> Option<(CBLAS_TRANSPOSE, i32)> {
    let plain = leading_dimension(matrix).map(|ld| (CBLAS_TRANSPOSE::CblasNoTrans, ld));
    plain.or_else(|| leading_dimension(&matrix.t()).map(|ld| (CBLAS_TRANSPOSE::CblasTrans, ld)))
}

/// A copy without gaps.
fn packed<T: Copy>(matrix: &MatRef<'_, T>) -> Vec<T> {
    let row = |i| (0..matrix.cols()).map(move |j| matrix.get(i, j));
    (0..matrix.rows()).flat_map(row).collect()
}

/// C ← A·B + β·C. C is row-major with its leading dimension; the others are any BLAS can read.
fn multiply<T: Blas>(a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        // nothing to add, and no operand to point at
        if beta == Beta::Zero {
            (0..m).for_each(|i| (0..n).for_each(|j| c.set(i, j, T::zero())));
        }
        return;
    }
    let Some(ldc) = leading_dimension(&c.as_ref()) else {
        if leading_dimension(&c.as_ref().t()).is_some() {
            // a column-major C is the transpose of Bᵀ·Aᵀ
            return multiply(b.t(), a.t(), beta, c.t());
        }
        let mut gathered = packed(&c.as_ref());
        multiply(a, b, beta, MatMut::new(&mut gathered, m, n));
        return (0..m).for_each(|i| (0..n).for_each(|j| c.set(i, j, gathered[i * n + j])));
    };
    let (Some((trans_a, lda)), Some((trans_b, ldb))) = (operand(&a), operand(&b)) else {
        let (a, b) = (packed(&a), packed(&b));
        return multiply(MatRef::new(&a, m, k), MatRef::new(&b, k, n), beta, c);
    };
    let sizes = [m, n, k].map(|n| i32::try_from(n).expect("a dimension beyond BLAS's 2³¹"));
    let beta = if beta == Beta::One { T::one() } else { T::zero() };
    let (a, b) = ((a.as_ptr(), lda), (b.as_ptr(), ldb));
    // SAFETY: the views hold all elements their shapes and strides reach, which `operand` and
    // `leading_dimension` have put into BLAS's words; C is borrowed for writing.
    unsafe { T::gemm([trans_a, trans_b], sizes, a, b, beta, (c.as_mut_ptr(), ldc)) }
}

/// The `cblas_?gemm` of an element type.
trait Blas: Math {
    /// C ← A·B + β·C in row-major layout; a matrix is its first element and leading dimension.
    ///
    /// # Safety
    /// The pointers reach all that the sizes m, n, k and the leading dimensions say.
    unsafe fn gemm(
        transposes: [CBLAS_TRANSPOSE; 2],
        sizes: [i32; 3],
        a: (*const Self, i32),
        b: (*const Self, i32),
        beta: Self,
        c: (*mut Self, i32),
    );
}

macro_rules! kernels {
    ($type:ident, $gemm:ident) => {
        impl Blas for $type {
            unsafe fn gemm(
                [trans_a, trans_b]: [CBLAS_TRANSPOSE; 2],
                [m, n, k]: [i32; 3],
                (a, lda): (*const Self, i32),
                (b, ldb): (*const Self, i32),
                beta: Self,
                (c, ldc): (*mut Self, i32),
            ) {
                let layout = CBLAS_LAYOUT::CblasRowMajor;
                // SAFETY: the caller's promise
                unsafe {
                    $gemm(layout, trans_a, trans_b, m, n, k, 1.0, a, lda, b, ldb, beta, c, ldc);
                }
            }
        }

        impl Kernels<$type> for OpenBlas {
            fn gemm(
                &self,
                a: MatRef<'_, $type>,
                b: MatRef<'_, $type>,
                beta: Beta,
                c: MatMut<'_, $type>,
            ) {
                check_shapes(&a, &b, &c);
                multiply(a, b, beta, c);
            }
        }
    };
}

kernels!(f32, cblas_sgemm);
kernels!(f64, cblas_dgemm);
