use futures::StreamExt;

use super::{after_turns, nap, notes, passes, secs};
use crate::{Sim, as_completed, catch_cancel, note, sleep, spawn};

#[test]
fn results_come_in_the_order_of_completion_w05() {
    let seen = notes(|| async {
        let tasks = [nap(3, "A"), nap(1, "B"), nap(2, "C")].map(spawn);
        let mut completed = as_completed(tasks);
        while let Some((index, result)) = completed.next().await {
            note!("{index} {:?}", result.unwrap().unwrap());
        }
    });
    assert_eq!(seen, "1 B\n1 1 \"B\"\n2 C\n2 2 \"C\"\n3 A\n3 0 \"A\"");
}

#[test]
fn the_awaiter_resumes_two_passes_after_an_end_w05() {
    let seen = passes(|| async {
        let mut completed = as_completed([after_turns(0, "A"), after_turns(0, "B")]);
        completed.next().await;
        note!("first");
        completed.next().await; // is there already
        note!("second");
        assert!(completed.next().await.is_none());
    });
    assert_eq!(seen, "| A B | | first second");
}

#[test]
fn a_timeout_cancels_nobody_w06() {
    let seen = notes(|| async {
        let tasks = [1, 9, 9].map(|s| spawn(sleep(secs(s))));
        let keep = tasks.clone();
        let mut completed = as_completed(tasks).timeout(secs(2));
        while let Some(item) = completed.next().await {
            note!("{:?}", item.map(|(index, _)| index).map_err(|e| e.to_string()));
        }
        note!("{}", keep[1].is_finished());
        assert!(keep.iter().all(|task| task.cancelling() == 0));
    });
    assert_eq!(
        seen,
        "1 Ok(0)\n2 Err(\"deadline has elapsed\")\n2 Err(\"deadline has elapsed\")\n2 false"
    );
}

#[test]
fn it_is_a_stream() {
    let run = Sim::new().run(|| async {
        let tasks = [2, 1].map(|s| spawn(crate::sleep_with(secs(s), s)));
        let order: Vec<u64> =
            as_completed(tasks).map(|(_, result)| result.unwrap()).collect().await;
        assert_eq!(order, [1, 2]);
    });
    assert!(run.is_ok());
}

#[test]
fn a_cancelled_next_loses_no_item() {
    let seen = notes(|| async {
        let waiter = spawn(async {
            let mut completed = as_completed([1, 3].map(|s| spawn(crate::sleep_with(secs(s), s))));
            assert!(completed.next().await.is_some());
            // Once through `next`, once through the stream itself.
            assert!(catch_cancel(completed.next()).await.is_err());
            assert!(catch_cancel(StreamExt::next(&mut completed)).await.is_err());
            note!("{:?}", StreamExt::next(&mut completed).await.unwrap().1.unwrap());
            assert!(completed.is_empty());
        });
        sleep(secs(2)).await;
        waiter.cancel();
        crate::yield_now().await;
        crate::yield_now().await;
        waiter.cancel();
        waiter.await.unwrap();
    });
    assert_eq!(seen, "3 3");
}

#[test]
fn a_wait_that_is_kept_across_a_timeout_waits_anew() {
    let seen = notes(|| async {
        let mut completed = as_completed([spawn(crate::sleep_with(secs(3), "A"))]);
        let mut next = completed.next();
        assert!(crate::timeout(secs(1), &mut next).await.is_err());
        note!("late");
        note!("{}", next.await.unwrap().1.unwrap());
        let bounded = as_completed([spawn(crate::sleep_with(secs(9), "B"))]);
        let mut bounded = bounded.timeout(secs(5));
        let mut next = bounded.next();
        assert!(crate::timeout(secs(1), &mut next).await.is_err());
        note!("late");
        note!("{}", next.await.unwrap().is_err());
    });
    assert_eq!(seen, "1 late\n3 A\n4 late\n8 true");
}
