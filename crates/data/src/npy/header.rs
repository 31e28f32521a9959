//! The header of an NPY file.
//!
//! The format, from NumPy's NEP 1 (versions 1 and 2) and `numpy.lib.format` (version 3): eight bytes
//! with a version, the length of what follows (`u16`, from version 2 on `u32`, little-endian), and
//! the literal of a Python dictionary with the element type, the order and the shape.

use super::literal::Literal;
use super::scalar::Scalar;
use super::stream::Stream;
use crate::error::{Result, quoted};

/// What the header says.
pub(super) struct Header {
    pub(super) elements: Elements,
    /// True if the first index runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

/// What an element is.
pub(super) enum Elements {
    Scalar(Scalar),
    /// A record with named fields, and how many bytes it takes.
    Record(Vec<Field>, usize),
}

/// A field of a record.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) scalar: Scalar,
    /// Where it begins, in bytes.
    pub(super) offset: usize,
}

impl Header {
    /// Reads it from the beginning of a file; a longer one than `most` bytes is refused.
    pub(super) fn read(stream: &mut Stream<'_>, most: usize) -> Result<Self> {
        const CUT: &str = "ends within its NPY header";
        let head = stream.next(8)?;
        let &[b'\x93', b'N', b'U', b'M', b'P', b'Y', version, minor] = head.as_slice() else {
            return Err(stream.problem(
                match b"\x93NUMPY".starts_with(&head[..head.len().min(6)]) {
                    true => CUT,
                    false => "is no NPY array, which begins with \\x93NUMPY",
                },
            ));
        };
        if !(1..=3).contains(&version) || minor != 0 {
            let problem = format!("is NPY of version {version}.{minor}, expected 1.0, 2.0 or 3.0");
            return Err(stream.problem(problem));
        }
        let size = if version == 1 { 2 } else { 4 };
        let bytes = stream.next(size)?;
        if bytes.len() as u64 != size {
            return Err(stream.problem(CUT));
        }
        let length = bytes.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        if length > most {
            return Err(stream.problem(format!(
                "has an NPY header of {length} bytes, expected no more than {most}; --limits off \
                 reads it all the same"
            )));
        }
        let bytes = stream.next(length as u64)?;
        if bytes.len() != length {
            return Err(stream.problem(CUT));
        }
        let text = match version {
            3 => String::from_utf8(bytes)
                .map_err(|_| stream.problem("has a header that is no UTF-8"))?,
            _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
        };
        Self::of(&text).map_err(|problem| stream.problem(problem))
    }

    /// The header with this dictionary.
    fn of(text: &str) -> std::result::Result<Self, String> {
        let damaged = || {
            format!(
                "has an NPY header that is none: {}; expected {{'descr': …, 'fortran_order': …, \
                 'shape': …}}",
                quoted(text.trim())
            )
        };
        let Some(Literal::Dictionary(entries)) = Literal::parse(text) else {
            return Err(damaged());
        };
        if entries.len() != 3 {
            return Err(damaged());
        }
        let of = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let (Some(kind), Some(Literal::Truth(fortran)), Some(Literal::List(shape))) =
            (of("descr"), of("fortran_order"), of("shape"))
        else {
            return Err(damaged());
        };
        let size = |size: &Literal| match size {
            Literal::Number(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let shape: Option<Vec<usize>> = shape.iter().map(size).collect();
        let elements = match kind {
            Literal::Text(kind) => Elements::Scalar(Scalar::of(kind)?),
            Literal::List(fields) => record(fields)?,
            _ => return Err(damaged()),
        };
        Ok(Header { elements, fortran: *fortran, shape: shape.ok_or_else(damaged)? })
    }
}

/// A record with these fields. What stands between them, without a name, is passed over.
fn record(list: &[Literal]) -> std::result::Result<Elements, String> {
    let (mut fields, mut offset) = (Vec::new(), 0_usize);
    for field in list {
        let (name, kind) = match field {
            Literal::List(parts) => match parts.as_slice() {
                [Literal::Text(name), Literal::Text(kind)] => (name, kind),
                [Literal::Text(name), ..] => {
                    return Err(format!(
                        "has the field {name:?} with several numbers or fields in it; save those as \
                         fields of their own"
                    ));
                }
                _ => return Err("has fields without a name of their own".to_owned()),
            },
            _ => return Err("has an element type that is none".to_owned()),
        };
        let padding = name.is_empty().then(|| kind.strip_prefix("|V")).flatten();
        let size = match padding {
            Some(bytes) => bytes.parse().map_err(|_| format!("has the element type {kind:?}"))?,
            None => {
                let scalar = Scalar::of(kind).map_err(|said| format!("field {name:?}: {said}"))?;
                fields.push(Field { name: name.clone(), scalar, offset });
                scalar.bytes()
            }
        };
        offset = offset.checked_add(size).ok_or("has records larger than any memory")?;
    }
    match fields.is_empty() {
        true => Err("has records without fields".to_owned()),
        false => Ok(Elements::Record(fields, offset)),
    }
}
