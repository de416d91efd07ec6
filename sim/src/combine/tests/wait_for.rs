use super::{after_turns, notes, passes, secs, slow_to_die};
use crate::combine::WaitForError;
use crate::{
    JoinHandle, catch_cancel, note, shield, sleep, sleep_with, spawn, wait_for, yield_now,
};

/// Notes how a `wait_for` came out.
async fn tell<T: core::fmt::Debug + 'static>(task: JoinHandle<T>, seconds: u64) {
    match wait_for(task, secs(seconds)).await {
        Ok(value) => note!("{value:?}"),
        Err(WaitForError::Elapsed) => note!("elapsed"),
        Err(WaitForError::Join(error)) => note!("join: cancelled {}", error.is_cancelled()),
    }
}

#[test]
fn in_time_and_too_late_x01() {
    let seen = notes(|| async {
        tell(spawn(sleep_with(secs(1), "A")), 2).await;
        let slow = spawn(sleep_with(secs(9), "B"));
        tell(slow.clone(), 2).await;
        note!("{}", slow.is_finished());
    });
    assert_eq!(seen, "1 \"A\"\n3 elapsed\n3 true");
}

#[test]
fn a_zero_time_x02() {
    let seen = passes(|| async {
        let done = after_turns(0, "done");
        yield_now().await;
        yield_now().await;
        tell(done, 0).await;
        let fresh = spawn(async { note!("never begins") });
        tell(fresh, 0).await;
    });
    assert_eq!(seen, "| done | \"done\" | | | elapsed");
}

#[test]
fn a_value_comes_one_pass_after_the_end_x09() {
    let seen = passes(|| async {
        tell(after_turns(0, "A"), 9).await;
    });
    assert_eq!(seen, "| A | \"A\"");
}

#[test]
fn the_deadline_wins_a_tie_x04() {
    let seen = notes(|| async {
        let early = spawn(sleep_with(secs(1), "A"));
        yield_now().await;
        tell(early, 1).await;
    });
    assert_eq!(seen, "1 elapsed");
}

#[test]
fn a_value_given_in_spite_of_the_request_is_kept_x05() {
    let seen = notes(|| async {
        let stubborn = spawn(async {
            let _ = catch_cancel(core::future::pending::<()>()).await;
            sleep(secs(4)).await;
            "value"
        });
        tell(stubborn, 3).await;
        note!("cancelling {}", crate::task::current().unwrap().cancelling());
    });
    assert_eq!(seen, "7 \"value\"\n7 cancelling 0");
}

#[test]
fn slow_cleanup_is_waited_for_x05() {
    let seen = notes(|| async {
        let cleaning = spawn(crate::finally(core::future::pending::<()>(), || sleep(secs(4))));
        tell(cleaning, 3).await;
    });
    assert_eq!(seen, "7 elapsed");
    let seen = notes(|| async {
        let cleaning = spawn(crate::finally(core::future::pending::<()>(), || sleep(secs(4))));
        yield_now().await;
        tell(cleaning, 0).await;
    });
    assert_eq!(seen, "4 elapsed");
}

#[test]
fn a_request_from_outside_is_passed_on_and_goes_on_x06() {
    let seen = notes(|| async {
        let inner = spawn(crate::finally(core::future::pending::<()>(), || async {
            sleep(secs(2)).await;
            note!("cleaned");
        }));
        let outer = spawn(tell(inner, 9));
        sleep(secs(1)).await;
        outer.cancel();
        note!("{}", (&outer).await.unwrap_err().is_cancelled());
        note!("cancelling {}", outer.cancelling());
    });
    assert_eq!(seen, "3 cleaned\n3 true\n3 cancelling 1");
}

#[test]
fn a_request_and_the_deadline_in_one_pass_x06() {
    let seen = notes(|| async {
        let outer = spawn(tell(spawn(core::future::pending::<()>()), 1));
        yield_now().await;
        sleep(secs(1)).await;
        outer.cancel();
        note!("{} {}", (&outer).await.unwrap_err().is_cancelled(), outer.cancelling());
    });
    assert_eq!(seen, "1 true 1");
}

#[test]
fn a_request_after_the_end_is_not_lost_x07() {
    let seen = passes(|| async {
        let inner = after_turns(1, "inner");
        let outer = spawn(tell(inner, 9));
        yield_now().await;
        yield_now().await;
        note!("cancel {}", outer.cancel());
        note!("{}", outer.await.unwrap_err().is_cancelled());
    });
    assert_eq!(seen, "| | inner cancel true | | true");
}

#[test]
fn cancelled_by_somebody_else_is_not_elapsed_and_a_shield_protects_x08() {
    let seen = notes(|| async {
        let task = spawn(sleep(secs(9)));
        let other = task.clone();
        let waiter = spawn(tell(task, 5));
        yield_now().await;
        other.cancel();
        waiter.await.unwrap();
        let kept = spawn(sleep_with(secs(9), "kept"));
        assert!(crate::timeout(secs(1), shield(kept.clone())).await.is_err());
        note!("{}", kept.is_finished());
    });
    assert_eq!(seen, "0 join: cancelled true\n1 false");
}

#[test]
fn a_wait_for_the_end_that_is_kept_across_a_timeout_waits_anew_and_asks_once() {
    let seen = notes(|| async {
        let task = spawn(slow_to_die(3, "A"));
        crate::yield_now().await;
        let mut ending = wait_for(task.clone(), secs(0));
        assert!(crate::timeout(secs(1), &mut ending).await.is_err());
        note!("late");
        note!("{} after {}", ending.await.is_err(), task.cancelling());
    });
    assert_eq!(seen, "0 A cancelled\n1 late\n3 A cleaned\n3 true after 1");
}

#[test]
fn a_group_that_is_kept_across_a_timeout_has_ended_with_it() {
    let seen = notes(|| async {
        let mut group = Box::pin(crate::TaskGroup::scope(|group| async move {
            group.spawn(slow_to_die(3, "A"));
            Ok(())
        }));
        assert!(crate::timeout(secs(1), &mut group).await.is_err());
        note!("ended");
        assert!(crate::catch_cancel(&mut group).await.is_err());
    });
    assert_eq!(seen, "1 A cancelled\n4 A cleaned\n4 ended");
}
