//! Mistakes in a macro's input, as `compile_error!`.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

#[derive(Debug)]
pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// The error of the macro that `of` names, as an item or a statement.
    pub(crate) fn into_tokens(self, of: &str) -> TokenStream {
        let text = TokenTree::Literal(Literal::string(&format!("{of}: {}", self.message)));
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

    /// The error in a block, which stands for an expression as well.
    pub(crate) fn into_block(self, of: &str) -> TokenStream {
        TokenTree::Group(Group::new(Delimiter::Brace, self.into_tokens(of))).into()
    }
}
