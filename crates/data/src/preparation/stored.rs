//! A preparation as it stands in a model file, in this version's form or in the first one's.

use super::columns::{Preparation, PreparedColumn, TargetColumn, TargetEncoding, Use};
use super::encoder::{Encoder, Fill, Number};
use super::scale::Scale;
use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use crate::roles::Role;
use crate::standardizer::Standardizer;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version this one writes.
const VERSION: u32 = 2;

/// Both forms' fields: those of the other form are absent.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingWords>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<PreparedColumn>>,
    target: Option<TargetEncoding>,
    #[serde(skip_serializing)]
    schema: Option<FirstSchema>,
    #[serde(skip_serializing)]
    features: Option<Standardizer>,
}

/// The columns as the first version kept them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstSchema {
    features: Vec<String>,
    target: Option<FirstColumn>,
    #[serde(default)]
    ignored: Vec<FirstColumn>,
    named: bool,
}

/// A column that is no feature, and where it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstColumn {
    name: String,
    position: usize,
}

impl Serialize for Preparation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Preparation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Preparation::try_from(Stored::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl From<Preparation> for Stored {
    fn from(preparation: Preparation) -> Self {
        Stored {
            version: Some(VERSION),
            named: Some(preparation.named),
            missing: preparation.missing,
            columns: Some(preparation.columns),
            target: Some(preparation.target),
            schema: None,
            features: None,
        }
    }
}

impl TryFrom<Stored> for Preparation {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let target = stored.target.ok_or("missing field `target`")?;
        match (stored.version, stored.schema) {
            (None, Some(schema)) => first_version(schema, stored.features, target),
            (Some(VERSION), None) if stored.features.is_none() => Ok(Preparation {
                columns: stored.columns.ok_or("missing field `columns`")?,
                named: stored.named.ok_or("missing field `named`")?,
                missing: stored.missing,
                target,
            }),
            (Some(VERSION) | None, _) => {
                Err("its columns are described in no known way".to_owned())
            }
            (Some(version), _) => {
                Err(format!("the preparation is of version {version}, this one reads {VERSION}"))
            }
        }
    }
}

/// What the first version knew: numbers, standardised or not, and a target.
fn first_version(
    schema: FirstSchema,
    features: Option<Standardizer>,
    target: TargetEncoding,
) -> Result<Preparation, String> {
    let count = schema.features.len();
    if let Some(standardizer) = &features {
        standardizer.check(count).map_err(|problem| format!("features: {problem}"))?;
    }
    let mut columns: Vec<PreparedColumn> = schema
        .features
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let scale = features.as_ref().map_or(Scale::NONE, |standardizer| Scale {
                center: standardizer.mean[index],
                scale: standardizer.scale[index],
                ..Scale::NONE
            });
            let fill = Fill { missing_as: None, indicator: false };
            let number = Number {
                format: NumberFormat::default(),
                odd: Vec::new(),
                fill,
                infinite_as: None,
                scale,
            };
            PreparedColumn { name, used: Use::Input(Encoder::Number(number)) }
        })
        .collect();
    let target_column = schema.target.map(|column| {
        let target = TargetColumn { order: 0, format: NumberFormat::default(), words: None };
        (column, Use::Target(target))
    });
    let passed = schema.ignored.into_iter().map(|column| (column, Use::PassedOver(Role::Ignore)));
    let mut others: Vec<(FirstColumn, Use)> = target_column.into_iter().chain(passed).collect();
    others.sort_by_key(|(column, _)| column.position);
    for (column, used) in others {
        let at = column.position.min(columns.len());
        columns.insert(at, PreparedColumn { name: column.name, used });
    }
    Ok(Preparation { columns, named: schema.named, missing: None, target })
}
