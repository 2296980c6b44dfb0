//! Recorded service times, from a file of comma-separated values.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::InputError;

/// Reads a column of milliseconds, and answers seconds. Without a header line it is the first column.
///
/// # Errors
///
/// Names the file, and the line if one is not right.
pub fn read(path: &Path, column: Option<&str>) -> Result<Vec<f64>, InputError> {
    let wrong = |line: Option<u64>, problem: String| InputError::Trace {
        path: path.to_owned(),
        line,
        problem,
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .comment(Some(b'#'))
        .from_path(path)
        .map_err(|error| wrong(None, error.to_string()))?;
    let (mut at, mut times) = (None, Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| {
            wrong(error.position().map(csv::Position::line), "it is no UTF-8 text".into())
        })?;
        let line = record.position().map(csv::Position::line);
        let at = match at {
            Some(at) => at,
            None => {
                let (first, is_header) =
                    find(&record, column).map_err(|problem| wrong(line, problem))?;
                at = Some(first);
                if is_header {
                    continue;
                }
                first
            }
        };
        times.push(time(&record, at).map_err(|problem| wrong(line, problem))?);
    }
    if times.iter().all(|time| *time == 0.0) {
        return Err(wrong(None, "it has no service time above 0".into()));
    }
    Ok(times)
}

/// Which column it is, and whether the first line is a header.
fn find(first: &StringRecord, column: Option<&str>) -> Result<(usize, bool), String> {
    if let Some(name) = column {
        let at = first.iter().position(|field| field == name);
        let there = || first.iter().collect::<Vec<_>>().join(", ");
        return at
            .map(|at| (at, true))
            .ok_or_else(|| format!("no column '{name}'; there are: {}", there()));
    }
    let is_number = first.get(0).is_some_and(|field| field.parse::<f64>().is_ok());
    if !is_number && first.len() > 1 {
        return Err("it has several columns: name one by service.column".into());
    }
    Ok((0, !is_number))
}

fn time(record: &StringRecord, at: usize) -> Result<f64, String> {
    let field = record.get(at).ok_or_else(|| format!("it has no column {}", at + 1))?;
    match field.parse::<f64>() {
        Ok(millis) if millis.is_finite() && millis >= 0.0 => Ok(millis / 1e3),
        Ok(_) => Err(format!("'{field}' is no service time: it must be 0 or more")),
        Err(_) => Err(format!("'{field}' is not a number of milliseconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8], column: Option<&str>) -> Result<Vec<f64>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), column).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_with_and_without_a_header() {
        assert_eq!(read_text(b"1\n2.5\n", None).unwrap(), [1e-3, 2.5e-3]);
        assert_eq!(read_text(b"ms\n# a comment\n1\n", None).unwrap(), [1e-3]);
        assert_eq!(read_text(b"query,ms\nq1, 4\nq2,6\n", Some("ms")).unwrap(), [4e-3, 6e-3]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, column, named) in [
            (&b"1\n2\nabc\n"[..], None, "line 3: 'abc' is not a number of milliseconds"),
            (b"1\n-2\n", None, "line 2: '-2' is no service time"),
            (b"1\nNaN\n", None, "line 2: 'NaN' is no service time"),
            (b"a,b\n1,2\n3\n", Some("b"), "line 3: it has no column 2"),
            (b"a,b\n1,2\n", Some("c"), "line 1: no column 'c'; there are: a, b"),
            (b"a,b\n1,2\n", None, "line 1: it has several columns"),
            (b"1\n\xff\n", None, "line 2: it is no UTF-8 text"),
            (b"ms\n", None, "no service time above 0"),
            (b"0\n0\n", None, "no service time above 0"),
        ] {
            let error = read_text(text, column).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        let error = read(Path::new("no-such.csv"), None).unwrap_err().to_string();
        assert!(error.starts_with("service.trace no-such.csv: "), "{error}");
    }
}
