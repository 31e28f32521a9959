//! The part of Python's literals that NPY headers are written in: strings, whole numbers, truth
//! values, tuples, lists and dictionaries.

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(u64),
    Truth(bool),
    /// A tuple or a list.
    List(Vec<Literal>),
    /// A dictionary whose keys are strings.
    Dictionary(Vec<(String, Literal)>),
}

/// How deep literals may stand in each other; headers need four.
const DEEPEST: usize = 8;

impl Literal {
    /// The literal that `text` is, with white space around it; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let literal = parser.literal(DEEPEST)?;
        parser.rest.trim_start().is_empty().then_some(literal)
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// Passes over `sign`, if it is what follows.
    fn skip(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(behind) => self.rest = behind,
            None => return false,
        }
        true
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '\'' | '"' => self.text().map(Literal::Text),
            '0'..='9' => self.number(),
            '(' => self.list('(', ')', depth),
            '[' => self.list('[', ']', depth),
            '{' => self.dictionary(depth),
            _ => self.truth(),
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut characters = self.rest.chars();
        let quote = characters.next()?;
        let mut text = String::new();
        loop {
            match characters.next()? {
                '\\' => match characters.next()? {
                    escaped @ ('\\' | '\'' | '"') => text.push(escaped),
                    _ => return None,
                },
                character if character == quote => break,
                character => text.push(character),
            }
        }
        self.rest = characters.as_str();
        Some(text)
    }

    fn number(&mut self) -> Option<Literal> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        // Python 2 wrote long ones as 10L
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        let plain = digits == "0" || !digits.starts_with('0');
        plain.then(|| digits.parse().ok().map(Literal::Number))?
    }

    fn truth(&mut self) -> Option<Literal> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(Literal::Truth(value));
            }
        }
        None
    }

    fn list(&mut self, opens: char, closes: char, depth: usize) -> Option<Literal> {
        self.skip(opens);
        let mut list = Vec::new();
        while !self.skip(closes) {
            list.push(self.literal(depth)?);
            if !self.skip(',') {
                self.skip(closes).then_some(())?;
                // one in brackets without a comma is no tuple
                return (opens == '[' || list.len() > 1).then_some(Literal::List(list));
            }
        }
        Some(Literal::List(list))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        self.skip('{');
        let mut entries = Vec::new();
        while !self.skip('}') {
            let Literal::Text(key) = self.literal(depth)? else { return None };
            self.skip(':').then_some(())?;
            entries.push((key, self.literal(depth)?));
            if !self.skip(',') {
                self.skip('}').then_some(())?;
                break;
            }
        }
        Some(Literal::Dictionary(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let parsed = |text| Literal::parse(text).map(|literal| format!("{literal:?}"));
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }  \n";
        let expected = "Dictionary([(\"descr\", Text(\"<f8\")), (\"fortran_order\", Truth(false)), \
                        (\"shape\", List([Number(3), Number(2)]))])";
        assert_eq!(parsed(header).as_deref(), Some(expected));
        assert_eq!(parsed("(3L,)").as_deref(), Some("List([Number(3)])"));
        assert_eq!(
            parsed("[('a', \"b'\")]").as_deref(),
            Some("List([List([Text(\"a\"), Text(\"b'\")])])")
        );
        assert_eq!(parsed("()").as_deref(), Some("List([])"));
        for text in ["", "(3)", "(3, 2", "03", "{1: 2}", "'a", "Truer", "-1", "{'a' 1}", "(1 2)"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parsed(&"[".repeat(100_000)), None);
    }
}
