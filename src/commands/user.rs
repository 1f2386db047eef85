//! `castellan user`: what an operator does where no administrator can.

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use super::{output::say, start};
use crate::{
    access::{self, NewAssignment, Source as Origin, Subject},
    action_tokens::Purpose,
    app::App,
    audit::{self, By, Event, SubjectKind},
    clock::Timestamp,
    config::Source,
    id::{OrganizationId, UserId},
    mailed_links, mfa,
    organizations::{self, Organization},
    products::{self, portal},
    store::{self, Db, Tx},
    users::{self, LoginName, NewUser, Realm, Status, User, life_cycle},
};

#[derive(Subcommand)]
pub enum Command {
    /// Make a user and print the link at which they set their password
    Create {
        /// The e-mail address, which is the login name
        login: String,
        #[arg(long)]
        given_name: String,
        #[arg(long)]
        family_name: String,
        /// The organization's name or id; without it the provider
        #[arg(long)]
        organization: Option<String>,
        /// Portal role: administrator, basic or accountant
        #[arg(long, default_value = portal::BASIC)]
        role: String,
    },
    /// List an organization's users
    List {
        /// The organization's name or id; without it the provider
        #[arg(long)]
        organization: Option<String>,
    },
    /// Print a link at which the user sets a new password; nothing changes until it is used
    ResetPassword { login: String },
    /// Take all second factors and sessions away; the next sign-in enrols anew
    ResetMfa { login: String },
    /// End all access at once
    Deactivate { login: String },
    /// Let a deactivated user sign in again
    Reactivate { login: String },
}

pub async fn run(command: Command, source: &Source) -> anyhow::Result<()> {
    let app = start::open(source).await?;
    let now = app.clock.now();
    let outcome = match command {
        Command::Create { login, given_name, family_name, organization, role } => {
            let names = (given_name, family_name);
            create(&app, (login, names), (organization.as_deref(), role), now).await
        }
        Command::List { organization } => list(&app, organization.as_deref()).await,
        Command::ResetPassword { login } => reset_password(&app, &login, now).await,
        Command::ResetMfa { login } => reset_mfa(&app, &login, now).await,
        Command::Deactivate { login } => move_to(&app, &login, false, now).await,
        Command::Reactivate { login } => move_to(&app, &login, true, now).await,
    };
    app.stop().await;
    outcome
}

async fn create(
    app: &App,
    (login, (given_name, family_name)): (String, (String, String)),
    (organization, role): (Option<&str>, String),
    now: Timestamp,
) -> anyhow::Result<()> {
    let organization = find_organization(&mut app.store.reader().await?, organization).await?;
    let new = NewUser {
        organization_id: organization.id,
        realm: Realm::Portal,
        login_name: LoginName::parse(&login)?,
        email: crate::mail::is_mailable(&login).then_some(login),
        given_name,
        family_name,
        display_name: String::new(),
        status: Status::Invited,
        connection_id: None,
        external_id: None,
        document: json!({}),
    };
    let (master, link) = (app.master.clone(), app.link(Purpose::Activate, By::operator()));
    let made = app
        .store
        .write(async move |tx| {
            let Ok(user) = users::insert(tx, &new, now).await? else { return Ok::<_, store::Error>(None) };
            if !assign_portal_role(tx, &user, &role, now).await? {
                return Err(store::Error::Damaged(format!("the portal has no role {role:?}")));
            }
            let by = By::operator();
            let event = Event::new(user.organization_id, "user.invited", by).on(SubjectKind::User, user.id.0);
            audit::record(tx, &master, event, now).await?;
            mailed_links::make(tx, &user, &link, now).await.map(Some)
        })
        .await?;
    let Some(address) = made else { bail!("this login name is taken") };
    say(&format!("Made. At this link they set their password, once:\n{address}"));
    Ok(())
}

