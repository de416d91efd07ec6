use core::future::pending;

use super::{fail, nap, notes, passes, secs, slow_to_die};
use crate::{
    FailureKind, GroupClosed, GroupError, Sim, TaskError, TaskGroup, catch_cancel, note, sleep,
    spawn, timeout, yield_now,
};

/// The texts of a group's errors, the body's marked.
fn texts(error: &GroupError<&'static str>) -> String {
    let parts: Vec<String> = error
        .errors()
        .zip(error.tasks())
        .map(|(error, task)| {
            let from = if task.is_none() { "body:" } else { "" };
            match error {
                TaskError::Failed(text) => format!("{from}{text}"),
                other => format!("{from}{other:?}"),
            }
        })
        .collect();
    format!("[{}]", parts.join(" "))
}

fn cancelling() -> u32 {
    crate::task::current().unwrap().cancelling()
}

#[test]
fn the_exit_waits_for_all_and_for_grandchildren_k01() {
    let seen = notes(|| async {
        let value = TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(nap(2, "A")));
            let inner = group.clone();
            drop(group.spawn(async move {
                sleep(secs(1)).await;
                drop(inner.spawn(nap(3, "grandchild")));
                Ok(())
            }));
            note!("body ends");
            Ok(7)
        });
        note!("{}", value.await.unwrap());
    });
    assert_eq!(seen, "0 body ends\n2 A\n4 grandchild\n4 7");
}

#[test]
fn an_empty_group_does_not_yield_k08() {
    let run = Sim::new().run(|| async {
        TaskGroup::<&str>::scope(|_| async { Ok(()) }).await.unwrap();
    });
    assert_eq!(run.unwrap().steps(), 1);
}

#[test]
fn the_exit_resumes_two_passes_after_the_last_end_k11() {
    let seen = passes(|| async {
        TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(async {
                note!("A");
                Ok(())
            }));
            Ok(())
        })
        .await
        .unwrap();
        note!("main");
    });
    assert_eq!(seen, "| A | | main");
}

#[test]
fn a_failure_cancels_siblings_and_body_k02() {
    let seen = notes(|| async {
        let result = TaskGroup::scope(|group| async move {
            drop(group.spawn(slow_to_die(1, "A")));
            drop(group.spawn(fail(1, "B")));
            drop(group.spawn(slow_to_die(2, "C")));
            drop(group.spawn(nap(1, "D")));
            let _ = catch_cancel(pending::<()>()).await;
            note!("body cancelled");
            Ok(())
        });
        note!("{} {}", texts(&result.await.unwrap_err()), cancelling());
    });
    assert_eq!(
        seen,
        "1 B fails\n1 D\n1 A cancelled\n1 C cancelled\n1 body cancelled\n2 A cleaned\n3 C cleaned\n3 [B] 0"
    );
}

#[test]
fn siblings_unwind_two_passes_after_a_failure_k02() {
    let seen = passes(|| async {
        let error = TaskGroup::scope(|group| async move {
            drop(group.spawn(slow_to_die(0, "A")));
            drop(group.spawn(async {
                note!("B fails");
                Err::<(), _>("B")
            }));
            let _ = catch_cancel(pending::<()>()).await;
            note!("body");
            Ok(())
        });
        note!("{}", texts(&error.await.unwrap_err()));
    });
    assert_eq!(seen, "| B fails | | A cancelled body | A cleaned | | [B]");
}

#[test]
fn the_body_is_dropped_at_its_await_by_a_failure_k03() {
    let seen = notes(|| async {
        let result = TaskGroup::scope(|group| async move {
            drop(group.spawn(fail(1, "B")));
            sleep(secs(9)).await;
            note!("not reached");
            Ok(())
        });
        note!("{}", texts(&result.await.unwrap_err()));
    });
    assert_eq!(seen, "1 B fails\n1 [B]");
}

#[test]
fn a_failing_body_cancels_the_children_and_comes_last_k04() {
    let seen = notes(|| async {
        let result = TaskGroup::scope(|group| async move {
            drop(group.spawn(slow_to_die(2, "A")));
            drop(group.spawn(async {
                let _ = catch_cancel(pending::<()>()).await;
                Err::<(), _>("cleanup")
            }));
            yield_now().await;
            Err::<(), _>("key")
        });
        note!("{}", texts(&result.await.unwrap_err()));
    });
    assert_eq!(seen, "0 A cancelled\n2 A cleaned\n2 [cleanup body:key]");
}

