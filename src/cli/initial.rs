//! What a training begins with: parameters that are drawn, or those in a file.

use super::model_path::model_file;
use super::output;
use consonance::train::StateDict;
use consonance::{Init, Plan, Values};
use std::error::Error;
use std::path::PathBuf;

/// A file to begin with.
#[derive(clap::Args)]
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
