//! The generator: our schema texts in, Rust modules out. Pure; the test beside it compares and writes.

use std::fmt::Write as _;

/// One API as its schema file states it.
struct Api {
    key: i16,
    name: String,
    min: i16,
    max: i16,
    flexible: i16,
    request: Vec<Field>,
    response: Vec<Field>,
}

struct Field {
    name: String,
    kind: Kind,
    array: bool,
    versions: (i16, i16),
    nullable: Option<(i16, i16)>,
    tag: Option<u32>,
    default: Option<String>,
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq)]
enum Kind {
    Bool,
    Int(u8),
    Uuid,
    String,
    Bytes,
    Struct(String),
}

/// The generated module of one schema text, and the API's name in snake case.
pub fn generate(schema: &str) -> String {
    let api = parse(schema);
    let mut out = String::from(
        "//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.\n",
    );
    out.push_str("#![allow(missing_docs, clippy::all, clippy::too_many_lines)]\n\n");
    out.push_str("use std::borrow::Cow;\n\nuse crate::primitives::*;\n\n");
    let _ = writeln!(
        out,
        "pub const KEY: i16 = {};\npub const VERSION_MIN: i16 = {};\npub const VERSION_MAX: i16 = {};\npub const FLEXIBLE: i16 = {};\n",
        api.key, api.min, api.max, api.flexible
    );
    for (suffix, fields) in [("Request", &api.request), ("Response", &api.response)] {
        emit(
            &mut out,
            &api,
            &format!("{}{suffix}", api.name),
            fields,
            false,
        );
    }
    out.replace(
        "use std::borrow::Cow;\n\n",
        if out.contains("Cow<") {
            "use std::borrow::Cow;\n\n"
        } else {
            ""
        },
    )
}

fn parse(schema: &str) -> Api {
    let mut lines = schema
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .peekable();
    let head: Vec<&str> = lines
        .next()
        .expect("an api line")
        .split_whitespace()
        .collect();
    let (min, max) = head[4].split_once('-').expect("versions a-b");
    let mut api = Api {
        key: head[1].parse().expect("a key"),
        name: head[2].to_owned(),
        min: min.parse().expect("a version"),
        max: max.parse().expect("a version"),
        flexible: match head[6] {
            "none" => i16::MAX,
            version => version.parse().expect("a version"),
        },
        request: Vec::new(),
        response: Vec::new(),
    };
    assert_eq!(lines.next(), Some("request"));
    api.request = parse_fields(&mut lines, 2);
    assert_eq!(lines.next(), Some("response"));
    api.response = parse_fields(&mut lines, 2);
    assert!(lines.next().is_none(), "nothing follows the response");
    api
}

fn parse_fields<'a>(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    indent: usize,
) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(line) = lines.peek() {
        if line.len() - line.trim_start().len() != indent {
            break;
        }
        let words: Vec<&str> = lines
            .next()
            .expect("just peeked")
            .split_whitespace()
            .collect();
        let mut field = parse_field(&words);
        if matches!(field.kind, Kind::Struct(_)) {
            field.fields = parse_fields(lines, indent + 2);
            assert!(!field.fields.is_empty(), "{} has no fields", field.name);
        }
        fields.push(field);
    }
    fields
}

fn parse_field(words: &[&str]) -> Field {
    let (array, kind) = words[1]
        .strip_prefix("[]")
        .map_or((false, words[1]), |kind| (true, kind));
    let kind = match kind {
        "bool" => Kind::Bool,
        "int8" => Kind::Int(8),
        "int16" => Kind::Int(16),
        "int32" => Kind::Int(32),
        "int64" => Kind::Int(64),
        "uuid" => Kind::Uuid,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        name => Kind::Struct(name.to_owned()),
    };
    let option = |word: &str| {
        words
            .iter()
            .position(|at| *at == word)
            .map(|at| words[at + 1])
    };
    Field {
        name: snake(words[0]),
        kind,
        array,
        versions: versions(words[2]),
        nullable: option("nullable").map(versions),
        tag: option("tag").map(|tag| tag.parse().expect("a tag number")),
        default: option("default").map(str::to_owned),
        fields: Vec::new(),
    }
}

