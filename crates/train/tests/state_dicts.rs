//! State dicts as people have them: which are read, what is told of it, and which are refused.

use consonance_core::{Activation, Loss, Plan, Precision, Values};
use consonance_train::{InitialParameters, Result, StateDict};
use safetensors::tensor::{Dtype, TensorView};

/// Arrays with their shapes and numbers.
type Arrays = Vec<(String, Vec<usize>, Vec<f64>)>;

fn plan() -> Plan {
    Plan::mlp(2, &[4], 3, Activation::Relu, Loss::CrossEntropy)
}

/// The parameters of `plan`, numbers that every type of two bytes has.
fn arrays(plan: &Plan) -> Arrays {
    let parameters = plan.parameters().unwrap().into_iter();
    let numbers = |range: std::ops::Range<usize>| range.map(|i| i as f64 / 8.0 - 1.0).collect();
    parameters.map(|array| (array.name(), array.shape.clone(), numbers(array.range))).collect()
}

fn renamed(mut arrays: Arrays, name: impl Fn(&str) -> String) -> Arrays {
    arrays.iter_mut().for_each(|array| array.0 = name(&array.0));
    arrays
}

/// Bits of 1 sign, `exponent` and `fraction` digits of a number that is one of theirs: by the
/// definition of the formats, for numbers that are not subnormal.
fn half(value: f64, exponent: u32, fraction: u32) -> [u8; 2] {
    if value == 0.0 {
        return [0, 0];
    }
    let power = value.abs().log2().floor() as i32;
    let digits = (value.abs() / f64::from(power).exp2() - 1.0) * f64::from(1 << fraction);
    assert_eq!(digits.fract(), 0.0, "{value} is one of theirs");
    let biased = (power + (1 << (exponent - 1)) - 1) as u16;
    let sign = u16::from(value < 0.0) << 15;
    (sign | biased << fraction | digits as u16).to_le_bytes()
}

fn read(arrays: &Arrays, dtype: Dtype, plan: &Plan) -> Result<InitialParameters> {
    let (_folder, dict) = dict(arrays, dtype);
    dict.parameters(plan)
}

fn dict(arrays: &Arrays, dtype: Dtype) -> (tempfile::TempDir, StateDict) {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, _, numbers)| match dtype {
            Dtype::F16 => numbers.iter().flat_map(|&x| half(x, 5, 10)).collect(),
            Dtype::BF16 => numbers.iter().flat_map(|&x| half(x, 8, 7)).collect(),
            Dtype::F32 => numbers.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
            _ => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        })
        .collect();
    let views = arrays.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name.clone(), TensorView::new(dtype, shape.clone(), bytes).unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dict.safetensors");
    std::fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
    let dict = StateDict::read(&file).unwrap();
    (folder, dict)
}

/// All numbers of `arrays`, as they are to be found.
fn expected(arrays: &Arrays, precision: Precision) -> Values {
    let numbers: Vec<f64> = arrays.iter().flat_map(|array| array.2.clone()).collect();
    Values::rounded(precision, &numbers)
}

#[test]
fn the_plans_own_names_need_no_word() {
    for (dtype, precision) in [(Dtype::F32, Precision::F32), (Dtype::F64, Precision::F64)] {
        let plan = plan().precision(precision);
        let read = read(&arrays(&plan), dtype, &plan).unwrap();
        assert_eq!(read.parameters, expected(&arrays(&plan), precision));
        assert!(read.notes.is_empty(), "{:?}", read.notes);
    }
}

#[test]
fn what_stands_before_every_name_is_passed_over() {
    let plan = plan();
    for prefix in ["module.", "_orig_mod.", "_orig_mod.module.", "net.", "model.0.", "0."] {
        let arrays = renamed(arrays(&plan), |name| format!("{prefix}{name}"));
        let read = read(&arrays, Dtype::F32, &plan).unwrap();
        assert_eq!(read.parameters, expected(&arrays, Precision::F32), "{prefix}");
        assert_eq!(read.notes, [format!("'{prefix}' before every name was passed over")]);
    }
    // before some names only
    let some = renamed(arrays(&plan), |name| match name.starts_with('0') {
        true => format!("module.{name}"),
        false => name.to_string(),
    });
    let refusal = read(&some, Dtype::F32, &plan).unwrap_err().to_string();
    assert!(refusal.contains("'module.0.bias'") && refusal.contains("0.weight"), "{refusal}");
}

