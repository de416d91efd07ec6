//! The code a `select!` becomes.
//!
//! ```text
//! {
//!     enum __SimSelect<T0, …> { Branch0(T0), …, Disabled }
//!     let mut output = {
//!         /* preconditions, futures */
//!         poll_fn(/* polls the enabled branches */).await
//!     }; // the futures are dropped here
//!     match output { __SimSelect::Branch0(<pattern>) => <handler>, … }
//! }
//! ```
//!
//! Names are hygienic (`Span::mixed_site`) but for the enum's: items are not, hence its prefix.

use proc_macro::{Span, TokenStream, TokenTree};

use super::template::fill;
use super::{Branch, Select};

/// Expressions that end a match arm at their closing brace, whatever follows.
const BLOCK_LIKE: [&str; 7] = ["if", "match", "loop", "while", "for", "unsafe", "const"];

pub(super) fn expand(select: Select) -> TokenStream {
    if select.branches.is_empty() {
        let slots = [("otherwise", otherwise(select.otherwise))];
        return fill("match () { () => #otherwise, }", Span::mixed_site(), &slots);
    }
    let slots = [
        ("output", output_type(select.branches.len())),
        ("conditions", conditions(&select.branches)),
        ("futures", futures(&select.branches)),
        ("poll", poll(&select)),
        ("arms", arms(&select.branches)),
        ("otherwise", otherwise(select.otherwise)),
    ];
    let text = "{
        #output
        let mut output = {
            #conditions
            #futures
            let output = ::core::future::poll_fn(move |context| { #poll }).await;
            output
        };
        match output {
            #arms
            __SimSelect::Disabled => #otherwise,
            #[allow(unreachable_patterns)]
            _ => ::core::unreachable!(),
        }
    }";
    fill(text, Span::mixed_site(), &slots)
}

fn output_type(branches: usize) -> TokenStream {
    let parameters: String = (0..branches).map(|n| format!("T{n},")).collect();
    let variants: String = (0..branches).map(|n| format!("Branch{n}(T{n}),")).collect();
    let text =
        format!("#[allow(dead_code)] enum __SimSelect<{parameters}> {{ {variants} Disabled, }}");
    fill(&text, Span::mixed_site(), &[])
}

fn conditions(branches: &[Branch]) -> TokenStream {
    let mut tokens = fill("let mut enabled: ::core::primitive::u64 = 0;", Span::mixed_site(), &[]);
    for (n, branch) in branches.iter().enumerate() {
        tokens.extend(match &branch.condition {
            // A `let` takes any expression as it is, and drops its temporaries.
            Some(condition) => {
                let text = format!(
                    "let (condition,): (::core::primitive::bool,) = (#condition,);
                    if condition {{ enabled |= 1u64 << {n}u32; }}"
                );
                fill(&text, Span::mixed_site(), &[("condition", condition.clone())])
            }
            None => fill(&format!("enabled |= 1u64 << {n}u32;"), Span::mixed_site(), &[]),
        });
    }
    tokens
}

fn futures(branches: &[Branch]) -> TokenStream {
    let mut tokens = TokenStream::new();
    for (n, branch) in branches.iter().enumerate() {
        // Apart from `into_future`, so that `let` extends the life of a `&mut temporary()`.
        let text = format!("let (future_{n},) = (#future,);");
        tokens.extend(fill(&text, Span::mixed_site(), &[("future", branch.future.clone())]));
    }
    for (n, branch) in branches.iter().enumerate() {
        // Located at the expression, which is what is wrong if it is no future.
        let span = Span::mixed_site().located_at(first_span(&branch.future));
        let text = format!("let future_{n} = ::core::future::IntoFuture::into_future(future_{n});");
        tokens.extend(fill(&text, span, &[]));
    }
    // Backwards, so that the futures are dropped in written order.
    for n in (0..branches.len()).rev() {
        let text = format!("let mut future_{n} = ::core::pin::pin!(future_{n});");
        tokens.extend(fill(&text, Span::mixed_site(), &[]));
    }
    tokens
}

fn poll(select: &Select) -> TokenStream {
    // The enabled branches as two sets: from the chosen one on, then those before it.
    let (choices, rounds) = if select.biased || select.branches.len() == 1 {
        ("1u32", "{ let _ = start; [enabled] }")
    } else {
        (
            "enabled.count_ones()",
            "{
                let mut first = enabled;
                if choices > 1 {
                    let mut skipped = start % choices;
                    while skipped > 0 {
                        first &= first - 1;
                        skipped -= 1;
                    }
                }
                [first, enabled & !first]
            }",
        )
    };
    // Asked in every poll: a loop around a `select!` that is always ready is stopped here.
    let text = format!(
        "let choices: ::core::primitive::u32 = {choices};
        let ::core::option::Option::Some(start) = #krate::__private::select_start(choices) else {{
            return ::core::task::Poll::Pending;
        }};
        let mut rounds = {rounds};
        for round in &mut rounds {{
            while *round != 0 {{
                let branch = round.trailing_zeros();
                *round &= *round - 1;
                match branch {{
                    #branches
                    _ => ::core::unreachable!(),
                }}
            }}
        }}
        if enabled == 0 {{
            ::core::task::Poll::Ready(__SimSelect::Disabled)
        }} else {{
            ::core::task::Poll::Pending
        }}"
    );
    let branches = select.branches.iter().enumerate().map(|(n, branch)| poll_branch(n, branch));
    let slots = [("krate", select.krate.clone()), ("branches", branches.collect())];
    fill(&text, Span::mixed_site(), &slots)
}

