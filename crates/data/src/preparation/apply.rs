//! A table's rows as a data set.

use super::bind::{Bound, bind};
use super::columns::{Preparation, TargetColumn, TargetEncoding};
use super::encode::{Lookup, Place, Tally, check_numbers, check_present, encode, lookup, unseen};
use super::encoder::Encoder;
use crate::error::{Error, Problems, Result};
use crate::note::Note;
use crate::numbers::NumberFormat;
use crate::roles::Reading;
use crate::schema::mark_missing;
use crate::table::{Chunk, Table};
use crate::target::{ClassFinder, at, shown, target_numbers};
use consonance_core::{Dataset, Element, Precision, Targets};
use rayon::prelude::*;
use serde::Serialize;
use std::borrow::Cow;

/// A data set, and what is to be said about the rows it was made of.
#[derive(Debug)]
pub struct Prepared {
    /// The rows.
    pub data: Dataset,
    /// Cells that were filled in or unknown, columns that were passed over.
    pub notes: Vec<Note>,
    /// For each feature, how many of its cells were missing and how many held a level that training
    /// had not seen.
    pub cells: Vec<FeatureCells>,
}

/// How many cells of a feature were not as most are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureCells {
    /// The column's name.
    pub name: String,
    /// Cells that were filled in.
    pub missing: usize,
    /// Cells with a level that was not seen in training, or text among numbers.
    pub unknown: usize,
    /// Infinite numbers that were taken for the largest or the least finite one.
    pub infinite: usize,
}

impl Preparation {
    /// The data set of `table` in `precision`: inputs [rows, [`Preparation::inputs`]], scaled in
    /// `f64` before they are rounded, and class indices or values as targets;
    /// [`Targets::None`] if the table has no target.
    ///
    /// # Errors
    /// [`Error::File`] for a column that is not there; [`Error::Several`] for cells that are no
    /// numbers, dates or labels where the model expects them; [`Error::Cell`] for a number that is
    /// too large for `precision`.
    pub fn dataset(&self, table: &Table, precision: Precision) -> Result<Dataset> {
        self.prepare(table, precision, true).map(|prepared| prepared.data)
    }

    /// As [`Preparation::dataset`], with what is to be said about the rows; without targets, whatever
    /// their columns hold, unless `with_target`.
    ///
    /// # Errors
    /// Those of [`Preparation::dataset`].
    pub fn prepare(
        &self,
        table: &Table,
        precision: Precision,
        with_target: bool,
    ) -> Result<Prepared> {
        self.prepare_from(Cow::Borrowed(table), precision, with_target)
    }

    /// As [`Preparation::prepare`], of a table that is needed no more: its memory is given back while
    /// the inputs' is taken.
    ///
    /// # Errors
    /// Those of [`Preparation::dataset`].
    pub fn prepare_owned(
        &self,
        table: Table,
        precision: Precision,
        with_target: bool,
    ) -> Result<Prepared> {
        self.prepare_from(Cow::Owned(table), precision, with_target)
    }

    fn prepare_from(
        &self,
        table: Cow<'_, Table>,
        precision: Precision,
        with_target: bool,
    ) -> Result<Prepared> {
        match precision {
            Precision::F32 => self.prepare_as::<f32>(table, with_target),
            Precision::F64 => self.prepare_as::<f64>(table, with_target),
        }
    }

    fn prepare_as<T: Element>(&self, table: Cow<'_, Table>, with_target: bool) -> Result<Prepared> {
        let bound = bind(self, &table)?;
        let targets = match &bound.targets {
            Some(columns) if with_target => self.targets_of::<T>(&table, columns)?,
            _ => Targets::None,
        };
        let (features, tallies) = self.inputs_of::<T>(table, &bound)?;
        let cells: Vec<FeatureCells> = self
            .encoders()
            .zip(&tallies)
            .map(|((name, _), tally)| FeatureCells {
                name: name.to_owned(),
                missing: tally.missing,
                unknown: tally.unknown,
                infinite: tally.infinite,
            })
            .collect();
        let data = Dataset::new(self.inputs(), T::values(features), targets)?;
        Ok(Prepared { data, notes: bound.notes, cells })
    }

