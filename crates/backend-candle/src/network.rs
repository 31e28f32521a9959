//! A network in candle's tensors.

use crate::boundary::{download, dtype, message, upload};
use crate::data::{DataCache, DeviceData};
use crate::{activation, loss, optimizer};
use candle_core::{Device, Tensor};
use consonance_core::{
    Batch, Dataset, DenseLayer, Element, Error, Network, Optimizer, OptimizerState, Plan,
    Precision, Result, Targets, Values,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::Range;

/// How many numbers the widest matrix of a pass may have: rows beyond go through in blocks, so
/// that a whole data set may be one batch. 64 MiB of `f32`; mini-batches stay far below.
const BLOCK: usize = 1 << 24;

pub(crate) struct CandleNetwork {
    backend: &'static str,
    plan: Plan,
    layers: Vec<DenseLayer>,
    device: Device,
    /// Bounds the threads of candle's products on the CPU: they run in the pool they are called
    /// in. How they are cut into parts does not depend on it, and parts share no sums.
    pool: Option<ThreadPool>,
    /// Rows that go through the network at once.
    block_rows: usize,
    data: DataCache,
    /// All parameters, laid out as the plan says; weights and biases are views of it.
    parameters: Tensor,
    /// Laid out like the parameters.
    gradient: Tensor,
    /// Each laid out like the parameters.
    moments: Vec<Tensor>,
    steps: u64,
}

/// What a dense layer read and wrote, kept for the way back.
struct Pass {
    /// [rows, inputs]
    input: Tensor,
    /// Before the activation, [rows, outputs].
    sums: Tensor,
    /// After it.
    output: Tensor,
}

impl CandleNetwork {
    pub(crate) fn new(
        backend: &'static str,
        plan: &Plan,
        device: Device,
        threads: usize,
    ) -> Result<Self> {
        let layers = plan.dense_layers()?;
        let failed = |message| Error::Backend { backend: backend.into(), message };
        let pool = match &device {
            Device::Cpu => {
                let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
                Some(pool.map_err(|error| failed(error.to_string()))?)
            }
            _ => None,
        };
        let count = plan.parameter_count()?;
        fits_device(backend, &device, "parameters", count)?;
        let parameters = Tensor::zeros(count, dtype(plan.precision), &device)
            .map_err(|error| failed(message(&error)))?;
        let widest = layers.iter().map(|layer| layer.outputs).fold(plan.inputs, usize::max);
        Ok(CandleNetwork {
            backend,
            plan: plan.clone(),
            layers,
            device,
            pool,
            block_rows: (BLOCK / widest).max(1),
            data: DataCache::default(),
            gradient: parameters.clone(),
            parameters,
            moments: Vec::new(),
            steps: 0,
        })
    }

    /// Runs `work` on the network's own threads.
    fn run<R: Send>(&self, work: impl FnOnce() -> candle_core::Result<R> + Send) -> Result<R> {
        let result = match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        };
        result.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &candle_core::Error) -> Error {
        Error::Backend { backend: self.backend.into(), message: message(error) }
    }

    fn copy_of(&mut self, data: &Dataset, with_targets: bool) -> Result<DeviceData> {
        let targets = match data.targets() {
            Targets::Values { values, .. } => values.len(),
            Targets::None | Targets::Classes(_) => data.rows(),
        };
        let numbers = data.features().len().max(targets);
        fits_device(self.backend, &self.device, "numbers in a data set", numbers)?;
        let copy = self.data.copy_of(data, with_targets, &self.device);
        copy.map_err(|error| self.failed(&error))
    }

    /// The positions of `rows` rows, block by block.
    fn blocks(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = self.block_rows;
        (0..rows).step_by(size).map(move |start| start..rows.min(start + size))
    }

    /// W [outputs, inputs].
    fn weight(&self, layer: &DenseLayer) -> candle_core::Result<Tensor> {
        let weight = self.parameters.narrow(0, layer.weight.start, layer.weight.len())?;
        weight.reshape((layer.outputs, layer.inputs))
    }

    /// x·Wᵀ + b
    fn sums(&self, layer: &DenseLayer, input: &Tensor) -> candle_core::Result<Tensor> {
        let bias = self.parameters.narrow(0, layer.bias.start, layer.bias.len())?;
        input.matmul(&self.weight(layer)?.t()?)?.broadcast_add(&bias)
    }

    /// All layers, first to last, with all that the way back needs.
    fn passes(&self, features: Tensor) -> candle_core::Result<Vec<Pass>> {
        let mut passes = Vec::with_capacity(self.layers.len());
        let mut input = features;
        for layer in &self.layers {
            let sums = self.sums(layer, &input)?;
            let output = activation::apply(layer.activation, &sums)?;
            passes.push(Pass { input, sums, output: output.clone() });
            input = output;
        }
        Ok(passes)
    }

    /// What layer `wanted` of the plan answers, keeping nothing on the way.
    fn output_of(&self, features: Tensor, wanted: usize) -> candle_core::Result<Tensor> {
        let mut output = features;
        for layer in self.layers.iter().take_while(|layer| layer.layer <= wanted) {
            output = self.sums(layer, &output)?;
            if layer.last <= wanted {
                output = activation::apply(layer.activation, &output)?;
            }
        }
        Ok(output)
    }

    /// `output_of` for every row of the batch, block by block.
    fn outputs(&mut self, batch: &Batch<'_>, wanted: usize) -> Result<Values> {
        self.plan.check_inputs(batch)?;
        let data = self.copy_of(batch.data, false)?;
        self.by_blocks(batch, |positions| {
            self.output_of(data.features(&batch.rows.part(positions))?, wanted)
        })
    }

    /// The matrices `one` makes of each block of rows, one below the other.
    fn by_blocks(
        &self,
        batch: &Batch<'_>,
        one: impl Fn(Range<usize>) -> candle_core::Result<Tensor> + Sync + Send,
    ) -> Result<Values> {
        let blocks = self.run(|| {
            self.blocks(batch.len()).map(|positions| download(&one(positions)?)).collect()
        })?;
        Ok(match self.plan.precision {
            Precision::F32 => joined::<f32>(blocks),
            Precision::F64 => joined::<f64>(blocks),
        })
    }

    /// The loss, summed over rows, and the gradient of `scale` times it for one block.
    fn block_gradient(
        &self,
        features: Tensor,
        targets: &Tensor,
        scale: f64,
    ) -> candle_core::Result<(f64, Tensor)> {
        let passes = self.passes(features)?;
        let outputs = &passes[passes.len() - 1].output;
        let (loss, mut delta) = loss::loss_and_gradient(self.plan.loss, outputs, targets, scale)?;
        // a product with ones adds up the rows: candle's own sum over rows is slow
        let ones = Tensor::ones((1, delta.dim(0)?), delta.dtype(), &self.device)?;
        let mut pieces = Vec::with_capacity(2 * self.layers.len());
        for (index, (layer, pass)) in self.layers.iter().zip(&passes).enumerate().rev() {
            delta = activation::backward(layer.activation, &pass.sums, &pass.output, &delta)?;
            pieces.push(ones.matmul(&delta)?.flatten_all()?);
            pieces.push(delta.t()?.matmul(&pass.input)?.flatten_all()?);
            if index > 0 {
                delta = delta.matmul(&self.weight(layer)?)?;
            }
        }
        pieces.reverse();
        Ok((loss, Tensor::cat(&pieces, 0)?))
    }

    /// The gradient with respect to the features for one block, `delta` being that with respect
    /// to the outputs.
    fn block_input_gradient(
        &self,
        features: Tensor,
        mut delta: Tensor,
    ) -> candle_core::Result<Tensor> {
        let passes = self.passes(features)?;
        for (layer, pass) in self.layers.iter().zip(&passes).rev() {
            delta = activation::backward(layer.activation, &pass.sums, &pass.output, &delta)?;
            delta = delta.matmul(&self.weight(layer)?)?;
        }
        Ok(delta)
    }

    /// `values`, one for each parameter, as a tensor.
    fn flat(&self, what: &'static str, values: &Values) -> Result<Tensor> {
        let count = self.parameters.elem_count();
        match self.plan.precision {
            Precision::F32 => values.expect::<f32>(what, count).map(drop)?,
            Precision::F64 => values.expect::<f64>(what, count).map(drop)?,
        }
        upload(values, count, &self.device).map_err(|error| self.failed(&error))
    }
}

