//! Finds where an expression or a pattern ends, without parsing it.
//!
//! The only difficulty is that `<` and `|` do not delimit token trees: the comma
//! of `f::<A, B>()` or of `|a, b| a` ends nothing. Whether `<` opens generics or
//! compares, and whether `|` opens a closure or is an operator, follows from
//! whether an operand is expected at that place.

use proc_macro::{Delimiter, Spacing, TokenTree};

/// What ended the scan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Comma,
    Semicolon,
    /// `=>`.
    Arrow,
    /// A `=` that is a token of its own; only in patterns.
    Equals,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pattern,
    Expression,
}

/// Keywords after which an expression or a type starts.
const PREFIX_KEYWORDS: [&str; 15] = [
    "as", "async", "break", "const", "dyn", "else", "if", "in", "let", "match", "move", "mut",
    "return", "static", "while",
];

/// Returns where the expression or the pattern that starts at `from` stops, and on what.
pub(super) fn scan(tokens: &[TokenTree], from: usize, kind: Kind) -> (usize, Stop) {
    let mut at = from;
    // Whether an operand comes next, rather than an operator.
    let mut operand = true;
    // Whether a type is being read, where `<` after a name always opens generics.
    let mut in_type = false;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) => {
                let field = at > from && is_punct(tokens, at - 1, '.');
                let name = ident.to_string();
                operand = !field && PREFIX_KEYWORDS.contains(&name.as_str());
                in_type |= name == "as" && !field;
                at += 1;
            }
            TokenTree::Literal(_) => {
                (operand, in_type) = (false, false);
                at += 1;
            }
            TokenTree::Group(group) => {
                operand = false;
                in_type &= group.delimiter() != Delimiter::Brace;
                at += 1;
            }
            TokenTree::Punct(punct) => {
                if let Some(stop) = stop_at(tokens, from, at, kind) {
                    return (at, stop);
                }
                match punct.as_char() {
                    // `<=`, `||`, `<<` where an operator comes: their second half opens nothing.
                    '<' if is_pair(tokens, at, '<', '=') => {
                        (operand, in_type) = (true, false);
                        at += 2;
                    }
                    sign @ ('|' | '<') if !operand && is_pair(tokens, at, sign, sign) => {
                        (operand, in_type) = (true, false);
                        at += 2;
                    }
                    // A lifetime or a label; `break 'a value` still expects an operand.
                    '\'' => at += 2,
                    '<' if operand || opens_generics(tokens, from, at, in_type) => {
                        operand = false;
                        at = past_generics(tokens, at).unwrap_or(at + 1);
                    }
                    '|' if operand && kind == Kind::Expression => {
                        at = past_parameters(tokens, at);
                    }
                    '-' if is_pair(tokens, at, '-', '>') => {
                        (operand, in_type) = (true, true);
                        at += 2;
                    }
                    '?' => {
                        (operand, in_type) = (false, false);
                        at += 1;
                    }
                    other => {
                        in_type &= operand || other == ':';
                        operand = true;
                        at += 1;
                    }
                }
            }
        }
    }
    (tokens.len(), Stop::End)
}

fn stop_at(tokens: &[TokenTree], from: usize, at: usize, kind: Kind) -> Option<Stop> {
    if is_punct(tokens, at, ',') {
        return Some(Stop::Comma);
    }
    if is_punct(tokens, at, ';') {
        return Some(Stop::Semicolon);
    }
    if !is_punct(tokens, at, '=') || (at > from && is_joint(tokens, at - 1)) {
        return None;
    }
    if is_pair(tokens, at, '=', '>') {
        return Some(Stop::Arrow);
    }
    let alone = !is_pair(tokens, at, '=', '=');
    (kind == Kind::Pattern && alone).then_some(Stop::Equals)
}

/// Whether the `<` at `at`, where an operator may stand, opens generics instead.
fn opens_generics(tokens: &[TokenTree], from: usize, at: usize, in_type: bool) -> bool {
    let after_path = at >= from + 2 && is_pair(tokens, at - 2, ':', ':');
    let after_type = in_type && at > from && matches!(tokens[at - 1], TokenTree::Ident(_));
    after_path || after_type
}

fn past_generics(tokens: &[TokenTree], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in from..tokens.len() {
        if is_punct(tokens, at, '<') {
            depth += 1;
        } else if is_punct(tokens, at, '>') && !is_pair(tokens, at - 1, '-', '>') {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// Parameters hold no `|` outside of delimiters: or-patterns need parentheses there.
fn past_parameters(tokens: &[TokenTree], from: usize) -> usize {
    let close = (from + 1..tokens.len()).find(|&at| is_punct(tokens, at, '|'));
    close.map_or(from + 1, |close| close + 1)
}

pub(super) fn is_punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

pub(super) fn is_ident(tokens: &[TokenTree], at: usize, wanted: &str) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident.to_string() == wanted)
}

fn is_joint(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint)
}

/// Whether `first` and `second` stand at `at` with nothing in between.
pub(super) fn is_pair(tokens: &[TokenTree], at: usize, first: char, second: char) -> bool {
    is_punct(tokens, at, first) && is_joint(tokens, at) && is_punct(tokens, at + 1, second)
}
