//! The store's promises, on whichever database this run has.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use castellan::{
    audit::{self, By, Event},
    counters::{self, Counter},
    id::{OrganizationId, UserId},
    organizations::{self, Kind},
    store::{self, Store},
};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::Castellan;

/// A unit that answers `Err` keeps nothing, though others of its batch commit.
#[tokio::test]
async fn a_failed_unit_keeps_nothing_and_its_neighbours_everything() {
    let castellan = Castellan::start().await;
    let provider = castellan.organization(None, Kind::Provider, "Vendor").await;
    let now = castellan.now();
    let writes = (0..40).map(|number| {
        let id = provider.id;
        castellan.app.store.write(async move |tx| -> store::Result<()> {
            let new = organizations::NewOrganization {
                parent_id: Some(id),
                kind: Kind::Partner,
                name: format!("Partner {number}"),
                external_id: None,
                contact_email: None,
                policy: organizations::Policy::default(),
                branding: organizations::Branding::default(),
            };
            organizations::insert(tx, &new, now).await?;
            if number % 2 == 0 { Ok(()) } else { Err(store::Error::Closed) }
        })
    });
    let outcomes = join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let partners = organizations::children(&mut db, provider.id).await.expect("a read");
    assert_eq!(partners.len(), 20, "each committed unit and no other");
}

/// Some writes wait for the next statement of their unit (`later!`): whoever asks after them sees them, a unit that
/// fails keeps none of them, and many of them are all kept.
#[tokio::test]
async fn writes_that_wait_are_seen_by_their_unit_and_kept_with_it() {
    let castellan = Castellan::start().await;
    let (store, now) = (&castellan.app.store, castellan.now());
    let owners: Vec<Uuid> = (0..40).map(|_| OrganizationId::new(now).0).collect();
    let writes = owners.iter().enumerate().map(|(number, owner)| {
        let owner = *owner;
        store.write(async move |tx| -> store::Result<()> {
            for counted in 1..=40 {
                counters::add(tx, owner, Counter::Users, owner, 1).await?;
                if counted % 13 == 0 {
                    assert_eq!(counters::total(tx, owner, Counter::Users).await?, counted);
                }
            }
            if number % 2 == 0 { Ok(()) } else { Err(store::Error::Closed) }
        })
    });
    join_all(writes).await;
    let mut db = store.reader().await.expect("a reader");
    for (number, owner) in owners.iter().enumerate() {
        let total = counters::total(&mut db, *owner, Counter::Users).await.expect("a total");
        assert_eq!(total, if number % 2 == 0 { 40 } else { 0 });
    }
}

/// One that fails ends its whole unit, and nobody else's.
#[tokio::test]
async fn a_waiting_write_that_fails_takes_its_unit_with_it() {
    let castellan = Castellan::start().await;
    let (store, master, now) = (&castellan.app.store, castellan.app.master.clone(), castellan.now());
    let partner = castellan.organization(None, Kind::Provider, "Vendor").await.id;
    let person = UserId::new(now);
    let writes = (0..10).map(|number| {
        let master = master.clone();
        store.write(async move |tx| -> store::Result<()> {
            counters::add(tx, partner.0, Counter::Users, partner.0, 1).await?;
            // A person is new once: the key of the second one breaks a unique rule.
            let person = if number < 2 { person } else { UserId::new(now) };
            let event =
                Event::new(partner, "user.provisioned", By::system()).about_new(person, json!({ "number": number }));
            audit::record(tx, &master, event, now).await
        })
    });
    let outcomes = join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 9, "{outcomes:?}");
    let total = counters::total(&mut store.reader().await.expect("a reader"), partner.0, Counter::Users).await;
    assert_eq!(total.expect("a total"), 9);
}

