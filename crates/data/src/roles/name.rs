//! Names that tell of a key.

/// True for the names of keys and row numbers: `id`, `customer_id`, `PassengerId`, `rownames`,
/// pandas' `Unnamed: 0`.
pub(super) fn is_key(name: &str) -> bool {
    const NAMES: [&str; 10] =
        ["", "id", "index", "rownames", "row", "nr", "no", "key", "uuid", "unnamed: 0"];
    let lower = name.trim().to_lowercase();
    let ending = ["_id", ".id", "-id", " id", "_key", "_no", "_nr"];
    NAMES.contains(&lower.as_str())
        || ending.iter().any(|ending| lower.ends_with(ending))
        || ends_in_camel_case_id(name)
}

/// `PassengerId` or `userID`, but not `Covid`.
fn ends_in_camel_case_id(name: &str) -> bool {
    let before = name.strip_suffix("Id").or_else(|| name.strip_suffix("ID"));
    before.and_then(|before| before.chars().last()).is_some_and(|c| c.is_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_names() {
        for key in ["id", "ID", "customer_id", "PassengerId", "userID", "rownames", "Unnamed: 0"] {
            assert!(is_key(key), "{key}");
        }
        for other in ["age", "covid", "Covid", "width", "paid", "GRID", "idea"] {
            assert!(!is_key(other), "{other}");
        }
    }
}
