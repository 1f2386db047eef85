//! Makes the world of the cast, the catalogue and the applications.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Made,
    applications::{self, Application},
    cast::{GROUP, PEOPLE, PLACES, Person, Place, Standing},
    catalogue::{self, LISTED},
    passwords::HASHES,
};
use crate::{
    access::{self, NewAssignment, Source, Subject},
    api_tokens::{self, NewApiToken},
    clients,
    clock::Timestamp,
    connections::{self, DefaultAssignment, GroupRole, NewConnection, OnCreate, Vendor},
    demo::apps,
    groups::{self, NewGroup},
    id::{ConnectionId, OrganizationId, ProductId, RoleId, UserId},
    mfa,
    organizations::{self, Branding, MfaRule, NewOrganization, Policy},
    products::{self, portal},
    secret::{self, MasterKeys},
    store::{Error, Result, Tx},
    users::{
        self, LoginName, NewUser, Realm, Status,
        password::{self, PasswordHash, SetBy},
    },
};

const YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3600);

/// What is known while the world is being made.
#[derive(Default)]
struct Ids {
    organizations: BTreeMap<String, OrganizationId>,
    products: BTreeMap<String, ProductId>,
    /// By product and role.
    roles: BTreeMap<(String, String), RoleId>,
    people: BTreeMap<String, (UserId, Option<String>)>,
    /// The connection that owns provisioned people, by organization.
    connections: BTreeMap<String, ConnectionId>,
}

impl Ids {
    fn organization(&self, key: &str) -> Result<OrganizationId> {
        self.organizations.get(key).copied().ok_or_else(|| missing("organization", key))
    }

    fn product(&self, slug: &str) -> Result<ProductId> {
        self.products.get(slug).copied().ok_or_else(|| missing("product", slug))
    }

    fn role(&self, product: &str, role: &str) -> Result<RoleId> {
        let found = self.roles.get(&(product.to_owned(), role.to_owned())).copied();
        found.ok_or_else(|| missing("role", &format!("{product}:{role}")))
    }
}

fn missing(what: &str, name: &str) -> Error {
    Error::Damaged(format!("the demo has no {what} {name}"))
}

/// Everything, in one transaction.
pub(super) async fn world(tx: &mut Tx<'_>, master: &MasterKeys, apps: &[String], now: Timestamp) -> Result<Made> {
    let mut ids = Ids::default();
    for place in PLACES {
        let id = organization(tx, &ids, place, now).await?;
        ids.organizations.insert(place.key.to_owned(), id);
    }
    sell_products(tx, &mut ids, apps, now).await?;
    let connections = connect(tx, &mut ids, now).await?;
    for (index, person) in PEOPLE.iter().enumerate() {
        let hash = HASHES.get(index).copied().ok_or_else(|| missing("hash for", person.family))?;
        let made = enter(tx, master, (&ids, person, hash), now).await?;
        ids.people.insert(person.login(), made);
    }
    gather(tx, &ids, now).await?;
    let client_secrets = register(tx, &ids, apps, now).await?;
    let api_token = api_token(tx, &ids, now).await?;
    let Ids { organizations, people, .. } = ids;
    Ok(Made { organizations, people, client_secrets, connections, api_token, apps: apps.to_vec() })
}

async fn organization(tx: &mut Tx<'_>, ids: &Ids, place: &Place, now: Timestamp) -> Result<OrganizationId> {
    let parent_id = place.parent.map(|parent| ids.organization(parent)).transpose()?;
    let policy = Policy { mfa: place.requires_mfa.then_some(MfaRule::Required), ..Policy::default() };
    let new = NewOrganization {
        parent_id,
        kind: place.kind,
        name: place.name.to_owned(),
        external_id: None,
        contact_email: Some(format!("hello@{}", place.domain)),
        policy,
        branding: Branding::default(),
    };
    Ok(organizations::insert(tx, &new, now).await?.id)
}

/// Declares the products, and gives them and the portal to every organization.
async fn sell_products(tx: &mut Tx<'_>, ids: &mut Ids, apps: &[String], now: Timestamp) -> Result<()> {
    let origin = |slug: &str| position(slug).and_then(|index| apps.get(index)).cloned();
    for declaration in catalogue::declarations(origin, now) {
        products::declare(tx, &declaration, now).await?;
    }
    for product in products::list(tx).await? {
        for role in products::list_roles(tx, product.id).await? {
            ids.roles.insert((product.slug.clone(), role.slug), role.id);
        }
        for place in PLACES {
            let inner = product.slug == catalogue::CONFORMANCE;
            let for_clients = place.kind != organizations::Kind::Client || product.slug != portal::SLUG;
            if (!inner || place.parent.is_none()) && for_clients {
                products::switch_on(tx, ids.organization(place.key)?, product.id, now).await?;
            }
        }
        ids.products.insert(product.slug, product.id);
    }
    Ok(())
}

