//! JSON: objects one a line (JSON lines), one after the other, or in a list.
//!
//! Each object is a row, and its keys are columns in the order in which they first appear; a key
//! that an object lacks is a missing cell, and so is `null`. `true` and `false` are texts. A column
//! with numbers and text is one of text, as in a CSV file, with its numbers as they are written: if
//! that shows late, the file is read again.

mod records;

use crate::error::{Column, Error, Place, Result, quoted};
use crate::options::ReadOptions;
use crate::source::Input;
use crate::table::{Builder, Given, Table};
use indexmap::IndexSet;
use records::{Record, Records};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Reads a file of JSON objects.
pub(crate) fn read(input: &Input, options: &ReadOptions) -> Result<Table> {
    // columns that turned out to hold text
    let mut text: IndexSet<String> = options.text.iter().cloned().collect();
    loop {
        match attempt(input, options, &text)? {
            Attempt::Read(table) => return Ok(*table),
            Attempt::Text(columns) => text.extend(columns),
        }
    }
}

enum Attempt {
    Read(Box<Table>),
    /// These columns hold text and were not known to.
    Text(Vec<String>),
}

fn attempt(input: &Input, options: &ReadOptions, text: &IndexSet<String>) -> Result<Attempt> {
    let file = &input.file;
    let (reader, error) = input.open(&options.limits)?.into_reader();
    let mut records = Records::new(file, reader, error, options.limits.record_bytes);
    let missing = options.missing.clone().unwrap_or_default();
    let mut builder = Builder::new(&missing);
    let mut keys: IndexSet<String> = IndexSet::new();
    while let Some(Record { line, text: object }) = records.next()? {
        let row = |line: u64, problem: String| Err(Error::row(file, Place::Line(line), problem));
        let Ok(object) = std::str::from_utf8(&object) else {
            return row(line, "holds bytes that are no UTF-8".to_owned());
        };
        let entries = match serde_json::from_str::<Entries<'_>>(object) {
            Ok(entries) => entries.0,
            Err(error) => {
                let line = line + (error.line() as u64).saturating_sub(1);
                return row(line, format!("is no JSON object: {error}"));
            }
        };
        for (Text(key), value) in entries {
            let column = match keys.get_index_of(&*key) {
                Some(column) => column,
                None => {
                    let column = keys.insert_full(key.to_string()).0;
                    let number = (column + 1).to_string();
                    builder.add_column(text.contains(&*key) || options.text.contains(&number));
                    column
                }
            };
            let cell = |problem: String| {
                let column = Column { number: column + 1, name: Some(key.to_string()) };
                Err(Error::cell(file, Place::Line(line), column, problem))
            };
            let string;
            let given = match value.get().as_bytes().first() {
                Some(b'n') => None,
                Some(b'"') => match serde_json::from_str::<Text<'_>>(value.get()) {
                    Ok(text) => {
                        string = text;
                        Some(Given::Text(&string.0))
                    }
                    Err(error) => return cell(format!("is no text: {error}")),
                },
                Some(b'{' | b'[') => {
                    let what = if value.get().starts_with('{') { "an object" } else { "a list" };
                    return cell(format!(
                        "holds {what}, {}; expected a number, a text, true, false or null",
                        quoted(value.get())
                    ));
                }
                Some(b't' | b'f') => Some(Given::Text(value.get())),
                _ => Some(Given::Number(value.get())),
            };
            if !builder.give(column, given.unwrap_or(Given::Text(""))) {
                return cell("stands twice in one object".to_owned());
            }
        }
        if builder.width() > options.limits.columns {
            let most = options.limits.columns;
            return row(
                line,
                format!(
                    "is the row with column number {}, expected at most {most}; --limits off reads them all the same",
                    builder.width()
                ),
            );
        }
        if let Some(problem) = builder.too_sparse(records.bytes(), &options.limits) {
            return row(line, problem);
        }
        if !builder.end_row(line) {
            break;
        }
    }
    let surprises = builder.surprises();
    if !surprises.is_empty() {
        return Ok(Attempt::Text(
            surprises.into_iter().map(|column| keys[column].clone()).collect(),
        ));
    }
    if keys.is_empty() {
        return Err(Error::file(file, "holds objects without keys, expected rows of cells"));
    }
    let names: Vec<String> = keys.into_iter().collect();
    Ok(Attempt::Read(Box::new(builder.finish(file, &names, true))))
}

/// A string, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys and values of an object, in order.
struct Entries<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
