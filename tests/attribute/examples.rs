//! A test for each setting, to copy from.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use sim::SimCell;
use sim::sync::Mutex;

/// Two deposits, each under a lock.
async fn deposits() -> u32 {
    let balance = Rc::new(Mutex::new(0));
    let deposit = |amount| {
        let balance = Rc::clone(&balance);
        sim::spawn(async move {
            let mut balance = balance.lock().await;
            let seen = *balance;
            sim::sleep(Duration::from_millis(5)).await;
            *balance = seen + amount;
        })
    };
    let (a, b) = (deposit(1).named("A"), deposit(2).named("B"));
    let _ = (a.await, b.await);
    *balance.lock().await
}

/// One run, first-in-first-out, in no time.
#[sim::test]
async fn an_hour_passes_at_once() {
    sim::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(sim::now(), Duration::from_secs(3_600));
}

/// A campaign.
#[sim::test(seeds = 64)]
async fn no_deposit_is_lost() {
    assert_eq!(deposits().await, 3);
}

/// An error fails the test.
#[sim::test(seeds = 16, seed = 0x2a, policy = "pct:3", threads = 2, shrink = 100)]
async fn a_result_is_returned() -> Result<(), String> {
    match deposits().await {
        3 => Ok(()),
        total => Err(format!("{total} is not 3")),
    }
}

/// A claim about every schedule there is.
#[sim::test(exhaustive, max_schedules = 10_000)]
async fn two_tasks_in_any_order() {
    let order = Rc::new(Cell::new(0));
    let step = |value: u32| {
        let order = Rc::clone(&order);
        sim::spawn(async move { order.set(order.get() * 10 + value) })
    };
    let (one, two) = (step(1), step(2));
    let _ = (one.await, two.await);
    assert!(matches!(order.get(), 12 | 21));
}

/// A claim about every schedule that is nearly first-in-first-out.
#[sim::test(max_deviations = 1, budget = "5m")]
async fn one_deviation_loses_nothing() {
    assert_eq!(deposits().await, 3);
}

/// Limits.
#[sim::test(max_steps = 50, max_time = "1s", leaks = "fail", watchdog = "20s")]
#[should_panic(expected = "sim: LEAK examples::a_forgotten_task_is_a_leak: SIM006")]
async fn a_forgotten_task_is_a_leak() {
    drop(sim::spawn(sim::sleep(Duration::from_millis(500))));
}

/// A search that has to have tried something.
#[sim::test(seeds = 64, must_reach = "B is first")]
async fn both_orders_are_tried() {
    let first = Rc::new(Cell::new(None));
    let run = |name: &'static str| {
        let first = Rc::clone(&first);
        sim::spawn(async move {
            first.set(first.get().or(Some(name)));
        })
    };
    let (a, b) = (run("A").named("A"), run("B").named("B"));
    let _ = (a.await, b.await);
    sim::sometimes!(first.get() == Some("B"), "B is first");
}

#[sim::test(seeds = 64, must_reach = "*")]
#[should_panic(expected = "\"the impossible\" was executed 64 times in 64 runs, and never held")]
async fn what_never_holds_is_told() {
    sim::sometimes!(true, "the ordinary");
    sim::sometimes!(sim::now() > Duration::ZERO, "the impossible");
}

#[sim::test(seeds = 8, must_reach = "elsewhere")]
#[should_panic(expected = "\"elsewhere\" was executed in no run of 8")]
async fn what_is_never_executed_is_told() {
    sim::yield_now().await;
}

/// Runs that are not the ones that are meant.
#[sim::test(seeds = 64)]
async fn some_runs_are_taken_back() {
    let cell = Rc::new(SimCell::new(0_u32));
    let other = Rc::clone(&cell);
    let task = sim::spawn(async move { other.set(1) });
    sim::yield_now().await;
    sim::assume!(cell.get() == 1);
    let _ = task.await;
    assert_eq!(cell.get(), 1);
}

#[sim::test(seeds = 4)]
#[should_panic(expected = "sim: VACUOUS examples::all_runs_are_taken_back: all 4 runs")]
async fn all_runs_are_taken_back() {
    sim::assume!(sim::now() > Duration::ZERO);
}

/// A schedule that failed once, before the lock was there: it stays as a test.
#[sim::test(replay = "sim1:examples%3A%3Aa_schedule_is_pinned:0:A@sleep.1=B:00000000")]
async fn a_schedule_is_pinned() {
    assert_eq!(deposits().await, 3);
}

/// The same before it is fixed: that schedule alone is run, and says so.
#[sim::test(replay = "sim1:examples%3A%3Aa_pinned_schedule_fails:0:main@start.1=B:00000000")]
#[should_panic(expected = "pinned by `replay`")]
async fn a_pinned_schedule_fails() {
    let last = Rc::new(Cell::new(""));
    let run = |name: &'static str| {
        let last = Rc::clone(&last);
        sim::spawn(async move { last.set(name) })
    };
    let (a, b) = (run("A").named("A"), run("B").named("B"));
    let _ = (a.await, b.await);
    assert_eq!(last.get(), "B");
}

#[sim::test(seeds = 256)]
#[should_panic(expected = "money was lost")]
async fn a_failure_is_found() {
    let balance = Rc::new(Cell::new(0));
    let deposit = |amount| {
        let balance = Rc::clone(&balance);
        sim::spawn(async move {
            let seen = balance.get();
            sim::yield_now().await;
            balance.set(seen + amount);
        })
    };
    let (a, b) = (deposit(1).named("A"), deposit(2).named("B"));
    let _ = (a.await, b.await);
    assert_eq!(balance.get(), 3, "money was lost");
}

#[sim::test(seeds = 64)]
#[should_panic(expected = "the test returned an error: \"not 3\"")]
async fn an_error_is_found() -> Result<(), &'static str> {
    if deposits().await == 3 { Err("not 3") } else { Ok(()) }
}

#[sim::test(exhaustive, max_schedules = 2)]
#[should_panic(expected = "sim: INCOMPLETE examples::a_search_cut_short_claims_nothing")]
async fn a_search_cut_short_claims_nothing() {
    deposits().await;
}

#[sim::test(policy = "quickly")]
#[should_panic(expected = "no policy is called \"quickly\"")]
async fn an_unknown_policy_is_named() {}

mod deep {
    mod inside {
        #[sim::test]
        #[should_panic(expected = "sim: FAILED examples::deep::inside::a_path_is_whole: SIM011")]
        async fn a_path_is_whole() {
            panic!("here");
        }
    }
}
