//! What may be wrong with a plan's input.

use std::fmt;
use std::path::PathBuf;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A field of the file, or the flag of its name.
    #[error("{field}: {problem}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file of input cannot be read or is no TOML of the right shape.
    #[error("--input {}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        problem: String,
    },
    /// A recorded trace.
    #[error("service.trace {}: {}{problem}", path.display(), At(*line))]
    Trace {
        /// The file.
        path: PathBuf,
        /// The line, where there is one.
        line: Option<u64>,
        /// What is wrong.
        problem: String,
    },
    /// The database that `DATABASE_URL` names.
    #[error("DATABASE_URL: {0}")]
    Database(String),
}

struct At(Option<u64>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}

pub(super) fn wrong<T>(field: &'static str, problem: impl Into<String>) -> Result<T, InputError> {
    Err(InputError::Field { field, problem: problem.into() })
}
