//! What a training begins with: parameters that are drawn, or those in a file.

use super::model_path::model_file;
use super::output;
use consonance::data::TargetEncoding;
use consonance::train::StateDict;
use consonance::{Init, Plan, Values};
use std::error::Error;
use std::path::PathBuf;

/// A file to begin with.
#[derive(clap::Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Initial {
    /// Begin with the parameters in a safetensors file: a model, or a state dict of PyTorch
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// Of that file, take all layers but the last, which begins anew: for other classes
    #[arg(long, requires = "init")]
    pub(crate) new_head: bool,
}

impl Initial {
    /// Whether any parameter is drawn.
    pub(crate) fn draws(&self) -> bool {
        self.init.is_none() || self.new_head
    }

    /// The parameters to begin with. Whatever is not taken as the file has it is told to the user.
    pub(crate) fn parameters(
        &self,
        plan: &Plan,
        target: &TargetEncoding,
        initializer: Init,
        seed: u64,
    ) -> Result<Values, Box<dyn Error>> {
        let Some(file) = &self.init else { return Ok(initializer.draw(plan, seed)?) };
        let failed = |e: &dyn std::fmt::Display| format!("--init: {e}");
        let file = model_file(file).map_err(|e| failed(&e))?;
        let shown = file.display();
        let dict = StateDict::read(&file).map_err(|e| failed(&e))?;
        let tell = |line: &str| output::note(&format!("--init: {shown}: {}", output::plain(line)));
        let anew = "--new-head begins the last layer anew";
        let begun = if self.new_head {
            let body = dict.body(plan, &initializer.draw(plan, seed)?);
            let body = body.map_err(|e| failed(&e))?;
            tell(&format!("the last layer is not taken: it begins anew, by {initializer}"));
            body
        } else {
            if let Some(difference) = dict.target().and_then(|of| difference(of, target)) {
                return Err(format!("--init: {shown}: {difference}; {anew}").into());
            }
            dict.parameters(plan).map_err(|e| {
                let helps = initializer.draw(plan, seed).map(|drawn| dict.body(plan, &drawn));
                match helps {
                    Ok(Ok(_)) => format!("--init: {e}; {anew}"),
                    _ => failed(&e),
                }
            })?
        };
        begun.notes.iter().for_each(|note| tell(note));
        Ok(begun.parameters)
    }
}

/// How what a model answers is not what is to be learned; nothing if it is. Scales of numbers may
/// differ: a training can make up for them.
fn difference(model: &TargetEncoding, rows: &TargetEncoding) -> Option<String> {
    match (model, rows) {
        (TargetEncoding::Classes(model), TargetEncoding::Classes(rows)) if model == rows => None,
        (TargetEncoding::Classes(model), TargetEncoding::Classes(rows)) => {
            let only = |these: &[String], others: &[String]| {
                let missing = these.iter().filter(|class| !others.contains(class));
                listed(&missing.map(|class| &**class).collect::<Vec<_>>())
            };
            let parts = [
                ("only the model has ", only(model, rows)),
                ("only these rows have ", only(rows, model)),
            ];
            let parts = parts.into_iter().filter_map(|(who, list)| Some(format!("{who}{}", list?)));
            let parts: Vec<String> = parts.collect();
            Some(match parts.is_empty() {
                true => "answers the same classes in another order".to_string(),
                false => format!("answers other classes: {}", parts.join("; ")),
            })
        }
        (TargetEncoding::Classes(model), _) => {
            let classes = listed(&model.iter().map(|class| &**class).collect::<Vec<_>>());
            let classes = classes.unwrap_or_default();
            Some(format!("answers a class ({classes}), the target of these rows is a number"))
        }
        (_, TargetEncoding::Classes(rows)) => {
            let count = rows.len();
            Some(format!("answers a number, the target of these rows is one of {count} classes"))
        }
        _ => None,
    }
}

/// How many classes are named at most.
const NAMED: usize = 10;

/// The classes with commas between; nothing if there are none.
fn listed(classes: &[&str]) -> Option<String> {
    let (first, more) = classes.split_at(NAMED.min(classes.len()));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    (!first.is_empty()).then(|| output::plain(&first.join(", ")) + &more)
}
