//! What one setting is: its name, type, default, bound and sentence, and how text becomes its value.
//!
//! Pure: never reads a file, the environment or the clock, and knows no setting by name (see `broker` and `topic`).

use std::fmt;

/// The type of a setting as DescribeConfigs v3 and later report it (KIP-226, KIP-569; Kafka's `ConfigDef.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// What Kafka says of a logger's level.
    Unknown,
    /// `true` or `false`.
    Boolean,
    /// Free text or one of a list of words.
    String,
    /// A signed 32-bit number.
    Int,
    /// A signed 16-bit number.
    Short,
    /// A signed 64-bit number.
    Long,
    /// A floating-point number.
    Double,
    /// Words separated by commas.
    List,
}

impl ConfigType {
    /// The number on the wire (DescribeConfigs response v3, `ConfigType`).
    pub const fn code(self) -> i8 {
        match self {
            Self::Unknown => 0,
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
        }
    }
}

/// How a setting's text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, any case.
    Bool,
    /// A decimal 32-bit number.
    Int,
    /// A decimal 16-bit number.
    Short,
    /// A decimal 64-bit number.
    Long,
    /// Bytes: a decimal number with an optional unit (`64MiB`, `10 kB`). Only our own settings have this kind.
    Size,
    /// A decimal fraction.
    Double,
    /// Text; surrounding blanks are dropped.
    Text,
    /// Words separated by commas; blanks around a word are dropped, repeats are kept once.
    List,
}

impl Kind {
    /// The type that DescribeConfigs reports for this kind.
    pub const fn config_type(self) -> ConfigType {
        match self {
            Self::Bool => ConfigType::Boolean,
            Self::Int => ConfigType::Int,
            Self::Short => ConfigType::Short,
            Self::Long | Self::Size => ConfigType::Long,
            Self::Double => ConfigType::Double,
            Self::Text => ConfigType::String,
            Self::List => ConfigType::List,
        }
    }
}

/// A setting's value once read and checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not set and without a default: Kafka's null, or "chosen at start" for our own settings.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number, in the unit that the setting's name states.
    Integer(i64),
    /// A fraction.
    Double(f64),
    /// Text.
    Text(String),
    /// Words in the order they were given.
    List(Vec<String>),
}

impl Value {
    /// The text that DescribeConfigs carries (Kafka's `ConfigDef.convertToString`); `None` for null.
    pub fn wire_text(&self) -> Option<String> {
        (*self != Self::Null).then(|| self.to_string())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("(unset)"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Double(value) => f.write_str(&java_double(*value)),
            Self::Text(value) => f.write_str(value),
            Self::List(words) => f.write_str(&words.join(",")),
        }
    }
}

/// A default, in a form that a table of constants can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Double(f64),
    /// Text, or the words of a list separated by commas.
    Text(&'static str),
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Anything of the type.
    Any,
    /// A number not below this.
    AtLeast(i64),
    /// A number between these, both included.
    Between(i64, i64),
    /// A number between the first two, or equal to the third (Kafka's gzip level).
    BetweenOr(i64, i64, i64),
    /// A fraction between 0 and 1 (not-a-number passes, as in Kafka).
    Ratio,
    /// One of these words, case counts.
    OneOf(&'static [&'static str]),
    /// A list of these words, case counts; the empty list passes.
    EachOf(&'static [&'static str]),
    /// `*`, or a list of `partition:broker` pairs.
    Replicas,
    /// Text that is not empty.
    NotEmpty,
}

/// One row of a table of settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Kafka's name where Kafka has one, else ours; lower case with dots.
    pub name: &'static str,
    /// How its text is read.
    pub kind: Kind,
    /// Its value when nothing sets it.
    pub preset: Preset,
    /// What its value must satisfy.
    pub check: Check,
    /// One sentence for users, also the documentation that DescribeConfigs v3 returns.
    pub doc: &'static str,
    /// Whether DescribeConfigs calls it read-only (as Kafka does: not changeable while the broker runs).
    pub read_only: bool,
    /// Whether its value is a secret, reported as null.
    pub sensitive: bool,
    /// False when the name is known and accepted, and this version does nothing with it.
    pub used: bool,
    /// For a reported value that cannot be set: the setting to use instead.
    pub set_through: Option<&'static str>,
}

impl Setting {
    /// A truth value.
    pub const fn bool(name: &'static str, preset: bool, doc: &'static str) -> Self {
        Self::row(name, Kind::Bool, Preset::Bool(preset), doc)
    }

    /// A 32-bit number.
    pub const fn int(name: &'static str, preset: i64, check: Check, doc: &'static str) -> Self {
        Self::row(name, Kind::Int, Preset::Integer(preset), doc).checked(check)
    }

    /// A 16-bit number.
    pub const fn short(name: &'static str, preset: i64, check: Check, doc: &'static str) -> Self {
        Self::row(name, Kind::Short, Preset::Integer(preset), doc).checked(check)
    }

