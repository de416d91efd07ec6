//! Tests that fail, and are meant to: `cargo test --workspace` leaves them out, and
//! `tests/attribute` runs them one by one in processes of their own.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A payment that only goes well if the deposit is before it, as it is first-in-first-out.
async fn unordered_payments() {
    let balance = Rc::new(Cell::new(0));
    let deposit = Rc::clone(&balance);
    let deposit = sim::spawn(async move { deposit.set(deposit.get() + 5) }).named("deposit");
    let payment = Rc::clone(&balance);
    let payment = sim::spawn(async move {
        let seen: i32 = payment.get();
        payment.set((seen - 3).max(0));
    });
    let _ = (payment.named("payment").await, deposit.await);
    assert_eq!(balance.get(), 2, "money was lost");
}

#[sim::test(seeds = 256)]
async fn loses_money() {
    unordered_payments().await;
}

/// Fails in one run of many, so that one shard of two finds it.
#[sim::test(seeds = 40, policy = "random")]
async fn fails_for_one_seed() {
    use rand::RngExt;
    let drawn: u32 = sim::rng().random_range(0..40);
    sim::sometimes!(drawn > 20, "drawn high");
    assert_ne!(drawn, 17, "unlucky");
}

#[sim::test(seeds = 40)]
async fn passes() {
    let other = sim::spawn(sim::yield_now());
    sim::yield_now().await;
    let _ = other.await;
}

#[sim::test]
async fn runs_once() {
    sim::note!("seeded");
    sim::sleep(Duration::from_secs(1)).await;
}

#[sim::test]
async fn takes_twenty_steps() {
    for _ in 0..20 {
        sim::yield_now().await;
    }
}

#[sim::test(seeds = 8)]
async fn never_comes_back() {
    let stuck = sim::spawn(async {
        sim::sleep(Duration::from_secs(1)).await;
        loop {
            std::hint::spin_loop();
        }
    });
    let _ = stuck.named("stuck").await;
}

#[sim::test(seeds = 8)]
async fn looks_at_something_else() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static RUNS: AtomicU64 = AtomicU64::new(0);
    // As a hash map's order would.
    for _ in 0..RUNS.fetch_add(1, Ordering::Relaxed) % 3 {
        sim::yield_now().await;
    }
}

#[sim::test]
async fn returns_an_error() -> Result<(), std::num::ParseIntError> {
    "x".parse::<u8>()?;
    Ok(())
}

/// Keeps its regressions in a folder that the test suite names, rather than in its own package.
#[test]
fn keeps_what_fails() {
    let folder = std::env::var("CASES_FOLDER").expect("a folder to keep regressions in");
    sim::__private::Test::new("cases", "keeps_what_fails", "tests", folder.leak())
        .seeds(256)
        .run(unordered_payments);
}
