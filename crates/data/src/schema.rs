//! What the columns of a table are for, and what is to be learned from them.

use crate::error::{Error, Problems, Result, quoted};
use crate::folder::missing_labels;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::{NumberFormat, Spelling};
use crate::roles::find_pixels;
use crate::roles::{DateOrder, Finding, Reading, Role, find, told};
use crate::select::{listed, position, unknown};
use crate::table::{NO_TEXT, Table};
use crate::target::{distinct, labels};
use crate::task::{ONE, Task, task_of_numbers};
use rayon::prelude::*;

/// What a user wants of a table's columns. The default: the last column is the target, and all
/// roles are found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaOptions {
    /// Which columns are the target.
    pub target: TargetColumns,
    /// Roles that overrule those found out: a column's name, or its number from 1, and its role.
    pub roles: Vec<(String, Role)>,
    /// What is learned; `None` to find out from the target.
    pub task: Option<Task>,
    /// Whether days or months come first, where a column's dates do not tell.
    pub dates: Option<DateOrder>,
}

/// Which columns are the target: each its name or, if no column has that name, its number from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TargetColumns {
    /// The last column that is not empty.
    #[default]
    Last,
    /// These: one, or several numbers.
    Named(Vec<String>),
    /// None: the rows are for prediction.
    None,
}

/// What each column of a table is for, and what is to be learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub(crate) columns: Vec<SchemaColumn>,
    /// The positions of the target's columns.
    pub(crate) targets: Vec<usize>,
    /// The largest value that the pixels may have, if the features are an image's.
    pub(crate) pixel_range: Option<f64>,
    task: Option<(Task, String)>,
    notes: Vec<Note>,
}

/// A column and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaColumn {
    /// Its name.
    pub name: String,
    /// What it is for; of a target, what its cells are.
    pub role: Role,
    /// Why.
    pub why: String,
    pub(crate) reading: Reading,
}

impl Schema {
    /// Finds out what the columns of `table` are for.
    ///
    /// # Errors
    /// [`Error::File`] for a column that is not there, a role its cells do not fit, a target that
    /// cannot be learned (each label once, dates, text among numbers, the same in each row) or
    /// without any feature beside it; each with what would help.
    pub fn find(table: &Table, options: &SchemaOptions) -> Result<Self> {
        let names: Vec<String> = table.names().map(str::to_owned).collect();
        let positions = |column: &str| {
            position(&names, column)
                .ok_or_else(|| Error::file(&table.file, unknown(&names, column, table.named)))
        };
        let mut roles = vec![None; names.len()];
        for (column, role) in &options.roles {
            roles[positions(column)?] = Some(*role);
        }
        let findings = (0..names.len())
            .into_par_iter()
            .map(|column| match roles[column] {
                None => Ok(find(table, column, options.dates)),
                Some(role) => told(table, column, role, options.dates).map_err(|problem| {
                    let name = &names[column];
                    let what = format!("--column {name}={role}: {problem}");
                    Error::file(&table.file, what)
                }),
            })
            .collect::<Result<Vec<Finding>>>()?;
        let targets =
            match &options.target {
                TargetColumns::None => Vec::new(),
                TargetColumns::Named(columns) => {
                    columns.iter().map(|column| positions(column)).collect::<Result<_>>()?
                }
                TargetColumns::Last if table.pixels == Some(names.len()) => {
                    return Err(Error::file(&table.file, missing_labels(&table.file)));
                }
                TargetColumns::Last => {
                    let usable = |column: &usize| {
                        let ignored = roles[*column].is_some_and(|role| !role.is_feature());
                        !ignored && findings[*column].why != EMPTY
                    };
                    let last = (0..names.len()).rev().find(usable);
                    vec![last.ok_or_else(|| {
                        Error::file(&table.file, "every column is empty or ignored")
                    })?]
                }
            };
        for (index, &target) in targets.iter().enumerate() {
            if roles[target].is_some_and(|role| matches!(role, Role::Ignore)) {
                let problem =
                    format!("column {:?} is the target and cannot be ignored", names[target]);
                return Err(Error::file(&table.file, problem));
            }
            if targets[..index].contains(&target) {
                let problem = format!("column {:?} is named as a target twice", names[target]);
                return Err(Error::file(&table.file, problem));
            }
        }
        let mut notes = Vec::new();
        let columns: Vec<SchemaColumn> = names
            .into_iter()
            .zip(findings)
            .enumerate()
            .map(|(index, (name, finding))| {
                if let (Some(doubt), false) = (finding.doubt, targets.contains(&index)) {
                    notes.push(Note::column(&name, doubt));
                }
                SchemaColumn {
                    name,
                    role: finding.role,
                    why: finding.why,
                    reading: finding.reading,
                }
            })
            .collect();
        let mut schema = Schema { columns, targets, pixel_range: None, task: None, notes };
        schema.find_pixels(table, &roles);
        schema.use_a_running_number_alone();
        schema.check_features(table)?;
        schema.task = schema.find_task(table, options)?;
        Ok(schema)
    }

