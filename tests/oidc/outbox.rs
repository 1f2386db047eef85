use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use castellan::{
    background,
    clock::Timestamp,
    id::OutboxId,
    jobs::{self, Deliver, Failure, Message},
    mail::{self, Mail},
};

use crate::support::Castellan;

/// Notes what it is given, and fails as often as it is told.
#[derive(Default)]
struct Courier {
    delivered: Mutex<Vec<Message>>,
    attempts: AtomicUsize,
    fails: usize,
}

impl Deliver for Courier {
    async fn deliver(&self, _: OutboxId, message: Message, _: Timestamp) -> Result<(), Failure> {
        if self.attempts.fetch_add(1, Ordering::SeqCst) < self.fails {
            return Err(Failure::Later("closed".to_owned()));
        }
        self.delivered.lock().expect("a lock").push(message);
        Ok(())
    }
}

fn letter(subject: &str) -> Mail {
    Mail {
        to: "anna@example.com".to_owned(),
        subject: subject.to_owned(),
        text: "text".to_owned(),
        html: "<p>html".to_owned(),
        links: vec![],
    }
}

async fn enqueue(castellan: &Castellan, subject: &str, minutes: u64) {
    let (master, now, mail) = (castellan.app.master.clone(), castellan.now(), letter(subject));
    let expires_at = now + Duration::from_secs(minutes * 60);
    castellan.write(async move |tx| mail::enqueue(tx, &master, &mail, expires_at, now).await).await;
}

async fn deliver(castellan: &Castellan, courier: &Courier) -> usize {
    let app = &castellan.app;
    jobs::deliver_due(&app.store, &app.master, &app.clock, courier).await.expect("the outbox is read")
}

#[tokio::test]
async fn a_message_leaves_once() {
    let castellan = Castellan::start().await;
    enqueue(&castellan, "one", 10).await;
    let courier = Courier::default();
    assert_eq!(deliver(&castellan, &courier).await, 1);
    assert_eq!(deliver(&castellan, &courier).await, 0);
    castellan.advance(3600);
    assert_eq!(deliver(&castellan, &courier).await, 0);
    assert_eq!(*courier.delivered.lock().expect("a lock"), [Message::Mail(letter("one"))]);
}

#[tokio::test]
async fn two_nodes_send_each_message_once() {
    let castellan = Castellan::start().await;
    let other = castellan.second_node().await;
    for number in 0..40 {
        enqueue(&castellan, &number.to_string(), 10).await;
    }
    let courier = Courier::default();
    let here = deliver(&castellan, &courier);
    let there = jobs::deliver_due(&other.store, &other.master, &other.clock, &courier);
    let (here, there) = tokio::join!(here, there);
    assert_eq!(here + there.expect("read"), 40);
    assert_eq!(courier.delivered.lock().expect("a lock").len(), 40);
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_later() {
    let castellan = Castellan::start().await;
    enqueue(&castellan, "stubborn", 60).await;
    let courier = Courier { fails: 2, ..Courier::default() };
    assert_eq!(deliver(&castellan, &courier).await, 1);
    assert_eq!(deliver(&castellan, &courier).await, 0, "it rests");
    castellan.advance(1);
    assert_eq!(deliver(&castellan, &courier).await, 1);
    castellan.advance(1);
    assert_eq!(deliver(&castellan, &courier).await, 0, "longer this time");
    castellan.advance(5);
    assert_eq!(deliver(&castellan, &courier).await, 1);
    assert_eq!(courier.delivered.lock().expect("a lock").len(), 1);
}

#[tokio::test]
async fn a_message_is_never_sent_after_its_end() {
    let castellan = Castellan::start().await;
    enqueue(&castellan, "late", 10).await;
    castellan.advance(600);
    let courier = Courier::default();
    deliver(&castellan, &courier).await;
    assert_eq!(courier.attempts.load(Ordering::SeqCst), 0);
    castellan.advance(3600);
    assert_eq!(deliver(&castellan, &courier).await, 0, "and is not looked at again");
}

#[tokio::test]
async fn retries_end_with_the_message() {
    let castellan = Castellan::start().await;
    enqueue(&castellan, "hopeless", 2).await;
    let courier = Courier { fails: usize::MAX, ..Courier::default() };
    for _ in 0..300 {
        deliver(&castellan, &courier).await;
        castellan.advance(1);
    }
    let attempts = courier.attempts.load(Ordering::SeqCst);
    assert!((3..10).contains(&attempts), "{attempts} attempts");
}

#[tokio::test]
async fn a_node_that_died_while_sending_loses_nothing() {
    let castellan = Castellan::start().await;
    enqueue(&castellan, "orphan", 60).await;
    struct Dies;
    impl Deliver for Dies {
        async fn deliver(&self, _: OutboxId, _: Message, _: Timestamp) -> Result<(), Failure> {
            std::future::pending().await
        }
    }
    let app = &castellan.app;
    let dying = jobs::deliver_due(&app.store, &app.master, &app.clock, &Dies);
    assert!(tokio::time::timeout(Duration::from_millis(200), dying).await.is_err(), "it hangs, and is killed");

    let courier = Courier::default();
    assert_eq!(deliver(&castellan, &courier).await, 0, "still leased");
    castellan.advance(61);
    assert_eq!(deliver(&castellan, &courier).await, 1);
}

#[tokio::test]
async fn in_the_demo_mail_goes_to_the_mailbox_and_lies_there_sealed() {
    let castellan = Castellan::start_with(|config| config.demo = true).await;
    enqueue(&castellan, "Welcome", 10).await;
    background::settle(&castellan.app).await.expect("settled");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let mails = mail::list(&mut db, &castellan.app.master, 10).await.expect("listed");
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].mail, letter("Welcome"));
}
