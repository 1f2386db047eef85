//! `castellan client`: the vendor's own applications.

use anyhow::{Context, bail};
use clap::Subcommand;

use super::{output::say, start};
use crate::{
    app::App,
    audit::{self, By, Event, SubjectKind},
    clients::{self, AuthMethod, GrantType, NewClient, Settings, Status},
    clock::Timestamp,
    config::Source,
    organizations, products,
    secret::Secret,
    store,
};

const SCOPES: [&str; 5] = ["openid", "profile", "email", "product", "offline_access"];

#[derive(Subcommand)]
pub enum Command {
    /// Register a client of a product; its secret is shown once
    Create {
        /// What people see
        name: String,
        /// The product's slug
        #[arg(long)]
        product: String,
        /// How it proves itself: client_secret_basic, client_secret_post or none
        #[arg(long, default_value_t = AuthMethod::ClientSecretBasic)]
        auth_method: AuthMethod,
        /// Where authorization responses go; compared letter by letter. May be given several times
        #[arg(long = "redirect-uri")]
        redirect_uris: Vec<String>,
        /// Where a browser may go after a logout
        #[arg(long = "post-logout-redirect-uri")]
        post_logout_redirect_uris: Vec<String>,
        /// Where logout tokens go
        #[arg(long)]
        backchannel_logout_uri: Option<String>,
        /// A scope beside the usual ones, such as `api` for a client of the portal. May be given several times
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// Acts for itself, by client_credentials, instead of for people
        #[arg(long)]
        machine: bool,
    },
    /// List all clients
    List,
    /// Let a client do nothing more
    Disable { client_id: String },
    /// Let a disabled client work again
    Enable { client_id: String },
}

pub async fn run(command: Command, source: &Source) -> anyhow::Result<()> {
    let app = start::open(source).await?;
    let now = app.clock.now();
    let outcome = match command {
        Command::List => list(&app).await,
        Command::Disable { client_id } => set_status(&app, &client_id, Status::Disabled, now).await,
        Command::Enable { client_id } => set_status(&app, &client_id, Status::Active, now).await,
        Command::Create {
            name,
            product,
            auth_method,
            redirect_uris,
            post_logout_redirect_uris,
            backchannel_logout_uri,
            scopes,
            machine,
        } => {
            let product = products::find_by_slug(&mut app.store.reader().await?, &product).await?;
            let grants: &[GrantType] = if machine {
                &[GrantType::ClientCredentials]
            } else {
                &[GrantType::AuthorizationCode, GrantType::RefreshToken]
            };
            let mut granted: Vec<String> = if machine { Vec::new() } else { SCOPES.map(str::to_owned).to_vec() };
            granted.extend(scopes.into_iter().filter(|scope| machine || !SCOPES.contains(&scope.as_str())));
            let has_secret = matches!(auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
            let new = NewClient {
                client_id: None,
                product_id: product.context("there is no such product")?.id,
                name,
                auth_method,
                secret: has_secret.then(|| Secret::random_with_prefix("cst_client_")),
                redirect_uris,
                post_logout_redirect_uris,
                grant_types: grants.to_vec(),
                scopes: granted,
                settings: Settings { first_party: true, backchannel_logout_uri, ..Settings::default() },
            };
            create(&app, new, now).await
        }
    };
    app.stop().await;
    outcome
}

async fn create(app: &App, new: NewClient, now: Timestamp) -> anyhow::Result<()> {
    let secret = new.secret.clone();
    let master = app.master.clone();
    let outcome = app.store.write(async move |tx| {
        let made = clients::insert(tx, &new, now).await?;
        if let (Ok(client), Some(provider)) = (&made, organizations::provider(tx).await?) {
            let event = Event::new(provider.id, "client.created", By::operator()).on(SubjectKind::Client, client.id.0);
            audit::record(tx, &master, event, now).await?;
        }
        Ok::<_, store::Error>(made)
    });
    let client = outcome.await??;
    say(&format!("client_id      {}", client.client_id));
    if let Some(secret) = secret {
        say(&format!("client_secret  {}\nThe secret is shown only here.", secret.expose()));
    }
    Ok(())
}

async fn list(app: &App) -> anyhow::Result<()> {
    let mut db = app.store.reader().await?;
    for client in clients::list(&mut db).await? {
        let product = products::find(&mut db, client.product_id).await?.map(|product| product.slug);
        let (product, status) = (product.unwrap_or_default(), client.status);
        say(&format!("{}  {status:<8}  {}  {product}  {}", client.client_id, client.auth_method, client.name));
    }
    Ok(())
}

async fn set_status(app: &App, client_id: &str, status: Status, now: Timestamp) -> anyhow::Result<()> {
    let Some(client) = clients::find_by_client_id(&mut app.store.reader().await?, client_id).await? else {
        bail!("there is no client {client_id}")
    };
    let master = app.master.clone();
    let outcome = app.store.write(async move |tx| {
        clients::set_status(tx, client.id, status, now).await?;
        let Some(provider) = organizations::provider(tx).await? else { return Ok::<_, store::Error>(()) };
        let kind = if status == Status::Active { "client.enabled" } else { "client.disabled" };
        let event = Event::new(provider.id, kind, By::operator()).on(SubjectKind::Client, client.id.0);
        audit::record(tx, &master, event, now).await
    });
    outcome.await?;
    say("Done.");
    Ok(())
}
