//! A checksum over all that a model file holds.

use safetensors::tensor::TensorView;

/// What a description that carries a checksum begins with.
const OPENING: &str = "{\"checksum\":\"";

/// Hexadecimal digits of a checksum.
const DIGITS: usize = 8;

/// The checksum of a description, without a checksum in it, and of the tensors: their names, types,
/// shapes and bytes. It is the CRC-32 of gzip, which is another after any flipped bit, and after
/// any damage within 32 bits that follow each other, however long the file; any other damage has
/// the same one once in 2³². It is no protection from someone who means to change a file.
pub(crate) fn checksum(description: &str, tensors: &[(String, TensorView<'_>)]) -> String {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| name);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(description.as_bytes());
    for (name, tensor) in sorted {
        // on a line of its own, so that nothing can move from one tensor to the next unseen
        let (dtype, shape, bytes) = (tensor.dtype(), tensor.shape(), tensor.data());
        hasher.update(format!("\n{name} {dtype} {shape:?} {}\n", bytes.len()).as_bytes());
        hasher.update(bytes);
    }
    format!("{:08x}", hasher.finalize())
}

/// `description`, a JSON object that is not empty, with `checksum` as its first entry.
pub(crate) fn with_checksum(description: &str, checksum: &str) -> String {
    let entries = description.strip_prefix('{').unwrap_or(description);
    format!("{OPENING}{checksum}\",{entries}")
}

/// The checksum in `text`, and `text` as it was before [`with_checksum`].
pub(crate) fn split_checksum(text: &str) -> Option<(&str, String)> {
    let (checksum, rest) = text.strip_prefix(OPENING)?.split_at_checked(DIGITS)?;
    let entries = rest.strip_prefix("\",")?;
    Some((checksum, format!("{{{entries}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::Dtype;

    fn tensor(dtype: Dtype, shape: &[usize], bytes: &'static [u8]) -> TensorView<'static> {
        TensorView::new(dtype, shape.to_vec(), bytes).unwrap()
    }

    /// What Python's `zlib.crc32` makes of the bytes that the documentation names. Files hold it:
    /// it may not change.
    #[test]
    fn a_checksum_is_zlibs_of_description_and_tensors() {
        let weight = tensor(Dtype::F32, &[1, 2], &[0, 0, 128, 63, 0, 0, 0, 191]);
        let bias = tensor(Dtype::F64, &[1], &[0, 0, 0, 0, 0, 0, 8, 64]);
        let mut tensors = [("0.weight".to_string(), weight), ("0.bias".to_string(), bias)];
        assert_eq!(checksum("{\"format\":2}", &tensors), "3126e21e");
        tensors.reverse();
        assert_eq!(checksum("{\"format\":2}", &tensors), "3126e21e");
    }

    #[test]
    fn a_checksum_comes_off_as_it_went_on() {
        let text = with_checksum("{\"format\":2}", "0123abcd");
        assert_eq!(text, "{\"checksum\":\"0123abcd\",\"format\":2}");
        assert_eq!(split_checksum(&text), Some(("0123abcd", "{\"format\":2}".to_string())));
        for other in
            ["", "{\"format\":2}", "{\"checksum\":\"0123\"}", "{\"checksum\":\"0123456é\"}"]
        {
            assert_eq!(split_checksum(other), None, "{other}");
        }
    }
}
