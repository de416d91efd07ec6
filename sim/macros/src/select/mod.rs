//! `select!`: from tokens to branches ([`parse`]), from branches to code ([`expand`]).

mod expand;
mod parse;
mod scan;
mod template;

use proc_macro::TokenStream;

/// The branches are numbered by the bits of a `u64`.
const MAX_BRANCHES: usize = 64;

/// A whole invocation.
struct Select {
    /// The path of the `sim` crate, as its `$crate`.
    krate: TokenStream,
    biased: bool,
    branches: Vec<Branch>,
    otherwise: Option<TokenStream>,
}

/// `<pattern> = <future>, if <condition> => <handler>`.
struct Branch {
    pattern: TokenStream,
    future: TokenStream,
    condition: Option<TokenStream>,
    handler: TokenStream,
}

pub(crate) fn select(input: TokenStream) -> TokenStream {
    match parse::parse(input) {
        Ok(select) => expand::expand(select),
        Err(error) => error.into_block("sim::select!"),
    }
}
