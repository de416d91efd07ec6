//! `#[sim::test]`: from an `async fn` and its settings ([`settings`]) to a test of the harness.

mod item;
mod settings;

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::error::Error;
use item::Item;
use settings::Settings;

pub(crate) fn test(settings: TokenStream, item: TokenStream) -> TokenStream {
    match expand(settings, item.clone()) {
        Ok(test) => test,
        // The function stays, so that what it uses is not reported as unused.
        Err(error) => TokenStream::from_iter([error.into_tokens("#[sim::test]"), item]),
    }
}

fn expand(settings: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let item = Item::parse(item)?;
    let settings = Settings::parse(settings)?;
    let krate = &settings.krate;
    let name = &item.name;
    // A raw name is listed by the harness without its prefix.
    let listed = name.to_string().replacen("r#", "", 1);
    let mut calls = settings.calls.clone();
    if item.is_to_panic {
        calls.push_str(".to_panic()");
    }
    let begin = format!(
        "{krate}::__private::Test::new(\
             ::core::module_path!(), {listed:?}, \
             ::core::env!(\"CARGO_PKG_NAME\"), ::core::env!(\"CARGO_MANIFEST_DIR\")\
         ){calls}.run"
    );
    let program = format!("|| async {{ {krate}::__private::judge({name}().await) }}");
    // At the function's name, for it is the place that a failure names: the call site is the
    // attribute's.
    let place = name.span();
    let run = TokenStream::from_iter([
        at(parsed(&begin), place),
        at(group(Delimiter::Parenthesis, parsed(&program)), place),
    ]);
    let inner = TokenStream::from_iter([
        parsed("#[allow(clippy::unused_async, clippy::unnecessary_wraps)]"),
        item.function,
    ]);
    let body = group(Delimiter::Brace, TokenStream::from_iter([inner, run]));
    Ok(TokenStream::from_iter([
        parsed("#[::core::prelude::v1::test]"),
        item.attributes,
        item.visibility,
        TokenTree::Ident(Ident::new("fn", name.span())).into(),
        TokenTree::Ident(name.clone()).into(),
        group(Delimiter::Parenthesis, TokenStream::new()),
        body,
    ]))
}

fn parsed(code: &str) -> TokenStream {
    code.parse().expect("[sim bug] the code of a test is no code")
}

fn group(delimiter: Delimiter, tokens: TokenStream) -> TokenStream {
    TokenTree::Group(Group::new(delimiter, tokens)).into()
}

/// The same tokens at another place.
fn at(tokens: TokenStream, place: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| {
            let mut token = match token {
                TokenTree::Group(inner) => {
                    TokenTree::Group(Group::new(inner.delimiter(), at(inner.stream(), place)))
                }
                token => token,
            };
            token.set_span(place);
            token
        })
        .collect()
}
