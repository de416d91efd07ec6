//! Mistakes in the attribute or its function, as `compile_error!`.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

#[derive(Debug)]
pub(super) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: format!("#[sim::test]: {}", message.into()) }
    }

    pub(super) fn into_tokens(self) -> TokenStream {
        let text = TokenTree::Literal(Literal::string(&self.message));
        let colon = |spacing| TokenTree::Punct(Punct::new(':', spacing));
        let tokens = [
            colon(Spacing::Joint),
            colon(Spacing::Alone),
            TokenTree::Ident(Ident::new("core", self.span)),
            colon(Spacing::Joint),
            colon(Spacing::Alone),
            TokenTree::Ident(Ident::new("compile_error", self.span)),
            TokenTree::Punct(Punct::new('!', Spacing::Alone)),
            TokenTree::Group(Group::new(Delimiter::Brace, text.into())),
        ];
        tokens
            .into_iter()
            .map(|mut token| {
                token.set_span(self.span);
                token
            })
            .collect()
    }
}
