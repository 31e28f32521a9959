//! Finds the labels of an IDX file, and the pair of IDX files in a folder, by MNIST's names.

use crate::error::{Error, Result};
use crate::options::Pair;
use std::path::{Path, PathBuf};

/// The file of labels beside the file `images`: `images` becomes `labels` and `idx3` `idx1` in
/// its name, with or without `.gz`.
pub(crate) fn labels_beside(images: &Path) -> Option<PathBuf> {
    label_names(images)?.into_iter().map(|name| images.with_file_name(name)).find(|p| p.is_file())
}

/// What the labels of `images` may be called, if its name has `images` in it.
fn label_names(images: &Path) -> Option<[String; 2]> {
    let name = images.file_name()?.to_str()?;
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let at = plain.rfind("images")?;
    let (before, after) = (&plain[..at], &plain[at + "images".len()..]);
    let labels = format!("{before}labels{}", after.replace("idx3", "idx1"));
    let packed = format!("{labels}.gz");
    // the one packed like the images comes first
    Some(if name == plain { [labels, packed] } else { [packed, labels] })
}

/// What is said where images have no labels, and they are needed.
pub(crate) fn missing_labels(file: &Path) -> String {
    if file.extension().is_some_and(|extension| extension == "npy" || extension == "npz") {
        return "holds images without labels; save them with the images in one .npz, as X and y"
            .to_owned();
    }
    match label_names(file) {
        Some([first, second]) => format!("no labels beside it: looked for {first} and {second}"),
        None => "its name has no 'images' in it to find its labels by; name both".to_owned(),
    }
}

/// The images and labels in `folder`; of several those whose name begins as `pair` says.
pub(crate) fn find_pair(folder: &Path, pair: Pair) -> Result<(PathBuf, PathBuf)> {
    let io = |source| Error::Io { file: folder.to_owned(), source };
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let images = entry.map_err(io)?.path();
        if let (true, Some(labels)) = (images.is_file(), labels_beside(&images)) {
            pairs.push((images, labels));
        }
    }
    pairs.sort();
    // a file both packed and unpacked is one pair
    pairs.dedup_by(|a, b| label_names(&a.0).map(sorted) == label_names(&b.0).map(sorted));
    if pairs.len() > 1 {
        let beginnings: &[&str] = match pair {
            Pair::Train => &["train"],
            Pair::Test => &["t10k", "test"],
        };
        let wanted = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            beginnings.iter().any(|beginning| name.starts_with(beginning))
        };
        if pairs.iter().filter(|(images, _)| wanted(images)).count() == 1 {
            pairs.retain(|(images, _)| wanted(images));
        }
    }
    match <[_; 1]>::try_from(pairs) {
        Ok([pair]) => Ok(pair),
        Err(pairs) if pairs.is_empty() => Err(Error::file(
            folder,
            "is a folder without a pair of IDX files; looked for an images file such as \
             train-images-idx3-ubyte and its labels train-labels-idx1-ubyte, plain or .gz",
        )),
        Err(pairs) => {
            let names: Vec<_> =
                pairs.iter().map(|(images, _)| images.display().to_string()).collect();
            let problem =
                format!("holds several pairs of IDX files, name one: {}", names.join(", "));
            Err(Error::file(folder, problem))
        }
    }
}

fn sorted(mut names: [String; 2]) -> [String; 2] {
    names.sort();
    names
}