#[test]
fn a_request_from_outside_cancels_and_awaits_the_children_k05() {
    for exiting in [false, true] {
        let seen = notes(move || async move {
            let outer = spawn(async move {
                let group = TaskGroup::<&str>::scope(|group| async move {
                    drop(group.spawn(slow_to_die(2, "A")));
                    if !exiting {
                        pending::<()>().await;
                    }
                    Ok(())
                });
                let cancelled = catch_cancel(group).await.unwrap_err();
                note!("cancelling {}", cancelling());
                match cancelled.resume().await {}
            });
            sleep(secs(1)).await;
            outer.cancel();
            note!("{}", outer.await.unwrap_err().is_cancelled());
        });
        assert_eq!(seen, "1 A cancelled\n3 A cleaned\n3 cancelling 1\n3 true");
    }
}

#[test]
fn a_child_cancelled_alone_is_ignored_k06() {
    let seen = notes(|| async {
        TaskGroup::<&str>::scope(|group| async move {
            let child = group.spawn(nap(9, "A"));
            drop(group.spawn(nap(2, "B")));
            sleep(secs(1)).await;
            child.cancel();
            Ok(())
        })
        .await
        .unwrap();
        note!("main");
    });
    assert_eq!(seen, "2 B\n2 main");
}

#[test]
fn errors_come_in_the_order_of_completion_k07() {
    let seen = notes(|| async {
        let result = TaskGroup::scope(|group| async move {
            drop(group.spawn(async {
                let _ = catch_cancel(pending::<()>()).await;
                Err::<(), _>("X cleanup")
            }));
            drop(group.spawn(fail(1, "B")));
            drop(group.spawn(fail(1, "C")));
            drop(group.spawn(nap(1, "D")));
            Ok(())
        });
        note!("{}", texts(&result.await.unwrap_err()));
    });
    assert_eq!(seen, "1 B fails\n1 C fails\n1 D\n1 [B C X cleanup]");
}

#[test]
fn a_group_that_ends_takes_no_more_tasks_k08() {
    let run = Sim::new().run(|| async {
        let (send, receive) = futures::channel::oneshot::channel();
        let result = TaskGroup::<&str>::scope(|group| async move {
            let _ = send.send(group.clone());
            let aborting = group.clone();
            drop(group.spawn(async move {
                let _ = catch_cancel(pending::<()>()).await;
                let refused = aborting.try_spawn(async { Ok(()) }).unwrap_err();
                assert_eq!(refused, GroupClosed::ShuttingDown);
                let dead = aborting.spawn(async { unreachable!() as Result<(), &str> });
                assert!(dead.await.unwrap_err().is_cancelled());
                Ok(())
            }));
            yield_now().await;
            Err::<(), _>("body")
        });
        assert!(result.await.is_err());
        let finished = receive.await.unwrap();
        assert_eq!(finished.try_spawn(async { Ok(()) }).unwrap_err(), GroupClosed::Finished);
    });
    assert!(run.is_ok(), "{run:?}");
}

#[test]
fn a_failure_during_the_exit_leaves_no_count_k09() {
    let seen = notes(|| async {
        let result = TaskGroup::scope(|group| async move {
            drop(group.spawn(fail(1, "B")));
            Ok(())
        });
        note!("{}", texts(&result.await.unwrap_err()));
        note!("cancelling {}", cancelling());
        sleep(secs(1)).await;
        note!("slept");
    });
    assert_eq!(seen, "1 B fails\n1 [B]\n1 cancelling 0\n2 slept");
}

#[test]
fn a_request_from_outside_survives_the_errors_k10() {
    let seen = notes(|| async {
        let outer = spawn(async {
            let result = TaskGroup::scope(|group| async move {
                drop(group.spawn(async {
                    let _ = catch_cancel(pending::<()>()).await;
                    Err::<(), _>("cleanup")
                }));
                Ok(())
            });
            note!("{}", texts(&result.await.unwrap_err()));
            note!("cancelling {}", cancelling());
            let again = catch_cancel(sleep(secs(1))).await;
            note!("cancelled {}", again.is_err());
        });
        sleep(secs(1)).await;
        outer.cancel();
        outer.await.unwrap();
    });
    assert_eq!(seen, "1 [cleanup]\n1 cancelling 1\n1 cancelled true");
}