/// A unit that goes on after the failure as if nothing had been is not kept: what waited with the failed write is lost.
#[tokio::test]
async fn a_unit_that_overlooks_a_failed_write_is_not_kept() {
    let castellan = Castellan::start().await;
    let (store, master, now) = (&castellan.app.store, castellan.app.master.clone(), castellan.now());
    let partner = castellan.organization(None, Kind::Provider, "Vendor").await.id;
    let person = UserId::new(now);
    let outcome = store.write(async move |tx| -> store::Result<()> {
        for _ in 0..2 {
            let event = Event::new(partner, "user.provisioned", By::system()).about_new(person, json!({}));
            let _ = audit::record(tx, &master, event, now).await;
        }
        counters::add(tx, partner.0, Counter::Users, partner.0, 1).await?;
        let _ = counters::total(tx, partner.0, Counter::Users).await;
        Ok(())
    });
    // PostgreSQL keeps nothing of a transaction in which a statement has failed.
    assert!(outcome.await.is_err() || store.is_postgres());
    let total = counters::total(&mut store.reader().await.expect("a reader"), partner.0, Counter::Users).await;
    assert_eq!(total.expect("a total"), 0);
}

/// Security row 135: a panic inside a write costs that request, and no other.
#[tokio::test]
async fn a_panic_in_one_unit_leaves_the_writer_to_the_others() {
    let castellan = Castellan::start().await;
    let store = castellan.app.store.clone();
    let panicking = tokio::spawn(async move {
        store.write(async |_: &mut store::Tx<'_>| -> store::Result<()> { panic!("a defect, for this test") }).await
    });
    assert!(!matches!(panicking.await, Ok(Ok(()))));
    castellan.organization(None, Kind::Provider, "Vendor").await;
}

/// What `bump_revision` is for: a question and the write that rests on it, fifty times at once.
#[tokio::test]
async fn a_bumped_revision_serialises_a_rule_over_several_rows() {
    let castellan = Castellan::start().await;
    let provider = castellan.organization(None, Kind::Provider, "Vendor").await;
    let now = castellan.now();
    let winners = Arc::new(AtomicUsize::new(0));
    let writes = (0..50).map(|_| {
        let (id, winners) = (provider.id, Arc::clone(&winners));
        castellan.app.store.write(async move |tx| -> store::Result<()> {
            organizations::bump_revision(tx, id).await?;
            if organizations::children(tx, id).await?.is_empty() {
                let new = organizations::NewOrganization {
                    parent_id: Some(id),
                    kind: Kind::Partner,
                    name: "The only one".to_owned(),
                    external_id: None,
                    contact_email: None,
                    policy: organizations::Policy::default(),
                    branding: organizations::Branding::default(),
                };
                organizations::insert(tx, &new, now).await?;
                winners.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
    });
    assert!(join_all(writes).await.iter().all(Result::is_ok));
    assert_eq!(winners.load(Ordering::SeqCst), 1);
}

/// Readers cannot write: SQLite's are opened so, and the types say it for both.
#[tokio::test]
async fn an_answer_leaves_after_its_commit() {
    let castellan = Castellan::start().await;
    let provider = castellan.organization(None, Kind::Provider, "Vendor").await;
    // Another connection sees the row the moment the write has answered.
    let found = organizations::find(&mut castellan.app.store.reader().await.expect("a reader"), provider.id).await;
    assert_eq!(found.expect("a read").expect("the row").name, "Vendor");
    let unknown = OrganizationId::new(castellan.now());
    let found = organizations::find(&mut castellan.app.store.reader().await.expect("a reader"), unknown).await;
    assert!(found.expect("a read").is_none());
}

/// A second start finds everything done; a schema from the future stops it.
#[tokio::test]
async fn a_newer_schema_is_refused() {
    let castellan = Castellan::start().await;
    let options = store::Options { url: castellan.app.config.database.clone(), migrate: true };
    Store::open(&options).await.expect("it opens again").close().await;
    castellan.database.pretend_newer_schema().await;
    for migrate in [true, false] {
        let refused = Store::open(&store::Options { migrate, ..options.clone() }).await;
        assert!(matches!(refused.err(), Some(store::Error::NewerSchema { .. })), "migrate: {migrate}");
    }
}
