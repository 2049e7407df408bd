//! The three places settings come from, read into one list of (name, text, origin): file, environment, flags.
//!
//! Pure: the file's text and the environment's pairs are arguments. Knows no setting except to match and suggest names.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::broker;
use super::setting::Setting;

/// Environment variables that start so are settings: `PELTON_NUM_PARTITIONS` is `num.partitions`.
pub const ENV_PREFIX: &str = "PELTON_";

/// Environment variables with the prefix that are flags of the command line and no settings.
pub const ENV_FLAGS: &[&str] = &["PELTON_CONFIG"];

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the built-in default.
    Default,
    /// The configuration file, at this line (from 1).
    File {
        /// The file as the user named it.
        path: String,
        /// The line of the key.
        line: usize,
    },
    /// The environment variable of this name.
    Env(String),
    /// The command line: the flag as given, such as `--shards` or `--set`.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}, line {line}"),
            Self::Env(variable) => write!(f, "environment variable {variable}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// All that was given at the start, unread.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The configuration file: its name and text.
    pub file: Option<(String, String)>,
    /// The whole environment or any part of it; variables without the prefix are skipped.
    pub env: Vec<(String, String)>,
    /// Flags: setting's name, text, the flag as the user gave it.
    pub flags: Vec<(String, String, String)>,
}

/// One value as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub setting: &'static Setting,
    pub text: String,
    pub origin: Origin,
}

/// All values given, lowest precedence first, so that the last one of a name wins.
pub(super) fn read(layers: &Layers) -> (Vec<Given>, Vec<ConfigError>) {
    let mut out = (Vec::new(), Vec::new());
    if let Some((path, text)) = &layers.file {
        read_file(path, text, &mut out);
    }
    for (variable, text) in &layers.env {
        let Some(name) = variable.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        if !ENV_FLAGS.contains(&variable.as_str()) {
            push(name, text.clone(), Origin::Env(variable.clone()), &mut out);
        }
    }
    for (name, text, flag) in &layers.flags {
        push(name, text.clone(), Origin::Flag(flag.clone()), &mut out);
    }
    out
}

type Out = (Vec<Given>, Vec<ConfigError>);

fn push(name: &str, text: String, origin: Origin, out: &mut Out) {
    match lookup(name) {
        Some(setting) => match setting.set_through {
            None => out.0.push(Given {
                setting,
                text,
                origin,
            }),
            Some(instead) => out.1.push(ConfigError::NotSettable {
                name: setting.name,
                instead,
                origin,
            }),
        },
        None => out.1.push(ConfigError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name),
            origin,
        }),
    }
}

fn read_file(path: &str, text: &str, out: &mut Out) {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let why = error.message().to_owned();
            return out.1.push(ConfigError::Syntax {
                path: path.to_owned(),
                line,
                why,
            });
        }
    };
    let mut seen = BTreeMap::new();
    walk(
        &mut File {
            path,
            text,
            seen: &mut seen,
            out,
        },
        "",
        table.get_ref(),
    );
}

struct File<'a> {
    path: &'a str,
    text: &'a str,
    /// Line of each setting seen, since `num.partitions` and `"num_partitions"` are one.
    seen: &'a mut BTreeMap<&'static str, usize>,
    out: &'a mut Out,
}

