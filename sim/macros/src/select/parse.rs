//! Splits the input into branches; whether each part is sound Rust is left to the compiler.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use super::scan::{Kind, Stop, is_ident, is_pair, is_punct, scan};
use super::{Branch, MAX_BRANCHES, Select};
use crate::error::Error;

const BRANCH: &str = "`<pattern> = <async expression> => <handler>`";

pub(super) fn parse(input: TokenStream) -> Result<Select, Error> {
    let mut tokens = input.into_iter();
    let Some(TokenTree::Group(krate)) = tokens.next() else {
        return Err(Error::new(Span::call_site(), "call `sim::select!`, not `select_impl!`"));
    };
    let mut parser = Parser { tokens: tokens.collect(), at: 0 };
    let biased = parser.biased()?;
    let mut branches = Vec::new();
    let mut otherwise = None;
    while parser.at < parser.tokens.len() {
        if is_ident(&parser.tokens, parser.at, "else") {
            otherwise = Some(parser.otherwise()?);
            break;
        }
        if branches.len() == MAX_BRANCHES {
            let message = format!(
                "more than {MAX_BRANCHES} branches; nest another `sim::select!` in one of them"
            );
            return Err(Error::new(parser.span(parser.at), message));
        }
        branches.push(parser.branch()?);
    }
    if branches.is_empty() && otherwise.is_none() {
        return Err(Error::new(
            Span::call_site(),
            format!("no branches; add at least one {BRANCH}"),
        ));
    }
    Ok(Select { krate: krate.stream(), biased, branches, otherwise })
}

struct Parser {
    tokens: Vec<TokenTree>,
    at: usize,
}

impl Parser {
    fn biased(&mut self) -> Result<bool, Error> {
        if !is_ident(&self.tokens, self.at, "biased") {
            return Ok(false);
        }
        if is_punct(&self.tokens, self.at + 1, ';') {
            self.at += 2;
            return Ok(true);
        }
        if is_punct(&self.tokens, self.at + 1, ',') {
            return Err(Error::new(
                self.span(self.at + 1),
                "`biased` ends with `;`; write `biased;`",
            ));
        }
        // Any other is a binding that happens to have this name.
        Ok(false)
    }

    fn branch(&mut self) -> Result<Branch, Error> {
        let pattern = self.pattern()?;
        let (future, stop) = self.expression("async expression")?;
        let mut condition = None;
        if stop == Stop::Comma {
            let comma = self.at;
            self.at += 1;
            if !is_ident(&self.tokens, self.at, "if") {
                let message = "the async expression ends here without a handler; \
                               add `=> <handler>` or `, if <precondition> => <handler>`";
                return Err(Error::new(self.span(comma), message));
            }
            self.at += 1;
            let (tokens, stop) = self.expression("precondition")?;
            if stop == Stop::Comma {
                let message = "the precondition ends here without a handler; add `=> <handler>`";
                return Err(Error::new(self.span(self.at), message));
            }
            condition = Some(tokens);
        }
        self.at += 2;
        let handler = self.handler()?;
        Ok(Branch { pattern, future, condition, handler })
    }

    fn pattern(&mut self) -> Result<TokenStream, Error> {
        let start = self.at;
        let (end, stop) = scan(&self.tokens, start, Kind::Pattern);
        let error = |at, message: String| Err(Error::new(self.span(at), message));
        match stop {
            Stop::Equals if end == start => {
                error(start, "no pattern before `=`; write `_ =` to ignore the value".to_owned())
            }
            Stop::Equals => {
                self.at = end + 1;
                Ok(self.slice(start, end))
            }
            Stop::Semicolon if is_ident(&self.tokens, start, "biased") => {
                error(start, "`biased;` goes before the first branch, once".to_owned())
            }
            Stop::Comma if end == start => {
                error(start, "this `,` follows no branch; remove it".to_owned())
            }
            Stop::Arrow => error(
                start,
                format!("a branch without a pattern; write {BRANCH}, with `_` to ignore the value"),
            ),
            Stop::Comma | Stop::Semicolon | Stop::End => {
                error(start, format!("not a branch; write {BRANCH} or, last, `else => <handler>`"))
            }
        }
    }

    /// Reads an expression that must be followed by more of its branch.
    fn expression(&mut self, what: &str) -> Result<(TokenStream, Stop), Error> {
        let start = self.at;
        let (end, stop) = scan(&self.tokens, start, Kind::Expression);
        if end == start {
            // At the end of the input the mark before is the best place to point to.
            let place = if stop == Stop::End { start - 1 } else { start };
            return Err(Error::new(
                self.span(place),
                format!("expected the {what} here; write {BRANCH}"),
            ));
        }
        match stop {
            Stop::Comma | Stop::Arrow => {
                self.at = end;
                Ok((self.slice(start, end), stop))
            }
            Stop::Semicolon => {
                let message =
                    format!("`;` in the {what}; write {BRANCH}, and more statements in a block");
                Err(Error::new(self.span(end), message))
            }
            Stop::Equals | Stop::End => {
                let message = format!("the {what} is followed by no handler; add `=> <handler>`");
                Err(Error::new(self.span(start), message))
            }
        }
    }

    /// Reads a handler and the comma after it.
    fn handler(&mut self) -> Result<TokenStream, Error> {
        let start = self.at;
        if self.tokens.get(start).is_some_and(is_block) {
            self.at += 1;
            if is_punct(&self.tokens, self.at, ',') {
                self.at += 1;
            }
            return Ok(self.slice(start, start + 1));
        }
        let (end, stop) = scan(&self.tokens, start, Kind::Expression);
        if end == start {
            let place = if stop == Stop::End { start - 1 } else { start };
            return Err(Error::new(
                self.span(place),
                "expected a handler after `=>`; write `{}` to do nothing",
            ));
        }
        match stop {
            Stop::Comma => {
                self.at = end + 1;
                Ok(self.slice(start, end))
            }
            Stop::End => {
                self.at = end;
                Ok(self.slice(start, end))
            }
            Stop::Semicolon => Err(Error::new(
                self.span(end),
                "a handler ends with `,`, not `;`; more statements go in a block",
            )),
            Stop::Arrow | Stop::Equals => {
                let message =
                    "this handler runs into the next branch; end it with `,` or make it a block";
                Err(Error::new(self.span(start), message))
            }
        }
    }

    fn otherwise(&mut self) -> Result<TokenStream, Error> {
        self.at += 1;
        if !is_pair(&self.tokens, self.at, '=', '>') {
            let message =
                "`else` takes neither a pattern nor a precondition; write `else => <handler>`";
            return Err(Error::new(self.span(self.at - 1), message));
        }
        self.at += 2;
        let handler = self.handler()?;
        if self.at < self.tokens.len() {
            return Err(Error::new(self.span(self.at), "`else` must be last; move this before it"));
        }
        Ok(handler)
    }

    fn slice(&self, from: usize, to: usize) -> TokenStream {
        self.tokens[from..to].iter().cloned().collect()
    }

    fn span(&self, at: usize) -> Span {
        let token = self.tokens.get(at).or(self.tokens.last());
        token.map_or_else(Span::call_site, TokenTree::span)
    }
}

/// Whether this is a block, be it one that another macro took as `$handler:block`.
fn is_block(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    match group.delimiter() {
        Delimiter::Brace => true,
        Delimiter::None => {
            let mut inner = group.stream().into_iter();
            inner.next().is_some_and(|first| is_block(&first)) && inner.next().is_none()
        }
        Delimiter::Parenthesis | Delimiter::Bracket => false,
    }
}
