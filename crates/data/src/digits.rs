//! The data set that comes with the crate.

use crate::options::ReadOptions;
use crate::read::read_input;
use crate::source::Input;
use crate::table::Table;

/// 1,797 handwritten digits of 8 × 8 pixels from 0 to 16, with the digit as the class: the test
/// part of UCI's *Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, 1998,
/// CC BY 4.0). It is embedded in the crate and needs no file.
pub fn digits() -> Table {
    let bytes = include_bytes!("../assets/digits.csv.gz").as_slice();
    read_input(&Input::bytes("the embedded digits", bytes), &ReadOptions::default())
        .expect("the embedded digits are whole: a test reads them")
}
