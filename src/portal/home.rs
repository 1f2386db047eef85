use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Portal, Trouble, Visit,
    api::{ConnectionList, Counts, Me, MyProduct, MyProducts, Organization, OrganizationList, UserList},
    shell::{Section, Shell, draw},
    words,
};
use crate::http::{Colour, Page, initials, see_other};

#[derive(Template)]
#[template(path = "portal/pages/home.html", config = ".config/askama.toml")]
struct Home<'a> {
    page: &'a Page,
    shell: &'a Shell,
    greeting: String,
    today: String,
    tiles: Vec<Tile>,
    people: Option<Counts>,
    connections: Option<usize>,
    last_login: Option<(String, String)>,
}

/// A product one may enter.
struct Tile {
    product: MyProduct,
    colour: Option<Colour>,
    icon: &'static str,
    roles: String,
    reach: String,
}

/// `GET /portal`: one's own home.
pub async fn show(State(_): State<Portal>, visit: Visit) -> Result<Response, Trouble> {
    home(&visit, None).await
}

/// `GET /portal/organizations/{organization}`: home, with an eye on that organization.
pub async fn of_organization(Path(id): Path<Uuid>, visit: Visit) -> Result<Response, Trouble> {
    home(&visit, Some(id)).await
}

async fn home(visit: &Visit, organization: Option<Uuid>) -> Result<Response, Trouble> {
    let shell = Shell::of(visit, organization, Section::Home).await?;
    let products: MyProducts = visit.get("/me/products").await?;
    let id = shell.here.organization.id;
    let people = if shell.here.may("portal:users:read") {
        let list: UserList = visit.get(&format!("/organizations/{id}/users?limit=1")).await?;
        Some(list.counts)
    } else {
        None
    };
    let connections = if shell.here.may("portal:connections:read") {
        let list: ConnectionList = visit.get(&format!("/organizations/{id}/connections")).await?;
        Some(list.connections.len())
    } else {
        None
    };
    let last_login = shell.me.last_login_at.clone().map(|at| (words::ago(&at, visit.now), at));
    let page = shell.page(visit);
    let template = Home {
        page: &page,
        shell: &shell,
        greeting: greeting(&shell.me),
        today: words::today(visit.now),
        tiles: products.products.into_iter().map(Tile::of).collect(),
        people,
        connections,
        last_login,
    };
    Ok(draw(visit, &page, StatusCode::OK, &template))
}

/// The server does not know what time of day it is where the reader sits, so it does not guess.
fn greeting(me: &Me) -> String {
    let name = if me.given_name.is_empty() { &me.display_name } else { &me.given_name };
    format!("Hello, {name}")
}

impl Tile {
    fn of(product: MyProduct) -> Self {
        let mut roles: Vec<&str> = Vec::new();
        for role in product.access.iter().flat_map(|access| &access.roles) {
            if !roles.contains(&role.name.as_str()) {
                roles.push(&role.name);
            }
        }
        let mut places: Vec<&str> = Vec::new();
        for access in &product.access {
            if !places.contains(&access.organization.name.as_str()) {
                places.push(&access.organization.name);
            }
        }
        let below = product.access.iter().any(|access| access.subtree);
        let reach = match places.as_slice() {
            [one] if below => format!("{one} and its client organizations"),
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        Self {
            colour: product.color.as_deref().and_then(Colour::parse),
            icon: words::product_icon(&product.description, &product.slug),
            roles: roles.join(", "),
            reach,
            product,
        }
    }
}

#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "portal/pages/organizations.html", config = ".config/askama.toml")]
struct Organizations<'a> {
    page: &'a Page,
    shell: &'a Shell,
    q: String,
    found: Vec<Found>,
    total: usize,
}

struct Found {
    organization: Organization,
    initials: String,
    hue: &'static str,
}

/// `GET /portal/organizations`: all that one may choose from.
pub async fn organizations(Query(search): Query<Search>, visit: Visit) -> Result<Response, Trouble> {
    let shell = Shell::of(&visit, None, Section::Home).await?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", &search.q).finish();
    let list: OrganizationList = visit.get(&format!("/organizations?{query}")).await?;
    let page = shell.page(&visit);
    let found = list.organizations.into_iter().map(|organization| Found {
        initials: initials(&organization.name),
        hue: words::hue(&organization.name),
        organization,
    });
    let template = Organizations { page: &page, shell: &shell, q: search.q, found: found.collect(), total: list.total };
    Ok(draw(&visit, &page, StatusCode::OK, &template))
}

/// `GET /portal/users`: the users of one's own organization.
pub async fn users(visit: Visit) -> Result<Response, Trouble> {
    let me: Me = visit.get("/me").await?;
    Ok(see_other(&format!("/portal/organizations/{}/users", me.organization.id)))
}

/// `GET /portal/connections`: the connections of one's own organization.
pub async fn connections(visit: Visit) -> Result<Response, Trouble> {
    let me: Me = visit.get("/me").await?;
    Ok(see_other(&format!("/portal/organizations/{}/connections", me.organization.id)))
}
