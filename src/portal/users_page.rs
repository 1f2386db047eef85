use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{Counts, ProductList, UserList, UserSummary},
    shell::{Section, Shell, draw},
    words,
};
use crate::http::{Colour, Page, initials};

/// Which users to show.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    status: String,
    #[serde(default)]
    q: String,
    after: Option<Uuid>,
}

impl Filter {
    fn status(&self) -> &str {
        match self.status.as_str() {
            status @ ("invited" | "deactivated") => status,
            _ => "active",
        }
    }

    fn query(&self, after: Option<Uuid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", self.status());
        if !self.q.trim().is_empty() {
            query.append_pair("q", self.q.trim());
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        query.finish()
    }
}

#[derive(Template)]
#[template(path = "portal/pages/users.html", config = ".config/askama.toml")]
struct Users<'a> {
    page: &'a Page,
    shell: &'a Shell,
    filter: &'a Filter,
    counts: Counts,
    rows: Vec<Row>,
    products: &'a Products,
    /// The query of the next page.
    next: Option<String>,
}

/// The organization's products, for their colours.
pub struct Products(Vec<(String, Option<Colour>)>);

impl Products {
    pub fn of(list: &ProductList) -> Self {
        let colour = |text: &Option<String>| text.as_deref().and_then(Colour::parse);
        Self(list.products.iter().map(|product| (product.slug.clone(), colour(&product.color))).collect())
    }

    /// The place of a product, which names its class.
    pub fn class(&self, slug: &str) -> String {
        self.0.iter().position(|(known, _)| known == slug).map_or_else(|| "p-other".to_owned(), |at| format!("p-{at}"))
    }

    /// Rules for a style element: parsed colours only.
    pub fn rules(&self) -> String {
        let coloured = self.0.iter().enumerate().filter_map(|(at, (_, colour))| colour.map(|colour| (at, colour)));
        let rules: String = coloured.map(|(at, colour)| format!(".p-{at}{{--brand:{}}}", colour.css())).collect();
        // The portal, and what the organization does not have: stone.
        rules + ".p-other{--brand:#4a5357}"
    }
}

struct Row {
    user: UserSummary,
    initials: String,
    hue: &'static str,
    role: String,
    factors: String,
    seen: String,
    products: Vec<Mark>,
}

struct Mark {
    name: String,
    class: String,
    icon: &'static str,
}

/// `GET .../users`: who is here, by state and name.
pub async fn list(Path(id): Path<Uuid>, Query(filter): Query<Filter>, visit: Visit) -> Result<Response, Trouble> {
    let shell = Shell::of(&visit, Some(id), Section::Users).await?;
    let users: UserList = visit.get(&format!("/organizations/{id}/users?{}", filter.query(filter.after))).await?;
    let list: ProductList = visit.get(&format!("/organizations/{id}/products")).await?;
    let products = Products::of(&list);
    let page = shell.page(&visit);
    let template = Users {
        page: &page,
        shell: &shell,
        counts: users.counts,
        rows: users.users.into_iter().map(|user| Row::of(user, &products, &list, &visit)).collect(),
        products: &products,
        next: users.next.map(|next| filter.query(Some(next))),
        filter: &filter,
    };
    Ok(draw(&visit, &page, StatusCode::OK, &template))
}

impl Row {
    fn of(user: UserSummary, products: &Products, list: &ProductList, visit: &Visit) -> Self {
        let marks = user.products.iter().map(|product| {
            let known = list.products.iter().find(|known| known.slug == product.slug);
            let description = known.map(|known| known.description.as_str()).unwrap_or_default();
            Mark {
                name: product.name.clone(),
                class: products.class(&product.slug),
                icon: words::product_icon(description, &product.slug),
            }
        });
        let seen = match (&user.last_login_at, user.status.as_str()) {
            (Some(at), _) => words::ago(at, visit.now),
            (None, "invited") => format!("invited {}", words::ago(&user.created_at, visit.now)),
            (None, _) => "never".to_owned(),
        };
        Self {
            initials: initials(&user.display_name),
            hue: words::hue(&user.display_name),
            role: user.portal_role.as_ref().map_or_else(|| "None".to_owned(), |role| role.name.clone()),
            factors: words::factors(&user.factors),
            seen,
            products: marks.collect(),
            user,
        }
    }
}

impl Users<'_> {
    fn status(&self) -> &str {
        self.filter.status()
    }

    fn is_first(&self) -> bool {
        self.filter.after.is_none()
    }

    /// The tab's own number.
    fn count(&self) -> i64 {
        match self.status() {
            "invited" => self.counts.invited,
            "deactivated" => self.counts.deactivated,
            _ => self.counts.active,
        }
    }

    /// How a sentence calls the people of this tab.
    fn people(&self) -> String {
        match self.status() {
            "invited" => words::count(self.count(), "invited person", "invited people"),
            "deactivated" => words::count(self.count(), "deactivated user", "deactivated users"),
            _ => words::count(self.count(), "active user", "active users"),
        }
    }
}
