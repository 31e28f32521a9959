//! What the backends say of their libraries' versions is what was compiled in.

use std::path::Path;

/// The version of a package in the lock file.
fn locked(package: &str) -> String {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).unwrap_or_else(|| panic!("{package} is not locked"));
    version.trim_start_matches("version = ").trim_matches('"').to_string()
}

#[test]
fn libraries_are_those_of_the_lock_file() {
    for backend in consonance::backends().iter() {
        let info = backend.info();
        let package = match info.name.as_str() {
            "blocked" => "matrixmultiply",
            "candle" | "candle-cuda" => "candle-core",
            _ => continue,
        };
        let version = locked(package);
        assert!(info.library.ends_with(&version), "{}: {} {version}", info.name, info.library);
    }
}