    /// Images have pixels that never change, and stay whole all the same.
    fn find_pixels(&mut self, table: &Table, told: &[Option<Role>]) {
        let candidates: Vec<usize> =
            (0..self.columns.len()).filter(|column| !self.targets.contains(column)).collect();
        if candidates.iter().any(|&column| told[column].is_some()) {
            return;
        }
        let Some(pixels) = find_pixels(table, &candidates) else { return };
        self.pixel_range = Some(pixels.range);
        for column in pixels.columns {
            let column = &mut self.columns[column];
            column.role = Role::Number;
            column.reading = Reading::Numbers(NumberFormat::default(), Vec::new());
            column.why = "a pixel".to_owned();
        }
    }

    /// A running number is used if there is no other feature: then it is the time, or the order, that
    /// the target depends on.
    fn use_a_running_number_alone(&mut self) {
        if self.features().next().is_some() {
            return;
        }
        let targets = &self.targets;
        let running = self.columns.iter_mut().enumerate().find(|(index, column)| {
            column.role == Role::Id && column.why.starts_with("runs") && !targets.contains(index)
        });
        if let Some((_, column)) = running {
            column.role = Role::Number;
            column.reading = Reading::Numbers(NumberFormat::default(), Vec::new());
            column.why += ", and is the only feature";
        }
    }

    fn check_features(&self, table: &Table) -> Result<()> {
        if self.features().next().is_some() {
            return Ok(());
        }
        let others: Vec<String> = self
            .passed_over()
            .map(|column| format!("{} ({}: {})", column.name, column.role, column.why))
            .collect();
        let problem = match others.is_empty() {
            true => "there is only the target column, expected at least one feature".to_owned(),
            false => format!(
                "no column is left as a feature; passed over are {}; --column NAME=ROLE takes one",
                listed(&others)
            ),
        };
        Err(Error::file(&table.file, problem))
    }

    /// What is learned from the target, and why.
    fn find_task(&self, table: &Table, options: &SchemaOptions) -> Result<Option<(Task, String)>> {
        let told = options.task;
        Ok(match self.targets.as_slice() {
            [] => None,
            [target] => Some(self.task_of(table, *target, told)?),
            several => Some(self.task_of_several(table, several, told)?),
        })
    }

