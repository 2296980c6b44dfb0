//! Counts the words of files with several threads, in one map, while another thread reads a range of it.
//!
//! ```sh
//! cargo run --release -p concurrent-ordered-map --example word_index -- README.md
//! ```
//!
//! Without arguments it reads this crate's own sources.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use concurrent_ordered_map::ConcurrentOrderedMap;

/// Every word, in lower case, and how often it was read.
type Index = ConcurrentOrderedMap<String, u64>;

/// The range that is read while the index grows, and printed at the end.
const RANGE: (Bound<&str>, Bound<&str>) = (Bound::Included("lock"), Bound::Included("map"));

/// How many lines a thread takes at a time.
const LINES: usize = 32;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough, as in `word_index | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("word_index: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths)?;
    }
    let texts = paths.iter().map(|path| read(path)).collect::<io::Result<Vec<String>>>()?;

    let index = Index::new();
    let looks = fill(&index, &texts);
    report(&index, texts.len(), looks, &mut io::stdout().lock())
}

/// Reads a file, or says which one could not be read.
fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

/// Collects the `.rs` files under a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// Fills the index with one thread a core, and answers how often one more thread read the range
/// meanwhile.
fn fill(index: &Index, texts: &[String]) -> usize {
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
    let pieces: Vec<&[&str]> = lines.chunks(LINES).collect();
    let next = AtomicUsize::new(0);
    let filled = AtomicBool::new(false);
    let threads = thread::available_parallelism().map_or(2, NonZero::get).max(2);
    let start = Barrier::new(threads + 1);

    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            start.wait();
            let mut looks = 0;
            loop {
                look(index);
                looks += 1;
                if filled.load(Ordering::Relaxed) {
                    return looks;
                }
            }
        });
        let writers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                        count(index, piece);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("a writer panicked");
        }
        filled.store(true, Ordering::Relaxed);
        reader.join().expect("the reader panicked")
    })
}

/// Counts the words of some lines.
fn count(index: &Index, lines: &[&str]) {
    // A session holds back the reclamation of what is removed or replaced, so it is kept short.
    let session = index.pin();
    for word in lines.iter().flat_map(|line| words(line)) {
        // Another thread may count the same word at the same moment; then the closure runs again.
        session.upsert(word, 1, |count| count + 1);
    }
}

/// The words of a line, in lower case: runs of letters, digits and `_` that begin with a letter.
fn words(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(char::is_alphabetic))
        .map(str::to_lowercase)
}

/// Reads the range while others write: the words ascend, and each is there once.
fn look(index: &Index) {
    let session = index.pin();
    let mut before: Option<&String> = None;
    for (word, _) in session.range::<str, _>(RANGE) {
        assert!(before < Some(word), "{before:?} stands before {word:?}");
        before = Some(word);
    }
}

/// Writes what the index holds, for a person to read.
fn report(index: &Index, files: usize, looks: usize, out: &mut impl Write) -> io::Result<()> {
    let session = index.pin();
    let mut ranked: Vec<(&String, &u64)> = session.iter().collect();
    let total: u64 = ranked.iter().map(|(_, count)| **count).sum();
    // The sort is stable, so words of one count stay in alphabetical order.
    ranked.sort_by(|a, b| b.1.cmp(a.1));

    writeln!(out, "files: {files}, words: {total}, different words: {}", index.len())?;
    writeln!(out, "times the range below was read meanwhile, in order each time: {looks}")?;
    writeln!(out, "\nmost frequent")?;
    for (word, count) in ranked.iter().take(10) {
        writeln!(out, "{count:>8}  {word}")?;
    }
    writeln!(out, "\nfrom 'lock' to 'map'")?;
    for (word, count) in session.range::<str, _>(RANGE) {
        writeln!(out, "{count:>8}  {word}")?;
    }
    if let (Some((first, _)), Some((last, _))) = (session.first(), session.last()) {
        writeln!(out, "\nfirst '{first}', last '{last}'")?;
    }
    Ok(())
}
