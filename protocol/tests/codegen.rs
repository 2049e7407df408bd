//! The generated messages are those of the schemas: stale files are refused. `PELTON_REGENERATE=1` writes them anew.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

#[path = "codegen/mod.rs"]
mod generator;

#[test]
fn generated_messages_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut schemas: Vec<_> = fs::read_dir(root.join("schema/kafka"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    schemas.sort();
    for schema in schemas {
        let name = schema.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = generator::generate(&fs::read_to_string(&schema).unwrap());
        let target = root.join(format!("src/messages/{name}.rs"));
        if std::env::var_os("PELTON_REGENERATE").is_some() {
            fs::write(&target, &expected).unwrap();
        }
        let found = fs::read_to_string(&target).unwrap_or_default();
        assert!(
            found == expected,
            "{name}.rs is stale: run PELTON_REGENERATE=1 cargo test -p protocol --test codegen"
        );
    }
}
