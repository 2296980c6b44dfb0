//! Files that a run leaves.

use std::path::Path;

/// Writes a file, and says where it is.
///
/// # Errors
///
/// A sentence that names the flag and the file.
pub fn save(flag: &str, path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{flag} {}: {error}", path.display()))?;
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    println!("written: {}", whole.display());
    Ok(())
}
