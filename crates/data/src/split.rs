//! Which rows are learned from and which are held out to test what was learned.

use crate::error::{Error, Result};
use crate::schema::{Schema, target_missing};
use crate::table::Table;
use crate::target::{ClassFinder, labels};
use crate::task::Task;
use consonance_core::rng::{Purpose, Stream};

/// Row numbers, each row in one of the two parts, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from; never empty.
    pub train: Vec<u32>,
    /// Rows held out; empty only if the fraction is 0.
    pub test: Vec<u32>,
}

impl Split {
    /// Holds out round(`fraction` · `rows`) rows, any of them.
    ///
    /// # Errors
    /// [`Error::Split`] if `fraction` is not in [0, 1), or a part would be empty.
    pub fn random(rows: usize, fraction: f64, seed: u64) -> Result<Self> {
        check_fraction(fraction)?;
        Self::draw(&vec![0; rows], &[share(fraction, rows)], fraction, seed)
    }

    /// Holds out round(`fraction` · rows) rows, from each class its share.
    ///
    /// `classes` holds a class for each row. A class of n rows gives ⌊`fraction` · n⌋, and
    /// the rows still missing come one each from the classes with the largest remainders; but the
    /// last row of a class always stays in training, so where classes are tiny, fewer rows are
    /// held out.
    ///
    /// # Errors
    /// [`Error::Split`] if `fraction` is not in [0, 1), or a part would be empty.
    pub fn stratified(classes: &[u32], fraction: f64, seed: u64) -> Result<Self> {
        check_fraction(fraction)?;
        let mut distinct = classes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let stratum = |class: &u32| distinct.partition_point(|other| other < class) as u32;
        let strata: Vec<u32> = classes.iter().map(stratum).collect();
        let mut sizes = vec![0_usize; distinct.len()];
        for &stratum in &strata {
            sizes[stratum as usize] += 1;
        }
        let exact: Vec<f64> = sizes.iter().map(|&size| fraction * size as f64).collect();
        let whole = |(share, size): (&f64, &usize)| (share.floor() as usize).min(size - 1);
        let mut quotas: Vec<usize> = exact.iter().zip(&sizes).map(whole).collect();
        let mut by_remainder: Vec<usize> =
            (0..sizes.len()).filter(|&stratum| quotas[stratum] + 1 < sizes[stratum]).collect();
        by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        let missing = share(fraction, classes.len()).saturating_sub(quotas.iter().sum());
        for &stratum in by_remainder.iter().take(missing) {
            quotas[stratum] += 1;
        }
        Self::draw(&strata, &quotas, fraction, seed)
    }

    /// Draws `quotas[stratum]` rows of each stratum.
    fn draw(strata: &[u32], quotas: &[usize], fraction: f64, seed: u64) -> Result<Self> {
        let refuse = |problem| Err(Error::Split { fraction, problem });
        let Ok(rows) = u32::try_from(strata.len()) else {
            return refuse(format!("{} rows, at most {} are supported", strata.len(), u32::MAX));
        };
        let mut order: Vec<u32> = (0..rows).collect();
        Stream::new(seed, Purpose::Split, 0, 0).shuffle(&mut order);
        let mut left = quotas.to_vec();
        let (mut test, mut train): (Vec<u32>, Vec<u32>) = order.into_iter().partition(|&row| {
            let left = &mut left[strata[row as usize] as usize];
            let taken = *left > 0;
            *left -= usize::from(taken);
            taken
        });
        if train.is_empty() {
            return refuse(format!("of {rows} rows none is left to train on"));
        }
        if test.is_empty() && fraction > 0.0 {
            return refuse(format!("of {rows} rows none is left to test on"));
        }
        train.sort_unstable();
        test.sort_unstable();
        Ok(Split { train, test })
    }
}

impl Table {
    /// Holds out `fraction` of the rows: stratified by class for classification, any rows for
    /// other tasks. Every row must have its target: see [`Table::drop_missing_targets`].
    ///
    /// # Errors
    /// Those of [`Split::stratified`].
    pub fn split(&self, schema: &Schema, fraction: f64, seed: u64) -> Result<Split> {
        match (schema.task(), schema.targets.as_slice()) {
            (Some((Task::Classification, _)), &[target]) => {
                let words = target_missing(self, target, &schema.columns[target].reading);
                let names: Vec<String> =
                    labels(self, target, &words).into_iter().map(|(label, _)| label).collect();
                Split::stratified(
                    &ClassFinder::new(&names).of_column(self, target)?,
                    fraction,
                    seed,
                )
            }
            _ => Split::random(self.rows(), fraction, seed),
        }
    }
}

fn check_fraction(fraction: f64) -> Result<()> {
    match (0.0..1.0).contains(&fraction) {
        true => Ok(()),
        false => {
            let problem = "expected a number from 0 up to, but not including, 1".to_owned();
            Err(Error::Split { fraction, problem })
        }
    }
}

/// `fraction` of `rows`, rounded to nearest.
fn share(fraction: f64, rows: usize) -> usize {
    (fraction * rows as f64).round() as usize
}
