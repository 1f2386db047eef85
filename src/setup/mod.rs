//! The first start: a one-time link at which the provider and its first administrator are made.
//!
//! [`offer`] makes the link for `serve`, which prints it. The page makes the organization, the account
//! and its password; the second factor is enrolled where everybody's is, at the sign-in that follows,
//! since the portal lets nobody in without one.
//!
//! Invariants (security.md row 83): there is no default account or password; looking at the link
//! spends nothing; it works once; and once a provider exists, every route here is a 404.

mod page;

use axum::{Router, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    access::{self, NewAssignment, Source, Subject},
    app::App,
    audit::{self, By, SubjectKind},
    clock::Timestamp,
    organizations::{self, Branding, Kind, NewOrganization, Policy},
    products::{self, portal},
    secret::{MasterKeys, Secret},
    settings, store,
    store::{Db, Tx},
    users::{self, LoginName, NewUser, Realm, Status, password},
};

/// Where the hash of the link's secret stands.
const SETTING: &str = "setup_link";

/// The routes of the first start.
pub fn routes() -> Router<App> {
    Router::new().route("/setup", get(page::show).post(page::submit))
}

/// The link, if there is no provider yet. Each start makes a new one and voids the one before.
///
/// # Errors
/// The database failed.
pub async fn offer(app: &App) -> store::Result<Option<String>> {
    let secret = Secret::random();
    let hash = text_of(&secret);
    let offered = app
        .store
        .write(async move |tx| {
            if organizations::provider(tx).await?.is_some() {
                return Ok::<_, store::Error>(false);
            }
            settings::put(tx, SETTING, &hash).await?;
            Ok(true)
        })
        .await?;
    Ok(offered.then(|| app.config.url(&format!("/setup?token={}", secret.expose()))))
}

/// Whether the secret opens the set-up page now.
async fn is_open(db: &mut Db<'_>, secret: &Secret) -> store::Result<bool> {
    let stands = settings::find(db, SETTING).await?;
    Ok(stands.is_some_and(|hash| hash == text_of(secret)) && organizations::provider(db).await?.is_none())
}

/// A hash of 256 random bits, so that comparing it as text tells nothing of the secret.
fn text_of(secret: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(secret.hash().as_bytes())
}

/// What the page asks for, judged.
struct Beginning {
    secret: Secret,
    provider: String,
    login_name: LoginName,
    given_name: String,
    family_name: String,
    password: password::PasswordHash,
}

/// Makes provider and administrator; `false` if the link has been used meanwhile.
async fn begin(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    beginning: &Beginning,
    by: &By,
    now: Timestamp,
) -> store::Result<bool> {
    let open = is_open(tx, &beginning.secret).await?;
    if !settings::consume(tx, SETTING, &text_of(&beginning.secret)).await? || !open {
        return Ok(false);
    }
    let provider = NewOrganization {
        parent_id: None,
        kind: Kind::Provider,
        name: beginning.provider.clone(),
        external_id: None,
        contact_email: Some(beginning.login_name.as_given().to_owned()),
        policy: Policy::default(),
        branding: Branding::default(),
    };
    let provider = organizations::insert(tx, &provider, now).await?;
    let user = NewUser {
        organization_id: provider.id,
        realm: Realm::Portal,
        login_name: beginning.login_name.clone(),
        email: Some(beginning.login_name.as_given().to_owned()),
        given_name: beginning.given_name.clone(),
        family_name: beginning.family_name.clone(),
        display_name: String::new(),
        status: Status::Active,
        connection_id: None,
        external_id: None,
        document: serde_json::json!({}),
    };
    let Ok(user) = users::insert(tx, &user, now).await? else { return Ok(false) };
    password::set(tx, user.id, &beginning.password, password::SetBy::Activation, now).await?;
    let missing = || store::Error::Damaged("the portal product is missing".to_owned());
    let product = products::find_by_slug(tx, portal::SLUG).await?.ok_or_else(missing)?;
    let role = products::find_role(tx, product.id, portal::ADMINISTRATOR).await?.ok_or_else(missing)?;
    products::switch_on(tx, provider.id, product.id, now).await?;
    let assignment = NewAssignment {
        subject: Subject::User(user.id),
        product: product.id,
        roles: vec![role.id],
        organization: provider.id,
        subtree: true,
        source: Source::Direct,
        connection: None,
        created_by: None,
    };
    access::assign(tx, &assignment, now).await?;
    let event = audit::Event::new(provider.id, "setup.completed", by.clone()).on(SubjectKind::User, user.id.0);
    audit::record(tx, master, event, now).await?;
    Ok(true)
}
