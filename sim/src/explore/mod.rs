//! Many runs of one program: to find the schedule that breaks it, to show how few choices that
//! takes, and to get it again from one line.
//!
//! [`explore`] begins a campaign; its [`Report`] holds what was [`Found`], with a [`Token`] that
//! [`replay`] takes. [`Watchdog`] names a poll that never returns.
//!
//! # How it searches
//!
//! The first run is first-in-first-out; it also shows what the tasks do and where they meet. From
//! then on several policies take turns, a run each: mostly [`Rff`](crate::Policy::Rff),
//! [`Surw`](crate::Policy::Surw) and [`PosNonRacing`](crate::Policy::PosNonRacing); in smaller part
//! [`Pos`](crate::Policy::Pos), [`Pct`](crate::Policy::Pct) of depth 2 to 5, and every schedule with
//! one deviation from first-in-first-out, then two, then three; now and then
//! [`Lifo`](crate::Policy::Lifo), [`Reverse`](crate::Policy::Reverse), [`Urw`](crate::Policy::Urw),
//! [`FairPct`](crate::Policy::FairPct) and [`Random`](crate::Policy::Random). Where most operations
//! say nothing of what they touch, those that build on that leave their turns to
//! [`Urw`](crate::Policy::Urw) and [`Pct`](crate::Policy::Pct).
//!
//! # Determinism
//!
//! A campaign is a function of its seed and its number of runs, whatever the number of threads:
//! the lowest index that fails is what is reported.

mod bounded;
mod campaign;
#[cfg(feature = "prop")]
mod case;
mod causal;
mod deviations;
pub mod environment;
mod exhaustive;
mod explorer;
mod found;
mod identity;
mod json;
mod labels;
mod marks;
mod plan;
mod program;
mod regressions;
mod replay;
mod report;
pub mod shards;
mod shrink;
mod statistics;
mod test;
mod token;
pub mod watchdog;
mod watched;

#[cfg(feature = "prop")]
pub(crate) use case::{Case, Searched, Shown, Written};
#[cfg(feature = "prop")]
pub(crate) use deviations::NamedDeviation;
pub use explorer::{Explore, explore};
pub use found::Found;
pub use regressions::{Regression, RegressionError, Regressions};
pub use replay::{Fit, Replay, replay, replay_with};
pub use report::{Claim, Progress, Report};
pub use statistics::Sampler;
#[doc(hidden)]
pub use test::{Judged, Test, judge};
pub use token::{Token, TokenError};
#[doc(inline)]
pub use watchdog::{Watch, Watchdog};
