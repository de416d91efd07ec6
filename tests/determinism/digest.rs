//! Prints the digests of a known program, for another process or build to compare.

use std::io::{self, Write};

use sim::Policy;
use tests::programs::{DIGESTS, digest_of};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    if std::env::args().nth(1).as_deref() == Some("--constants") {
        for (policy, seed, _) in DIGESTS {
            writeln!(
                output,
                "    (Policy::{policy:?}, {seed}, 0x{:016x}),",
                digest_of(policy, seed)
            )?;
        }
        return Ok(());
    }
    for seed in 0..20 {
        writeln!(output, "{:016x}", digest_of(Policy::Random, seed))?;
    }
    Ok(())
}
