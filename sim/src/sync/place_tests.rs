//! A failure names the object and the `.await` of whoever waits.

use core::future::pending;
use std::sync::Arc;

use super::{CancellationToken, Notify, OnceCell, broadcast, mpsc, oneshot, watch};
use crate::trace::Op;
use crate::{Sim, spawn};

#[test]
fn every_wait_has_its_object_and_its_place() {
    let first = line!() + 14;
    let failure = Sim::new()
        .run(|| async {
            let (sender, mut receiver) = mpsc::channel(1);
            sender.send(0).await.unwrap();
            let (_other, mut empty) = mpsc::channel::<u8>(1);
            let (_value, answer) = oneshot::channel::<u8>();
            let (_watched, mut watcher) = watch::channel(0);
            let (_news, mut listener) = broadcast::channel::<u8>(1);
            let (notify, token) = (Notify::new(), CancellationToken::new());
            let cell = Arc::new(OnceCell::<u8>::new());
            let filling = Arc::clone(&cell);
            #[rustfmt::skip]
            let tasks = vec![
                spawn(async move { sender.send(1).await.unwrap(); receiver.close(); }),
                spawn(async move { empty.recv().await.unwrap(); }),
                spawn(async move { answer.await.unwrap(); }),
                spawn(async move { watcher.changed().await.unwrap(); }),
                spawn(async move { listener.recv().await.unwrap(); }),
                spawn(async move { notify.notified().await; }),
                spawn(async move { token.cancelled().await; }),
                spawn(async move { filling.get_or_init(pending).await; }),
                spawn(async move { cell.get_or_init(pending).await; }),
            ];
            pending::<()>().await;
            drop(tasks);
        })
        .unwrap_err();
    let found: Vec<_> = failure
        .blocked()
        .iter()
        .filter(|wait| wait.object.is_some())
        .map(|wait| {
            (wait.op, wait.place.map(|place| (place.file(), place.line())), wait.holders.len())
        })
        .collect();
    let at = |nth: u32| Some((file!(), first + nth));
    // Polls from inside this crate do not count as the program's: the place where the future was
    // made is shown, and for this one that is where its channel was.
    let oneshot = Some((file!(), first - 8));
    assert_eq!(
        found,
        [
            (Op::Send, at(0), 0),
            (Op::Receive, at(1), 0),
            (Op::Receive, oneshot, 0),
            (Op::Changed, at(3), 0),
            (Op::Receive, at(4), 0),
            (Op::Notified, at(5), 0),
            (Op::CancelToken, at(6), 0),
            (Op::Init, at(8), 1),
        ]
    );
}