fn position(slug: &str) -> Option<usize> {
    LISTED.iter().position(|listed| listed.slug == slug)
}

/// Two connections: one for an organization that is empty, one that owns some of Brackwater's people.
async fn connect(tx: &mut Tx<'_>, ids: &mut Ids, now: Timestamp) -> Result<Vec<(String, ConnectionId, String)>> {
    let mut made = Vec::new();
    for (key, name, guarded) in [("kestrel", "Peoplehall HR", false), ("brackwater", "Entra ID", true)] {
        let defaults = [(portal::SLUG, portal::BASIC), ("recover", "restore-operator"), ("tandem", "technician")];
        let defaults = defaults.map(|(product, role)| -> Result<DefaultAssignment> {
            let (product_id, roles) = (ids.product(product)?, vec![ids.role(product, role)?]);
            Ok(DefaultAssignment { product: product_id, roles, subtree: true, origin: None })
        });
        let mut settings = connections::Settings {
            default_assignments: defaults.into_iter().collect::<Result<_>>()?,
            on_create: OnCreate::Invite,
            ..connections::Settings::default()
        };
        if !guarded {
            // For SCIM testers, who make and remove people by the hundred.
            (settings.guard, settings.rate_limit) = (None, None);
        }
        if guarded {
            let (group, _, (product, role)) = GROUP;
            settings.group_roles.push(GroupRole {
                group: group.to_owned(),
                product: ids.product(product)?,
                roles: vec![ids.role(product, role)?],
                subtree: true,
                origin: None,
            });
        }
        let new = NewConnection {
            organization_id: ids.organization(key)?,
            name: name.to_owned(),
            vendor: if guarded { Vendor::Entra } else { Vendor::Generic },
            settings,
            created_by: None,
        };
        let connection = connections::insert(tx, &new, now).await?;
        let token = connections::issue_token(tx, connection.id, now + YEAR, now).await?;
        let (secret, _) = token.map_err(|error| Error::Damaged(error.to_string()))?;
        ids.connections.insert(key.to_owned(), connection.id);
        made.push((key.to_owned(), connection.id, secret.expose().to_owned()));
    }
    Ok(made)
}

/// One person with password, factors and access; answers the id and the TOTP seed.
async fn enter(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (ids, person, hash): (&Ids, &Person, &str),
    now: Timestamp,
) -> Result<(UserId, Option<String>)> {
    let owner =
        (person.standing == Standing::Provisioned).then(|| ids.connections.get(person.place).copied()).flatten();
    let login = person.login();
    let new = NewUser {
        organization_id: ids.organization(person.place)?,
        realm: match person.standing {
            Standing::OnlyIn(product) => Realm::Product(ids.product(product)?),
            _ => Realm::Portal,
        },
        login_name: LoginName::parse(&login).map_err(|error| Error::Damaged(format!("{login}: {error}")))?,
        email: Some(person.email()),
        given_name: person.given.to_owned(),
        family_name: person.family.to_owned(),
        display_name: String::new(),
        status: match person.standing {
            Standing::Invited => Status::Invited,
            Standing::Deactivated => Status::Deactivated,
            _ => Status::Active,
        },
        connection_id: owner,
        external_id: owner.map(|_| format!("entra-{}", person.family.to_lowercase())),
        document: json!({}),
    };
    let user = users::insert(tx, &new, now).await?.map_err(|error| Error::Damaged(format!("{login}: {error}")))?;
    if person.standing != Standing::Invited {
        users::verify_email(tx, user.id, now).await?;
        let hash = PasswordHash::from_phc(hash).ok_or_else(|| missing("hash for", &login))?;
        password::set(tx, user.id, &hash, SetBy::Activation, now).await?;
    }
    let seed = enrol(tx, master, (user.id, person), now).await?;
    let portal_role = person.portal.map(|role| (portal::SLUG, role));
    for (product, role) in portal_role.iter().chain(person.products) {
        let source = if owner.is_some() { Source::Connection } else { Source::Direct };
        let roles = vec![ids.role(product, role)?];
        let assignment =
            assignment((Subject::User(user.id), source), (ids.product(product)?, roles), new.organization_id);
        access::assign(tx, &NewAssignment { connection: owner, ..assignment }, now).await?;
    }
    Ok((user.id, seed))
}

async fn enrol(
    tx: &mut Tx<'_>,
    master: &MasterKeys,
    (user, person): (UserId, &Person),
    now: Timestamp,
) -> Result<Option<String>> {
    if person.factors.has_email() {
        mfa::email_code::enroll(tx, master, user, now).await?;
    }
    if !person.factors.has_totp() {
        return Ok(None);
    }
    let mut seed = [0u8; 20];
    secret::fill(&mut seed);
    mfa::totp::enroll(tx, master, user, &seed, now).await?;
    Ok(Some(base32(&seed)))
}

