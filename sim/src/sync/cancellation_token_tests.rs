use core::pin::pin;
use core::time::Duration;

use futures::FutureExt;
use futures::future;

use super::*;
use crate::{Sim, note, now, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_request_reaches_children_also_through_tokens_that_are_gone() {
    let root = CancellationToken::new();
    let other = root.child_token();
    let grandchild = root.child_token().child_token().child_token();
    other.cancel();
    assert!(!root.is_cancelled() && !grandchild.is_cancelled());
    root.cancel();
    assert!(root.is_cancelled() && grandchild.is_cancelled());
    assert!(root.child_token().is_cancelled());
}

#[test]
fn waiters_are_woken_parents_first_in_order() {
    let outcome = Sim::new()
        .run(|| async {
            let root = CancellationToken::new();
            let (left, right) = (root.child_token(), root.child_token());
            let below = left.child_token();
            let tokens =
                [(below, "below"), (right, "right"), (left, "left"), (root.clone(), "root")];
            let tasks = tokens.map(|(token, name)| {
                spawn(async move {
                    token.cancelled().await;
                    note!("{name}");
                })
            });
            yield_now().await;
            root.cancel();
            for task in tasks {
                task.await.unwrap();
            }
        })
        .unwrap();
    outcome.trace().assert_order(["root", "left", "below", "right"]);
}

#[test]
fn run_until_cancelled_drops_the_future_or_lets_its_value_win() {
    Sim::new()
        .run(|| async {
            let token = CancellationToken::new();
            let (stopped, ()) = future::join(token.run_until_cancelled(sleep(9 * SECOND)), async {
                sleep(SECOND).await;
                token.cancel();
            })
            .await;
            assert_eq!((stopped, now()), (None, SECOND));
            // Not even polled.
            let never = token.run_until_cancelled(async { unreachable!("polled") }).await;
            assert_eq!(never, None::<()>);

            let token = CancellationToken::new();
            let both = token.run_until_cancelled(async {
                yield_now().await;
                token.cancel();
                7
            });
            assert_eq!(both.await, Some(7));
        })
        .unwrap();
}

#[test]
fn a_kept_wait_goes_on_after_a_timeout() {
    Sim::new()
        .run(|| async {
            let token = CancellationToken::new();
            let mut cancelled = pin!(token.cancelled());
            assert!(timeout(SECOND, cancelled.as_mut()).await.is_err());
            assert!(cancelled.as_mut().now_or_never().is_none());
            token.cancel();
            cancelled.await;
            token.clone().cancelled_owned().await;
        })
        .unwrap();
}

#[test]
fn guards_cancel_unless_disarmed() {
    let token = CancellationToken::new();
    let same = token.clone().drop_guard().disarm();
    assert!(same == token && !token.is_cancelled());
    assert_eq!(token.drop_guard_ref().disarm(), &token);
    assert!(!token.is_cancelled());
    drop(token.drop_guard_ref());
    assert!(token.is_cancelled());
}

#[test]
fn a_long_chain_of_tokens_exhausts_no_stack() {
    let root = CancellationToken::new();
    let mut last = root.clone();
    for _ in 0..200_000 {
        last = last.child_token();
    }
    root.cancel();
    assert!(last.is_cancelled());
    drop(root);
    drop(last);
}

#[test]
fn dead_children_do_not_pile_up() {
    let root = CancellationToken::new();
    for _ in 0..10_000 {
        drop(root.child_token());
    }
    assert!(lock(&root.node.inner).children.len() <= FEW);
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let token = CancellationToken::new();
    is_send(&token.cancelled());
    is_send(&token.clone().cancelled_owned());
    is_send(&token.run_until_cancelled(async {}));
    is_send(&token.clone().drop_guard());
}
