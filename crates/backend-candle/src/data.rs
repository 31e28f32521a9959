//! Data sets in the device's memory: copied once, so that afterwards only row numbers travel.

use crate::boundary::upload;
use candle_core::{Device, Result, Tensor};
use consonance_core::{Dataset, Rows, Targets};

/// How many data sets stay: one that is trained on and one to validate with.
const KEPT: usize = 2;

/// A data set's copy on the device.
#[derive(Clone)]
pub(crate) struct DeviceData {
    id: u64,
    /// [rows, inputs]
    features: Tensor,
    /// [rows, width] numbers or [rows, 1] classes of `u32`, once a loss has asked for them.
    targets: Option<Tensor>,
}

impl DeviceData {
    /// The features of `rows`.
    pub(crate) fn features(&self, rows: &Rows<'_>) -> Result<Tensor> {
        select(&self.features, rows)
    }

    /// The targets of `rows`; the copy must have been asked for with targets.
    pub(crate) fn targets(&self, rows: &Rows<'_>) -> Result<Tensor> {
        match &self.targets {
            Some(targets) => select(targets, rows),
            None => candle_core::bail!("the rows have no targets"),
        }
    }
}

fn select(table: &Tensor, rows: &Rows<'_>) -> Result<Tensor> {
    match rows {
        Rows::Range(range) => table.narrow(0, range.start, range.len()),
        Rows::List(list) => {
            table.index_select(&Tensor::from_slice(list, list.len(), table.device())?, 0)
        }
    }
}

/// The copies of the data sets used last, latest last.
#[derive(Default)]
pub(crate) struct DataCache {
    copies: Vec<DeviceData>,
}

impl DataCache {
    /// The copy of `data` on `device`, made if it is not there, with targets if `with_targets`.
    pub(crate) fn copy_of(
        &mut self,
        data: &Dataset,
        with_targets: bool,
        device: &Device,
    ) -> Result<DeviceData> {
        let held = self.copies.iter().position(|copy| copy.id == data.id());
        let mut copy = match held {
            Some(position) => self.copies.remove(position),
            None => {
                // room first: old copies and the new one together may not fit the device
                if self.copies.len() == KEPT {
                    self.copies.remove(0);
                }
                let features = upload(data.features(), (data.rows(), data.inputs()), device)?;
                DeviceData { id: data.id(), features, targets: None }
            }
        };
        if with_targets && copy.targets.is_none() {
            copy.targets = match data.targets() {
                Targets::None => None,
                Targets::Classes(classes) => {
                    Some(Tensor::from_slice(classes, (data.rows(), 1), device)?)
                }
                Targets::Values { width, values } => {
                    Some(upload(values, (data.rows(), *width), device)?)
                }
            };
        }
        self.copies.push(copy.clone());
        Ok(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consonance_core::Values;

    fn data(rows: usize) -> Dataset {
        let features: Vec<f32> = (0..2 * rows).map(|i| i as f32).collect();
        let classes = (0..rows as u32).collect();
        Dataset::new(2, Values::from(features), Targets::Classes(classes)).unwrap()
    }

    #[test]
    fn rows_come_as_named() {
        let data = data(5);
        let copy = DataCache::default().copy_of(&data, true, &Device::Cpu).unwrap();
        let list = [4_u32, 0, 4];
        let features: Vec<Vec<f32>> = copy.features(&Rows::List(&list)).unwrap().to_vec2().unwrap();
        assert_eq!(features, [[8.0, 9.0], [0.0, 1.0], [8.0, 9.0]]);
        let targets: Vec<Vec<u32>> = copy.targets(&Rows::Range(1..3)).unwrap().to_vec2().unwrap();
        assert_eq!(targets, [[1], [2]]);
    }

    #[test]
    fn the_last_data_sets_are_copied_once_and_older_ones_let_go() {
        let mut cache = DataCache::default();
        let (one, two, three) = (data(3), data(3), data(3));
        let id = |cache: &mut DataCache, data| {
            cache.copy_of(data, false, &Device::Cpu).unwrap().features.id()
        };
        let first = id(&mut cache, &one);
        let second = id(&mut cache, &two);
        assert_eq!(id(&mut cache, &one), first);
        // the least recently used goes
        id(&mut cache, &three);
        assert_eq!(cache.copies.len(), KEPT);
        assert_eq!(id(&mut cache, &one), first);
        assert_ne!(id(&mut cache, &two), second);
    }

    #[test]
    fn targets_are_copied_when_asked_for_and_features_not_again() {
        let mut cache = DataCache::default();
        let data = data(3);
        let copy = cache.copy_of(&data, false, &Device::Cpu).unwrap();
        assert!(copy.targets(&Rows::Range(0..1)).is_err());
        let complete = cache.copy_of(&data, true, &Device::Cpu).unwrap();
        assert!(complete.targets(&Rows::Range(0..1)).is_ok());
        assert_eq!(complete.features.id(), copy.features.id());
    }
}
