//! How a training shows its progress: a bar on a terminal, plain lines elsewhere.

use super::output::note;
use super::run_folder::RunFolder;
use consonance::Network;
use consonance::train::{EpochReport, Metrics, Observer, Result, Score};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::Duration;

/// How many lines a training prints where there is no terminal, about.
const LINES: usize = 25;

/// Draws the bar or prints the lines, and writes the metrics file.
pub(crate) struct Progress<'a> {
    folder: &'a mut RunFolder,
    epochs: usize,
    rows: usize,
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl<'a> Progress<'a> {
    /// For `epochs` epochs of `rows` rows.
    pub(crate) fn new(folder: &'a mut RunFolder, epochs: usize, rows: usize, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let length = epochs as u64 * rows as u64;
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
            // the message gives way where the terminal is narrow
            let template = "{wide_msg} {bar:16} {eta:>3} left";
            bar.with_style(
                ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
            .with_message(format!("epoch 0/{epochs}"))
        });
        Progress { folder, epochs, rows, bar, quiet }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress<'_> {
    fn step(&mut self, epoch: usize, rows: usize, _loss: f64, _time: Duration) {
        if let Some(bar) = &self.bar {
            bar.set_position((epoch - 1) as u64 * self.rows as u64 + rows as u64);
        }
    }

    fn epoch(
        &mut self,
        report: &EpochReport,
        _network: &mut dyn Network,
    ) -> Result<ControlFlow<()>> {
        self.folder.write_metrics(report)?;
        let line = line(report, self.epochs);
        if let Some(bar) = &self.bar {
            bar.set_message(line);
        } else if !self.quiet {
            let every = self.epochs.div_ceil(LINES);
            if report.epoch == 1
                || report.epoch.is_multiple_of(every)
                || report.epoch == self.epochs
            {
                note(&line);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn line(report: &EpochReport, epochs: usize) -> String {
    let width = epochs.to_string().len();
    let score = report.test.as_ref().map(|test| format!("  test {}", score(test)));
    format!(
        "epoch {:>width$}/{epochs}  loss {:.4}{}  {} samples/s",
        report.epoch,
        report.loss,
        score.unwrap_or_default(),
        rounded(report.samples_per_second)
    )
}

/// `accuracy 97.22 %`, or `rmse 54.1`.
fn score(metrics: &Metrics) -> String {
    match metrics.score {
        Score::Classes { accuracy } => format!("accuracy {:.2} %", 100.0 * accuracy),
        Score::Values { rmse, .. } => format!("rmse {rmse:.4}"),
    }
}

/// A rate of three digits: `4.12 M`.
pub(crate) fn rounded(rate: f64) -> String {
    let (value, unit) = match rate {
        rate if rate >= 1e9 => (rate / 1e9, " G"),
        rate if rate >= 1e6 => (rate / 1e6, " M"),
        rate if rate >= 1e3 => (rate / 1e3, " k"),
        rate => (rate, ""),
    };
    let digits = if value >= 100.0 { 0 } else { 1 + usize::from(value < 10.0) };
    format!("{value:.digits$}{unit}")
}