/// RFC 4648 §6 without padding: how people type a seed into their app.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| byte >> (7 - index % 8) & 1);
    let letters = (0..(bytes.len() * 8).div_ceil(5)).map(|letter| {
        let value = (0..5).fold(0, |value, offset| value << 1 | bit(letter * 5 + offset));
        char::from(ALPHABET[usize::from(value)])
    });
    letters.collect()
}

fn assignment(
    (subject, source): (Subject, Source),
    (product, roles): (ProductId, Vec<RoleId>),
    organization: OrganizationId,
) -> NewAssignment {
    NewAssignment { subject, product, roles, organization, subtree: true, source, connection: None, created_by: None }
}

/// The group whose members have a product by belonging to it.
async fn gather(tx: &mut Tx<'_>, ids: &Ids, now: Timestamp) -> Result<()> {
    let (name, members, (product, role)) = GROUP;
    let organization = ids.organization("brackwater")?;
    let connection = ids.connections.get("brackwater").copied();
    let new = NewGroup {
        organization_id: organization,
        connection_id: connection,
        display_name: name.to_owned(),
        external_id: Some("entra-backup-team".to_owned()),
        document: json!({}),
    };
    let group = groups::insert(tx, &new, now).await?.map_err(|_| missing("place for group", name))?;
    let people = PEOPLE.iter().filter(|person| members.contains(&person.family));
    let people: Vec<UserId> = people.filter_map(|person| ids.people.get(&person.login()).map(|(id, _)| *id)).collect();
    if let Some(connection) = connection {
        let added = groups::add_members(tx, connection, group.id, &people, now).await?;
        if !added.strangers.is_empty() {
            return Err(Error::Damaged(format!("members of the demo's group are unknown: {:?}", added.strangers)));
        }
    }
    let roles = vec![ids.role(product, role)?];
    let new = assignment((Subject::Group(group.id), Source::Connection), (ids.product(product)?, roles), organization);
    access::assign(tx, &NewAssignment { connection, ..new }, now).await?;
    Ok(())
}

async fn register(tx: &mut Tx<'_>, ids: &Ids, apps: &[String], now: Timestamp) -> Result<Vec<(String, String)>> {
    let origin = |slug: &str| position(slug).and_then(|index| apps.get(index)).cloned().unwrap_or_default();
    let product = |slug: &str| ids.product(slug).unwrap_or(ProductId(uuid::Uuid::nil()));
    let mut secrets = Vec::new();
    for Application { product, client, assignment: given } in applications::all(product, origin) {
        let made = clients::insert(tx, &client, now).await?;
        let made = made.map_err(|invalid| Error::Damaged(format!("{}: {invalid}", client.name)))?;
        if let Some((role, place)) = given {
            let roles = vec![ids.role(product, role)?];
            let of = (made.product_id, roles);
            let new = assignment((Subject::Client(made.id), Source::Direct), of, ids.organization(place)?);
            access::assign(tx, &new, now).await?;
        }
        if let Some(secret) = client.secret {
            secrets.push((made.client_id, secret.expose().to_owned()));
        }
    }
    Ok(secrets)
}

/// A token for the API with every permission of the portal, over everything.
async fn api_token(tx: &mut Tx<'_>, ids: &Ids, now: Timestamp) -> Result<String> {
    let permissions = products::list_permissions(tx, ids.product(portal::SLUG)?).await?;
    let new = NewApiToken {
        organization_id: ids.organization("northwall")?,
        name: "Demo".to_owned(),
        permissions: permissions.into_iter().map(|permission| permission.name).collect(),
        created_by: None,
        expires_at: Some(now + YEAR),
    };
    let secret = api_tokens::fresh_secret();
    api_tokens::insert(tx, &new, &secret, now).await?;
    Ok(secret.expose().to_owned())
}

/// The product apps listen at other ports than at the start before. Their redirect URIs match
/// at any port of loopback; what the server itself calls, and the tiles, must be told.
pub(super) async fn move_apps(tx: &mut Tx<'_>, apps: &[String], now: Timestamp) -> Result<()> {
    for (listed, url) in LISTED.iter().zip(apps) {
        if let Some(client) = clients::find_by_client_id(tx, &format!("{}-web", listed.slug)).await? {
            let mut settings = client.settings.clone();
            settings.backchannel_logout_uri = Some(apps::backchannel_logout_uri(url));
            settings.initiate_login_uri = Some(format!("{url}/sign-in"));
            clients::set_settings(tx, client.id, &settings, now).await?;
            products::set_launch_url(tx, client.product_id, &format!("{url}/sign-in"), now).await?;
        }
    }
    Ok(())
}
