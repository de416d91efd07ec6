use super::{notes, secs};
use crate::{note, sleep};

#[test]
fn futures_are_polled_in_the_order_in_which_they_are_written() {
    let seen = notes(|| async {
        let named = |name: &'static str, seconds: u64| async move {
            note!("{name}");
            sleep(secs(seconds)).await;
            name
        };
        let both = crate::join!(named("A", 2), named("B", 1));
        note!("{both:?}");
        let failed = crate::try_join!(async { Ok::<(), _>(()) }, async { Err::<(), _>("no") });
        note!("{failed:?}");
    });
    assert_eq!(seen, "0 A\n0 B\n2 (\"A\", \"B\")\n2 Err(\"no\")");
}
