//! The command line of the gallery.

use std::process::ExitCode;

fn main() -> ExitCode {
    scenarios::cli::main()
}
