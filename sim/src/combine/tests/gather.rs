use std::sync::{Arc, Mutex};

use futures::FutureExt;

use super::{after_turns, fail, nap, notes, passes, secs, slow_to_die};
use crate::{
    FailureKind, Sim, TaskError, catch_cancel, gather, gather_tasks, gather_value_tasks,
    gather_values, note, sleep, spawn, try_spawn, yield_now,
};

#[test]
fn results_come_in_the_order_of_the_arguments_g01() {
    let seen = notes(|| async {
        let all = gather([nap(3, "A"), nap(1, "B"), nap(2, "C")]).await.unwrap();
        note!("{all:?}");
    });
    assert_eq!(seen, "1 B\n2 C\n3 A\n3 [\"A\", \"B\", \"C\"]");
}

#[test]
fn the_awaiter_resumes_two_passes_after_the_last_end_g01() {
    let seen = passes(|| async {
        let tasks = [after_turns(0, "k0"), after_turns(1, "k1")];
        gather_value_tasks(tasks).await.unwrap();
        note!("main");
    });
    assert_eq!(seen, "| k0 | k1 | | main");
}

#[test]
fn tasks_are_started_by_the_call_g10() {
    let seen = passes(|| async {
        let all = gather_values(["A", "B"].map(|name| async move { note!("{name}") }));
        note!("called");
        yield_now().await;
        note!("awaiting");
        all.await.unwrap();
        note!("main");
    });
    assert_eq!(seen, "called | A B awaiting | | main");
}

#[test]
fn the_first_failure_ends_the_wait_and_siblings_run_on_g02() {
    let seen = notes(|| async {
        let error = gather([
            nap(4, "D").boxed_local(),
            fail(2, "B").boxed_local(),
            fail(3, "C").boxed_local(),
        ])
        .await
        .unwrap_err();
        note!("{} {:?}", error.index, error.error.failed());
        sleep(secs(3)).await;
    });
    assert_eq!(seen, "2 B fails\n2 1 Some(\"B\")\n3 C fails\n4 D");
}

#[test]
fn a_failure_is_told_at_k_plus_2_g02() {
    let seen = passes(|| async {
        let failing = try_spawn(async {
            note!("fails");
            Err::<(), _>("no")
        });
        let other = try_spawn(async {
            for _ in 0..3 {
                yield_now().await;
            }
            note!("other");
            Ok(())
        });
        assert!(gather_tasks([failing, other]).await.is_err());
        note!("main");
    });
    assert_eq!(seen, "| fails | | main | other");
}

#[test]
fn an_err_that_comes_late_is_silent_but_a_panic_is_not_g09() {
    let late = |panics: bool| {
        Sim::new().run(move || async move {
            let children = [false, true].map(|second| async move {
                if second {
                    sleep(secs(1)).await;
                    assert!(!panics, "late panic");
                }
                Err::<(), _>("no")
            });
            assert_eq!(gather(children).await.unwrap_err().index, 0);
            sleep(secs(2)).await;
        })
    };
    assert!(late(false).is_ok());
    let failure = late(true).unwrap_err();
    assert!(
        matches!(failure.kind(), FailureKind::Panic { message, .. } if message == "late panic")
    );
}

#[test]
fn an_error_that_nobody_awaits_fails_the_run() {
    let run = Sim::new().run(|| async {
        drop(gather([async { Err::<(), _>("no") }]));
        sleep(secs(1)).await;
    });
    assert!(matches!(run.unwrap_err().kind(), FailureKind::UnobservedError { .. }));
}

#[test]
fn errors_as_values_g03() {
    let seen = notes(|| async {
        let cancelled = try_spawn(nap(9, "never"));
        let tasks = [try_spawn(nap(1, "A")), try_spawn(fail(2, "B")), cancelled.clone()];
        let all = gather_tasks(tasks).return_exceptions();
        cancelled.cancel();
        let all = all.await;
        note!("{:?} {:?} {}", all[0], all[1], all[2].as_ref().unwrap_err().is_cancelled());
    });
    assert_eq!(seen, "1 A\n2 B fails\n2 Ok(\"A\") Err(Failed(\"B\")) true");
}

