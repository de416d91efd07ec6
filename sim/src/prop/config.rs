//! proptest's configuration, with a place for regressions that works everywhere.

use std::path::Path;

use proptest::test_runner::{Config, FileFailurePersistence};

/// Names the file that holds the regressions of a module: below its package, in
/// `tests/regressions`.
#[doc(hidden)]
#[must_use]
pub fn regressions(package: &str, module: &str) -> String {
    let file = format!("{}.txt", module.replace("::", "-"));
    let path = Path::new(package).join("tests").join("regressions").join(file);
    path.to_string_lossy().into_owned()
}

/// proptest's default configuration, with its regressions in this file.
#[doc(hidden)]
#[must_use]
pub fn config_with(regressions: &'static str) -> Config {
    let mut config = Config::default();
    // Off where `PROPTEST_DISABLE_FAILURE_PERSISTENCE` says so.
    if config.failure_persistence.is_some() {
        config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(regressions)));
    }
    config
}

/// Gives proptest's default configuration, environment variables included, for a plain
/// `proptest!` block; its regressions are kept in `tests/regressions/` of the package, in a file
/// named after the module.
///
/// proptest's own default looks for a `lib.rs` near the source, and warns on every run of a test
/// that has none.
///
/// # Examples
///
/// ```
/// use proptest::prelude::*;
///
/// proptest! {
///     #![proptest_config(ProptestConfig { cases: 16, ..sim::prop::config!() })]
///     # /*
///     #[test]
///     # */
///     fn two_and_two(n in 0..4) {
///         prop_assert!(n < 4);
///     }
/// }
/// # two_and_two();
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __prop_config {
    () => {{
        static REGRESSIONS: ::std::sync::OnceLock<::std::string::String> =
            ::std::sync::OnceLock::new();
        $crate::prop::config_with(REGRESSIONS.get_or_init(|| {
            $crate::prop::regressions(::core::env!("CARGO_MANIFEST_DIR"), ::core::module_path!())
        }))
    }};
}
