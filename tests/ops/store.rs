//! The store's promises, on whichever database this run has.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use castellan::{
    id::OrganizationId,
    organizations::{self, Kind},
    store::{self, Store},
};
use futures_util::future::join_all;

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
