//! What columns are for: the flags that overrule what is found out.

use super::arguments::named;
use consonance::data::{
    DateOrder, InfinitePolicy, MissingPolicy, Preparation, Role, Scaling, Schema, SchemaOptions,
    Table, TargetColumns, Task,
};
use std::error::Error;

/// What the columns of a table are for.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Columns")]
pub(crate) struct ColumnArguments {
    /// Which column to predict: its name, or its number from 1; several numbers, or several labels
    /// of 0 and 1, with commas between [default: the last]
    #[arg(long, value_name = "COLUMN", requires = "path")]
    target: Option<String>,
    /// What a column is: number, category, boolean, date, text, id, constant or ignore; repeatable
    #[arg(long = "column", value_name = "NAME=ROLE", value_parser = role, requires = "path")]
    columns: Vec<(String, Role)>,
    /// Columns to pass over: names, or numbers from 1, with commas between; repeatable
    #[arg(long, value_name = "COLUMNS", requires = "path")]
    ignore: Vec<String>,
    /// classification, regression or multi_label [default: what the target suggests]
    #[arg(long, value_name = "NAME", value_parser = named::<Task>)]
    task: Option<Task>,
    /// Whether days or months come first in dates that do not tell: dmy or mdy [default: dmy]
    #[arg(long, value_name = "ORDER", value_parser = named::<DateOrder>, requires = "path")]
    dates: Option<DateOrder>,
}

/// How cells become a network's inputs.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Columns")]
pub(crate) struct PreparationArguments {
    /// How numbers are scaled: smooth, standard, robust, min-max, log or none. Smooth is mean 0 and
    /// deviation 1, and draws in what lies more than 4 deviations out; pixels are divided by 255
    #[arg(long, value_name = "NAME", default_value = "smooth", value_parser = named::<Scaling>)]
    scale: Scaling,
    /// What is done about missing values of features: impute or refuse
    #[arg(long, value_name = "WHAT", default_value = "impute", value_parser = missing)]
    missing: MissingPolicy,
    /// What is done about infinite numbers of features: refuse, or clip to the largest finite one
    #[arg(long, value_name = "WHAT", default_value = "refuse", value_parser = infinite)]
    infinite: InfinitePolicy,
}

fn infinite(text: &str) -> Result<InfinitePolicy, String> {
    match text {
        "refuse" => Ok(InfinitePolicy::Refuse),
        "clip" => Ok(InfinitePolicy::Clip),
        _ => Err("expected refuse or clip".to_string()),
    }
}

fn missing(text: &str) -> Result<MissingPolicy, String> {
    match text {
        "impute" => Ok(MissingPolicy::Impute),
        "refuse" => Ok(MissingPolicy::Refuse),
        _ => Err("expected impute or refuse".to_string()),
    }
}

/// `NAME=ROLE`; a name may have an equals sign in it.
fn role(text: &str) -> Result<(String, Role), String> {
    let Some((name, role)) = text.rsplit_once('=') else {
        return Err("expected NAME=ROLE, as in age=number".to_string());
    };
    Ok((name.to_string(), role.parse()?))
}

impl ColumnArguments {
    /// True if any is given that only a table with columns has.
    pub(crate) fn is_told(&self) -> bool {
        self.target.is_some() || !self.columns.is_empty() || !self.ignore.is_empty()
    }

    /// The names that columns are asked for by: they tell that a file has names.
    pub(crate) fn names(&self) -> Vec<String> {
        let listed = self.target.iter().chain(&self.ignore);
        let each = listed.clone().flat_map(|names| names.split(','));
        let told = self.columns.iter().map(|(name, _)| name.clone());
        each.map(|name| name.trim().to_string()).chain(listed.cloned()).chain(told).collect()
    }

    /// True if every column asked for is in `table`.
    pub(crate) fn are_there(&self, table: &Table) -> bool {
        let names: Vec<&str> = table.names().collect();
        let there = |name: &str| {
            let number = name.parse::<usize>().is_ok_and(|n| (1..=names.len()).contains(&n));
            number || names.contains(&name)
        };
        let told = self.columns.iter().map(|(name, _)| name.as_str());
        let listed = self.target.iter().chain(&self.ignore);
        told.clone().all(there)
            && listed
                .into_iter()
                .all(|list| there(list) || list.split(',').all(|n| there(n.trim())))
    }

    /// What the columns of `table` are for.
    pub(crate) fn schema(&self, table: &Table) -> Result<Schema, Box<dyn Error>> {
        Ok(Schema::find(table, &self.options(table))?)
    }

    /// The library's options. A list is one name if a column is called so.
    fn options(&self, table: &Table) -> SchemaOptions {
        let names = |text: &String| -> Vec<String> {
            match table.names().any(|name| name == text) {
                true => vec![text.clone()],
                false => text.split(',').map(|name| name.trim().to_string()).collect(),
            }
        };
        let ignored = self.ignore.iter().flat_map(names).map(|name| (name, Role::Ignore));
        SchemaOptions {
            target: match &self.target {
                Some(target) => TargetColumns::Named(names(target)),
                None => TargetColumns::Last,
            },
            roles: ignored.chain(self.columns.iter().cloned()).collect(),
            task: self.task,
            dates: self.dates,
        }
    }

    /// As the settings of a run record them.
    pub(crate) fn settings(&self) -> serde_json::Value {
        let roles: Vec<String> =
            self.columns.iter().map(|(name, role)| format!("{name}={role}")).collect();
        serde_json::json!({ "target": self.target, "column": roles, "ignore": self.ignore })
    }
}

impl PreparationArguments {
    /// Learns from the rows `rows` of `table` how cells become inputs.
    pub(crate) fn fit(
        &self,
        table: &Table,
        schema: &Schema,
        rows: &[u32],
    ) -> Result<Preparation, Box<dyn Error>> {
        let builder = Preparation::builder(schema).scaling(self.scale).missing(self.missing);
        let builder = builder.infinite(self.infinite);
        Ok(builder.fit(table, rows)?)
    }

    /// The name of the scaling.
    pub(crate) fn scaling(&self) -> &'static str {
        self.scale.name()
    }
}