impl Network for CandleNetwork {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values> {
        self.outputs(batch, self.plan.layers.len() - 1)
    }

    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.plan.check_batch(batch)?;
        let data = self.copy_of(batch.data, true)?;
        let plan = &self.plan;
        let divisor = plan.loss.divisor(plan.reduction, batch.len(), plan.outputs());
        let (loss, gradient) = self.run(|| {
            let block = |positions: Range<usize>| {
                let rows = batch.rows.part(positions);
                self.block_gradient(data.features(&rows)?, &data.targets(&rows)?, 1.0 / divisor)
            };
            let mut blocks = self.blocks(batch.len());
            // a batch has at least one row: checked
            let first = block(blocks.next().unwrap_or(0..0))?;
            blocks.try_fold(first, |(loss, gradient), positions| {
                let (more, and) = block(positions)?;
                candle_core::Result::Ok((loss + more, (gradient + and)?))
            })
        })?;
        self.gradient = gradient;
        Ok(loss / divisor)
    }

    fn update(&mut self, optimizer: &Optimizer) -> Result<()> {
        optimizer.check()?;
        let wanted = optimizer.moments();
        let fresh = self.steps == 0 && self.moments.is_empty();
        if !fresh && self.moments.len() != wanted {
            return Err(Error::Optimizer(format!(
                "{} keeps {wanted} moments, the network holds {} from earlier updates",
                optimizer.name(),
                self.moments.len()
            )));
        }
        let (parameters, moments) = self.run(|| {
            let zeros;
            let moments = if fresh {
                zeros = vec![self.parameters.zeros_like()?; wanted];
                &zeros
            } else {
                &self.moments
            };
            optimizer::updated(
                optimizer,
                self.steps + 1,
                self.plan.precision,
                &self.parameters,
                &self.gradient,
                moments,
            )
        })?;
        self.parameters = parameters;
        self.moments = moments;
        self.steps += 1;
        Ok(())
    }

    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values> {
        self.plan.check_inputs(batch)?;
        let outputs = self.plan.outputs();
        let count = batch.len() * outputs;
        match self.plan.precision {
            Precision::F32 => coefficients.expect::<f32>("coefficients", count).map(drop)?,
            Precision::F64 => coefficients.expect::<f64>("coefficients", count).map(drop)?,
        }
        let data = self.copy_of(batch.data, false)?;
        let coefficients = upload(coefficients, (batch.len(), outputs), &self.device)
            .map_err(|error| self.failed(&error))?;
        self.by_blocks(batch, |positions| {
            let delta = coefficients.narrow(0, positions.start, positions.len())?;
            self.block_input_gradient(data.features(&batch.rows.part(positions))?, delta)
        })
    }

    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values> {
        let layers = self.plan.layers.len();
        if layer >= layers {
            return Err(Error::Plan(format!(
                "there is no layer {layer}, the network has {layers}, counted from 0"
            )));
        }
        self.outputs(batch, layer)
    }

    fn parameters(&self) -> Result<Values> {
        self.run(|| download(&self.parameters))
    }

    fn set_parameters(&mut self, parameters: &Values) -> Result<()> {
        self.parameters = self.flat("parameters", parameters)?;
        Ok(())
    }

    fn gradient(&self) -> Result<Values> {
        self.run(|| download(&self.gradient))
    }

    fn set_gradient(&mut self, gradient: &Values) -> Result<()> {
        self.gradient = self.flat("the gradient", gradient)?;
        Ok(())
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        let moments = self.run(|| self.moments.iter().map(download).collect())?;
        Ok(OptimizerState { steps: self.steps, moments })
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        let moments: Result<_> =
            state.moments.iter().map(|moment| self.flat("a moment", moment)).collect();
        self.moments = moments?;
        self.steps = state.steps;
        Ok(())
    }
}

