//! A block whose cases are counted from outside.

use proptest::prelude::any;

sim::property! {
    #![config(cases = 5, schedules = 1)]

    #[test]
    #[expect(clippy::print_stderr, reason = "another test counts the lines")]
    async fn cases(_n in any::<u8>()) {
        eprintln!("a case");
    }
}
