//! The types of NumPy's elements, and what their bytes are as cells.

use crate::iso;
use crate::table::NO_TEXT;
use half::f16;
use indexmap::IndexSet;

/// The type of an element, its size and its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar {
    kind: Kind,
    /// How many bytes an element takes; at least one.
    bytes: usize,
    big: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Truth,
    Signed,
    Unsigned,
    Float,
    /// Bytes of UTF-8, with zeros behind.
    Bytes,
    /// Code points of four bytes each, with zeros behind.
    Characters,
    /// A time in these units since 1970.
    Time(iso::Unit),
}

/// The cells of a column while they are decoded.
pub(super) enum Cells {
    U8(Vec<u8>),
    Numbers(Vec<f64>),
    Texts(Vec<u32>),
}

impl Scalar {
    /// The type that a header calls `name`, such as `<f8`.
    pub(super) fn of(name: &str) -> Result<Self, String> {
        const READ: &str = "expected truth values, numbers, text or dates";
        let refuse = |what: &str| Err(format!("holds {what} (element type {name:?}), {READ}"));
        let mut characters = name.chars();
        let order = characters.next().filter(|order| "<>|".contains(*order));
        let letter = characters.next();
        let size = characters.as_str();
        let (size, unit) = match size.find('[') {
            Some(at) => (&size[..at], Some(&size[at..])),
            None => (size, None),
        };
        let (Some(order), Some(letter), Ok(size)) = (order, letter, size.parse::<usize>()) else {
            return match name {
                "|O" | "O" => refuse(
                    "Python objects (a pickle), which may run any program when they are read; save it as numbers or text, for instance by .astype(float)",
                ),
                _ => refuse("what is no element type of NumPy's"),
            };
        };
        let kind = match (letter, size) {
            ('b', 1) => Kind::Truth,
            ('i', 1 | 2 | 4 | 8) => Kind::Signed,
            ('u', 1 | 2 | 4 | 8) => Kind::Unsigned,
            ('f', 2 | 4 | 8) => Kind::Float,
            ('S' | 'U', 0) => return refuse("texts without characters"),
            ('S', _) => Kind::Bytes,
            ('U', _) => Kind::Characters,
            ('M', 8) => match unit.and_then(iso::Unit::of_numpy) {
                Some(unit) => Kind::Time(unit),
                None => return refuse("dates without a unit, or in one that is no day or second"),
            },
            ('c', _) => return refuse("complex numbers"),
            ('f', _) => return refuse("floats of an unusual size; save it by .astype(float)"),
            ('m', _) => return refuse("spans of time; save them as numbers"),
            ('V', _) => return refuse("bytes without a type"),
            ('O', _) => return refuse("Python objects (a pickle)"),
            _ => return refuse("what is no element type of NumPy's"),
        };
        let bytes = if kind == Kind::Characters { size.checked_mul(4) } else { Some(size) };
        let Some(bytes) = bytes else { return refuse("texts longer than any memory") };
        let ordered = matches!(kind, Kind::Bytes) || bytes == 1 || order != '|';
        let dated = unit.is_some() == matches!(kind, Kind::Time(_));
        match ordered && dated {
            true => Ok(Scalar { kind, bytes, big: order == '>' }),
            false => refuse("what is no element type of NumPy's"),
        }
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// True for bytes from 0 to 255, as pixels are.
    pub(super) fn is_u8(self) -> bool {
        self.kind == Kind::Unsigned && self.bytes == 1
    }

    /// True if its cells are texts.
    pub(super) fn is_text(self) -> bool {
        matches!(self.kind, Kind::Truth | Kind::Bytes | Kind::Characters | Kind::Time(_))
    }

    /// No cells yet, with room for `rows`.
    pub(super) fn cells(self, rows: usize) -> Cells {
        match self.kind {
            Kind::Unsigned if self.bytes == 1 => Cells::U8(Vec::with_capacity(rows)),
            _ if self.is_text() => Cells::Texts(Vec::with_capacity(rows)),
            _ => Cells::Numbers(Vec::with_capacity(rows)),
        }
    }

    /// Adds the elements that lie in `bytes` every `stride` bytes from `offset` on. Texts become
    /// positions among `texts`.
    ///
    /// # Errors
    /// Which element is no text, counted from 0, and what it is.
    pub(super) fn decode(
        self,
        bytes: &[u8],
        (offset, stride): (usize, usize),
        cells: &mut Cells,
        texts: &mut IndexSet<String>,
    ) -> Result<(), (usize, String)> {
        let each = bytes.chunks_exact(stride).map(|row| &row[offset..offset + self.bytes]);
        match cells {
            Cells::U8(cells) => cells.extend(each.map(|element| element[0])),
            Cells::Numbers(numbers) => self.numbers(each, numbers),
            Cells::Texts(positions) => {
                for (at, element) in each.enumerate() {
                    let text = self.text(element).map_err(|problem| (at, problem))?;
                    positions.push(match text.trim() {
                        "" => NO_TEXT,
                        text => match texts.get_index_of(text) {
                            Some(position) => position as u32,
                            None => texts.insert_full(text.to_owned()).0 as u32,
                        },
                    });
                }
            }
        }
        Ok(())
    }

    fn numbers<'a>(self, each: impl Iterator<Item = &'a [u8]>, numbers: &mut Vec<f64>) {
        macro_rules! decode {
            ($type:ty, $wide:expr) => {{
                const SIZE: usize = size_of::<$type>();
                let array = |element: &[u8]| <[u8; SIZE]>::try_from(element).unwrap_or([0; SIZE]);
                match self.big {
                    true => numbers.extend(each.map(|e| $wide(<$type>::from_be_bytes(array(e))))),
                    false => numbers.extend(each.map(|e| $wide(<$type>::from_le_bytes(array(e))))),
                }
            }};
        }
        match (self.kind, self.bytes) {
            (Kind::Signed, 1) => decode!(i8, f64::from),
            (Kind::Signed, 2) => decode!(i16, f64::from),
            (Kind::Signed, 4) => decode!(i32, f64::from),
            (Kind::Signed, _) => decode!(i64, |number| number as f64),
            (Kind::Unsigned, 2) => decode!(u16, f64::from),
            (Kind::Unsigned, 4) => decode!(u32, f64::from),
            (Kind::Unsigned, _) => decode!(u64, |number| number as f64),
            (_, 2) => decode!(f16, f64::from),
            (_, 4) => decode!(f32, f64::from),
            _ => decode!(f64, f64::from),
        }
    }

