//! The command line: results on stdout, progress and messages on stderr.
//!
//! Statuses: 0 as documented (or nothing failed), 1 not, 2 bad input, 3 a token that no
//! longer fits, 124 a poll that never returns, 130 Ctrl-C.

mod all;
mod args;
mod explore;
mod interrupt;
mod list;
mod run;
mod runner;
mod shrink;
mod style;
mod target;
mod trace;

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use args::{Cli, Color, Command};

/// Everything is as documented, or nothing failed.
const AS_EXPECTED: u8 = 0;
/// Something is not as documented, or failed.
const UNEXPECTED: u8 = 1;
/// The command line or the environment cannot be understood.
const USAGE: u8 = 2;
/// A token no longer fits its program.
const DRIFTED: u8 = 3;
/// Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What a command gives: the text for stdout, styled, and the status.
struct Answer {
    text: String,
    status: u8,
}

/// Bad input: what is wrong with it, in one line.
#[derive(Debug)]
struct Usage(String);

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(explain(&error)),
    };
    let color = cli.color;
    let status = match answer(cli) {
        Ok(answer) => print(&answer.text, color).map_or(UNEXPECTED, |()| answer.status),
        Err(Usage(message)) => {
            complain(&message);
            USAGE
        }
    };
    ExitCode::from(status)
}

fn answer(cli: Cli) -> Result<Answer, Usage> {
    let watchdog = runner::watchdog()?;
    let (seeds, json) = (cli.all.seeds, cli.all.json);
    let Some(command) = cli.command else {
        return all::all(seeds.unwrap_or(all::SEEDS), json, watchdog);
    };
    if json || seeds.is_some() {
        let name = if json { "--json" } else { "--seeds" };
        return Err(Usage(format!("`{name}` belongs behind the command")));
    }
    match command {
        Command::List { json } => Ok(list::list(json)),
        Command::Run(args) => run::run(&args, watchdog),
        Command::Replay(args) => run::replay(&args, watchdog),
        Command::Explore(args) => explore::explore(&args, watchdog),
        Command::Trace(args) => trace::trace(&args, watchdog),
        Command::Shrink(args) => shrink::shrink(&args, watchdog),
    }
}

/// Prints a result. A reader that has gone away (`| head`) is no error.
fn print(text: &str, color: Color) -> std::io::Result<()> {
    let stdout = std::io::stdout().lock();
    let mut stream = match color {
        Color::Auto => AutoStream::auto(stdout),
        Color::Always => AutoStream::new(stdout, ColorChoice::Always),
        Color::Never => AutoStream::new(stdout, ColorChoice::Never),
    };
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            complain(&format!("cannot write the result: {error}"));
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

/// Says one line on stderr.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "error: {message}");
}

/// Prints what clap has to say: help as it is, an error in one line.
fn explain(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        let _ = error.print();
        return AS_EXPECTED;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let mut message = first.trim_start_matches("error: ").trim_end_matches(':').to_owned();
    if let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
        && message.ends_with("not provided")
    {
        message = format!("{message}: {}", missing.join(" "));
    }
    let similar =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| match error.get(kind) {
                Some(ContextValue::String(similar)) => Some(similar.clone()),
                Some(ContextValue::Strings(similar)) => similar.first().cloned(),
                _ => None,
            });
    let hint = match similar {
        Some(similar) => format!("did you mean `{similar}`?"),
        None => "see --help".to_owned(),
    };
    complain(&format!("{message}; {hint}"));
    USAGE
}

/// How wide the result may be: the terminal, `COLUMNS`, or 100.
fn width() -> usize {
    let terminal = || {
        let (_, columns) = console::Term::stdout().size_checked()?;
        std::io::stdout().is_terminal().then_some(usize::from(columns))
    };
    let variable = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok();
    terminal().or_else(variable).unwrap_or(100).clamp(40, 200)
}