/// The blocks' elements in one buffer; the usual single block is handed on as it is.
fn joined<T: Element>(mut blocks: Vec<Values>) -> Values {
    if blocks.len() == 1 {
        return blocks.remove(0);
    }
    T::values(blocks.iter().filter_map(T::slice).flatten().copied().collect())
}

/// candle's CUDA kernels count elements with 32 bits, and would wrap around in silence.
fn fits_device(backend: &str, device: &Device, what: &str, count: usize) -> Result<()> {
    if device.is_cuda() && u32::try_from(count).is_err() {
        return Err(Error::Unsupported {
            backend: backend.into(),
            what: format!("{count} {what}, at most {} fit its kernels' counters", u32::MAX),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use consonance_core::{Activation, Loss};

    /// Small whole numbers, so that every sum is exact and blocks must give the same bits.
    #[test]
    fn blocks_of_rows_answer_what_all_rows_at_once_do() {
        let plan = Plan::mlp(2, &[3], 2, Activation::Relu, Loss::MeanSquaredError)
            .precision(Precision::F64)
            .reduction(consonance_core::Reduction::Sum);
        let whole = |count: usize, step: usize| -> Values {
            (0..count).map(|i| (i * step % 7) as f64 - 3.0).collect::<Vec<_>>().into()
        };
        let targets = Targets::Values { width: 2, values: whole(14, 3) };
        let data = Dataset::new(2, whole(14, 5), targets).unwrap();
        let coefficients = whole(12, 4);
        let list = [6, 0, 3, 3, 1, 5];
        let answers = |block_rows: Option<usize>| {
            let mut network = CandleNetwork::new("candle", &plan, Device::Cpu, 1).unwrap();
            network.block_rows = block_rows.unwrap_or(network.block_rows);
            network.set_parameters(&whole(plan.parameter_count().unwrap(), 2)).unwrap();
            let batch = data.batch(&list);
            let loss = network.loss_and_gradient(&batch).unwrap();
            let gradient = network.gradient().unwrap();
            assert!(gradient.iter().any(|g| g != 0.0));
            let inputs = network.input_gradient(&batch, &coefficients).unwrap();
            (loss, gradient, inputs, network.forward(&data.all()).unwrap())
        };
        let at_once = answers(None);
        assert_eq!(at_once.3.len(), 14);
        for block_rows in [1, 2, 4] {
            assert_eq!(answers(Some(block_rows)), at_once, "{block_rows} rows at once");
        }
    }

    /// A tensor that remembers how it was made keeps alive all it was made of, step after step.
    #[test]
    fn nothing_of_the_step_before_is_kept() {
        let plan = Plan::new(1, Loss::MeanSquaredError).dense(1);
        let mut network = CandleNetwork::new("candle", &plan, Device::Cpu, 1).unwrap();
        let targets = Targets::Values { width: 1, values: Values::from(vec![2.0_f32]) };
        let data = Dataset::new(1, Values::from(vec![1.0_f32]), targets).unwrap();
        network.step(&data.all(), &Optimizer::adam(0.1)).unwrap();
        let kept = [&network.parameters, &network.gradient].into_iter().chain(&network.moments);
        assert_eq!(kept.clone().count(), 4);
        assert!(!kept.into_iter().any(|tensor| tensor.track_op()));
    }
}