    /// What an element is as text.
    fn text(self, element: &[u8]) -> Result<String, String> {
        let word = |bytes: &[u8]| {
            let fold = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
            match self.big {
                true => bytes.iter().fold(0, fold),
                false => bytes.iter().rev().fold(0, fold),
            }
        };
        match self.kind {
            Kind::Truth => match element[0] {
                0 => Ok("false".to_owned()),
                1 => Ok("true".to_owned()),
                byte => Err(format!("holds the byte {byte}, expected 0 or 1 for a truth value")),
            },
            Kind::Characters => {
                let character = |code: &[u8]| {
                    let code = word(code) as u32;
                    char::from_u32(code).ok_or(format!("holds 0x{code:x}, which is no character"))
                };
                let length =
                    element.chunks(4).rposition(|c| c != [0; 4]).map_or(0, |at| 4 * (at + 1));
                element[..length].chunks(4).map(character).collect()
            }
            Kind::Time(unit) => match unit.text(word(element) as i64) {
                Some(text) => Ok(text),
                None => Err("holds a date that no calendar has".to_owned()),
            },
            _ => {
                let length = element.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
                let text = std::str::from_utf8(&element[..length]);
                text.map(str::to_owned).map_err(|_| "holds bytes that are no UTF-8".to_owned())
            }
        }
    }
}
