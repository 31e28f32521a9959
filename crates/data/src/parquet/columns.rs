//! Arrow's arrays as cells.

use crate::iso::Unit;
use crate::table::{Cells, NO_TEXT};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use indexmap::IndexSet;

/// How a column is read.
pub(super) struct Reading {
    kind: DataType,
    /// The distinct texts; `None` for numbers.
    texts: Option<IndexSet<String>>,
}

impl Reading {
    /// How a column of this type is read, or why it is not.
    pub(super) fn of(kind: &DataType) -> Result<Self, String> {
        let plain = match kind {
            DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        let text = match plain {
            DataType::Boolean
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Date32
            | DataType::Date64
            | DataType::Timestamp(..) => true,
            DataType::Null | DataType::Decimal128(..) | DataType::Decimal256(..) => false,
            kind if kind.is_integer() || kind.is_floating() => false,
            kind => {
                return Err(format!(
                    "holds {kind}, expected numbers, truth values, text or dates; leave it out, or \
                     make columns of it"
                ));
            }
        };
        Ok(Reading { kind: kind.clone(), texts: text.then(IndexSet::new) })
    }

    /// True if it has a time zone.
    pub(super) fn is_zoned(&self) -> bool {
        matches!(self.kind, DataType::Timestamp(_, Some(_)))
    }

    /// The distinct texts of all arrays, if it holds text.
    pub(super) fn into_texts(self) -> Option<Vec<String>> {
        self.texts.map(|texts| texts.into_iter().collect())
    }

    /// The cells of the next array.
    pub(super) fn read(&mut self, array: &dyn Array) -> Result<Cells, String> {
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            let plain: ArrayRef =
                arrow_select::take::take(dictionary.values(), dictionary.keys(), None)
                    .map_err(|error| format!("has a damaged dictionary: {error}"))?;
            return self.read(plain.as_ref());
        }
        let Some(texts) = &mut self.texts else { return numbers(array).map(Cells::of_numbers) };
        let mut positions = Vec::with_capacity(array.len());
        let mut push = |text: Option<&str>| {
            let text = text.map_or("", str::trim);
            positions.push(match texts.get_index_of(text) {
                _ if text.is_empty() => NO_TEXT,
                Some(position) => position as u32,
                None => texts.insert_full(text.to_owned()).0 as u32,
            });
        };
        match array.data_type() {
            DataType::Boolean => {
                let words = array.as_boolean().iter();
                words.for_each(|word| push(word.map(|word| if word { "true" } else { "false" })));
            }
            DataType::Utf8 => array.as_string::<i32>().iter().for_each(push),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(push),
            DataType::Utf8View => array.as_string_view().iter().for_each(push),
            _ => {
                for (unit, count) in dates(array)?.into_iter() {
                    let date = count.map(|count| unit.text(count));
                    match date {
                        Some(None) => return Err("holds a date that no calendar has".to_owned()),
                        date => push(date.flatten().as_deref()),
                    }
                }
            }
        }
        Ok(Cells::Text(positions))
    }
}

/// Dates as counts of a unit since 1970.
fn dates(array: &dyn Array) -> Result<Vec<(Unit, Option<i64>)>, String> {
    macro_rules! counts {
        ($type:ty, $unit:expr) => {{
            let counts = array.as_primitive::<$type>().iter();
            Ok(counts.map(|count| ($unit, count.map(i64::from))).collect())
        }};
    }
    match array.data_type() {
        DataType::Date32 => counts!(Date32Type, Unit::Days),
        DataType::Date64 => counts!(Date64Type, Unit::Milliseconds),
        DataType::Timestamp(TimeUnit::Second, _) => counts!(TimestampSecondType, Unit::Seconds),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            counts!(TimestampMillisecondType, Unit::Milliseconds)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            counts!(TimestampMicrosecondType, Unit::Microseconds)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            counts!(TimestampNanosecondType, Unit::Nanoseconds)
        }
        kind => Err(format!("holds {kind} where dates were expected")),
    }
}

/// Numbers, NaN where one is missing.
fn numbers(array: &dyn Array) -> Result<Vec<f64>, String> {
    macro_rules! numbers {
        ($type:ty, $wide:expr) => {{
            let numbers = array.as_primitive::<$type>().iter();
            Ok(numbers.map(|number| number.map_or(f64::NAN, $wide)).collect())
        }};
    }
    macro_rules! decimals {
        ($type:ty) => {{
            let decimals = array.as_primitive::<$type>();
            let number = |row| match decimals.is_valid(row) {
                true => decimals.value_as_string(row).parse().unwrap_or(f64::NAN),
                false => f64::NAN,
            };
            Ok((0..decimals.len()).map(number).collect())
        }};
    }
    match array.data_type() {
        DataType::Null => Ok(vec![f64::NAN; array.len()]),
        DataType::Int8 => numbers!(Int8Type, f64::from),
        DataType::Int16 => numbers!(Int16Type, f64::from),
        DataType::Int32 => numbers!(Int32Type, f64::from),
        DataType::Int64 => numbers!(Int64Type, |number| number as f64),
        DataType::UInt8 => numbers!(UInt8Type, f64::from),
        DataType::UInt16 => numbers!(UInt16Type, f64::from),
        DataType::UInt32 => numbers!(UInt32Type, f64::from),
        DataType::UInt64 => numbers!(UInt64Type, |number| number as f64),
        DataType::Float16 => numbers!(Float16Type, f64::from),
        DataType::Float32 => numbers!(Float32Type, f64::from),
        DataType::Float64 => numbers!(Float64Type, f64::from),
        DataType::Decimal128(..) => decimals!(Decimal128Type),
        DataType::Decimal256(..) => decimals!(Decimal256Type),
        kind => Err(format!("holds {kind} where numbers were expected")),
    }
}
