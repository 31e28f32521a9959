//! How a training shows its progress: a bar on a terminal, plain lines elsewhere.

use super::output::note;
use super::run_folder::RunFolder;
use consonance::Network;
use consonance::train::{EpochReport, Metrics, Model, Observer, Result, Score};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How many lines a training prints where there is no terminal, about.
const LINES: usize = 25;

/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(50);

/// How often the model is saved while training goes on, at most.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Draws the bar or prints the lines, and writes the metrics file.
pub(crate) struct Progress<'a> {
    folder: &'a mut RunFolder,
    /// The network as a model.
    model: &'a dyn Fn(&dyn Network) -> Result<Model>,
    /// When the model was last saved.
    saved: Instant,
    epochs: usize,
    rows: usize,
    bar: Option<ProgressBar>,
    quiet: bool,
    /// Time in steps so far.
    time: Duration,
    /// When the bar was last drawn.
    drawn: Instant,
    /// What the held-out rows said after the last epoch.
    test: Option<Metrics>,
}

impl<'a> Progress<'a> {
    /// For `epochs` epochs of `rows` rows.
    /// The model is saved now and then, so that what interrupts a long training does not lose it.
    pub(crate) fn new(
        folder: &'a mut RunFolder,
        model: &'a dyn Fn(&dyn Network) -> Result<Model>,
        epochs: usize,
        rows: usize,
        quiet: bool,
    ) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let length = epochs as u64 * rows as u64;
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
            // the message gives way where the terminal is narrow
            let template = "{wide_msg} {bar:16} {eta:>3} left";
            bar.with_style(
                ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
            .with_message(format!("epoch 1/{epochs}"))
        });
        let (time, now) = (Duration::ZERO, Instant::now());
        Progress {
            folder,
            model,
            saved: now,
            epochs,
            rows,
            bar,
            quiet,
            time,
            drawn: now,
            test: None,
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress<'_> {
    fn step(&mut self, epoch: usize, rows: usize, loss: f64, time: Duration) {
        let Some(bar) = &self.bar else { return };
        let done = (epoch - 1) as u64 * self.rows as u64 + rows as u64;
        self.time += time;
        // a bar is for eyes: drawing it at every step would cost more than the step
        if self.drawn.elapsed() < DRAW_EVERY {
            return;
        }
        self.drawn = Instant::now();
        let rate = done as f64 / self.time.as_secs_f64().max(1e-9);
        bar.set_position(done);
        bar.set_message(line(epoch, self.epochs, loss, self.test.as_ref(), rate));
    }

    fn epoch(
        &mut self,
        report: &EpochReport,
        network: &mut dyn Network,
    ) -> Result<ControlFlow<()>> {
        if let Err(e) = self.folder.write_metrics(report) {
            let line = format!("warning: {e}; training goes on, its metrics end here");
            match &self.bar {
                Some(bar) => bar.suspend(|| note(&line)),
                None => note(&line),
            }
        }
        if self.saved.elapsed() > SAVE_EVERY {
            self.folder.save(&(self.model)(network)?)?;
            self.saved = Instant::now();
        }
        self.test = report.test;
        if self.bar.is_none() && !self.quiet {
            let EpochReport { epoch, loss, samples_per_second, .. } = *report;
            let line = line(epoch, self.epochs, loss, report.test.as_ref(), samples_per_second);
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

fn line(epoch: usize, epochs: usize, loss: f64, test: Option<&Metrics>, rate: f64) -> String {
    let width = epochs.to_string().len();
    let score = test.map(|test| format!("  test {}", score(test))).unwrap_or_default();
    let rate = rounded(rate);
    format!("epoch {epoch:>width$}/{epochs}  loss {loss:.4}{score}  {rate} samples/s")
}

/// `accuracy 97.22 %`, or `rmse 54.1`.
fn score(metrics: &Metrics) -> String {
    match metrics.score {
        Score::Classes { accuracy } | Score::Labels { accuracy, .. } => {
            format!("accuracy {:.2} %", 100.0 * accuracy)
        }
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
