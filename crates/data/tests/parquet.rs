//! Parquet: what is read, held to CSV files with the same cells, and what is refused.

mod common;

use common::goldens::{files, read_bytes};
use common::said;

#[cfg(not(feature = "parquet"))]
#[test]
fn the_feature_that_reads_them_is_named() {
    let message = said(read_bytes(&files()["many.parquet"]));
    let expected = "data.csv: is a Parquet file, which a program built with the feature parquet";
    assert!(message.starts_with(expected), "{message}");
}

#[cfg(feature = "parquet")]
mod read {
    use super::*;
    use common::goldens::hold_to_csv;
    use common::{Folder, cells};
    use consonance_data::{ReadOptions, Role, Schema, read_from};

    #[test]
    fn columns_are_the_tables_that_pandas_would_write_as_csv() {
        assert_eq!(hold_to_csv(".parquet"), 7);
    }

    #[test]
    fn dates_have_their_role_and_a_pipe_changes_nothing() {
        let bytes = &files()["pandas.parquet"];
        let table = read_bytes(bytes).unwrap();
        let schema = Schema::find(&table, &common::target("count")).unwrap();
        let born = table.names().position(|name| name == "born").unwrap();
        assert_eq!(schema.columns()[born].role, Role::Date);
        let options = ReadOptions::default();
        let piped = read_from(&mut bytes.as_slice(), "standard input", &options).unwrap();
        assert_eq!(cells(&piped), cells(&table));
        assert_eq!(cells(&read_bytes(&common::gzip(bytes)).unwrap()), cells(&table));
        let zoned = read_bytes(&files()["types_none.parquet"]).unwrap();
        assert_eq!(zoned.notes()[0].to_string(), "nano: times are read in UTC");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let of = |name: &str| said(read_bytes(&files()[name]));
        let nested = of("nested.parquet");
        assert!(nested.starts_with("data.csv: column \"inner\": holds List("), "{nested}");
        let binary = of("binary.parquet");
        assert!(
            binary.starts_with("data.csv: column \"blob\": holds Binary, expected "),
            "{binary}"
        );
        assert_eq!(of("empty.parquet"), "data.csv: is empty, expected rows of cells");
        let constant = of("constant.parquet");
        assert!(constant.contains("cells, which no table does; --limits off"), "{constant}");
    }

    #[test]
    fn files_cut_off_anywhere_are_refused() {
        for name in ["types_snappy.parquet", "pandas.parquet"] {
            let whole = &files()[name];
            for length in (0..whole.len()).step_by(11).chain(whole.len() - 60..whole.len()) {
                assert!(read_bytes(&whole[..length]).is_err(), "{name} {length}");
            }
        }
    }

    /// A flipped bit may change cells and names; nothing may panic, or take memory without end.
    #[test]
    fn flipped_bits_never_make_it_panic() {
        let folder = Folder::new();
        for name in ["pandas.parquet", "types_snappy.parquet", "types_groups.parquet"] {
            let whole = &files()[name];
            for at in (4..whole.len()).step_by(7) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                let path = folder.file("data.csv", &bytes);
                if let Ok(table) = consonance_data::read(path, &ReadOptions::default()) {
                    assert_eq!(cells(&table).len(), table.rows() * table.width(), "{name} {at}");
                }
            }
        }
    }
}