    /// The task of a single target column.
    fn task_of(&self, table: &Table, target: usize, told: Option<Task>) -> Result<(Task, String)> {
        let column = &self.columns[target];
        let file = table.file_of(target);
        let refuse = |problem: String| {
            let help = self.other_target(target);
            Err(Error::file(file, format!("the target {:?} {problem}{help}", column.name)))
        };
        let as_told = |task: Task| (task, "as told".to_owned());
        let numbers = match &column.reading {
            // codes with zeros before them are labels, and so are those of images
            Reading::Numbers(..)
                if told != Some(Task::Regression)
                    && (has_codes(table, target) || table.labels_file.is_some()) =>
            {
                None
            }
            Reading::Numbers(format, odd) if odd.is_empty() => {
                Some(table.numbers_in(target, *format))
            }
            _ if table.columns[target].texts.is_none() => Some(table.numbers(target)),
            _ => None,
        };
        let labels = || labels(table, target, &target_missing(table, target, &column.reading));
        if told == Some(Task::MultiLabel) {
            return refuse(
                "is one column; several labels are several columns, --target a,b".to_owned(),
            );
        }
        match (&column.reading, numbers) {
            (Reading::Dates(format), _) if told != Some(Task::Classification) => refuse(format!(
                "holds dates, written as {format}, which are neither classes nor numbers"
            )),
            (Reading::Numbers(_, odd), None)
                if !odd.is_empty() && told != Some(Task::Classification) =>
            {
                Err(self.mixed_target(table, target, odd))
            }
            (_, Some(numbers)) => {
                let first = numbers.iter().copied().find(|number| !number.is_nan());
                let (found, why) = task_of_numbers(numbers.into_iter());
                if why == ONE || first.is_none() {
                    let only = first.map_or("missing".to_owned(), crate::numbers::label);
                    return refuse(format!("is {only} in every row, so there is nothing to learn"));
                }
                let (task, why) = match (told, column.why.split_once("numbers ")) {
                    (Some(task), _) => as_told(task),
                    // how they are written, where that is not plain
                    (None, Some(("", written))) => (found, format!("{why}, {written}")),
                    (None, _) => (found, why),
                };
                Ok((task, why))
            }
            (_, None) => {
                let labels = labels();
                let rows: usize = labels.iter().map(|(_, count)| count).sum();
                if told == Some(Task::Regression) {
                    let problem = format!(
                        "holds text such as {}, a regression needs numbers",
                        quoted(&labels[0].0)
                    );
                    return refuse(problem);
                }
                if let [(only, _)] = labels.as_slice() {
                    return refuse(format!(
                        "is {} in every row; classification needs at least two classes",
                        quoted(only)
                    ));
                }
                let once = labels.iter().filter(|(_, count)| *count == 1).count();
                if told.is_none() && 2 * once > rows && labels.len() > 2 {
                    let often = if once == rows { "each once" } else { "most of them once" };
                    return refuse(format!(
                        "holds {} labels in {rows} rows, {often}: is this the target? --task \
                         classification takes it all the same",
                        labels.len()
                    ));
                }
                let why = match told {
                    Some(_) => "as told".to_owned(),
                    None => "text".to_owned(),
                };
                Ok((Task::Classification, why))
            }
        }
    }

    /// Text stands among the numbers of the target.
    fn mixed_target(&self, table: &Table, target: usize, odd: &[String]) -> Error {
        let words = listed(odd);
        let mut problems = Problems::new(format!(
            "the target holds numbers in most rows; --missing-values '{words}' leaves such rows out, \
             and --task classification takes all cells as classes"
        ));
        for (row, position) in table.positions(target).enumerate() {
            let texts = table.columns[target].texts.as_deref().unwrap_or_default();
            let text = texts.get(position as usize).filter(|text| odd.contains(text));
            if let Some(text) = text {
                problems.add(|| {
                    let place = crate::target::at(table, row, target);
                    format!("{place}: expected a number, found {}", quoted(text))
                });
            }
        }
        Error::Several { file: table.file_of(target).to_owned(), problems }
    }

    /// The task of several target columns: numbers, or labels that hold or do not.
    fn task_of_several(
        &self,
        table: &Table,
        targets: &[usize],
        told: Option<Task>,
    ) -> Result<(Task, String)> {
        let mut all_flags = true;
        for &target in targets {
            let column = &self.columns[target];
            let numbers = match &column.reading {
                Reading::Booleans(_) => continue,
                Reading::Numbers(format, odd) if odd.is_empty() => {
                    distinct(table.numbers_in(target, *format).into_iter())
                }
                _ if table.columns[target].texts.is_none() => {
                    distinct(table.numbers(target).into_iter())
                }
                _ => {
                    let problem = format!(
                        "the target {:?} is no column of numbers; several targets are numbers, or \
                         labels of 0 and 1",
                        column.name
                    );
                    return Err(Error::file(&table.file, problem));
                }
            };
            all_flags &= numbers.iter().all(|(number, _)| matches!(*number, 0.0 | 1.0));
        }
        let boolean =
            |target: &&usize| matches!(self.columns[**target].reading, Reading::Booleans(_));
        let flags = targets.iter().find(boolean);
        match (told, all_flags) {
            (Some(Task::MultiLabel) | None, true) => {
                Ok((Task::MultiLabel, "all are 0 or 1".to_owned()))
            }
            (Some(Task::MultiLabel), false) => Err(Error::file(
                &table.file,
                "several labels are columns of 0 and 1, some hold other numbers",
            )),
            (Some(Task::Classification), _) => {
                Err(Error::file(&table.file, "classification has one target, several are named"))
            }
            (Some(Task::Regression) | None, _) => match flags {
                Some(&flag) => {
                    let name = &self.columns[flag].name;
                    Err(Error::file(
                        &table.file,
                        format!("the target {name:?} is no column of numbers, others are"),
                    ))
                }
                None => Ok((Task::Regression, "several columns of numbers".to_owned())),
            },
        }
    }

