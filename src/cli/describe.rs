//! `consonance describe`

use super::loading::Source;
use super::{Outcome, output};
use consonance::data::{
    ColumnDescription, Description, Role, Schema, SchemaOptions, TargetColumns,
};
use consonance::data::{Table, Task};
use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

/// A table to look at.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print the result as one JSON object
    #[arg(help_heading = "Output", long)]
    json: bool,
}

/// Runs `consonance describe`: each column with what it is and what training would do with it. A
/// target that cannot be learned is told, and the columns described all the same.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let table = arguments.source.table()?;
    let (schema, problem) = match arguments.source.columns.schema(&table) {
        Ok(schema) => (schema, None),
        // a column that is not there is a slip of the pen, not something about the table
        Err(error) if !arguments.source.columns.are_there(&table) => return Err(error),
        Err(error) => (without_target(&table)?, Some(error.to_string())),
    };
    let description = Description::of(&table, &schema)?;
    if arguments.json {
        let mut value = serde_json::to_value(&description)?;
        value["file"] = table.file().display().to_string().into();
        value["problem"] = problem.into();
        output::print_json(&value)?;
    } else {
        output::print(&text(&table, &description, problem.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the columns are, if none is to be predicted.
fn without_target(table: &Table) -> Result<Schema, Box<dyn Error>> {
    let options = SchemaOptions { target: TargetColumns::None, ..SchemaOptions::default() };
    Ok(Schema::find(table, &options)?)
}

/// The description for a terminal.
fn text(table: &Table, description: &Description, problem: Option<&str>) -> String {
    let columns = &description.columns;
    let mut text = format!(
        "{}: {}, {}\n\n",
        table.file().display(),
        output::count(description.rows, "row"),
        output::count(columns.len(), "column")
    );
    text += &table_of(columns, description.rows);
    if let Some((task, why)) = &description.task {
        let targets: Vec<String> =
            columns.iter().filter(|column| column.target).map(|c| c.name.clone()).collect();
        let learned = match task {
            Task::Classification => "classes",
            Task::Regression => "numbers",
            Task::MultiLabel => "labels, each of which holds or not",
        };
        let _ = writeln!(text, "\nto predict: {}, {learned} ({why})", targets.join(", "));
    }
    if let Some(inputs) = description.inputs {
        let features = columns.iter().filter(|column| column.inputs > 0).count();
        let (features, inputs) =
            (output::count(features, "feature"), output::count(inputs, "input"));
        let _ = writeln!(text, "a network sees {features} as {inputs}");
    }
    for note in &description.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for warning in &description.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if let Some(problem) = problem {
        let _ = writeln!(text, "cannot be trained on as it is: {problem}");
    }
    text.lines().map(|line| output::plain(line) + "\n").collect()
}

/// Widest name that is shown whole.
const NAME: usize = 24;

/// A line for each column.
fn table_of(columns: &[ColumnDescription], rows: usize) -> String {
    let width = output::width();
    let name = columns.iter().map(|c| output::plain(&c.name).chars().count()).max().unwrap_or(0);
    let name = name.clamp(6, NAME);
    let number = columns.len().to_string().len().max(1);
    let mut text = String::new();
    let heading = format!(
        "{:>number$}  {:name$}  {:8}  {:>7}  {:>6}  values",
        "", "column", "is", "missing", "inputs"
    );
    let _ = writeln!(text, "{}", heading.trim_end());
    for column in columns {
        let missing = match column.missing {
            0 => String::new(),
            missing => share(missing, rows),
        };
        let inputs = match (column.target, column.inputs) {
            (true, _) => "target".to_string(),
            (false, 0) => "-".to_string(),
            (false, inputs) => inputs.to_string(),
        };
        let start = format!(
            "{:>number$}  {:name$}  {:8}  {missing:>7}  {inputs:>6}  ",
            column.number,
            output::cut(&output::plain(&column.name), name),
            column.role,
        );
        let room = width.saturating_sub(start.chars().count()).max(12);
        let values = output::cut(&output::plain(&values(column)), room);
        let _ = writeln!(text, "{}", (start + &values).trim_end());
    }
    text
}

/// `3.2 %`; a small share is not 0.
fn share(part: usize, all: usize) -> String {
    match 100.0 * part as f64 / all as f64 {
        share if share < 0.1 => "<0.1 %".to_string(),
        share => format!("{share:.1} %"),
    }
}

/// What a column's cells are, in a few words.
fn values(column: &ColumnDescription) -> String {
    let listed = || -> String {
        let each: Vec<String> =
            column.levels.iter().map(|(level, count)| format!("{level} ×{count}")).collect();
        match column.distinct.saturating_sub(column.levels.len()) {
            0 => each.join(", "),
            more => format!("{} and {more} more", each.join(", ")),
        }
    };
    match (column.role, &column.range, &column.dates) {
        (Role::Constant | Role::Id | Role::Ignore, _, _) => column.because.clone(),
        (Role::Text, _, _) => format!("{}: {}", column.because, listed()),
        (_, _, Some([first, last])) => format!("{first} to {last}, {}", column.because),
        // few numbers are told one by one
        (_, Some(_), _) if !column.levels.is_empty() => listed(),
        (_, Some([low, median, high]), _) => {
            format!("{} … {} … {}", short(*low), short(*median), short(*high))
        }
        _ => listed(),
    }
}

/// A number of five digits at most, or with an exponent.
fn short(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (number.fract() == 0.0 && size < 1e7) {
        return format!("{number}");
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{number:.3e}");
    }
    let digits = (4 - size.log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