/// Gives the portal role over the home organization and all below it; `false` if there is none of that name.
async fn assign_portal_role(tx: &mut Tx<'_>, user: &User, role: &str, now: Timestamp) -> store::Result<bool> {
    let Some(product) = products::find_by_slug(tx, portal::SLUG).await? else { return Ok(false) };
    let Some(role) = products::find_role(tx, product.id, role).await? else { return Ok(false) };
    let assignment = NewAssignment {
        subject: Subject::User(user.id),
        product: product.id,
        roles: vec![role.id],
        organization: user.organization_id,
        subtree: true,
        source: Origin::Direct,
        connection: None,
        created_by: None,
    };
    access::assign(tx, &assignment, now).await?;
    Ok(true)
}

async fn list(app: &App, organization: Option<&str>) -> anyhow::Result<()> {
    let mut db = app.store.reader().await?;
    let organization = find_organization(&mut db, organization).await?;
    for status in [Status::Active, Status::Invited, Status::Deactivated] {
        let page = users::Page { after: UserId(uuid::Uuid::nil()), limit: 1_000 };
        for user in users::list(&mut db, organization.id, status, page).await? {
            say(&format!("{}  {status:<11}  {}  {}", user.id, user.login_name, user.name()));
        }
    }
    Ok(())
}

async fn reset_password(app: &App, login: &str, now: Timestamp) -> anyhow::Result<()> {
    let user = find_user(app, login).await?;
    let (master, link) = (app.master.clone(), app.link(Purpose::ResetPassword, By::operator()));
    let address = app
        .store
        .write(async move |tx| {
            let event = Event::new(user.organization_id, "password.reset_sent", By::operator());
            audit::record(tx, &master, event.on(SubjectKind::User, user.id.0), now).await?;
            mailed_links::make(tx, &user, &link, now).await
        })
        .await?;
    say(&format!("At this link they set a new password, once:\n{address}"));
    Ok(())
}

async fn reset_mfa(app: &App, login: &str, now: Timestamp) -> anyhow::Result<()> {
    let user = find_user(app, login).await?;
    let master = app.master.clone();
    app.store.write(async move |tx| mfa::reset(tx, &master, &user, &By::operator(), now).await).await?;
    say("Done. The next sign-in leads to enrolment; the user is told by mail.");
    Ok(())
}

async fn move_to(app: &App, login: &str, active: bool, now: Timestamp) -> anyhow::Result<()> {
    let user = find_user(app, login).await?;
    let master = app.master.clone();
    let outcome = app.store.write(async move |tx| {
        let by = By::operator();
        let act = life_cycle::Act { master: &master, by: &by };
        if active {
            life_cycle::reactivate(tx, act, &user, now).await
        } else {
            life_cycle::deactivate(tx, act, &user, now).await
        }
    });
    outcome.await??;
    say("Done.");
    Ok(())
}

async fn find_user(app: &App, login: &str) -> anyhow::Result<User> {
    let mut db = app.store.reader().await?;
    let name = LoginName::parse(login)?;
    users::find_by_login_name(&mut db, Realm::Portal, &name).await?.with_context(|| format!("there is no user {login}"))
}

/// By id, or by a name that is unique.
async fn find_organization(db: &mut Db<'_>, wanted: Option<&str>) -> anyhow::Result<Organization> {
    let provider = organizations::provider(db).await?;
    let provider = provider.context("there is no organization yet: run `castellan serve` and open its link")?;
    let Some(wanted) = wanted else { return Ok(provider) };
    if let Ok(id) = wanted.parse::<OrganizationId>() {
        return organizations::find(db, id).await?.with_context(|| format!("there is no organization {wanted}"));
    }
    let mut all = organizations::list_within(db, provider.id).await?;
    all.retain(|organization| organization.name == wanted);
    match all.len() {
        0 => bail!("there is no organization {wanted:?}"),
        1 => all.pop().with_context(|| format!("there is no organization {wanted:?}")),
        _ => bail!("several organizations are called {wanted:?}: name it by its id"),
    }
}
