//! What a program must know to use the demo: the file of `--describe`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use serde_json::{Map, Value, json};

use super::world::{
    Made,
    cast::{Factors, PEOPLE, PLACES, Person, Place, Standing},
    catalogue::{self, LISTED},
    passwords::PASSWORD,
};
use crate::{
    access,
    app::App,
    clients, organizations, products,
    store::{Db, Result},
};

/// The whole description, as the database has it now.
///
/// # Errors
/// The database failed.
pub async fn description(app: &App, made: &Made) -> Result<Value> {
    let mut db = app.store.reader().await?;
    let mut users = Vec::new();
    for person in PEOPLE.iter().filter(|person| signs_in(person)) {
        users.push(user(app, &mut db, made, person).await?);
    }
    let apps = LISTED.iter().zip(&made.apps);
    let products: Vec<Value> = apps
        .map(|(listed, url)| json!({ "slug": listed.slug, "audience": catalogue::audience(listed.slug), "app": url }))
        .chain([json!({
            "slug": catalogue::CONFORMANCE,
            "audience": catalogue::audience(catalogue::CONFORMANCE),
            "app": null,
        })])
        .collect();
    let connections: Vec<Value> = made
        .connections
        .iter()
        .map(|(key, id, token)| {
            json!({ "organization": organization(made, key), "base_url": base_url(app, &id.to_string()), "token": token })
        })
        .collect();
    Ok(json!({
        "issuer": app.config.issuer(),
        "portal": app.config.url("/portal"),
        "mailbox": app.config.url("/mailbox"),
        "users": users,
        "products": products,
        "clients": clients(&mut db, made).await?,
        "connections": connections,
        "api": { "base_url": app.config.url("/api/v1"), "token": made.api_token },
    }))
}

/// Whether the person can sign in from the start.
fn signs_in(person: &Person) -> bool {
    !matches!(person.standing, Standing::Invited | Standing::Deactivated)
}

fn base_url(app: &App, connection: &str) -> String {
    app.config.url(&format!("/scim/v2/{connection}"))
}

fn place(key: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.key == key)
}

fn organization(made: &Made, key: &str) -> Value {
    let place = place(key);
    json!({
        "id": made.organizations.get(key),
        "name": place.map(|place| place.name),
        "kind": place.map(|place| place.kind.as_str()),
    })
}

async fn user(app: &App, db: &mut Db<'_>, made: &Made, person: &Person) -> Result<Value> {
    let login = person.login();
    let Some((id, seed)) = made.people.get(&login) else { return Ok(Value::Null) };
    let mut effective = Map::new();
    for (product, entitlement) in access::products_of(db, *id, app.clock.now()).await? {
        if product.slug != products::portal::SLUG {
            effective.insert(product.slug, json!(entitlement.roles));
        }
    }
    let mut described = json!({
        "login": login,
        "password": PASSWORD,
        "mfa": methods(person.factors),
        "must_enrol": must_enrol(db, made, person).await?,
        "realm": match person.standing { Standing::OnlyIn(product) => product, _ => "portal" },
        "organization": organization(made, person.place),
        "products": effective,
    });
    let connection = made.connections.iter().find(|(key, ..)| key == person.place);
    let optional = [
        ("totp_secret", seed.clone()),
        ("portal_role", person.portal.map(str::to_owned)),
        (
            "provisioned_by",
            connection
                .filter(|_| person.standing == Standing::Provisioned)
                .map(|(_, id, _)| base_url(app, &id.to_string())),
        ),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            described[name] = value.into();
        }
    }
    Ok(described)
}

fn methods(factors: Factors) -> Vec<&'static str> {
    let all = [("totp", factors.has_totp()), ("email", factors.has_email())];
    all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// Whether nothing is enrolled where something is demanded: by the portal, or by the organization.
async fn must_enrol(db: &mut Db<'_>, made: &Made, person: &Person) -> Result<bool> {
    if person.factors != Factors::None {
        return Ok(false);
    }
    let Some(id) = made.organizations.get(person.place) else { return Ok(false) };
    let policy = organizations::effective_policy(db, *id).await?;
    Ok(person.portal.is_some() || policy.mfa == organizations::MfaRule::Required)
}

async fn clients(db: &mut Db<'_>, made: &Made) -> Result<Vec<Value>> {
    let mut described = Vec::new();
    for (client_id, secret) in &made.client_secrets {
        let Some(client) = clients::find_by_client_id(db, client_id).await? else { continue };
        let product = products::find(db, client.product_id).await?.map(|product| product.slug);
        described.push(json!({
            "client_id": client.client_id,
            "client_secret": secret,
            "auth_method": client.auth_method,
            "product": product,
            "redirect_uris": client.redirect_uris,
            "grant_types": client.grant_types,
        }));
    }
    Ok(described)
}

/// Writes the description, readable by its owner only; whoever waits for the file finds it whole.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path, description: &Value) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(name);
    let _ = fs::remove_file(&beside);
    let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    made.write_all(serde_json::to_string_pretty(description)?.as_bytes())?;
    made.write_all(b"\n")?;
    made.sync_all()?;
    fs::rename(&beside, file)
}

/// The page that the command prints: who to sign in as, and where.
pub fn page(app: &App, made: &Made, folder: &Path) -> String {
    let mut page = format!(
        "Castellan's demo is ready.\n\n  portal    {}\n  mailbox   {}   mails, and the codes of people's authenticator apps\n",
        app.config.url("/portal"),
        app.config.url("/mailbox"),
    );
    for (listed, url) in LISTED.iter().zip(&made.apps) {
        page.push_str(&format!("  {:<9} {url}\n", listed.name.to_lowercase()));
    }
    page.push_str(&format!("\nEverybody's password is: {PASSWORD}\n\n"));
    let shown = [
        ("Marsh", "administrator of the provider"),
        ("Lindqvist", "administrator of the partner Brackwater IT"),
        ("Fischer", "technician there, provisioned by its HR tool"),
        ("Aziz", "technician who must enrol a second factor"),
        ("Nunez", "works for Hexley Freight, a client of Brackwater"),
    ];
    for (family, who) in shown {
        if let Some(person) = PEOPLE.iter().find(|person| person.family == family) {
            page.push_str(&format!("  {:<33} {who}\n", person.login()));
        }
    }
    page.push_str(&format!("\nData: {}   stop with Ctrl-C, start over with --reset\n", folder.display()));
    page
}
