use castellan::{
    audit::{self, By, Event, Flaw, SubjectKind},
    background,
    id::{OrganizationId, UserId},
    store,
};
use serde_json::json;

use crate::support::Castellan;

async fn happen(castellan: &Castellan, organization: OrganizationId, kind: &'static str, person: UserId) {
    let (master, now) = (castellan.app.master.clone(), castellan.now());
    castellan
        .write(async move |tx| {
            let by = By::user(person).at("203.0.113.7", "Browser 1");
            let event = Event::new(organization, kind, by)
                .on(SubjectKind::User, person.0)
                .with(json!({"method": "totp"}))
                .about(person, json!({"login_name": "anna@example.com"}));
            audit::record(tx, &master, event, now).await
        })
        .await;
}

async fn report(castellan: &Castellan) -> audit::Report {
    audit::verify(&castellan.app.store, &castellan.app.master).await.expect("walked")
}

#[tokio::test]
async fn events_get_their_place_in_their_organizations_chain() {
    let castellan = Castellan::start().await;
    let (one, two) = (OrganizationId::new(castellan.now()), OrganizationId::new(castellan.now()));
    let anna = UserId::new(castellan.now());
    for _ in 0..150 {
        happen(&castellan, one, "login.succeeded", anna).await;
    }
    happen(&castellan, two, "login.failed", anna).await;
    assert_eq!(report(&castellan).await.waiting, 151);

    background::settle(&castellan.app).await.expect("settled");
    let report = report(&castellan).await;
    assert_eq!((report.events, report.waiting, report.flaws), (151, 0, vec![]));
}

#[tokio::test]
async fn two_nodes_append_each_event_once() {
    let castellan = Castellan::start().await;
    let other = castellan.second_node().await;
    let organization = OrganizationId::new(castellan.now());
    let anna = UserId::new(castellan.now());
    for _ in 0..20 {
        happen(&castellan, organization, "login.succeeded", anna).await;
    }
    let now = castellan.now();
    let (one, two) = tokio::join!(
        audit::chain::append(&castellan.app.store, castellan.app.holder, now),
        audit::chain::append(&other.store, other.holder, now)
    );
    assert_eq!(one.expect("appended") + two.expect("appended"), 20);
    assert_eq!(report(&castellan).await.flaws, []);
}

#[tokio::test]
async fn a_changed_byte_is_found_whatever_it_is_in() {
    for (change, personal) in [
        ("UPDATE audit_events SET details = '{\"method\":\"topt\"}' WHERE position = 2", false),
        ("UPDATE audit_events SET outcome = 'refused' WHERE position = 2", false),
        ("UPDATE audit_events SET at = at + 1 WHERE position = 2", false),
        ("UPDATE audit_events SET actor_id = NULL WHERE position = 2", false),
        ("DELETE FROM audit_events WHERE position = 2", false),
        ("UPDATE audit_events SET position = 3 WHERE position = 2", false),
        ("UPDATE audit_events SET position = NULL WHERE position = 2", false),
        ("DELETE FROM audit_chain WHERE position = 2", false),
        ("UPDATE audit_chain SET hash = (SELECT hash FROM audit_chain WHERE position = 1) WHERE position = 2", false),
        (
            "UPDATE audit_personal SET sealed = salt WHERE event_id IN (SELECT id FROM audit_events WHERE position = 2)",
            true,
        ),
        ("DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE position = 2)", true),
    ] {
        let castellan = Castellan::start().await;
        let organization = OrganizationId::new(castellan.now());
        for _ in 0..3 {
            for _ in 0..2 {
                happen(&castellan, organization, "user.deactivated", UserId::new(castellan.now())).await;
            }
            background::settle(&castellan.app).await.expect("settled");
        }
        assert_eq!(report(&castellan).await.flaws, []);

        castellan.write(async move |tx| tamper(tx, change).await).await;
        let flaws = report(&castellan).await.flaws;
        assert!(!flaws.is_empty(), "{change}");
        assert_eq!(flaws.iter().any(|flaw| matches!(flaw, Flaw::Personal(_))), personal, "{change}: {flaws:?}");
    }
}

/// What an intruder with the database would do.
async fn tamper(tx: &mut store::Tx<'_>, sql: &'static str) -> store::Result<()> {
    use castellan::store::Connection;
    let done = match tx.connection().await.expect("a connection") {
        Connection::Sqlite(connection) => sqlx::query(sql).execute(connection).await.map(|done| done.rows_affected()),
        Connection::Postgres(connection) => sqlx::query(sql).execute(connection).await.map(|done| done.rows_affected()),
    };
    assert!(done.expect("tampered") > 0, "{sql}");
    Ok(())
}

#[tokio::test]
async fn erasing_a_person_leaves_the_chain_whole_and_others_readable() {
    let castellan = Castellan::start().await;
    let organization = OrganizationId::new(castellan.now());
    let (anna, ben) = (UserId::new(castellan.now()), UserId::new(castellan.now()));
    let (master, now) = (castellan.app.master.clone(), castellan.now());
    castellan
        .write(async move |tx| {
            let by = By::user(ben).at("203.0.113.9", "Browser 2");
            let event =
                Event::new(organization, "mfa.reset", by).about(anna, json!({"login_name": "anna@example.com"}));
            audit::record(tx, &master, event, now).await
        })
        .await;
    background::settle(&castellan.app).await.expect("settled");

    let mut db = castellan.app.store.reader().await.expect("a reader");
    let later = now + std::time::Duration::from_secs(1);
    let events = audit::list(&mut db, organization, &audit::Filter::default(), later, 10).await.expect("listed");
    let personal = audit::read_personal(&mut db, &castellan.app.master, events[0].id).await.expect("read");
    assert_eq!(personal["data"]["login_name"], "anna@example.com");
    assert_eq!(personal["address"], "203.0.113.9");

    castellan.write(async move |tx| audit::erase(tx, anna).await).await;
    let personal = audit::read_personal(&mut db, &castellan.app.master, events[0].id).await.expect("read");
    assert!(personal.get("data").is_none(), "{personal:?}");
    assert_eq!(personal["address"], "203.0.113.9", "what is about another stays");
    assert_eq!(report(&castellan).await.flaws, []);
}

/// A machine that takes many tokens at once is one line of the trail, with their number.
#[tokio::test]
async fn noted_events_that_are_alike_become_one_with_a_count() {
    let castellan = Castellan::start().await;
    let organization = OrganizationId::new(castellan.now());
    for number in 0..200 {
        let details = json!({"scope": if number % 4 == 0 { "a" } else { "b" }});
        let event = Event::new(organization, "token.issued", By::system()).with(details);
        castellan.app.recorder.note(event, castellan.now());
    }
    background::settle(&castellan.app).await.expect("settled");
    let mut db = castellan.app.store.reader().await.expect("a reader");
    let later = castellan.now() + std::time::Duration::from_secs(1);
    let events = audit::list(&mut db, organization, &audit::Filter::default(), later, 500).await.expect("listed");
    let mut counted = std::collections::BTreeMap::new();
    for event in &events {
        let details: serde_json::Value = serde_json::from_str(&event.details).expect("JSON");
        *counted.entry(details["scope"].to_string()).or_insert(0) += details["count"].as_u64().unwrap_or(1);
    }
    assert_eq!(counted.into_values().collect::<Vec<_>>(), [50, 150]);
    assert!(events.len() < 20, "{}", events.len());
    assert_eq!(report(&castellan).await.flaws, []);
}