#[test]
fn panics_are_values_too() {
    let run = Sim::new().run(|| async {
        let all = gather([1, 2].map(|n| async move {
            assert_ne!(n, 1, "one");
            Ok::<_, ()>(n)
        }));
        let all = all.return_exceptions().await;
        assert!(matches!(&all[0], Err(TaskError::Panicked(e)) if e.panic_message().unwrap().contains("one")));
        assert_eq!(*all[1].as_ref().unwrap(), 2);
    });
    assert!(run.is_ok());
}

#[test]
fn a_cancelled_gather_resumes_at_the_first_end_g04() {
    let seen = notes(|| async {
        let outer = spawn(async {
            let children = [nap(9, "A").boxed_local(), slow_to_die(2, "B").boxed_local()];
            let _ = catch_cancel(gather(children)).await.unwrap_err();
            note!("outer");
        });
        sleep(secs(1)).await;
        outer.cancel();
        outer.await.unwrap();
        sleep(secs(4)).await;
    });
    assert_eq!(seen, "1 B cancelled\n1 outer\n3 B cleaned");
}

#[test]
fn with_return_exceptions_it_resumes_after_all_cleanups_g04() {
    let seen = notes(|| async {
        let outer = spawn(async {
            let children = [nap(9, "A").boxed_local(), slow_to_die(2, "B").boxed_local()];
            let all = gather(children).return_exceptions();
            let _ = catch_cancel(all).await.unwrap_err();
            note!("outer");
        });
        sleep(secs(1)).await;
        outer.cancel();
        outer.await.unwrap();
    });
    assert_eq!(seen, "1 B cancelled\n3 B cleaned\n3 outer");
}

#[test]
fn a_child_cancelled_by_somebody_else_is_a_failure_g05() {
    let seen = notes(|| async {
        let (a, b) = (try_spawn(nap(5, "A")), try_spawn(nap(2, "B")));
        let all = gather_tasks([a.clone(), b]);
        a.cancel();
        let error = all.await.unwrap_err();
        note!("{} {}", error.index, error.error.is_cancelled());
        note!("cancelling {}", crate::task::current().unwrap().cancelling());
        sleep(secs(3)).await;
    });
    assert_eq!(seen, "0 0 true\n0 cancelling 0\n2 B");
}

#[test]
fn nothing_to_gather_does_not_suspend_g06() {
    let run = Sim::new().run(|| async {
        assert!(gather_tasks::<u8, ()>([]).await.unwrap().is_empty());
        assert!(
            gather_values(core::iter::empty::<core::future::Ready<u8>>()).await.unwrap().is_empty()
        );
    });
    assert_eq!(run.unwrap().steps(), 1);
}

#[test]
fn a_task_given_twice_is_awaited_once_g06() {
    let run = Sim::new().run(|| async {
        let task = try_spawn(async { Ok::<_, ()>(1) });
        let all = gather_tasks([task.clone(), task]);
        let progress = all.progress();
        let all = all.return_exceptions().await;
        assert_eq!(*all[0].as_ref().unwrap(), 1);
        assert!(matches!(all[1], Err(TaskError::Lost(_))));
        assert_eq!((progress.done(), progress.total()), (1, 1));
    });
    assert!(run.is_ok());
}

#[test]
fn all_done_at_the_call_does_not_suspend_g07() {
    let seen = passes(|| async {
        let tasks = [after_turns(0, "A"), after_turns(0, "B")];
        yield_now().await;
        yield_now().await;
        note!("call");
        gather_value_tasks(tasks).await.unwrap();
        note!("main");
    });
    assert_eq!(seen, "| A B | call main");
}

#[test]
fn the_request_goes_on_even_if_all_children_swallow_it_g08() {
    let seen = notes(|| async {
        let outer = spawn(async {
            let children = [1, 2].map(|s| async move {
                let _ = catch_cancel(core::future::pending::<()>()).await;
                sleep(secs(s)).await;
                Ok::<_, ()>(s)
            });
            let _ = gather(children).await;
            note!("not reached");
        });
        yield_now().await;
        yield_now().await;
        outer.cancel();
        note!("cancelled {}", outer.await.unwrap_err().is_cancelled());
    });
    assert_eq!(seen, "2 cancelled true");
}