#[test]
fn a_timeout_around_a_group_waits_for_the_cleanups_k12() {
    let seen = notes(|| async {
        let group = TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(slow_to_die(2, "A")));
            Ok(())
        });
        note!("{}", timeout(secs(1), group).await.unwrap_err());
        note!("cancelling {}", cancelling());
    });
    assert_eq!(seen, "1 A cancelled\n3 A cleaned\n3 deadline has elapsed\n3 cancelling 0");
}

#[test]
fn nested_groups_that_fail_in_one_step_both_tell() {
    let seen = notes(|| async {
        let outer = TaskGroup::<String>::scope(|outer| async move {
            drop(outer.spawn(async {
                sleep(secs(1)).await;
                Err::<(), _>("outer child".to_owned())
            }));
            TaskGroup::<&str>::scope(|inner| async move {
                drop(inner.spawn(fail(1, "inner child")));
                Ok(())
            })
            .await
            .map_err(|error| texts(&error))
        });
        let error = outer.await.unwrap_err();
        note!("{:?} {}", error.failed().collect::<Vec<_>>(), cancelling());
    });
    assert_eq!(seen, "1 inner child fails\n1 [\"outer child\", \"[inner child]\"] 0");
}

#[test]
fn a_panic_is_a_failure() {
    let run = Sim::new().run(|| async {
        let result = TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(nap(9, "A")));
            drop(group.spawn(async {
                sleep(secs(1)).await;
                if crate::now() > secs(0) {
                    panic!("boom");
                }
                Ok(())
            }));
            Ok(())
        });
        let errors = result.await.unwrap_err().into_errors();
        assert!(errors[0].is_panic() && errors.len() == 1);
        assert_eq!(crate::now(), secs(1));
    });
    assert!(run.is_ok());
}

#[test]
fn a_dropped_block_aborts_its_tasks() {
    let seen = notes(|| async {
        let parent = spawn(TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(slow_to_die(2, "A")));
            drop(group.spawn(nap(5, "B")));
            Ok(())
        }));
        sleep(secs(1)).await;
        parent.abort();
        assert!(parent.await.unwrap_err().is_cancelled());
        sleep(secs(9)).await;
        note!("nothing more");
    });
    assert_eq!(seen, "10 nothing more");
}

#[test]
fn a_panic_in_the_body_aborts_its_tasks() {
    let run = Sim::new().run(|| async {
        let parent = spawn(TaskGroup::<&str>::scope(|group| async move {
            drop(group.spawn(nap(5, "B")));
            sleep(secs(1)).await;
            if crate::now() > secs(0) {
                panic!("body");
            }
            Ok(())
        }));
        assert!(parent.await.unwrap_err().is_panic());
        sleep(secs(9)).await;
    });
    let outcome = run.unwrap();
    assert_eq!(outcome.trace().notes().count(), 0);
    assert!(outcome.leaked().is_empty());
}

#[test]
fn a_failure_cancels_only_what_stands_in_the_block() {
    // Python's tasks have one stack; a Rust task may hold a group beside something else.
    let seen = notes(|| async {
        let group = TaskGroup::scope(|group| async move {
            drop(group.spawn(fail(1, "B")));
            sleep(secs(9)).await;
            Ok(())
        });
        let beside = async {
            sleep(secs(3)).await;
            note!("beside");
        };
        let (result, ()) = crate::join!(group, beside);
        note!("{}", texts(&result.unwrap_err()));
    });
    assert_eq!(seen, "1 B fails\n3 beside\n3 [B]");
}

#[test]
fn values_are_there_for_who_awaits_the_handles() {
    let run = Sim::new().run(|| async {
        let sum = TaskGroup::<&str>::scope(|group| async move {
            let tasks = [1, 2].map(|n| group.spawn(async move { Ok(n) }));
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap()?;
            }
            Ok(sum)
        });
        assert_eq!(sum.await.unwrap(), 3);
    });
    assert!(run.is_ok());
}

#[test]
fn a_panic_that_nobody_hears_of_fails_the_run() {
    let run = Sim::new().run(|| async {
        let parent = spawn(TaskGroup::<&str>::scope(|group| async move {
            drop(
                group
                    .spawn(async { if crate::now() == secs(0) { panic!("boom") } else { Ok(()) } }),
            );
            let _ = catch_cancel(pending::<()>()).await;
            pending::<()>().await;
            Ok(())
        }));
        sleep(secs(1)).await;
        parent.abort();
        sleep(secs(1)).await;
    });
    assert!(
        matches!(run.unwrap_err().kind(), FailureKind::Panic { message, .. } if message == "boom")
    );
}
