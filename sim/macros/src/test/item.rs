//! The function under the attribute: only as much of it is read as the test needs.

use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

use crate::error::Error;

pub(super) struct Item {
    /// What stands above it, for the harness.
    pub(super) attributes: TokenStream,
    pub(super) visibility: TokenStream,
    pub(super) name: Ident,
    /// From `async` to the end of its body.
    pub(super) function: TokenStream,
    /// It has `#[should_panic]`.
    pub(super) is_to_panic: bool,
}

impl Item {
    pub(super) fn parse(item: TokenStream) -> Result<Self, Error> {
        let tokens: Vec<TokenTree> = item.into_iter().collect();
        let mut at = 0;
        let mut is_to_panic = false;
        while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(attribute))) =
            (tokens.get(at), tokens.get(at + 1))
        {
            if hash.as_char() != '#' {
                break;
            }
            let inside: Vec<TokenTree> = attribute.stream().into_iter().collect();
            is_to_panic |= is_word(inside.first(), "should_panic");
            if is_word(inside.first(), "test") && inside.len() == 1 {
                return Err(Error::new(
                    attribute.span(),
                    "it makes the function a test already: drop `#[test]`",
                ));
            }
            at += 2;
        }
        let attributes = tokens[..at].iter().cloned().collect();
        let before = at;
        if is_word(tokens.get(at), "pub") {
            at += 1;
            if matches!(tokens.get(at), Some(TokenTree::Group(scope))
                if scope.delimiter() == Delimiter::Parenthesis)
            {
                at += 1;
            }
        }
        let visibility = tokens[before..at].iter().cloned().collect();
        let span = |at: usize| tokens.get(at).map_or_else(Span::call_site, TokenTree::span);
        let function = tokens[at..].iter().cloned().collect();
        if is_word(tokens.get(at), "fn") {
            return Err(Error::new(span(at), "the function has to be `async fn`"));
        }
        if !is_word(tokens.get(at), "async") || !is_word(tokens.get(at + 1), "fn") {
            return Err(Error::new(span(at), "it stands above a plain `async fn name() { … }`"));
        }
        let Some(TokenTree::Ident(name)) = tokens.get(at + 2) else {
            return Err(Error::new(span(at + 2), "the function has no name"));
        };
        match tokens.get(at + 3) {
            Some(TokenTree::Group(arguments))
                if arguments.delimiter() == Delimiter::Parenthesis =>
            {
                if let Some(first) = arguments.stream().into_iter().next() {
                    return Err(Error::new(
                        first.span(),
                        "the function takes no arguments: nobody would give it any",
                    ));
                }
            }
            _ => return Err(Error::new(span(at + 3), "the function cannot be generic")),
        }
        Ok(Self { attributes, visibility, name: name.clone(), function, is_to_panic })
    }
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident.to_string() == word)
}
