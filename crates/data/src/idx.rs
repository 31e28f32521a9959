//! Reads the IDX files MNIST comes in.
//!
//! The format, from the page of MNIST (LeCun, Cortes, Burges): two zero bytes, a byte for the
//! element type, a byte for the number of dimensions, each dimension as a big-endian `u32`, then
//! the elements, big-endian and row-major.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::NumberFormat;
use crate::source::{Format, Input, Source};
use crate::table::{Cells, Chunk, Column, Lines, Table};
use indexmap::IndexSet;
use std::io::Read;
use std::path::Path;

/// Reads an IDX file of features, plain or packed, and the IDX file of its labels, if there is one.
///
/// The first dimension counts the rows; the others are flattened to columns, called
/// `pixel_ROW_COLUMN` (from 0) where there are two. Values stay as they are: pixels from 0 to
/// 255. Every element type is read. Labels become the last column, `label`; those of an integer type
/// are classes whatever their number, and of labels with several numbers a row the first is read.
///
/// # Errors
/// [`Error`] naming the file if it is not IDX, is shorter or longer than its header says, holds
/// NaN or ∞, or if there are not as many labels as rows. Memory is taken for what is there, not
/// for what a header promises.
pub fn read_idx(images: impl AsRef<Path>, labels: Option<&Path>) -> Result<Table> {
    read_pair(Input::file(images.as_ref()).open(&Limits::default())?, labels)
}

/// How many rows of an IDX file are a chunk of the table.
const CHUNK: usize = 4096;

/// Reads an opened file of features and the file of its labels.
pub(crate) fn read_pair(images: Source, labels: Option<&Path>) -> Result<Table> {
    let file = images.file.clone();
    let Array { shape, values, .. } = read_array(images)?;
    if shape.len() < 2 {
        let problem = "has one dimension, as labels have; expected rows of features";
        return Err(Error::file(&file, problem));
    }
    if shape.contains(&0) {
        return Err(Error::file(&file, format!("is empty: its dimensions are {}", by(&shape))));
    }
    let (rows, width) = (shape[0], shape[1..].iter().product::<usize>());
    let mut columns: Vec<Column> = feature_names(&shape[1..])
        .into_iter()
        .map(|name| Column { name, texts: None, spellings: Vec::new(), may_be_thousands: false })
        .collect();
    let mut chunks: Vec<Chunk> = (0..rows)
        .step_by(CHUNK)
        .map(|first| {
            let count = CHUNK.min(rows - first);
            let cells = values.columns(first, count, width);
            Chunk { rows: count, cells, lines: Lines::None(first as u64) }
        })
        .collect();
    let mut notes = Vec::new();
    if let Some(labels) = labels {
        notes.push(Note::file(format!("labels are read from {}", labels.display())));
        columns.push(add_labels(&mut chunks, labels, &file, rows, &mut notes)?);
    }
    Ok(Table {
        file,
        labels_file: labels.map(Path::to_owned),
        columns,
        named: false,
        chunks,
        rows,
        missing: MissingWords::default(),
        numbers: NumberFormat::default(),
        commas: false,
        pixels: matches!(values, Numbers::U8(_)).then_some(width),
        notes,
    })
}

/// Adds the column of labels to `chunks`.
fn add_labels(
    chunks: &mut [Chunk],
    labels: &Path,
    images: &Path,
    rows: usize,
    notes: &mut Vec<Note>,
) -> Result<Column> {
    let Array { element, shape, values } =
        read_array(Input::file(labels).open(&Limits::default())?)?;
    let width = match shape[..] {
        [_] => 1,
        [_, width] if width > 0 => {
            let note =
                format!("{} holds {width} numbers a row: the first is the label", labels.display());
            notes.push(Note::file(note));
            width
        }
        _ => {
            let problem = format!("has the dimensions {}, expected one: a label a row", by(&shape));
            return Err(Error::file(labels, problem));
        }
    };
    if shape[0] != rows {
        let problem = format!("holds {} labels, {} holds {rows} rows", shape[0], images.display());
        return Err(Error::file(labels, problem));
    }
    let classes = !matches!(element, ElementType::F32 | ElementType::F64);
    let mut texts = IndexSet::new();
    let mut first = 0;
    for chunk in chunks {
        let numbers = (first..first + chunk.rows).map(|row| values.get(row * width));
        first += chunk.rows;
        chunk.cells.push(match classes {
            true => {
                Cells::Text(numbers.map(|n| texts.insert_full(format!("{n}")).0 as u32).collect())
            }
            false => Cells::of_numbers(numbers.collect()),
        });
    }
    let texts = classes.then(|| texts.into_iter().collect());
    Ok(Column { name: "label".to_owned(), texts, spellings: Vec::new(), may_be_thousands: false })
}

/// The elements of a file.
enum Numbers {
    U8(Vec<u8>),
    F64(Vec<f64>),
}

impl Numbers {
    fn get(&self, at: usize) -> f64 {
        match self {
            Numbers::U8(bytes) => f64::from(bytes[at]),
            Numbers::F64(numbers) => numbers[at],
        }
    }

    /// Columns of `rows` rows of `width` elements each, from row `first` on.
    fn columns(&self, first: usize, rows: usize, width: usize) -> Vec<Cells> {
        let range = first * width..(first + rows) * width;
        match self {
            Numbers::U8(bytes) => {
                transposed(&bytes[range], width).into_iter().map(Cells::U8).collect()
            }
            Numbers::F64(numbers) => {
                transposed(&numbers[range], width).into_iter().map(Cells::of_numbers).collect()
            }
        }
    }
}

/// The columns of row-major `values`.
fn transposed<T: Copy>(values: &[T], width: usize) -> Vec<Vec<T>> {
    let mut columns: Vec<Vec<T>> =
        (0..width).map(|_| Vec::with_capacity(values.len() / width)).collect();
    // some rows at a time, which stay in the cache while their columns are written
    for rows in values.chunks(64 * width) {
        for (index, column) in columns.iter_mut().enumerate() {
            column.extend(rows[index..].iter().step_by(width));
        }
    }
    columns
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
    fn decode(self, bytes: Vec<u8>) -> Numbers {
        macro_rules! decode {
            ($type:ident) => {{
                let elements = bytes.as_chunks::<{ size_of::<$type>() }>().0;
                Numbers::F64(elements.iter().map(|&b| f64::from($type::from_be_bytes(b))).collect())
            }};
        }
        match self {
            ElementType::U8 => Numbers::U8(bytes),
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
    values: Numbers,
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
    let numbers = element.decode(bytes);
    if let Numbers::F64(values) = &numbers
        && let Some(at) = values.iter().position(|value| !value.is_finite())
    {
        let row = at / (values.len() / shape[0]) + 1;
        return refuse(format!("row {row} holds {}, expected finite numbers", values[at]));
    }
    Ok(Array { element, shape, values: numbers })
}

/// The next `count` bytes, fewer at the end of the file.
fn read_bytes(source: &mut Source, count: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.by_ref().take(count).read_to_end(&mut bytes);
    read.map_err(|error| source.error(error))?;
    Ok(bytes)
}

/// Names for the elements of a row of this shape.
pub(crate) fn feature_names(shape: &[usize]) -> Vec<String> {
    match *shape {
        [height, width] => {
            let row = |r| (0..width).map(move |c| format!("pixel_{r}_{c}"));
            (0..height).flat_map(row).collect()
        }
        _ => (0..shape.iter().product()).map(|i| format!("value_{i}")).collect(),
    }
}

/// A shape as `60000 × 28 × 28`.
pub(crate) fn by(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join(" × ")
}