    /// A 64-bit number.
    pub const fn long(name: &'static str, preset: i64, check: Check, doc: &'static str) -> Self {
        Self::row(name, Kind::Long, Preset::Integer(preset), doc).checked(check)
    }

    /// Bytes, with units allowed.
    pub const fn size(name: &'static str, preset: Preset, check: Check, doc: &'static str) -> Self {
        Self::row(name, Kind::Size, preset, doc).checked(check)
    }

    /// A fraction between 0 and 1.
    pub const fn ratio(name: &'static str, preset: f64, doc: &'static str) -> Self {
        Self::row(name, Kind::Double, Preset::Double(preset), doc).checked(Check::Ratio)
    }

    /// Any fraction.
    pub const fn double(name: &'static str, preset: f64, doc: &'static str) -> Self {
        Self::row(name, Kind::Double, Preset::Double(preset), doc)
    }

    /// Text.
    pub const fn text(name: &'static str, preset: Preset, check: Check, doc: &'static str) -> Self {
        Self::row(name, Kind::Text, preset, doc).checked(check)
    }

    /// A list of words.
    pub const fn list(
        name: &'static str,
        preset: &'static str,
        check: Check,
        doc: &'static str,
    ) -> Self {
        Self::row(name, Kind::List, Preset::Text(preset), doc).checked(check)
    }

    /// The same row without a default.
    pub const fn unset(mut self) -> Self {
        self.preset = Preset::Null;
        self
    }

    /// The same row, fixed while the broker runs.
    pub const fn fixed(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The same row, accepted without effect in this version.
    pub const fn idle(mut self) -> Self {
        self.used = false;
        self
    }

    /// The same row as a report only; `instead` is the setting that users set.
    pub const fn reported(mut self, instead: &'static str) -> Self {
        self.set_through = Some(instead);
        self
    }

    /// The default as a value.
    pub fn default_value(&self) -> Value {
        match self.preset {
            Preset::Null => Value::Null,
            Preset::Bool(value) => Value::Bool(value),
            Preset::Integer(value) => Value::Integer(value),
            Preset::Double(value) => Value::Double(value),
            Preset::Text(text) if self.kind == Kind::List => Value::List(words(text)),
            Preset::Text(text) => Value::Text(text.to_owned()),
        }
    }

    /// Reads and checks `text`. The error is a sentence without the name, such as `Value must be at least 1`
    /// (the words are close to Kafka's, since people search for them).
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let value = self.read(text)?;
        self.check(&value)?;
        Ok(value)
    }

    /// What is said of a text that is no number where one is needed.
    pub(super) fn wrong_type(&self) -> String {
        let kind = match self.kind {
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Double => "DOUBLE",
            _ => "LONG",
        };
        format!("Not a number of type {kind}")
    }

    /// What Kafka shows of `text` where it refuses it: the value as it was read, of a list the word that may not be in it.
    pub fn shown(&self, text: &str) -> String {
        match (self.check, self.read(text)) {
            (Check::EachOf(allowed), Ok(Value::List(given))) => {
                let refused = given
                    .into_iter()
                    .find(|word| !allowed.contains(&word.as_str()));
                refused.unwrap_or_default()
            }
            (Check::Replicas, Ok(_)) => {
                let given: Vec<_> = text.split(',').map(str::trim).collect();
                format!("[{}]", given.join(", "))
            }
            (_, Ok(Value::Null) | Err(_)) => text.to_owned(),
            (_, Ok(value)) => value.to_string(),
        }
    }