#[test]
fn a_request_that_comes_after_all_ends_is_raised_when_the_gather_resumes() {
    let seen = passes(|| async {
        let child = after_turns(1, "child");
        let outer = spawn(async move {
            let _ = gather_value_tasks([child]).await;
            note!("not reached");
        });
        yield_now().await;
        yield_now().await;
        note!("cancel {}", outer.cancel());
        note!("cancelled {}", outer.await.unwrap_err().is_cancelled());
    });
    assert_eq!(seen, "| | child cancel true | | | cancelled true");
}

#[test]
fn a_limit_bounds_how_many_have_begun_and_keeps_the_order() {
    let seen = notes(|| async {
        let jobs = (0..5).map(|n| async move {
            note!("start {n}");
            sleep(secs(1)).await;
        });
        gather_values(jobs).limit(2).await.unwrap();
    });
    assert_eq!(seen, "0 start 0\n0 start 1\n1 start 2\n1 start 3\n2 start 4");
}

#[test]
fn a_limit_holds_under_every_policy() {
    for seed in 0..50 {
        let run = Sim::new().seed(seed).policy(crate::Policy::Random).run(|| async {
            let state = Arc::new(Mutex::new((0, 0, Vec::new())));
            let jobs = (0..6).map(|n| {
                let state = Arc::clone(&state);
                async move {
                    {
                        let mut state = state.lock().unwrap();
                        state.0 += 1;
                        state.1 = state.1.max(state.0);
                        state.2.push(n);
                    }
                    yield_now().await;
                    state.lock().unwrap().0 -= 1;
                }
            });
            gather_values(jobs).limit(2).await.unwrap();
            let state = state.lock().unwrap();
            assert!(state.0 == 0 && state.1 <= 2 && state.2.len() == 6, "{state:?}");
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}

#[test]
fn a_child_cancelled_before_its_turn_gives_the_place_up() {
    let seen = notes(|| async {
        let jobs = (0..4).map(|n| async move {
            note!("start {n}");
            if n == 0 { core::future::pending().await } else { Ok::<_, ()>(()) }
        });
        let outer = spawn(gather(jobs).limit(1).return_exceptions());
        sleep(secs(1)).await;
        outer.cancel();
        note!("{}", outer.await.unwrap_err().is_cancelled());
    });
    assert_eq!(seen, "0 start 0\n1 true");
}

#[test]
fn progress_is_told_as_it_goes() {
    let seen = notes(|| async {
        let all = gather([nap(2, "A"), nap(1, "B")]);
        all.on_progress(|done, total| note!("{done}/{total}")).await.unwrap();
    });
    assert_eq!(seen, "1 B\n1 1/2\n2 A\n2 2/2");
}

#[test]
fn a_panic_in_on_progress_goes_on_in_the_awaiting_task() {
    let run = Sim::new().run(|| async {
        let _ = gather([nap(1, "A"), nap(2, "B")]).on_progress(|_, _| panic!("bar")).await;
    });
    assert!(
        matches!(run.unwrap_err().kind(), FailureKind::Panic { message, .. } if message == "bar")
    );
}

#[test]
fn a_dropped_gather_detaches_its_tasks() {
    let seen = notes(|| async {
        let all = gather_values([nap(1, "A"), nap(2, "B")]);
        drop(all);
        sleep(secs(3)).await;
    });
    assert_eq!(seen, "1 A\n2 B");
}

#[test]
fn combinators_may_stand_around_it() {
    let seen = notes(|| async {
        let two = futures::future::join(
            gather([nap(1, "A"), nap(3, "B")]),
            gather([nap(2, "C"), nap(4, "D")]),
        );
        let (first, second) = two.await;
        note!("{first:?} {second:?}");
    });
    assert_eq!(seen, "1 A\n2 C\n3 B\n4 D\n4 Ok([\"A\", \"B\"]) Ok([\"C\", \"D\"])");
}

#[test]
fn the_futures_are_send() {
    fn send<T: Send>(_: &T) {}
    let run = Sim::new().run(|| async {
        let all = gather([nap(0, "A")]);
        send(&all);
        let all = all.return_exceptions();
        send(&all);
        all.await
    });
    assert!(run.is_ok());
}