fn versions(text: &str) -> (i16, i16) {
    match text.strip_suffix('+') {
        Some(from) => (from.parse().expect("a version"), i16::MAX),
        None => match text.split_once('-') {
            Some((from, to)) => (
                from.parse().expect("a version"),
                to.parse().expect("a version"),
            ),
            None => (
                text.parse().expect("a version"),
                text.parse().expect("a version"),
            ),
        },
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_uppercase() && place > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn borrows(fields: &[Field]) -> bool {
    fields.iter().any(|field| match &field.kind {
        Kind::String | Kind::Bytes => true,
        Kind::Struct(_) => borrows(&field.fields),
        Kind::Bool | Kind::Int(_) | Kind::Uuid => false,
    })
}

impl Field {
    fn element(&self, parent: &str) -> String {
        match &self.kind {
            Kind::Bool => "bool".into(),
            Kind::Int(bits) => format!("i{bits}"),
            Kind::Uuid => "Uuid".into(),
            Kind::String => "Cow<'a, str>".into(),
            Kind::Bytes => "Cow<'a, [u8]>".into(),
            Kind::Struct(name) => format!(
                "{parent}{name}{}",
                if borrows(&self.fields) { "<'a>" } else { "" }
            ),
        }
    }

    fn rust_type(&self, parent: &str) -> String {
        let mut kind = self.element(parent);
        if self.array {
            kind = format!("Vec<{kind}>");
        }
        if self.nullable.is_some() {
            format!("Option<{kind}>")
        } else {
            kind
        }
    }

    fn default_value(&self) -> String {
        match &self.default {
            Some(value) => value.clone(),
            None if self.nullable.is_some() && (self.tag.is_some() || !self.array) => "None".into(),
            None if self.nullable.is_some() => "Some(Vec::new())".into(),
            None => "Default::default()".into(),
        }
    }
}

/// `version` lies in the field's versions, as a Rust condition; None when every version of the API has it.
fn condition(api: &Api, (from, to): (i16, i16)) -> Option<String> {
    match (from > api.min, to < api.max) {
        (false, false) => None,
        (true, false) => Some(format!("version >= {from}")),
        (false, true) => Some(format!("version <= {to}")),
        (true, true) => Some(format!("({from}..={to}).contains(&version)")),
    }
}

fn emit(out: &mut String, api: &Api, name: &str, fields: &[Field], inner: bool) {
    let lifetime = if borrows(fields) { "<'a>" } else { "" };
    let _ = writeln!(
        out,
        "#[derive(Debug, Clone, PartialEq)]\npub struct {name}{lifetime} {{"
    );
    for field in fields {
        let _ = writeln!(out, "    pub {}: {},", field.name, field.rust_type(name));
    }
    let _ = writeln!(
        out,
        "}}\n\nimpl{lifetime} Default for {name}{lifetime} {{\n    fn default() -> Self {{\n        Self {{"
    );
    for field in fields {
        let _ = writeln!(
            out,
            "            {}: {},",
            field.name,
            field.default_value()
        );
    }
    let _ = writeln!(
        out,
        "        }}\n    }}\n}}\n\nimpl<'a> {name}{lifetime} {{"
    );
    emit_decode(out, api, name, fields);
    if inner {
        emit_bytes_min(out, api, name, fields);
    }
    emit_encode(out, api, fields);
    let _ = writeln!(out, "}}\n");
    for field in fields {
        if let Kind::Struct(kind) = &field.kind {
            emit(out, api, &format!("{name}{kind}"), &field.fields, true);
        }
    }
}

fn emit_decode(out: &mut String, api: &Api, name: &str, fields: &[Field]) {
    let _ = writeln!(
        out,
        "    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {{"
    );
    let _ = writeln!(
        out,
        "        let flexible = version >= FLEXIBLE;\n        let mut out = Self::default();"
    );
    for field in fields.iter().filter(|field| field.tag.is_none()) {
        let read = format!(
            "out.{} = {};",
            field.name,
            read_expression(api, name, field)
        );
        match condition(api, field.versions) {
            Some(condition) => {
                let _ = writeln!(
                    out,
                    "        if {condition} {{\n            {read}\n        }}"
                );
            }
            None => {
                let _ = writeln!(out, "        {read}");
            }
        }
    }
    emit_decode_tags(out, api, name, fields);
    let _ = writeln!(out, "        Ok(out)\n    }}\n");
}

fn emit_decode_tags(out: &mut String, api: &Api, name: &str, fields: &[Field]) {
    if fields.iter().all(|field| field.tag.is_none()) {
        let _ = writeln!(
            out,
            "        if flexible {{\n            r.skip_tags()?;\n        }}"
        );
        return;
    }
    let _ = writeln!(
        out,
        "        if flexible {{\n            r.tags(|tag, r| {{\n                match tag {{"
    );
    for field in fields {
        if let Some(tag) = field.tag {
            let guard = condition(api, field.versions)
                .map_or(String::new(), |condition| format!(" if {condition}"));
            let _ = writeln!(
                out,
                "                    {tag}{guard} => out.{} = {},",
                field.name,
                read_expression(api, name, field)
            );
        }
    }
    let _ = writeln!(
        out,
        "                    _ => return Ok(false),\n                }}\n                Ok(true)\n            }})?;\n        }}"
    );
}

/// The fewest bytes that the fields of a struct can take, as a function of the version.
fn emit_bytes_min(out: &mut String, api: &Api, name: &str, fields: &[Field]) {
    let _ = writeln!(
        out,
        "    pub const fn bytes_min(version: i16) -> usize {{\n        let flexible = version >= FLEXIBLE;\n        let mut bytes = flexible as usize;"
    );
    for field in fields.iter().filter(|field| field.tag.is_none()) {
        let add = format!("bytes += {};", bytes_min(name, field));
        let _ = match condition(api, field.versions) {
            Some(condition) => writeln!(
                out,
                "        if {} {{\n            {add}\n        }}",
                const_condition(&condition)
            ),
            None => writeln!(out, "        {add}"),
        };
    }
    let _ = writeln!(out, "        bytes\n    }}\n");
}

/// `RangeInclusive::contains` is not const.
fn const_condition(condition: &str) -> String {
    match condition
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(").contains(&version)"))
    {
        Some(range) => {
            let (from, to) = range.split_once("..=").expect("a range");
            format!("version >= {from} && version <= {to}")
        }
        None => condition.to_owned(),
    }
}

fn bytes_min(parent: &str, field: &Field) -> String {
    const COUNT: &str = "if flexible { 1 } else { 4 }";
    if field.array {
        return COUNT.into();
    }
    if field.nullable.is_some() && matches!(field.kind, Kind::Struct(_)) {
        return "1".into();
    }
    element_bytes_min(parent, &field.kind)
}

fn element_bytes_min(parent: &str, kind: &Kind) -> String {
    match kind {
        Kind::Bool => "1".into(),
        Kind::Int(bits) => (bits / 8).to_string(),
        Kind::Uuid => "16".into(),
        Kind::String => "if flexible { 1 } else { 2 }".into(),
        Kind::Bytes => "if flexible { 1 } else { 4 }".into(),
        Kind::Struct(name) => format!("{parent}{name}::bytes_min(version)"),
    }
}

fn read_expression(api: &Api, parent: &str, field: &Field) -> String {
    let label = &field.name;
    let nullable = |base: String| match field.nullable.map(|versions| condition(api, versions)) {
        None => format!("required(\"{label}\", {base})?"),
        Some(None) => base,
        Some(Some(condition)) => format!("null_if({condition}, \"{label}\", {base})?"),
    };
    if field.array {
        let element = match &field.kind {
            Kind::Bool => format!("r.bool(\"{label}\")"),
            Kind::Int(bits) => format!("r.int{bits}(\"{label}\")"),
            Kind::Uuid => format!("r.uuid(\"{label}\")"),
            Kind::String => format!("r.string(\"{label}\", flexible)"),
            Kind::Bytes => format!("r.bytes(\"{label}\", flexible)"),
            Kind::Struct(kind) => format!("{parent}{kind}::decode(r, version)"),
        };
        return nullable(format!(
            "r.array(\"{label}\", flexible, {}, |r| {element})?",
            element_bytes_min(parent, &field.kind)
        ));
    }
    match &field.kind {
        Kind::Bool => format!("r.bool(\"{label}\")?"),
        Kind::Int(bits) => format!("r.int{bits}(\"{label}\")?"),
        Kind::Uuid if field.nullable.is_some() => format!("Some(r.uuid(\"{label}\")?)"),
        Kind::Uuid => format!("r.uuid(\"{label}\")?"),
        Kind::String => nullable(format!("r.nullable_string(\"{label}\", flexible)?")),
        Kind::Bytes => nullable(format!(
            "r.nullable_bytes(\"{label}\", flexible)?.map(Cow::Borrowed)"
        )),
        Kind::Struct(kind) if field.nullable.is_some() => {
            format!("r.nullable_struct(\"{label}\", |r| {parent}{kind}::decode(r, version))?")
        }
        Kind::Struct(kind) => format!("{parent}{kind}::decode(r, version)?"),
    }
}

fn emit_encode(out: &mut String, api: &Api, fields: &[Field]) {
    let _ = writeln!(
        out,
        "    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {{\n        let flexible = version >= FLEXIBLE;\n        let _ = (&w, flexible);"
    );
    for field in fields.iter().filter(|field| field.tag.is_none()) {
        let write = write_statement(api, field, &format!("self.{}", field.name));
        match condition(api, field.versions) {
            Some(condition) => {
                let _ = writeln!(
                    out,
                    "        if {condition} {{\n            {write}\n        }}"
                );
            }
            None => {
                let _ = writeln!(out, "        {write}");
            }
        }
    }
    let mut tagged: Vec<&Field> = fields.iter().filter(|field| field.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag);
    if tagged.is_empty() {
        let _ = writeln!(
            out,
            "        if flexible {{\n            put_unsigned_varint(w, 0);\n        }}\n    }}"
        );
        return;
    }
    let _ = writeln!(
        out,
        "        if flexible {{\n            let defaults = Self::default();\n            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();"
    );
    for field in tagged {
        let versions = condition(api, field.versions)
            .map_or(String::new(), |condition| format!("{condition} && "));
        let write = write_statement(api, field, &format!("self.{}", field.name))
            .replace("(w, ", "(&mut inside, ")
            .replace("w.extend", "inside.extend")
            .replace("w.push", "inside.push");
        let _ = writeln!(
            out,
            "            if {versions}self.{0} != defaults.{0} {{\n                let mut inside = Vec::new();\n                {write}\n                tags.push(({1}, inside));\n            }}",
            field.name,
            field.tag.expect("tagged")
        );
    }
    let _ = writeln!(
        out,
        "            put_unsigned_varint(w, tags.len() as u32);\n            for (tag, inside) in tags {{\n                put_unsigned_varint(w, tag);\n                put_unsigned_varint(w, inside.len() as u32);\n                w.extend_from_slice(&inside);\n            }}\n        }}\n    }}"
    );
}

/// Writes a field. `None` becomes an empty value in versions that know no null there.
fn write_statement(api: &Api, field: &Field, value: &str) -> String {
    let nullable = field.nullable.map(|versions| condition(api, versions));
    if field.array {
        let element = write_one(&field.kind, "item");
        return match nullable {
            None => format!(
                "put_array(w, Some({value}.len()), flexible); for item in &{value} {{ {element} }}"
            ),
            Some(condition) => {
                let or_empty = condition.map_or(String::new(), |condition| {
                    format!(".or(if {condition} {{ None }} else {{ Some(0) }})")
                });
                format!(
                    "put_array(w, {value}.as_ref().map(Vec::len){or_empty}, flexible); for item in {value}.iter().flatten() {{ {element} }}"
                )
            }
        };
    }
    if nullable.is_some() && matches!(field.kind, Kind::Struct(_)) {
        return format!(
            "put_struct(w, {value}.is_some()); if let Some(item) = &{value} {{ item.encode(w, version); }}"
        );
    }
    if nullable.is_some() && field.kind == Kind::Uuid {
        assert!(field.tag.is_some(), "a uuid is absent only from a tag");
        return write_one(&field.kind, &format!("{value}.unwrap_or_default()"));
    }
    let (put, empty) = match field.kind {
        Kind::String => ("put_nullable_string", "\"\""),
        Kind::Bytes => ("put_nullable_bytes", "&[]"),
        _ => return write_one(&field.kind, value),
    };
    match nullable {
        None => write_one(&field.kind, value),
        Some(condition) => {
            let or_empty = condition.map_or(String::new(), |condition| {
                format!(".or(if {condition} {{ None }} else {{ Some({empty}) }})")
            });
            format!("{put}(w, {value}.as_deref(){or_empty}, flexible);")
        }
    }
}

fn write_one(kind: &Kind, value: &str) -> String {
    match kind {
        Kind::Bool => {
            let value = if value == "item" {
                "*item".to_owned()
            } else {
                value.to_owned()
            };
            format!("w.push(u8::from({value}));")
        }
        Kind::Int(_) => format!("w.extend_from_slice(&{value}.to_be_bytes());"),
        Kind::Uuid => format!("w.extend_from_slice(&{value}.0.to_be_bytes());"),
        Kind::String => format!("put_string(w, &{value}, flexible);"),
        Kind::Bytes => format!("put_nullable_bytes(w, Some(&{value}), flexible);"),
        Kind::Struct(_) => format!("{value}.encode(w, version);"),
    }
}