    /// `text` as a value of this type, whatever is asked of it beyond.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let trimmed = text.trim();
        if self.preset == Preset::Null
            && self.kind != Kind::Text
            && trimmed.eq_ignore_ascii_case("auto")
        {
            return Ok(Value::Null);
        }
        Ok(match self.kind {
            Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err("Expected value to be either true or false".to_owned()),
            },
            Kind::Int => Value::Integer(i64::from(number::<i32>(trimmed, "INT")?)),
            Kind::Short => Value::Integer(i64::from(number::<i16>(trimmed, "SHORT")?)),
            Kind::Long => Value::Integer(number::<i64>(trimmed, "LONG")?),
            Kind::Size => Value::Integer(size(trimmed)?),
            Kind::Double => Value::Double(number::<f64>(trimmed, "DOUBLE")?),
            Kind::Text => Value::Text(trimmed.to_owned()),
            Kind::List => Value::List(words(trimmed)),
        })
    }

    const fn row(name: &'static str, kind: Kind, preset: Preset, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            preset,
            check: Check::Any,
            doc,
            read_only: false,
            sensitive: false,
            used: true,
            set_through: None,
        }
    }

    const fn checked(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        match (self.check, value) {
            (Check::AtLeast(low), Value::Integer(n)) if *n < low => {
                Err(format!("Value must be at least {low}"))
            }
            (Check::Between(low, _), Value::Integer(n)) if *n < low => {
                Err(format!("Value must be at least {low}"))
            }
            (Check::Between(_, high), Value::Integer(n)) if *n > high => {
                Err(format!("Value must be no more than {high}"))
            }
            (Check::BetweenOr(low, high, other), Value::Integer(n))
                if *n != other && (*n < low || *n > high) =>
            {
                Err(format!(
                    "Value must be between {low} and {high} or equal to {other}"
                ))
            }
            (Check::Ratio, Value::Double(x)) if *x < 0.0 => {
                Err("Value must be at least 0".to_owned())
            }
            (Check::Ratio, Value::Double(x)) if *x > 1.0 => {
                Err("Value must be no more than 1".to_owned())
            }
            (Check::OneOf(allowed), Value::Text(word)) if !allowed.contains(&word.as_str()) => {
                Err(format!("String must be one of: {}", allowed.join(", ")))
            }
            (Check::EachOf(allowed), Value::List(given))
                if given.iter().any(|w| !allowed.contains(&w.as_str())) =>
            {
                Err(format!("String must be one of: {}", allowed.join(", ")))
            }
            (Check::Replicas, Value::List(given)) if !replicas(given) => Err(format!(
                "{} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                self.name
            )),
            (Check::NotEmpty, Value::Text(text)) if text.is_empty() => {
                Err("must not be empty".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A fraction as Java prints it.
fn java_double(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

fn number<T: std::str::FromStr>(text: &str, kind: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("Not a number of type {kind}"))
}

/// `64MiB`, `10 kB`, `4096`: binary units by `i`, decimal ones without, any case.
fn size(text: &str) -> Result<i64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let factor: i64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("Not a size such as 4096, 64KiB, 64MiB or 2GiB".to_owned()),
    };
    count
        .parse::<i64>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .ok_or_else(|| "Not a size such as 4096, 64KiB, 64MiB or 2GiB".to_owned())
}

fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split(',').map(str::trim) {
        if !(out.iter().any(|seen| seen == word) || word.is_empty() && text.trim().is_empty()) {
            out.push(word.to_owned());
        }
    }
    out
}

fn replicas(given: &[String]) -> bool {
    let pair = |word: &String| {
        word.split_once(':').is_some_and(|(partition, broker)| {
            partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok()
        })
    };
    matches!(given, [only] if only == "*") || given.iter().all(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: Setting = Setting::int("level", -1, Check::BetweenOr(1, 9, -1), "A level.");
    const BYTES: Setting = Setting::size("bytes", Preset::Null, Check::AtLeast(1), "Bytes.");
    const POLICY: Setting = Setting::list(
        "policy",
        "delete",
        Check::EachOf(&["compact", "delete"]),
        "Words.",
    );

    #[test]
    fn numbers_are_read_as_kafka_reads_them() {
        assert_eq!(LEVEL.parse(" 5 "), Ok(Value::Integer(5)));
        assert_eq!(LEVEL.parse("+5"), Ok(Value::Integer(5)));
        assert_eq!(LEVEL.parse("-1"), Ok(Value::Integer(-1)));
        for refused in ["0", "10", "", "five", "0x5", "5.0", "99999999999"] {
            assert!(LEVEL.parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn sizes_have_units_and_cannot_overflow() {
        assert_eq!(BYTES.parse("64MiB"), Ok(Value::Integer(64 << 20)));
        assert_eq!(BYTES.parse("10 kB"), Ok(Value::Integer(10_000)));
        assert_eq!(BYTES.parse("auto"), Ok(Value::Null));
        for refused in ["", "MiB", "-1", "1.5GiB", "9999999999TiB", "3 parsecs", "0"] {
            assert!(BYTES.parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn lists_drop_blanks_and_repeats() {
        assert_eq!(
            POLICY
                .parse("delete, compact,delete")
                .map(|v| v.to_string()),
            Ok("delete,compact".to_owned())
        );
        assert_eq!(POLICY.parse(""), Ok(Value::List(vec![])));
        assert!(POLICY.parse("delete,none").is_err());
        assert!(POLICY.parse("delete,").is_err());
    }

    #[test]
    fn throttled_replicas_are_a_star_or_pairs() {
        let row = Setting::list("r", "", Check::Replicas, "Pairs.");
        for good in ["", "*", "0:1", "0:1, 5:1001"] {
            assert!(row.parse(good).is_ok(), "{good}");
        }
        for bad in ["x", "0", "0:", "*,0:1", "-1:1"] {
            assert!(row.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_print_in_kafka_form() {
        assert_eq!(Value::Double(0.5).to_string(), "0.5");
        assert_eq!(Value::Double(1.0).to_string(), "1.0");
        assert_eq!(Value::Double(5e7).to_string(), "5.0E7");
        assert_eq!(Value::Double(0.0001).to_string(), "1.0E-4");
        assert_eq!(
            Value::Double(f64::MAX).to_string(),
            "1.7976931348623157E308"
        );
        assert_eq!(Value::Null.wire_text(), None);
    }
}
