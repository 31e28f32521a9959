//! What is kept of a training file: its columns, what each is used for, and what outputs mean.

use super::encoder::Encoder;
use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use crate::options::ReadOptions;
use crate::roles::{Booleans, Role};
use crate::standardizer::Standardizer;
use crate::task::Task;
use consonance_core::{Loss, Plan};
use serde::{Deserialize, Serialize};

/// All that was learned about a table before training: which columns are used and how their cells
/// become inputs, and what outputs mean. Kept with the model, it prepares any other table in the
/// same way.
///
/// ```
/// use consonance_core::Precision;
/// use consonance_data::{Preparation, ReadOptions, Scaling, Schema, read_from};
///
/// let mut csv = "island,mass,sex\nBiscoe,4200,male\nDream,,female\nBiscoe,3900,female\n".as_bytes();
/// let table = read_from(&mut csv, "penguins.csv", &ReadOptions::default())?;
/// let schema = Schema::find(&table, &Default::default())?;
/// let preparation = Preparation::builder(&schema).scaling(Scaling::Robust).fit(&table, &[0, 1, 2])?;
/// let inputs = ["island=Biscoe", "island=Dream", "mass", "mass is missing"];
/// assert_eq!(preparation.input_names(), inputs);
/// let data = preparation.dataset(&table, Precision::F32)?;
/// assert_eq!((data.rows(), data.inputs()), (3, 4));
/// # Ok::<(), consonance_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Preparation {
    /// Every column of the training file, in its order.
    pub(crate) columns: Vec<PreparedColumn>,
    /// True if the columns' names stood in the file.
    pub(crate) named: bool,
    /// The words that stood for missing values, if they were not the usual ones.
    pub(crate) missing: Option<MissingWords>,
    /// How targets become numbers.
    pub target: TargetEncoding,
}

/// A column of the training file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreparedColumn {
    pub(crate) name: String,
    #[serde(rename = "use")]
    pub(crate) used: Use,
}

/// What a column is used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Use {
    Input(Encoder),
    Target(TargetColumn),
    PassedOver(Role),
}

/// A column that is to be predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetColumn {
    /// Which of the targets it is, from 0.
    pub(crate) order: usize,
    /// How its numbers are written.
    #[serde(default)]
    pub(crate) format: NumberFormat,
    /// Its words for yes and no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) words: Option<Booleans>,
}

/// How targets become what a network is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetEncoding {
    /// Each row's class is the position of its label in this list.
    Classes(Vec<String>),
    /// One number for each target column.
    Values {
        /// How the numbers are scaled, if they are.
        standardizer: Option<Standardizer>,
    },
    /// Of each target column, whether it holds: the words for no and yes.
    Labels(Vec<[String; 2]>),
}

/// A column as it goes into a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feature<'a> {
    /// The column's name.
    pub name: &'a str,
    /// What it is.
    pub role: Role,
    /// How many inputs it has.
    pub inputs: usize,
}

impl Preparation {
    /// How many inputs a network has.
    pub fn inputs(&self) -> usize {
        self.encoders().map(|(_, encoder)| encoder.width()).sum()
    }

    /// A name for each input: the column's, with the level or the part that it stands for.
    pub fn input_names(&self) -> Vec<String> {
        self.encoders().flat_map(|(name, encoder)| encoder.names(name)).collect()
    }

    /// The columns that go into a network, in the order of its inputs.
    pub fn features(&self) -> impl Iterator<Item = Feature<'_>> {
        self.encoders().map(|(name, encoder)| {
            let role = match encoder {
                Encoder::Number(_) => Role::Number,
                Encoder::Boolean(_) => Role::Boolean,
                Encoder::Category(_) => Role::Category,
                Encoder::Date(_) => Role::Date,
            };
            Feature { name, role, inputs: encoder.width() }
        })
    }

    /// The columns that are passed over, and what they are.
    pub fn passed_over(&self) -> impl Iterator<Item = (&str, Role)> {
        self.columns.iter().filter_map(|column| match column.used {
            Use::PassedOver(role) => Some((column.name.as_str(), role)),
            _ => None,
        })
    }

    /// The names of the target's columns, in the order of the network's outputs.
    pub fn target_names(&self) -> Vec<String> {
        let mut targets: Vec<(usize, &String)> = self
            .columns
            .iter()
            .filter_map(|column| match &column.used {
                Use::Target(target) => Some((target.order, &column.name)),
                _ => None,
            })
            .collect();
        targets.sort_unstable();
        targets.into_iter().map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn target_columns(&self) -> Vec<&TargetColumn> {
        let mut targets: Vec<&TargetColumn> = self
            .columns
            .iter()
            .filter_map(|column| match &column.used {
                Use::Target(target) => Some(target),
                _ => None,
            })
            .collect();
        targets.sort_unstable_by_key(|target| target.order);
        targets
    }

    pub(super) fn encoders(&self) -> impl Iterator<Item = (&str, &Encoder)> {
        self.columns.iter().filter_map(|column| match &column.used {
            Use::Input(encoder) => Some((column.name.as_str(), encoder)),
            _ => None,
        })
    }

    /// What the network is to predict.
    pub fn task(&self) -> Task {
        match self.target {
            TargetEncoding::Classes(_) => Task::Classification,
            TargetEncoding::Values { .. } => Task::Regression,
            TargetEncoding::Labels(_) => Task::MultiLabel,
        }
    }

    /// `options` for a file whose rows are to be prepared by this: levels are read as they are
    /// written, and the words for missing values are the training file's unless others are told.
    pub fn read_options(&self, options: ReadOptions) -> ReadOptions {
        let is_category =
            |column: &&PreparedColumn| matches!(column.used, Use::Input(Encoder::Category(_)));
        // without names columns may stand elsewhere
        let levels = self.columns.iter().filter(|_| self.named).filter(is_category);
        let text = levels.map(|column| column.name.clone()).chain(options.text).collect();
        let missing = options.missing.or_else(|| self.missing.clone());
        ReadOptions { text, missing, ..options }
    }

    /// Checks that this preparation belongs to networks of `plan`: a model file may be damaged, or
    /// changed by hand.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn check(&self, plan: &Plan) -> std::result::Result<(), String> {
        let (inputs, outputs) = (plan.inputs, plan.outputs());
        for (name, encoder) in self.encoders() {
            encoder.check().map_err(|problem| format!("column {name:?}: {problem}"))?;
        }
        if self.inputs() != inputs {
            let made = self.inputs();
            return Err(format!("{made} features are named, the network has {inputs} inputs"));
        }
        let (classes, expected) = match (&self.target, plan.loss) {
            (TargetEncoding::Values { standardizer }, Loss::MeanSquaredError) => {
                let width = standardizer.as_ref().map_or(outputs, Standardizer::width);
                let checked = standardizer.as_ref().map_or(Ok(()), |scale| scale.check(width));
                checked.map_err(|problem| format!("target: {problem}"))?;
                (outputs, width)
            }
            (TargetEncoding::Classes(classes), Loss::CrossEntropy) => (classes.len(), outputs),
            (TargetEncoding::Classes(classes), Loss::BinaryCrossEntropy) if outputs == 1 => {
                (classes.len(), 2)
            }
            (TargetEncoding::Labels(labels), Loss::BinaryCrossEntropy) => (labels.len(), outputs),
            (_, loss) => return Err(format!("the target does not fit the loss {loss}")),
        };
        match classes == expected {
            true => Ok(()),
            false => Err(format!("{classes} classes or values, expected {expected}")),
        }
    }
}