#[test]
fn layers_numbered_among_themselves_are_taken_where_shapes_leave_one_order() {
    let plan = plan();
    let called = |word: &'static str| {
        move |name: &str| {
            name.replacen("0.", &format!("{word}9."), 1).replacen("2.", &format!("{word}10."), 1)
        }
    };
    for word in ["fc", "model.linear_"] {
        let arrays = renamed(arrays(&plan), called(word));
        let read = read(&arrays, Dtype::F32, &plan).unwrap();
        assert_eq!(read.parameters, expected(&arrays, Precision::F32), "{word}");
        assert_eq!(read.notes, [format!("{word}9, {word}10 were taken for the layers 0, 2")]);
    }
    let refusal =
        |arrays: &Arrays, plan: &Plan| read(arrays, Dtype::F32, plan).unwrap_err().to_string();
    let square = Plan::mlp(4, &[4, 4], 4, Activation::Relu, Loss::CrossEntropy);
    let fc = |name: &str| format!("fc{name}");
    let ambiguous = refusal(&renamed(arrays(&square), fc), &square);
    assert!(
        ambiguous.contains("more than one order") && ambiguous.contains("0, 2, 4"),
        "{ambiguous}"
    );
    let deeper = Plan::mlp(2, &[4, 5], 3, Activation::Relu, Loss::CrossEntropy);
    let count = refusal(&renamed(arrays(&deeper), fc), &plan);
    assert!(count.contains("fc0, fc2, fc4") && count.contains("0, 2"), "{count}");
    let swapped = renamed(arrays(&plan), |name| match name.split_once('.').unwrap() {
        ("0", role) => format!("fc2.{role}"),
        (_, role) => format!("fc1.{role}"),
    });
    assert!(refusal(&swapped, &plan).contains("'fc1.weight' has shape"));
}

#[test]
fn halves_are_widened_exactly() {
    for dtype in [Dtype::F16, Dtype::BF16] {
        for precision in [Precision::F32, Precision::F64] {
            let plan = plan().precision(precision);
            let read = read(&arrays(&plan), dtype, &plan).unwrap();
            assert_eq!(read.parameters, expected(&arrays(&plan), precision), "{dtype}");
            assert_eq!(read.notes, [format!("{dtype} was widened to {precision}, which is exact")]);
        }
    }
    let plan = plan();
    let rounded = read(&arrays(&plan), Dtype::F64, &plan).unwrap();
    assert_eq!(rounded.notes, ["F64 was rounded to f32"]);
}

/// Dropout between the layers moves their numbers: what lies there is not known.
#[test]
fn missing_and_further_layers_are_refused() {
    let plan = plan();
    let refusal = |arrays: Arrays| read(&arrays, Dtype::F32, &plan).unwrap_err().to_string();
    let mut no_bias = arrays(&plan);
    no_bias.retain(|array| array.0.ends_with("weight"));
    assert!(refusal(no_bias.clone()).contains("holds no '0.bias'"));
    let no_bias = refusal(renamed(no_bias, |name| format!("module.{name}")));
    assert!(no_bias.contains("module.0.weight"), "{no_bias}");
    for prefix in ["", "net."] {
        let moved = |name: &str| format!("{prefix}{}", name.replace("2.", "3."));
        let dropout = refusal(renamed(arrays(&plan), moved));
        assert!(dropout.contains("3.bias") || dropout.contains("net.0.bias"), "{dropout}");
        assert!(dropout.contains("expected only 0.weight, 0.bias, 2.weight, 2.bias"), "{dropout}");
    }
    let mut further = arrays(&plan);
    further.push(("4.weight".to_string(), vec![1], vec![0.0]));
    assert!(refusal(further).contains("'4.weight'"));
}

#[test]
fn a_body_is_taken_without_its_head() {
    let plan = plan();
    let other = Plan::mlp(2, &[4], 5, Activation::Relu, Loss::CrossEntropy);
    let drawn = Values::from(vec![9.0_f32; plan.parameter_count().unwrap()]);
    let body: Vec<f64> = arrays(&plan).iter().take(2).flat_map(|array| array.2.clone()).collect();
    let head_length = drawn.len() - body.len();
    let mut headless = arrays(&plan);
    headless.truncate(2);
    for arrays in [
        arrays(&other),
        headless,
        renamed(arrays(&other), |name| format!("module.{name}")),
        renamed(arrays(&other), |name| format!("fc{name}")),
    ] {
        let (_folder, dict) = dict(&arrays, Dtype::F32);
        let taken = dict.body(&plan, &drawn).unwrap().parameters.to_f64();
        assert_eq!(taken[..body.len()], body);
        assert_eq!(taken[body.len()..], vec![9.0; head_length]);
    }
    let (_folder, dict) = dict(&arrays(&other), Dtype::F32);
    assert!(dict.parameters(&plan).is_err(), "its head has another shape");
    let short = Values::from(vec![0.0_f32; 3]);
    assert!(dict.body(&plan, &short).unwrap_err().to_string().contains("3 parameters"));
}
