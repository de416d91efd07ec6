//! `property!`.

/// Declares tests that check an async program for many inputs and many schedules of each.
///
/// Each function is one: its arguments are generated as in proptest's `proptest!`
/// (`pattern in strategy`, or `name: Type` throughout for any value), its body is the root of a run. An assertion that fails, a panic, a
/// deadlock, an `Err`, and whatever else fails a run, fails the property, in whichever schedule it
/// shows. `prop_assert!`, `prop_assert_eq!`, `prop_assume!` and `?` work in the body; with
/// `-> Result<(), E>` it ends in one of its own.
///
/// The inputs have to be `Clone + Debug + Send + Sync`: each run gets its own. Futures and what
/// they hold need not be `Send`.
///
/// # What is tried
///
/// By default 64 inputs, and 32 schedules of each: first-in-first-out, then the default
/// [campaign](crate::explore()). Of what fails, inputs and schedule are shrunk together: proptest
/// proposes a smaller input, and the failure, same kind and place, is looked for among the smallest
/// schedules. The report has the input, the schedule, its token and the table.
///
/// # Configuration
///
/// `#![config(cases = 256, schedules = 100)]` as the first line calls these functions of
/// [`Property`](crate::prop::Property); `#![proptest_config(…)]` sets proptest's own. proptest's
/// environment variables count: `PROPTEST_CASES`, `PROPTEST_RNG_SEED`, `PROPTEST_MAX_SHRINK_ITERS`, …
/// A case that failed is kept in `tests/regressions/` of the package, in proptest's format, and
/// tried first from then on: commit the file.
///
/// # Examples
///
/// ```
/// use proptest::collection::vec;
/// use proptest::prelude::*;
/// use std::rc::Rc;
///
/// async fn bank(deposits: &[u32]) -> u32 {
///     let balance = Rc::new(sim::sync::Mutex::new(0));
///     let tasks = deposits.iter().map(|amount| {
///         let (balance, amount) = (Rc::clone(&balance), *amount);
///         sim::spawn(async move {
///             let mut held = balance.lock().await;
///             sim::yield_now().await; // somebody else may run here, but has to wait
///             *held += amount;
///         })
///     });
///     for task in tasks.collect::<Vec<_>>() {
///         task.await.unwrap();
///     }
///     let held = balance.lock().await;
///     *held
/// }
///
/// sim::property! {
///     #![config(cases = 32, schedules = 16)]
///
///     /// No deposit is lost, in whatever order they are made.
///     # /*
///     #[test]
///     # */
///     async fn no_lost_update(deposits in vec(1u32..50, 1..8)) {
///         prop_assert_eq!(bank(&deposits).await, deposits.iter().sum::<u32>());
///     }
/// }
/// # no_lost_update();
/// ```
#[macro_export]
macro_rules! property {
    (#![config($($setting:ident = $value:expr),* $(,)?)] $($rest:tt)*) => {
        $crate::__property! {
            { |property| property.persisted_as($crate::prop::config!())$(.$setting($value))* }
            $($rest)*
        }
    };
    (#![proptest_config($config:expr)] $($rest:tt)*) => {
        $crate::__property! { { |property| property.proptest($config.clone()) } $($rest)* }
    };
    ($($rest:tt)*) => {
        $crate::__property! {
            { |property| property.persisted_as($crate::prop::config!()) } $($rest)*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __property {
    ({ $($configure:tt)* }) => {};
    (
        { $($configure:tt)* }
        $(#[$meta:meta])*
        $visibility:vis async fn $name:ident($($pattern:pat in $strategy:expr),+ $(,)?) $body:block
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        $visibility fn $name() {
            $crate::__property! {
                @check $name { $($configure)* } ($($pattern in $strategy),+) {
                    let () = $body;
                    ::core::result::Result::Ok::<(), $crate::prop::TestCaseError>(())
                }
            }
        }
        $crate::__property! { { $($configure)* } $($rest)* }
    };
    (
        { $($configure:tt)* }
        $(#[$meta:meta])*
        $visibility:vis async fn $name:ident($($pattern:pat in $strategy:expr),+ $(,)?)
            -> $output:ty $body:block
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        $visibility fn $name() {
            $crate::__property! {
                @check $name { $($configure)* } ($($pattern in $strategy),+) {
                    // Tells the compiler what `?` gives.
                    if false {
                        return $crate::prop::unreachable::<$output>();
                    }
                    $body
                }
            }
        }
        $crate::__property! { { $($configure)* } $($rest)* }
    };
    (
        { $($configure:tt)* }
        $(#[$meta:meta])*
        $visibility:vis async fn $name:ident($($input:ident: $type:ty),+ $(,)?)
            $(-> $output:ty)? $body:block
        $($rest:tt)*
    ) => {
        $crate::__property! {
            { $($configure)* }
            $(#[$meta])*
            $visibility async fn $name(
                $($input in $crate::__private::proptest::arbitrary::any::<$type>()),+
            ) $(-> $output)? $body
            $($rest)*
        }
    };
    (@check $name:ident { $($configure:tt)* } ($($pattern:pat in $strategy:expr),+) $body:block) => {
        let property = $crate::prop::Property::new($crate::prop::without_crate(::core::concat!(
            ::core::module_path!(), "::", ::core::stringify!($name)
        )))
        .inputs(&[$(::core::stringify!($pattern)),+]);
        $crate::prop::configured(property, $($configure)*)
            .check(($($strategy,)+), |($($pattern,)+)| async move $body);
    };
}