/// The TOML parser bounds nesting, so this recursion is bounded too.
fn walk(file: &mut File<'_>, prefix: &str, table: &DeTable<'_>) {
    for (key, value) in table {
        let name = match prefix {
            "" => key.get_ref().to_string(),
            _ => format!("{prefix}.{}", key.get_ref()),
        };
        let line = line_of(file.text, key.span().start);
        let origin = Origin::File {
            path: file.path.to_owned(),
            line,
        };
        if let DeValue::Table(inner) = value.get_ref() {
            walk(file, &name, inner);
            continue;
        }
        match scalar(value.get_ref()) {
            Some(text) => {
                if let Some(setting) = lookup(&name)
                    && let Some(first) = file.seen.insert(setting.name, line)
                {
                    let why = format!("{} is already set in line {first}", setting.name);
                    file.out.1.push(ConfigError::Syntax {
                        path: file.path.to_owned(),
                        line,
                        why,
                    });
                }
                push(&name, text, origin, file.out);
            }
            None => file.out.1.push(ConfigError::Syntax {
                path: file.path.to_owned(),
                line,
                why: format!("{name}: expected text, a number, true, false or a list of texts"),
            }),
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|n| n.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Array(items) => {
            let words: Option<Vec<_>> = items
                .iter()
                .map(|item| item.get_ref())
                .map(|item| if item.is_array() { None } else { scalar(item) })
                .collect();
            words.map(|words| words.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// Finds a setting, whatever joins the words of its name: `num.partitions`, `num_partitions`, `NUM-PARTITIONS`.
fn lookup(name: &str) -> Option<&'static Setting> {
    broker::setting(&folded(name))
}

fn folded(name: &str) -> String {
    name.trim()
        .chars()
        .map(|c| {
            if c == '_' || c == '-' {
                '.'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The settable name with the fewest edits, if it is near enough to be meant.
fn nearest(name: &str) -> Option<&'static str> {
    // A name of any length may come from a file; only its first bytes can matter.
    let name: String = folded(name).chars().take(80).collect();
    broker::settings()
        .filter(|row| row.set_through.is_none())
        .map(|row| (edits(&name, row.name), row.name))
        .min()
        .filter(|(edits, known)| *edits <= 2.max(known.len() / 4))
        .map(|(_, known)| known)
}

/// Levenshtein distance over bytes.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Out {
        read(&Layers {
            file: Some(("p.toml".into(), text.into())),
            ..Layers::default()
        })
    }

    #[test]
    fn nested_dotted_and_quoted_keys_are_the_same() {
        let (given, errors) = file(
            "num.partitions = 3\n[log.retention]\nms = 5\n[socket]\n\"request.max.bytes\" = 1_000\n",
        );
        assert_eq!(errors, []);
        let seen: Vec<_> = given
            .iter()
            .map(|g| (g.setting.name, g.text.as_str()))
            .collect();
        let expected = [
            ("log.retention.ms", "5"),
            ("num.partitions", "3"),
            ("socket.request.max.bytes", "1000"),
        ];
        for pair in expected {
            assert!(seen.contains(&pair), "{pair:?} in {seen:?}");
        }
    }

    #[test]
    fn unknown_keys_name_their_line_and_the_nearest_setting() {
        let (_, errors) = file("# hi\nnum.partitons = 3\n");
        assert_eq!(
            errors[0].to_string(),
            "unknown setting `num.partitons` (p.toml, line 2); did you mean `num.partitions`?"
        );
    }

    #[test]
    fn broken_files_name_the_line() {
        assert!(
            file("a = 1\nb = = 2\n").1[0]
                .to_string()
                .contains("p.toml, line 2")
        );
        assert!(
            file("shards = 1979-05-27\n").1[0]
                .to_string()
                .contains("shards: expected")
        );
        let twice = file("num.partitions = 3\nnum_partitions = 4\n").1;
        assert!(
            twice[0].to_string().contains("already set in line"),
            "{twice:?}"
        );
    }

    #[test]
    fn later_layers_come_later() {
        let layers = Layers {
            file: Some(("p.toml".into(), "shards = 1".into())),
            env: vec![
                ("PELTON_SHARDS".into(), "2".into()),
                ("PATH".into(), "/".into()),
                ("PELTON_CONFIG".into(), "x".into()),
            ],
            flags: vec![("shards".into(), "3".into(), "--shards".into())],
        };
        let (given, errors) = read(&layers);
        assert_eq!(errors, []);
        assert_eq!(
            given.iter().map(|g| g.text.as_str()).collect::<Vec<_>>(),
            ["1", "2", "3"]
        );
    }

    #[test]
    fn a_lists_items_are_joined() {
        let (given, _) = file("log.cleanup.policy = [\"compact\", \"delete\"]");
        assert_eq!(given[0].text, "compact,delete");
        assert!(!file("log.cleanup.policy = [[\"a\"]]").1.is_empty());
    }

    #[test]
    fn reported_values_cannot_be_set() {
        let (_, errors) = file("listeners = \"PLAINTEXT://:9092\"");
        assert!(errors[0].to_string().contains("set `listen` instead"));
    }

    #[test]
    fn nothing_is_suggested_for_a_word_far_from_all() {
        assert_eq!(nearest("completely.different.words.here"), None);
        assert_eq!(nearest("PELTON"), None);
        assert_eq!(nearest("data-dirr"), Some("data.dir"));
    }
}