    /// Refuses cells of `table` that training saw nothing of the kind of: levels that are unknown, and
    /// missing values in columns that had none.
    ///
    /// # Errors
    /// [`Error::Several`] naming the first of them, and [`Error::File`] for a column that is not
    /// there.
    pub fn check_seen(&self, table: &Table) -> Result<()> {
        let bound = bind(self, table)?;
        for ((_, encoder), &column) in self.encoders().zip(&bound.inputs) {
            let (lookup, _) = lookup(encoder, table, column, true)?;
            let mut problems = Problems::new("training saw nothing of the kind");
            for row in unseen(encoder, &lookup, table, column) {
                problems
                    .add(|| format!("{}: {}", at(table, row, column), shown(table, row, column)));
            }
            if problems.count > 0 {
                return Err(Error::Several { file: table.file.clone(), problems });
            }
        }
        Ok(())
    }

    /// The rows' inputs, and what was not as most cells are.
    fn inputs_of<T: Element>(
        &self,
        mut table: Cow<'_, Table>,
        bound: &Bound,
    ) -> Result<(Vec<T>, Vec<Tally>)> {
        let encoders: Vec<&Encoder> = self.encoders().map(|(_, encoder)| encoder).collect();
        let columns = || encoders.par_iter().zip(&bound.inputs);
        let lookups = columns()
            .map(|(encoder, &column)| lookup(encoder, &table, column, false))
            .collect::<Result<Vec<(Lookup, usize)>>>()?;
        for ((encoder, &column), (lookup, _)) in encoders.iter().zip(&bound.inputs).zip(&lookups) {
            if encoder.refuses_missing() {
                check_present(encoder, lookup, &table, column)?;
            }
        }
        let width = self.inputs();
        let room = |numbers: usize| Vec::<T>::new().try_reserve_exact(numbers).is_ok();
        let Some(numbers) = table.rows.checked_mul(width).filter(|&numbers| room(numbers)) else {
            let problem = format!("there is no memory for {} rows of {width} inputs", table.rows);
            return Err(Error::file(&table.file, problem));
        };
        // zeros that the system gives when they are first written to, by each thread its own
        let mut features = vec![T::zero(); numbers];
        let mut tallies: Vec<Tally> =
            lookups.iter().map(|(_, odd)| Tally { unknown: *odd, ..Tally::default() }).collect();
        let encode_chunk = |(chunk, rows): (&Chunk, &mut [T])| {
            let mut tallies = vec![Tally::default(); encoders.len()];
            // a block of rows stays in the cache while its columns are written
            const BLOCK: usize = 64;
            for (block, rows) in rows.chunks_mut(BLOCK * width).enumerate() {
                let range = block * BLOCK..block * BLOCK + rows.len() / width;
                let mut offset = 0;
                for (index, encoder) in encoders.iter().enumerate() {
                    let cells = &chunk.cells[bound.inputs[index]];
                    let place = Place { rows, stride: width, offset };
                    let tally = encode(encoder, &lookups[index].0, cells, range.clone(), place);
                    tallies[index].add(tally);
                    offset += encoder.width();
                }
            }
            let finite = rows.iter().all(|value| value.is_finite());
            (tallies, finite)
        };
        // the last chunks first: what was allocated last can be given back to the system
        let at_once = 8 * rayon::current_num_threads();
        let (mut end, mut behind) = (table.chunks.len(), numbers);
        while end > 0 {
            let begin = end.saturating_sub(at_once);
            let chunks = &table.chunks[begin..end];
            let first = behind - width * chunks.iter().map(|chunk| chunk.rows).sum::<usize>();
            let mut parts = Vec::with_capacity(chunks.len());
            let mut rest = &mut features[first..behind];
            for chunk in chunks {
                let (rows, later) = std::mem::take(&mut rest).split_at_mut(chunk.rows * width);
                parts.push((chunk, rows));
                rest = later;
            }
            let done: Vec<(Vec<Tally>, bool)> = parts.into_par_iter().map(encode_chunk).collect();
            if done.iter().any(|(_, finite)| !finite) {
                return Err(self.too_large(&table, bound, &features));
            }
            for (chunk, _) in &done {
                tallies.iter_mut().zip(chunk).for_each(|(all, tally)| all.add(*tally));
            }
            if let Cow::Owned(table) = &mut table {
                table.chunks.truncate(begin);
            }
            (end, behind) = (begin, first);
        }
        Ok((features, tallies))
    }

