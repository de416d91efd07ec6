//! Runs conformance programs and prints the trace of each.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use tests::conformance::{Case, trace};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "conformance: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        return Err("usage: conformance FILE.jsonl, or - for standard input".to_owned());
    };
    let input: Box<dyn BufRead> = if path == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = std::fs::File::open(&path)
            .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
        Box::new(BufReader::new(file))
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let result = each_line(input, &mut output);
    // What was printed before a bad line stays whole.
    let flushed = output.flush();
    match (result, flushed) {
        (Err(Problem::Output(error)), _) | (Ok(()), Err(error)) => closed(&error),
        (Err(Problem::Input(message)), _) => Err(message),
        (Ok(()), Ok(())) => Ok(()),
    }
}

enum Problem {
    Input(String),
    Output(io::Error),
}

fn each_line(input: impl BufRead, output: &mut impl Write) -> Result<(), Problem> {
    for (number, line) in input.lines().enumerate() {
        let at = |what: String| Problem::Input(format!("line {}: {what}", number + 1));
        let line = line.map_err(|error| at(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let case: Case = serde_json::from_str(&line).map_err(|error| at(error.to_string()))?;
        case.program.check().map_err(at)?;
        let result = serde_json::json!({ "name": case.name, "trace": trace(&case.program) });
        writeln!(output, "{result}").map_err(Problem::Output)?;
    }
    Ok(())
}

/// Whoever reads may have had enough.
fn closed(error: &io::Error) -> Result<(), String> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(format!("cannot write: {error}"))
}
