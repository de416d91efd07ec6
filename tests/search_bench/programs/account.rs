//! `account`: SCTBench, `concurrent-software-benchmarks/account_bad.c`.
//!
//! A deposit, a withdrawal, and a check of the balance once both are done. The bug: the check
//! expects a wrong figure, and fails whenever it comes last.

use std::rc::Rc;

use crate::world::{Body, Cell, Lock, Tasks, World};

const OPENING: i64 = 1;
const DEPOSIT: i64 = 2;
const WITHDRAWAL: i64 = 4;

#[derive(Clone, Copy)]
pub(crate) struct Account;

struct Shared<W: World> {
    lock: W::Lock,
    balance: W::Cell,
    deposited: W::Cell,
    withdrawn: W::Cell,
}

async fn check<W: World>(s: Rc<Shared<W>>) {
    let _held = s.lock.lock().await;
    if s.deposited.read().await == 1 && s.withdrawn.read().await == 1 {
        let balance = s.balance.read().await;
        assert_eq!(balance, OPENING - DEPOSIT - WITHDRAWAL, "the balance");
    }
}

async fn deposit<W: World>(s: Rc<Shared<W>>) {
    let _held = s.lock.lock().await;
    let balance = s.balance.read().await;
    s.balance.write(balance + DEPOSIT).await;
    s.deposited.write(1).await;
}

async fn withdraw<W: World>(s: Rc<Shared<W>>) {
    let _held = s.lock.lock().await;
    let balance = s.balance.read().await;
    s.balance.write(balance - WITHDRAWAL).await;
    s.withdrawn.write(1).await;
}

impl Body for Account {
    async fn run<W: World>(self, world: W) {
        let s = Rc::new(Shared::<W> {
            lock: world.lock("lock"),
            balance: world.cell("balance", OPENING),
            deposited: world.cell("deposited", 0),
            withdrawn: world.cell("withdrawn", 0),
        });
        let mut tasks = Tasks::new(&world);
        tasks.spawn("check", check(Rc::clone(&s))).await;
        tasks.spawn("deposit", deposit(Rc::clone(&s))).await;
        tasks.spawn("withdraw", withdraw(Rc::clone(&s))).await;
        tasks.join().await;
    }
}
