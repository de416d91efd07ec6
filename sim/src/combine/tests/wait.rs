use super::{after_turns, notes, passes, secs};
use crate::{Sim, WaitFor, note, sleep, spawn, try_spawn, wait, yield_now};

#[test]
fn what_ends_before_the_waiter_resumes_is_done_w01() {
    let seen = passes(|| async {
        let tasks = [after_turns(0, "k0"), after_turns(1, "k1"), after_turns(2, "k2")];
        let waited = wait(&tasks, WaitFor::FirstCompleted).await;
        note!("done {:?}", waited.done);
    });
    assert_eq!(seen, "| k0 | k1 | done [0, 1] k2");
}

#[test]
fn the_first_exception_is_an_error_or_a_panic_but_no_cancellation_w02() {
    let seen = notes(|| async {
        let long = try_spawn(async {
            sleep(secs(3)).await;
            Ok::<(), &str>(())
        });
        let cancelled = long.clone();
        let failing = try_spawn(async {
            sleep(secs(2)).await;
            Err::<(), _>("no")
        });
        let other = try_spawn(async {
            sleep(secs(9)).await;
            Ok::<(), &str>(())
        });
        cancelled.cancel();
        let waited = wait([&long, &failing, &other], WaitFor::FirstException).await;
        note!("{:?} {:?}", waited.done, waited.pending);
        assert!(failing.await.unwrap().is_err());
    });
    assert_eq!(seen, "2 [0, 1] [2]");
}

#[test]
fn a_timeout_cancels_nobody_and_is_no_error_w02() {
    let seen = notes(|| async {
        let tasks = [1, 5].map(|s| spawn(sleep(secs(s))));
        let waited = wait(&tasks, WaitFor::AllCompleted).timeout(secs(2)).await;
        note!("{:?} {:?} {}", waited.done, waited.pending, tasks[1].is_finished());
        let waited = wait(&tasks, WaitFor::AllCompleted).await;
        note!("{:?}", waited.done);
    });
    assert_eq!(seen, "2 [0] [1] false\n5 [0, 1]");
}

#[test]
fn a_zero_timeout_is_a_timer_w02() {
    let seen = passes(|| async {
        let tasks = [after_turns(0, "k0"), after_turns(1, "k1")];
        let waited = wait(&tasks, WaitFor::AllCompleted).timeout(secs(0)).await;
        note!("done {:?}", waited.done);
    });
    assert_eq!(seen, "| k0 | k1 done [0, 1]");
}

#[test]
fn waiting_for_what_is_done_still_suspends_w03() {
    let seen = passes(|| async {
        let tasks = [after_turns(0, "A")];
        yield_now().await;
        yield_now().await;
        note!("wait");
        wait(&tasks, WaitFor::AllCompleted).await;
        note!("main");
    });
    assert_eq!(seen, "| A | wait | | main");
}

#[test]
fn a_cancelled_wait_leaves_the_tasks_alone_w03() {
    let seen = notes(|| async {
        let task = spawn(async {
            sleep(secs(2)).await;
            note!("task");
        });
        let watched = task.clone();
        let waiter =
            spawn(async move { wait([&watched], WaitFor::AllCompleted).timeout(secs(9)).await });
        sleep(secs(1)).await;
        waiter.cancel();
        note!("{} {}", waiter.await.unwrap_err().is_cancelled(), task.is_finished());
        task.await.unwrap();
    });
    assert_eq!(seen, "1 true false\n2 task");
}

#[test]
fn no_tasks_at_all_return_at_once_w03() {
    let run = Sim::new().run(|| async {
        let waited = wait(Vec::<crate::AbortHandle>::new(), WaitFor::FirstCompleted).await;
        assert!(waited.done.is_empty() && waited.pending.is_empty());
    });
    assert_eq!(run.unwrap().steps(), 1);
}

#[test]
fn at_the_deadline_the_earlier_timer_wins_w04() {
    let seen = notes(|| async {
        // Started before the wait, so that its timer is the earlier one.
        let early = spawn(sleep(secs(1)));
        yield_now().await;
        let waited = wait([&early], WaitFor::AllCompleted).timeout(secs(1)).await;
        note!("{:?}", waited.done);
        // The wait's timer is set before the task has begun.
        let late = spawn(sleep(secs(1)));
        let waited = wait([&late], WaitFor::AllCompleted).timeout(secs(1)).await;
        note!("{:?}", waited.done);
    });
    assert_eq!(seen, "1 [0]\n2 []");
}

#[test]
fn tasks_of_different_types_and_duplicates() {
    let run = Sim::new().run(|| async {
        let (number, text) = (spawn(async { 1 }), spawn(async { "one" }));
        let tasks = [number.abort_handle(), text.abort_handle(), number.abort_handle()];
        let waited = wait(tasks, WaitFor::AllCompleted).await;
        assert_eq!(waited.done, [0, 1, 2]);
    });
    assert!(run.is_ok());
}