    /// The cells that are infinite, or the first whose number is too large.
    fn too_large<T: Element>(&self, table: &Table, bound: &Bound, features: &[T]) -> Error {
        for ((_, encoder), &column) in self.encoders().zip(&bound.inputs) {
            if table.columns[column].texts.is_none()
                && let Err(infinite) = check_numbers(encoder, table, column)
            {
                return infinite;
            }
        }
        let width = self.inputs();
        let first = features.iter().position(|value| !value.is_finite()).unwrap_or(0);
        let (row, input) = (first / width, first % width);
        let mut end = 0;
        let widths = self.encoders().map(|(_, encoder)| encoder.width());
        let index = widths.take_while(|width| {
            end += width;
            end <= input
        });
        let column = bound.inputs[index.count()];
        let found = shown(table, row, column);
        table.cell_problem(
            row,
            column,
            format!("{found} is too large for {} once scaled", T::PRECISION),
        )
    }

    /// The rows' targets.
    fn targets_of<T: Element>(&self, table: &Table, columns: &[usize]) -> Result<Targets> {
        let settings = self.target_columns();
        let width = columns.len();
        let values: Vec<Vec<f64>> = match &self.target {
            TargetEncoding::Classes(classes) => {
                let classes = ClassFinder::new(classes).of_column(table, columns[0])?;
                return Ok(Targets::Classes(classes));
            }
            TargetEncoding::Values { .. } => columns
                .iter()
                .zip(&settings)
                .map(|(&column, target)| {
                    target_numbers(table, column, target.format, 0..table.rows)
                })
                .collect::<Result<_>>()?,
            TargetEncoding::Labels(_) => columns
                .iter()
                .zip(&settings)
                .map(|(&column, target)| flags(table, column, target))
                .collect::<Result<_>>()?,
        };
        let rows = 0..table.rows;
        let mut all: Vec<f64> =
            rows.flat_map(|row| values.iter().map(move |column| column[row])).collect();
        if let TargetEncoding::Values { standardizer: Some(standardizer) } = &self.target {
            standardizer.apply(&mut all)?;
        }
        let rounded: Vec<T> = all.iter().map(|&value| T::of(value)).collect();
        if let Some(at) = rounded.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / width, columns[at % width]);
            let found = shown(table, row, column);
            let problem = format!("{found} is too large for {} once scaled", T::PRECISION);
            return Err(table.cell_problem(row, column, problem));
        }
        Ok(Targets::Values { width, values: T::values(rounded) })
    }

    /// Leaves out the rows of `table` whose target is missing; how many there were. Without a target
    /// column it does nothing.
    ///
    /// # Errors
    /// [`Error::File`] for a feature column that is not there, or if no row is left.
    pub fn drop_missing_targets(&self, table: &mut Table) -> Result<usize> {
        let Some(columns) = bind(self, table)?.targets else { return Ok(0) };
        let mut present = vec![true; table.rows];
        for column in columns {
            let reading = match self.target {
                TargetEncoding::Classes(_) => Reading::Levels,
                _ => Reading::Numbers(NumberFormat::default(), Vec::new()),
            };
            mark_missing(table, column, &reading, &mut present);
        }
        if !present.contains(&true) {
            return Err(Error::file(&table.file, "the target is missing in every row"));
        }
        let before = table.rows;
        if present.contains(&false) {
            table.retain(&present);
        }
        Ok(before - table.rows)
    }
}

/// 1 or 0 for each row of a column that holds or does not.
fn flags(table: &Table, column: usize, target: &TargetColumn) -> Result<Vec<f64>> {
    let value = |row: usize| match (table.cell(row, column), &target.words) {
        (crate::table::Cell::Number(number), _) if number == 0.0 || number == 1.0 => Some(number),
        (crate::table::Cell::Text(text), Some(words)) => words.value(text).map(f64::from),
        _ => None,
    };
    let mut problems = Problems::new("expected 0 or 1, or the model's words for them");
    let mut flags = Vec::with_capacity(table.rows);
    for row in 0..table.rows {
        match value(row) {
            Some(flag) => flags.push(flag),
            None => problems
                .add(|| format!("{}: found {}", at(table, row, column), shown(table, row, column))),
        }
    }
    match problems.count {
        0 => Ok(flags),
        _ => Err(Error::Several { file: table.file_of(column).to_owned(), problems }),
    }
}
