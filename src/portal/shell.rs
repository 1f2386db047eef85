use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    Trouble, Visit,
    api::{Me, Named, Organization, OrganizationDetail, OrganizationList, Problem},
    toast, words,
};
use crate::http::{Page, Viewer, initials};

/// How many organizations the switch shows before one must look for them.
const SHOWN: usize = 12;

/// Which place of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Home,
    Users,
    Connections,
}

/// What surrounds every page: who looks, at which organization, and where else one can go.
pub struct Shell {
    pub me: Me,
    pub here: OrganizationDetail,
    pub section: Section,
    pub switch: Vec<Entry>,
    /// How many organizations one may manage.
    pub total: usize,
    pub toast: Option<toast::Toast>,
    /// What was refused, on the page of the act.
    pub refused: Option<Problem>,
}

/// An organization in the switch.
pub struct Entry {
    pub organization: Organization,
    pub current: bool,
    /// Stands below its parent.
    pub nested: bool,
}

impl Entry {
    pub fn initials(&self) -> String {
        initials(&self.organization.name)
    }
    pub fn hue(&self) -> &'static str {
        words::hue(&self.organization.name)
    }
}

impl Shell {
    /// For a page at that organization, or at home.
    pub async fn of(visit: &Visit, organization: Option<Uuid>, section: Section) -> Result<Self, Trouble> {
        let (me, list): (Me, OrganizationList) =
            futures_util::future::try_join(visit.get("/me"), visit.get("/organizations")).await?;
        let id = organization.unwrap_or(me.organization.id);
        let here: OrganizationDetail = visit.get(&format!("/organizations/{id}")).await?;
        let switch = switch(&list, &here.organization);
        Ok(Self { me, here, section, switch, total: list.total, toast: visit.toast, refused: None })
    }

    /// The same with what was refused at the top of the page.
    #[must_use]
    pub fn refusing(mut self, problem: Option<Problem>) -> Self {
        self.refused = problem;
        self
    }

    /// The path of the organization that the page is about.
    pub fn path(&self) -> String {
        self.path_of(&self.here.organization.id)
    }

    /// The path of an organization.
    pub fn path_of(&self, id: &Uuid) -> String {
        format!("/portal/organizations/{id}")
    }

    /// Where the switch leads: to the same section of another organization.
    pub fn switch_path(&self, id: &Uuid) -> String {
        let section = match self.section {
            Section::Home => "",
            Section::Users => "/users",
            Section::Connections => "/connections",
        };
        self.path_of(id) + section
    }

    /// Where that organization's connection is, if one may look at connections here.
    pub fn connection_path(&self, organization: &Named, connection: &Named) -> Option<String> {
        let may = self.here.organization.id == organization.id && self.here.may("portal:connections:read");
        may.then(|| format!("{}/connections/{}", self.path(), connection.id))
    }

    pub fn at(&self, section: &str) -> bool {
        section
            == match self.section {
                Section::Home => "home",
                Section::Users => "users",
                Section::Connections => "connections",
            }
    }

    pub fn name(&self) -> &str {
        &self.here.organization.name
    }
    pub fn initials(&self) -> String {
        initials(self.name())
    }
    pub fn hue(&self) -> &'static str {
        words::hue(self.name())
    }

    /// The page with its account menu.
    pub fn page(&self, visit: &Visit) -> Page {
        let note = self.me.portal_roles.first().map(|role| role.name.clone());
        let (name, login) = (self.me.display_name.clone(), self.me.login_name.clone());
        visit.page.clone().seen_by(Viewer { name, login, note })
    }
}

/// The first organizations from the top down, each below its parent, the current one among them.
fn switch(list: &OrganizationList, here: &Organization) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let known = |id: &Uuid| list.organizations.iter().any(|one| one.id == *id);
    let top = list.organizations.iter().filter(|one| one.parent_id.is_none_or(|parent| !known(&parent)));
    for one in top {
        push(&mut entries, list, here, (one, false));
    }
    if !entries.iter().any(|entry| entry.current) {
        entries.insert(0, Entry { organization: here.clone(), current: true, nested: false });
    }
    if entries.len() > SHOWN {
        // The current one stays in sight.
        let current = entries.iter().position(|entry| entry.current).unwrap_or(0);
        if current >= SHOWN {
            entries.swap(SHOWN - 1, current);
        }
        entries.truncate(SHOWN);
    }
    entries
}

fn push(entries: &mut Vec<Entry>, list: &OrganizationList, here: &Organization, (one, nested): (&Organization, bool)) {
    entries.push(Entry { organization: one.clone(), current: one.id == here.id, nested });
    for below in list.organizations.iter().filter(|below| below.parent_id == Some(one.id)) {
        push(entries, list, here, (below, true));
    }
}

/// Draws a page; what the last act had to tell has now been told.
pub fn draw(visit: &Visit, page: &Page, status: StatusCode, template: &impl Template) -> Response {
    let response = page.console(status, template);
    if visit.toast.is_none() {
        return response;
    }
    let mut response = response.into_response();
    response.headers_mut().append(header::SET_COOKIE, toast::told(&visit.portal));
    response
}
