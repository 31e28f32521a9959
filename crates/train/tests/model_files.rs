//! Model files: what is damaged, of another format or changed is refused, and never answered from.

use consonance_train::{Model, ModelFile, StateDict};
use std::fs;
use std::path::{Path, PathBuf};

/// A model of format 1.
fn format_1() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("tests/goldens/format1_classes.safetensors")
}

/// The same model in the present format, and its bytes.
fn written(folder: &Path) -> (Model, Vec<u8>) {
    let (model, file) = (Model::load(&format_1()).unwrap(), folder.join("model.safetensors"));
    model.save(&file).unwrap();
    (model, fs::read(&file).unwrap())
}

/// A file with its description edited, as text.
fn edited(bytes: &[u8], edit: impl Fn(&str) -> String) -> Vec<u8> {
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..end]).unwrap();
    let description = &mut header["__metadata__"]["consonance"];
    let text = edit(description.as_str().unwrap());
    *description = text.into();
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[end..]].concat()
}

fn refusal(file: &Path, bytes: &[u8]) -> String {
    fs::write(file, bytes).unwrap();
    let refused = ModelFile::read(file).expect_err("refused").to_string();
    assert!(refused.contains(&*file.to_string_lossy()), "names the file: {refused}");
    let begun = StateDict::read(file).map(drop).expect_err("refused as a beginning too");
    assert_eq!(begun.to_string(), refused);
    refused
}

#[test]
fn a_model_comes_back_with_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let (model, bytes) = written(folder.path());
    let file = folder.path().join("model.safetensors");
    let read = ModelFile::read(&file).unwrap();
    assert_eq!(read.model, model);
    let checksum = read.checksum.expect("it is written with one");
    assert!(String::from_utf8_lossy(&bytes).contains(&checksum));
    model.save(&file).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes, "equal models, equal bytes");
    assert_eq!(ModelFile::read(&format_1()).unwrap().checksum, None);
}

/// Every bit: of the length of the header, the header, the padding, the parameters.
#[test]
fn every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (model, bytes) = written(folder.path());
    let file = folder.path().join("flipped.safetensors");
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, &flipped).unwrap();
        assert!(Model::load(&file).is_err(), "bit {bit} of {}", 8 * bytes.len());
        // without the key of its description it is a state dict, whose numbers are whole
        if let Ok(dict) = StateDict::read(&file) {
            assert_eq!(dict.target(), None, "bit {bit}");
            let begun = dict.parameters(&model.plan).unwrap();
            assert_eq!(begun.parameters, model.parameters, "bit {bit}");
        }
    }
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(refusal(&file, &flipped).contains("damaged"));
}

#[test]
fn a_checksum_that_is_gone_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = written(folder.path());
    let file = folder.path().join("edited.safetensors");
    let without = edited(&bytes, |text| format!("{{{}", &text["{'checksum':'01234567',".len()..]));
    assert!(refusal(&file, &without).contains("checksum"));
    let elsewhere = edited(&bytes, |text| {
        let entries = &text["{'checksum':'01234567',".len()..text.len() - 1];
        format!("{{{},\"checksum\":\"01234567\"}}", entries.replace("format\":2", "format\":1"))
    });
    assert!(refusal(&file, &elsewhere).contains("checksum"));
}

#[test]
fn an_entry_that_is_not_known_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(format_1()).unwrap();
    let file = folder.path().join("edited.safetensors");
    for (place, of) in [("\"plan\"", "the description"), ("\"inputs\"", "the plan")] {
        let bytes = edited(&good, |text| text.replacen(place, &format!("\"extra\":1,{place}"), 1));
        let refused = refusal(&file, &bytes);
        assert!(refused.contains("extra"), "{of}: {refused}");
    }
    let unchanged = edited(&good, str::to_string);
    fs::write(&file, unchanged).unwrap();
    assert_eq!(Model::load(&file).unwrap(), Model::load(&format_1()).unwrap());
}

#[test]
fn another_format_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = written(folder.path());
    let file = folder.path().join("edited.safetensors");
    for format in ["0", "3", "99"] {
        let other =
            edited(&bytes, |text| text.replace("format\":2", &format!("format\":{format}")));
        let refused = refusal(&file, &other);
        assert!(
            refused.contains(&format!("format {format}, this version reads 1 to 2")),
            "{refused}"
        );
    }
}
