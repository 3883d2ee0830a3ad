//! What the program is made of, for those who look for known holes in it: compiled in as
//! `cargo auditable` does, so that every build has it, however it was made.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// As cargo resolves it; a test makes it anew.
const FILE: &str = "packaging/dependencies.json";
const LOCK: &str = "Cargo.lock";

/// The section's content: the list, after making sure that it is one of what is being built.
pub fn section() -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed={LOCK}");
    let read =
        |file| fs::read_to_string(Path::new(file)).map_err(|error| format!("{file}: {error}"));
    let (list, lock) = (read(FILE)?, read(LOCK)?);
    let table = lock.parse::<toml::Table>().map_err(|error| format!("{LOCK}: {error}"))?;
    let locked =
        table.get("package").and_then(toml::Value::as_array).ok_or("Cargo.lock is empty")?;
    for line in list.lines().filter(|line| line.contains("\"name\"")) {
        let is_in = |package: &toml::Value| {
            ["name", "version"].iter().all(|key| {
                let value = package.get(key).and_then(toml::Value::as_str).unwrap_or_default();
                line.contains(&format!("\"{key}\":\"{value}\""))
            })
        };
        if !locked.iter().any(is_in) {
            return Err(format!(
                "{FILE} has a package that {LOCK} has not: {line} (to make the list anew: see docs/dependencies.md)"
            ));
        }
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed
        .write_all(list.as_bytes())
        .and_then(|()| packed.finish())
        .map_err(|error| error.to_string())
}
