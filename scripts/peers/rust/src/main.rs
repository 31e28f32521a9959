//! Times the training step of candle-nn and burn on a workload that `workloads.py` wrote.
//!
//! `peers candle|burn-flex|burn-ndarray FOLDER SECONDS` prints the answer that `peer.py`
//! describes; the environment says how many threads compute.

mod burn_peer;
mod candle_peer;
mod clock;
mod data;

use clock::measure;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

const USAGE: &str = "usage: peers candle|burn-flex|burn-ndarray FOLDER SECONDS";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [peer, folder, seconds] = arguments.as_slice() else { return Err(USAGE.into()) };
    let time = Duration::from_secs_f64(seconds.parse()?);
    let data = data::Data::read(Path::new(folder)).map_err(|e| format!("{folder}: {e}"))?;
    let checked = data.workload.checked_steps;
    let answer = match peer.as_str() {
        "candle" => measure("autograd", &mut candle_peer::Network::new(&data)?, checked, time)?,
        "burn-flex" => measure("autodiff", &mut burn_peer::flex(&data), checked, time)?,
        "burn-ndarray" => measure("autodiff", &mut burn_peer::ndarray(&data), checked, time)?,
        _ => return Err(USAGE.into()),
    };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}