/// Tests the pattern with a guard that always fails, because a guard sees the
/// bindings without moving the value: the pattern can be tested as it is
/// written, with its `mut`, `ref` and `&`, and the value passed on whole.
fn poll_branch(n: usize, branch: &Branch) -> TokenStream {
    let text = format!(
        "#[allow(unused, non_snake_case, clippy::all, clippy::pedantic)]
        {n}u32 => {{
            let poll = ::core::future::Future::poll(::core::pin::Pin::as_mut(&mut future_{n}), context);
            let mut value = match poll {{
                ::core::task::Poll::Ready(value) => value,
                ::core::task::Poll::Pending => continue,
            }};
            enabled &= !(1u64 << {n}u32);
            let mut matched = false;
            match value {{
                #pattern if {{ matched = true; false }} => ::core::unreachable!(),
                _ => {{}}
            }}
            if matched {{
                return ::core::task::Poll::Ready(__SimSelect::Branch{n}(value));
            }}
        }}"
    );
    fill(&text, Span::mixed_site(), &[("pattern", branch.pattern.clone())])
}

fn arms(branches: &[Branch]) -> TokenStream {
    let arm = |(n, branch): (usize, &Branch)| {
        let slots =
            [("pattern", branch.pattern.clone()), ("handler", handler(branch.handler.clone()))];
        fill(&format!("__SimSelect::Branch{n}(#pattern) => #handler,"), Span::mixed_site(), &slots)
    };
    branches.iter().enumerate().map(arm).collect()
}

fn handler(tokens: TokenStream) -> TokenStream {
    let first = tokens.clone().into_iter().next();
    let block_like = matches!(&first, Some(TokenTree::Ident(ident)) if BLOCK_LIKE.contains(&ident.to_string().as_str()));
    if block_like {
        return fill("(#handler)", Span::mixed_site(), &[("handler", tokens)]);
    }
    tokens
}

fn otherwise(tokens: Option<TokenStream>) -> TokenStream {
    tokens.map_or_else(
        || {
            let text = "::core::panic!(\"sim::select!: all branches are disabled and there is no `else` branch\")";
            fill(text, Span::mixed_site(), &[])
        },
        handler,
    )
}

fn first_span(tokens: &TokenStream) -> Span {
    let first = tokens.clone().into_iter().next();
    first.map_or_else(Span::call_site, |token| token.span())
}
