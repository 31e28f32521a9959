//! Columns asked for by name or number, and what is said of one that is not there.

/// The position of the column called `asked` or, if none is, of that number, counted from 1.
pub(crate) fn position(names: &[String], asked: &str) -> Option<usize> {
    let by_name = names.iter().position(|name| name == asked);
    let by_number =
        || asked.parse().ok().filter(|n| (1..=names.len()).contains(n)).map(|n: usize| n - 1);
    by_name.or_else(by_number)
}

/// What is said of a column that is not there.
pub(crate) fn unknown(names: &[String], asked: &str, named: bool) -> String {
    let width = names.len();
    match (asked.parse::<usize>(), named) {
        (Ok(_), _) => format!("no column {asked}; columns are numbered 1 to {width}"),
        (Err(_), true) => format!("no column {asked:?}; {}", nearest(asked, names)),
        (Err(_), false) => {
            format!(
                "no column {asked:?}: there is no header, and columns are numbered 1 to {width}"
            )
        }
    }
}

/// All names if they are few, else those most like `wanted`.
pub(crate) fn nearest(wanted: &str, names: &[String]) -> String {
    const FEW: usize = 8;
    if names.len() <= FEW {
        return format!("the columns are {}", listed(names));
    }
    let wanted = wanted.to_lowercase();
    let mut names = names.to_vec();
    names.sort_by_cached_key(|name| edit_distance(&wanted, &name.to_lowercase()));
    names.truncate(FEW);
    format!("the columns most like it are {}", listed(&names))
}

/// How many characters must be put in, taken out or replaced to turn `a` into `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut distance: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        distance[0] = i + 1;
        for (j, &b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = distance[j + 1];
            distance[j + 1] = replaced.min(diagonal + 1).min(distance[j] + 1);
        }
    }
    distance[b.len()]
}

/// `names` one after the other, at most twenty.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances_are_levenshteins() {
        for (a, b, distance) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("spezies", "species", 1)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
            assert_eq!(edit_distance(b, a), distance, "{b} {a}");
        }
    }
}
