//! Searching schedules: campaigns, exhaustive claims, shrinking, tokens.

mod campaigns;
mod claims;
mod policies;
mod programs;
mod shrinking;
mod tokens;
