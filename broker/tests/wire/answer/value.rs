//! A value as its `Debug` text shows it, taken apart: so that one printer serves every message.

use std::fmt;

/// Structures keep their fields' names and lose their own.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Fields in order.
    Struct(Vec<(String, Value)>),
    /// Items in order.
    List(Vec<Value>),
    /// A number, a text in quotes, `null`, ...
    Atom(String),
}

impl Value {
    /// Takes derived `Debug` text apart.
    pub fn parse(text: &str) -> Self {
        Parser { rest: text }.value()
    }

    /// Sorts the structures of every list by those of their fields that are among `keys`.
    pub fn sort(&mut self, keys: &[&str]) {
        match self {
            Self::Atom(_) => {}
            Self::Struct(fields) => fields.iter_mut().for_each(|(_, field)| field.sort(keys)),
            Self::List(items) => {
                items.iter_mut().for_each(|item| item.sort(keys));
                // Equal keys are in no order either.
                items.sort_by_cached_key(|item| item.key(keys).map(|key| (key, item.to_string())));
            }
        }
    }

    /// Takes out every field of this name.
    pub fn leave_out(&mut self, out: &str) {
        match self {
            Self::Atom(_) => {}
            Self::Struct(fields) => {
                fields.retain(|(name, _)| name != out);
                fields
                    .iter_mut()
                    .for_each(|(_, field)| field.leave_out(out));
            }
            Self::List(items) => items.iter_mut().for_each(|item| item.leave_out(out)),
        }
    }

    fn key(&self, keys: &[&str]) -> Option<(i64, String)> {
        let Self::Struct(fields) = self else {
            return None;
        };
        let (_, value) = fields
            .iter()
            .find(|(name, _)| keys.contains(&name.as_str()))?;
        match value {
            Self::Atom(text) => Some((text.parse().unwrap_or(0), text.clone())),
            _ => None,
        }
    }

    /// The bytes that a list of numbers is.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Self::Atom(text) => text.parse().ok(),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Value {
        if self.eat("[") {
            return Value::List(self.until("]", Self::value));
        }
        if self.eat("Some(") {
            let value = self.value();
            assert!(self.eat(")"), "an unknown Debug text: {}", self.rest);
            return value;
        }
        let end = self.atom_end();
        let (atom, rest) = self.rest.split_at(end);
        let atom = atom.to_owned();
        self.rest = rest;
        if self.eat(" { ") {
            return Value::Struct(self.until(" }", |parser| {
                let end = parser.rest.find(": ").expect("a field has a name");
                let name = parser.rest[..end].to_owned();
                parser.rest = &parser.rest[end + 2..];
                (name, parser.value())
            }));
        }
        Value::Atom(if atom == "None" {
            "null".to_owned()
        } else {
            atom
        })
    }

    fn until<T>(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(item(self));
            self.eat(", ");
        }
        items
    }

    fn atom_end(&self) -> usize {
        if !self.rest.starts_with('"') {
            let ends = |c| matches!(c, ',' | ']' | ')' | ' ' | '}');
            return self.rest.find(ends).unwrap_or(self.rest.len());
        }
        let mut escaped = false;
        let closing = self.rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        closing.map_or(self.rest.len(), |(at, _)| at + 1)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl Value {
    /// Structures in lists each begin a line.
    fn print(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Self::Atom(text) => f.write_str(text),
            Self::Struct(fields) => {
                for (index, (name, field)) in fields.iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    write!(f, "{space}{name}=")?;
                    field.print(f, depth)?;
                }
                Ok(())
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if matches!(item, Self::Struct(_)) {
                        write!(f, "\n{:width$}", "", width = (depth + 1) * 2)?;
                    } else if index > 0 {
                        f.write_str(" ")?;
                    }
                    item.print(f, depth + 1)?;
                }
                f.write_str("]")
            }
        }
    }
}
