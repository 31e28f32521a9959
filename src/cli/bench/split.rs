//! What a step on one thread spends its time on.

use consonance::host::{Beta, Kernels, MatMut, MatRef, Math};
use consonance::workloads::Workload;
use consonance::{Arena, Backend, Dataset, Init, Precision, products};
use serde::Serialize;
use std::time::Instant;

/// Shares of a step; together 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Split {
    /// The products of all layers, done by themselves.
    pub(super) products: f64,
    /// All else: gather, bias, activations, loss, and what it costs to go from one to the next.
    pub(super) pointwise: f64,
    /// The optimiser's update, done by itself.
    pub(super) update: f64,
}

/// Repetitions of each part; the median counts.
const TIMES: usize = 15;

/// Measures each part by itself. A backend without products of its own to call (candle) has all
/// but its update counted as products.
pub(super) fn measure(
    workload: &Workload,
    backend: &dyn Backend,
    data: &Dataset,
) -> Result<Split, Box<dyn std::error::Error>> {
    let Workload { plan, batch_size, optimizer, .. } = workload;
    let mut network = backend.network(plan, 1)?;
    network.set_parameters(&Init::GlorotUniform.draw(plan, 0)?)?;
    let rows: Vec<u32> = (0..*batch_size as u32).collect();
    let batch = data.batch(&rows);
    network.step(&batch, optimizer)?;
    let step = median(|| network.step(&batch, optimizer).map(drop))?;
    network.loss_and_gradient(&batch)?;
    let update = median(|| network.update(optimizer))?;
    let name = backend.info().name;
    let products = match products().into_iter().find(|kernels| kernels.name == name) {
        None => step - update,
        Some(kernels) => match plan.precision {
            Precision::F32 => products_alone(workload, &*kernels.f32)?,
            Precision::F64 => products_alone(workload, &*kernels.f64)?,
        },
    };
    let update = update.min(step);
    let products = products.min(step - update);
    Ok(Split {
        products: products / step,
        pointwise: (step - update - products) / step,
        update: update / step,
    })
}

/// The products of a step, by themselves, in seconds.
fn products_alone<T: Math>(
    workload: &Workload,
    kernels: &dyn Kernels<T>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let rows = workload.batch_size;
    let mut total = 0.0;
    for (number, layer) in workload.plan.dense_layers()?.iter().enumerate() {
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        let mut x = Arena::<T>::zeros(rows * inputs);
        let mut y = Arena::<T>::zeros(rows * outputs);
        let mut w = Arena::<T>::zeros(outputs * inputs);
        let forward = || {
            let (x, w) = (MatRef::new(&x, rows, inputs), MatRef::new(&w, outputs, inputs));
            kernels.gemm(x, w.t(), Beta::Zero, MatMut::new(&mut y, rows, outputs));
            Ok(())
        };
        total += median(forward)?;
        let weight_gradient = || {
            let (delta, x) = (MatRef::new(&y, rows, outputs), MatRef::new(&x, rows, inputs));
            kernels.gemm(delta.t(), x, Beta::Zero, MatMut::new(&mut w, outputs, inputs));
            Ok(())
        };
        total += median(weight_gradient)?;
        if number > 0 {
            let input_gradient = || {
                let (delta, w) = (MatRef::new(&y, rows, outputs), MatRef::new(&w, outputs, inputs));
                kernels.gemm(delta, w, Beta::Zero, MatMut::new(&mut x, rows, inputs));
                Ok(())
            };
            total += median(input_gradient)?;
        }
    }
    Ok(total)
}

/// The median time of a call, in seconds.
fn median(mut call: impl FnMut() -> consonance::Result<()>) -> consonance::Result<f64> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        call()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMES / 2])
}
