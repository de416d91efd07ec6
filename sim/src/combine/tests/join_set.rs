use super::{after_turns, notes, passes, secs};
use crate::{JoinSet, Sim, note, sleep, sleep_with, spawn, yield_now};

#[test]
fn tasks_come_in_the_order_of_their_ends() {
    let seen = notes(|| async {
        let mut set: JoinSet<u64> = [3, 1, 2].map(|s| sleep_with(secs(s), s)).into_iter().collect();
        assert_eq!(set.len(), 3);
        while let Some(result) = set.join_next().await {
            note!("{}", result.unwrap());
        }
        assert!(set.is_empty() && set.join_next().await.is_none());
    });
    assert_eq!(seen, "1 1\n2 2\n3 3");
}

#[test]
fn it_is_woken_directly_as_tokios_is() {
    let seen = passes(|| async {
        let mut set = JoinSet::new();
        set.spawn(async { note!("A") });
        assert!(set.try_join_next().is_none());
        set.join_next().await.unwrap().unwrap();
        note!("main");
        drop(after_turns(0, "other"));
        set.spawn(async { note!("B") });
        yield_now().await;
        assert!(set.try_join_next().is_some());
    });
    assert_eq!(seen, "| A | main | other B");
}

#[test]
fn cancelled_and_panicked_tasks_come_as_errors() {
    let run = Sim::new().run(|| async {
        let mut set = JoinSet::new();
        let first = set.spawn(core::future::pending::<()>());
        set.spawn(async { panic!("boom") });
        first.cancel();
        assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
        let (id, result) = {
            yield_now().await;
            set.try_join_next_with_id().unwrap()
        };
        assert_eq!((id.index(), result.unwrap_err().is_panic()), (2, true));
    });
    assert!(run.is_ok(), "{run:?}");
}

#[test]
fn a_dropped_set_aborts_and_a_detached_one_does_not() {
    let seen = notes(|| async {
        let sleeper = |name: &'static str| async move {
            sleep(secs(1)).await;
            note!("{name}");
        };
        let mut aborted = JoinSet::new();
        aborted.spawn(sleeper("aborted"));
        drop(aborted);
        let mut detached = JoinSet::new();
        detached.spawn(sleeper("detached"));
        detached.detach_all();
        assert!(detached.is_empty());
        drop(detached);
        sleep(secs(2)).await;
    });
    assert_eq!(seen, "1 detached");
}

#[test]
fn shutdown_waits_for_the_ends() {
    let run = Sim::new().run(|| async {
        let mut set = JoinSet::new();
        let task = set.spawn(core::future::pending::<()>());
        set.spawn(async {});
        yield_now().await;
        set.shutdown().await;
        assert!(set.is_empty() && task.is_finished());
    });
    assert!(run.is_ok());
}

#[test]
fn a_cancelled_join_next_takes_nothing() {
    let seen = notes(|| async {
        let waiter = spawn(async {
            let mut set = JoinSet::new();
            set.spawn(sleep_with(secs(3), "value"));
            assert!(crate::catch_cancel(set.join_next()).await.is_err());
            note!("cancelled");
            note!("{}", set.join_all().await[0]);
        });
        sleep(secs(1)).await;
        waiter.cancel();
        waiter.await.unwrap();
    });
    assert_eq!(seen, "1 cancelled\n3 value");
}

#[test]
fn a_wait_that_is_kept_across_a_timeout_waits_anew() {
    let seen = notes(|| async {
        let mut set = JoinSet::new();
        set.spawn(sleep_with(secs(3), "A"));
        let mut next = set.join_next();
        assert!(crate::timeout(secs(1), &mut next).await.is_err());
        note!("late");
        note!("{}", next.await.unwrap().unwrap());
    });
    assert_eq!(seen, "1 late\n3 A");
}
