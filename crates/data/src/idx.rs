//! Reads the IDX files MNIST comes in.
//!
//! The format, from the page of MNIST (LeCun, Cortes, Burges): two zero bytes, a byte for the
//! element type, a byte for the number of dimensions, each dimension as a big-endian `u32`, then
//! the elements, big-endian and row-major.

use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::source::{Format, Source};
use crate::table::{Cells, Table};
use crate::target::{Labels, Target};
use std::io::Read;
use std::path::Path;

/// Reads an IDX file of features, plain or gzip, and the IDX file of its labels, if there is one.
///
/// The first dimension counts the rows; the others are flattened to features, called
/// `pixel_ROW_COLUMN` (from 0) where there are two. Values stay as they are: pixels from 0 to
/// 255. Every element type is read; labels of an integer type are classes whatever their number.
///
/// # Errors
/// [`Error`] naming the file if it is not IDX, is shorter or longer than its header says, holds
/// NaN or ∞, or if there are not as many labels as rows. Memory is taken for what is there, not
/// for what a header promises.
pub fn read_idx(images: impl AsRef<Path>, labels: Option<&Path>) -> Result<Table> {
    read_pair(Source::open(images.as_ref())?, labels)
}

/// Reads an opened file of features and the file of its labels.
pub(crate) fn read_pair(images: Source, labels: Option<&Path>) -> Result<Table> {
    let file = images.file.clone();
    let Array { shape, cells, .. } = read_array(images)?;
    if shape.len() < 2 {
        let problem = "has one dimension, as labels have; expected rows of features";
        return Err(Error::file(&file, problem));
    }
    if shape.contains(&0) {
        return Err(Error::file(&file, format!("is empty: its dimensions are {}", by(&shape))));
    }
    let target = labels.map(|labels| read_labels(labels, &file, shape[0])).transpose()?;
    let features = feature_names(&shape[1..]);
    let schema = Schema { features, target: None, ignored: Vec::new(), named: false };
    let target_file = labels.unwrap_or(&file).to_owned();
    let columns = (0..schema.features.len()).collect();
    Ok(Table { file, target_file, schema, columns, cells, target, lines: Vec::new() })
}

fn read_labels(labels: &Path, images: &Path, rows: usize) -> Result<Target> {
    let Array { element, shape, cells } = read_array(Source::open(labels)?)?;
    if shape.len() != 1 {
        let problem = format!("has the dimensions {}, expected one: a label a row", by(&shape));
        return Err(Error::file(labels, problem));
    }
    if shape[0] != rows {
        let problem = format!("holds {} labels, {} holds {rows} rows", shape[0], images.display());
        return Err(Error::file(labels, problem));
    }
    let numbers = match cells {
        Cells::U8(bytes) => bytes.into_iter().map(f64::from).collect(),
        Cells::F64(numbers) => numbers,
    };
    Ok(match element {
        ElementType::F32 | ElementType::F64 => Target::Numbers(numbers),
        _ => Target::Labels(Labels::of_numbers(&numbers)),
    })
}

/// The types the third byte of a file can name.
#[derive(Debug, Clone, Copy)]
enum ElementType {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl ElementType {
    fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => ElementType::U8,
            0x09 => ElementType::I8,
            0x0b => ElementType::I16,
            0x0c => ElementType::I32,
            0x0d => ElementType::F32,
            0x0e => ElementType::F64,
            _ => return None,
        })
    }

    /// The elements of `bytes`.
    fn decode(self, bytes: Vec<u8>) -> Cells {
        macro_rules! decode {
            ($type:ident) => {{
                let elements = bytes.as_chunks::<{ size_of::<$type>() }>().0;
                Cells::F64(elements.iter().map(|&b| f64::from($type::from_be_bytes(b))).collect())
            }};
        }
        match self {
            ElementType::U8 => Cells::U8(bytes),
            ElementType::I8 => decode!(i8),
            ElementType::I16 => decode!(i16),
            ElementType::I32 => decode!(i32),
            ElementType::F32 => decode!(f32),
            ElementType::F64 => decode!(f64),
        }
    }

    fn bytes(self) -> usize {
        match self {
            ElementType::U8 | ElementType::I8 => 1,
            ElementType::I16 => 2,
            ElementType::I32 | ElementType::F32 => 4,
            ElementType::F64 => 8,
        }
    }
}

/// The content of an IDX file.
struct Array {
    element: ElementType,
    shape: Vec<usize>,
    cells: Cells,
}

fn read_array(mut source: Source) -> Result<Array> {
    let file = source.file.clone();
    let refuse = |problem: String| Err(Error::file(&file, problem));
    if source.format != Format::Idx {
        return refuse("is no IDX file, which begins with two zero bytes".to_owned());
    }
    let head = read_bytes(&mut source, 4)?;
    let &[0, 0, code, dimensions] = head.as_slice() else {
        return refuse("ends within its IDX header".to_owned());
    };
    let Some(element) = ElementType::of_code(code) else {
        return refuse(format!("has the IDX element type 0x{code:02x}, which does not exist"));
    };
    let head = read_bytes(&mut source, 4 * u64::from(dimensions))?;
    if dimensions == 0 || head.len() != 4 * usize::from(dimensions) {
        return refuse("ends within its IDX header, or has no dimensions".to_owned());
    }
    let sizes = head.as_chunks::<4>().0;
    let shape: Vec<usize> = sizes.iter().map(|&b| u32::from_be_bytes(b) as usize).collect();
    let length = shape
        .iter()
        .try_fold(element.bytes(), |length, &size| length.checked_mul(size))
        .and_then(|length| u64::try_from(length).ok())
        .filter(|&length| length < u64::MAX);
    let Some(length) = length else {
        return refuse(format!("cannot be as large as its header says: {}", by(&shape)));
    };
    // the buffer grows with what is there: a header that lies costs nothing
    let mut bytes = read_bytes(&mut source, length + 1)?;
    let found = bytes.len() as u64;
    if found != length {
        let found = if found > length { "more".to_owned() } else { format!("{found}") };
        let (dimensions, size) = (by(&shape), element.bytes());
        return refuse(format!(
            "holds {found} bytes after its header, expected {length} for {dimensions} elements of \
             {size}"
        ));
    }
    bytes.shrink_to_fit();
    let cells = element.decode(bytes);
    if let Cells::F64(values) = &cells
        && let Some(at) = values.iter().position(|value| !value.is_finite())
    {
        let row = at / (values.len() / shape[0]) + 1;
        return refuse(format!("row {row} holds {}, expected finite numbers", values[at]));
    }
    Ok(Array { element, shape, cells })
}

/// The next `count` bytes, fewer at the end of the file.
fn read_bytes(source: &mut Source, count: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.by_ref().take(count).read_to_end(&mut bytes);
    read.map_err(|error| source.error(error))?;
    Ok(bytes)
}

fn feature_names(shape: &[usize]) -> Vec<String> {
    match *shape {
        [height, width] => {
            let row = |r| (0..width).map(move |c| format!("pixel_{r}_{c}"));
            (0..height).flat_map(row).collect()
        }
        _ => (0..shape.iter().product()).map(|i| format!("value_{i}")).collect(),
    }
}

/// A shape as `60000 × 28 × 28`.
fn by(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join(" × ")
}
