//! Code written as text, with slots for the tokens of the user.

use proc_macro::{Group, Span, TokenStream, TokenTree};

/// Parses `text`, puts it at `span` and replaces each `#name` by the slot of that name.
///
/// # Panics
///
/// If `text` is not made of tokens or names an unknown slot: a mistake in this crate.
pub(super) fn fill(text: &str, span: Span, slots: &[(&str, TokenStream)]) -> TokenStream {
    let template: TokenStream = text.parse().expect("templates are made of tokens");
    fill_tokens(template, span, slots)
}

fn fill_tokens(template: TokenStream, span: Span, slots: &[(&str, TokenStream)]) -> TokenStream {
    let mut filled = TokenStream::new();
    let mut tokens = template.into_iter().peekable();
    while let Some(mut token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Ident(name)) = tokens.peek() {
                    filled.extend(slot(&name.to_string(), slots));
                    tokens.next();
                    continue;
                }
            }
            TokenTree::Group(group) => {
                let inner = fill_tokens(group.stream(), span, slots);
                token = TokenTree::Group(Group::new(group.delimiter(), inner));
            }
            _ => {}
        }
        token.set_span(span);
        filled.extend([token]);
    }
    filled
}

fn slot(name: &str, slots: &[(&str, TokenStream)]) -> TokenStream {
    let found = slots.iter().find(|(slot, _)| *slot == name);
    found.map(|(_, tokens)| tokens.clone()).expect("templates name their slots")
}
