//! Behaviour of `portal`, over HTTP: a relying party with nothing but its tokens.

mod no_database;
mod ownership;
mod pages;
mod provisioning;
mod rules;
mod sessions;

use castellan::{access::Subject, mfa::Method, organizations::Organization};

use crate::support::{Browser, Castellan, Person};

/// Somebody of the organization with a portal role there and below.
pub async fn somebody(castellan: &Castellan, organization: &Organization, login: &str, role: &str) -> Person {
    let person = castellan.person(organization, login).password().create().await;
    let portal = castellan.portal().await;
    castellan.assign(Subject::User(person.user.id), &portal, &[role], organization.id).await;
    person
}

/// A browser in which the person has signed in with a second factor, and opened the portal.
pub async fn in_the_portal<'c>(castellan: &'c Castellan, person: &Person) -> Browser<'c> {
    let mut browser = castellan.signed_in_by(person, &[Method::Totp]).await;
    let home = browser.get("/portal").await;
    home.has_status(200);
    assert_eq!(home.url, "http://localhost:8080/portal");
    browser
}
