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
    id::{ClientRowId, OutboxId, UserId},
    jobs::{self, Deliver, Failure, Message},
    mail::{self, Mail},
};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

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

/// Hangs at one client for ever, brings everything else, and tells of both.
struct Stuck {
    at: ClientRowId,
    reached: UnboundedSender<&'static str>,
}

impl Deliver for Stuck {
    async fn deliver(&self, _: OutboxId, message: Message, _: Timestamp) -> Result<(), Failure> {
        let reached = match message {
            Message::BackchannelLogout { client, .. } if client == self.at => "stuck",
            Message::BackchannelLogout { .. } => "another client",
            Message::Mail(_) => "mail",
            Message::ForgottenPassword { .. } => "a question",
            Message::Webhook { .. } => "a webhook",
        };
        self.reached.send(reached).expect("the test listens");
        if reached == "stuck" { std::future::pending().await } else { Ok(()) }
    }
}

async fn tell(castellan: &Castellan, client: ClientRowId) {
    let (master, now) = (castellan.app.master.clone(), castellan.now());
    let message = Message::BackchannelLogout { client, subject: UserId::new(now), session: None };
    let ends_at = now + Duration::from_secs(600);
    castellan.write(async move |tx| jobs::enqueue(tx, &master, &message, ends_at, now).await).await;
}

/// V5, P11: whoever does not answer delays nobody else, however much waits for it, and whenever the
/// others come. No second thing is sent there meanwhile, by no node.
#[tokio::test]
async fn a_receiver_that_never_answers_delays_nobody_else() {
    let castellan = Castellan::start().await;
    let other_node = castellan.second_node().await;
    let (hangs, answers) = (ClientRowId::new(castellan.now()), ClientRowId::new(castellan.now()));
    for _ in 0..100 {
        tell(&castellan, hangs).await;
    }
    let (reached, mut news) = unbounded_channel();
    let courier = Stuck { at: hangs, reached };
    let app = &castellan.app;
    let story = async {
        assert_eq!(news.recv().await, Some("stuck"));
        for _ in 0..3 {
            tell(&castellan, answers).await;
            app.wake.ring();
            assert_eq!(news.recv().await, Some("another client"));
            enqueue(&castellan, "in between", 10).await;
            app.wake.ring();
            assert_eq!(news.recv().await, Some("mail"));
        }
        let there = jobs::deliver_due(&other_node.store, &other_node.master, &other_node.clock, &courier).await;
        assert_eq!(there.expect("read"), 0, "all that is left waits for whoever hangs");
    };
    tokio::select! {
        () = jobs::keep_delivering(&app.store, &app.master, &app.clock, &courier, &app.wake) => {}
        outcome = tokio::time::timeout(Duration::from_secs(20), story) => outcome.expect("in time"),
    }
}

/// The other way round: a mail server that hangs holds no logout token up.
#[tokio::test]
async fn mails_and_logout_tokens_have_lanes_of_their_own() {
    let castellan = Castellan::start().await;
    for number in 0..100 {
        enqueue(&castellan, &number.to_string(), 10).await;
    }
    tell(&castellan, ClientRowId::new(castellan.now())).await;
    struct NoMails(UnboundedSender<()>);
    impl Deliver for NoMails {
        async fn deliver(&self, _: OutboxId, message: Message, _: Timestamp) -> Result<(), Failure> {
            if matches!(message, Message::Mail(_)) {
                std::future::pending::<()>().await;
            }
            self.0.send(()).expect("the test listens");
            Ok(())
        }
    }
    let (told, mut news) = unbounded_channel();
    let app = &castellan.app;
    let courier = NoMails(told);
    tokio::select! {
        () = jobs::keep_delivering(&app.store, &app.master, &app.clock, &courier, &app.wake) => {}
        outcome = tokio::time::timeout(Duration::from_secs(20), news.recv()) => assert_eq!(outcome, Ok(Some(()))),
    }
}

#[tokio::test]
async fn a_client_is_told_one_thing_at_a_time_and_all_of_it() {
    let castellan = Castellan::start().await;
    let client = ClientRowId::new(castellan.now());
    for _ in 0..20 {
        tell(&castellan, client).await;
    }
    #[derive(Default)]
    struct Counts {
        now: AtomicUsize,
        most: AtomicUsize,
    }
    impl Deliver for Counts {
        async fn deliver(&self, _: OutboxId, _: Message, _: Timestamp) -> Result<(), Failure> {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    }
    let (app, courier) = (&castellan.app, Counts::default());
    let handled = jobs::deliver_due(&app.store, &app.master, &app.clock, &courier).await;
    assert_eq!(handled.expect("the outbox is read"), 20);
    assert_eq!(courier.most.load(Ordering::SeqCst), 1);
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