    /// A hint at another column that is called as targets are.
    fn other_target(&self, target: usize) -> String {
        const NAMES: [&str; 9] =
            ["target", "label", "class", "y", "outcome", "species", "type", "kind", "category"];
        let named = |name: &str| {
            self.columns
                .iter()
                .enumerate()
                .find(|(index, column)| *index != target && column.name.eq_ignore_ascii_case(name))
        };
        let found = NAMES.iter().find_map(|name| named(name));
        let name = found.map_or("NAME", |(_, column)| column.name.as_str());
        format!("; --target {name} names another column")
    }

    /// Every column in the order of the file.
    pub fn columns(&self) -> &[SchemaColumn] {
        &self.columns
    }

    /// The columns a network gets to see.
    pub fn features(&self) -> impl Iterator<Item = &SchemaColumn> {
        let used = |(index, column): &(usize, &SchemaColumn)| {
            column.role.is_feature() && !self.targets.contains(index)
        };
        self.columns.iter().enumerate().filter(used).map(|(_, column)| column)
    }

    /// The columns that are neither features nor the target.
    pub fn passed_over(&self) -> impl Iterator<Item = &SchemaColumn> {
        let passed = |(index, column): &(usize, &SchemaColumn)| {
            !column.role.is_feature() && !self.targets.contains(index)
        };
        self.columns.iter().enumerate().filter(passed).map(|(_, column)| column)
    }

    /// The target's columns, in the order in which they were named.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = &SchemaColumn> {
        self.targets.iter().map(|&target| &self.columns[target])
    }

    /// What is learned, and why that was taken; `None` without a target.
    pub fn task(&self) -> Option<(Task, &str)> {
        self.task.as_ref().map(|(task, why)| (*task, why.as_str()))
    }

    /// What was decided that may be meant otherwise.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// For each row of `table`, whether its target is there; `None` if all are.
    pub(crate) fn has_target(&self, table: &Table) -> Option<Vec<bool>> {
        let mut present = vec![true; table.rows];
        for &target in &self.targets {
            mark_missing(table, target, &self.columns[target].reading, &mut present);
        }
        present.contains(&false).then_some(present)
    }
}

/// Why an empty column is constant.
const EMPTY: &str = "is empty";

/// True if a column of text holds whole numbers with zeros before them.
fn has_codes(table: &Table, column: usize) -> bool {
    let texts = table.columns[column].texts.as_deref().unwrap_or_default();
    texts.iter().any(|text| {
        let number = NumberFormat::default().parse(text);
        number.is_some_and(|number| number.spelling == Spelling::LeadingZero)
    })
}

/// The words that stand for a missing target: among text only the unmistakable ones.
pub(crate) fn target_missing(table: &Table, target: usize, reading: &Reading) -> MissingWords {
    match (&table.columns[target].texts, reading) {
        (Some(_), Reading::Levels | Reading::Nothing) => table.missing.unmistakable(),
        _ => table.missing.clone(),
    }
}

/// Marks the rows of which a target is missing.
pub(crate) fn mark_missing(table: &Table, target: usize, reading: &Reading, present: &mut [bool]) {
    match &table.columns[target].texts {
        None => {
            let numbers = table.numbers(target);
            present.iter_mut().zip(numbers).for_each(|(row, number)| *row &= !number.is_nan());
        }
        Some(texts) => {
            let words = target_missing(table, target, reading);
            let missing: Vec<bool> = texts.iter().map(|text| words.contains(text)).collect();
            for (row, position) in present.iter_mut().zip(table.positions(target)) {
                *row &= position != NO_TEXT && !missing[position as usize];
            }
        }
    }
}

impl Table {
    /// Leaves out the rows whose target is missing; how many there were.
    ///
    /// # Errors
    /// [`Error::File`] if no row is left.
    pub fn drop_missing_targets(&mut self, schema: &Schema) -> Result<usize> {
        let Some(present) = schema.has_target(self) else { return Ok(0) };
        let before = self.rows;
        if !present.contains(&true) {
            return Err(Error::file(&self.file, "the target is missing in every row"));
        }
        self.retain(&present);
        Ok(before - self.rows)
    }
}
