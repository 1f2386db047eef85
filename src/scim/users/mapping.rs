//! A SCIM user and its row: which attribute lies in which column.
//!
//! `userName`, `externalId`, `displayName`, `name.givenName`, `name.familyName`, `active` and the value
//! of the preferred address have columns, since other rooms need them; all else lies in the document
//! under its canonical name. [`provisioned::DERIVED`] in the document lists attributes whose column we filled
//! ourselves, so that an answer never shows what no tool has set.

use serde_json::{Map, Value, json};

use crate::{
    mail,
    scim::{error::Refusal, value},
    users::{LoginName, Status, User, provisioned},
};

/// Attributes that have a unique index, and need no row in `unique_values`.
pub const UNIQUE_COLUMNS: [&str; 1] = ["userName"];

/// What a tool may set of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    pub login_name: LoginName,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub given_name: String,
    pub family_name: String,
    pub display_name: String,
    /// `None` if the resource does not say: the account stays as it is, and the answer does not say either.
    pub active: Option<bool>,
    pub document: Value,
}

impl Columns {
    /// Takes a canonical resource apart.
    ///
    /// # Errors
    /// The user name cannot be a login name.
    pub fn of(resource: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut rest = resource.clone();
        let mut text = |name: &str| match rest.shift_remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let user_name = text("userName").ok_or_else(|| Refusal::Required("userName".to_owned()))?;
        let login_name = LoginName::parse(&user_name)
            .map_err(|_| Refusal::Value("userName".to_owned(), "1 to 320 characters without spaces"))?;
        let (external_id, display_name) = (text("externalId"), text("displayName"));
        value::check_length("externalId", external_id.as_deref())?;
        value::check_length("displayName", display_name.as_deref())?;
        for email in rest.get("emails").and_then(Value::as_array).into_iter().flatten() {
            value::check_length("emails", email.get("value").and_then(Value::as_str))?;
        }
        let active = rest.shift_remove("active").and_then(|active| active.as_bool());
        rest.shift_remove("password");
        let mut derived = Vec::new();
        if active.is_none() {
            derived.push("active");
        }
        let (given_name, family_name, formatted) = take_name(&mut rest);
        let display_name = display_name.unwrap_or_else(|| {
            derived.push("displayName");
            formatted.unwrap_or_else(|| format!("{given_name} {family_name}").trim().to_owned())
        });
        let email = take_email(&mut rest).or_else(|| {
            derived.push("emails");
            mail::is_mailable(&user_name).then_some(user_name)
        });
        if !derived.is_empty() {
            rest.insert(provisioned::DERIVED.to_owned(), json!(derived));
        }
        let document = Value::Object(rest);
        Ok(Self { login_name, external_id, email, given_name, family_name, display_name, active, document })
    }

    /// The columns of a user as they are.
    pub fn of_user(user: &User) -> Self {
        Self {
            login_name: user.login_name.clone(),
            external_id: user.external_id.clone(),
            email: user.email.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            display_name: user.display_name.clone(),
            active: Some(is_active(user)),
            document: user.document.clone(),
        }
    }

    /// Writes them into a user. Another address is unproven (security.md row 29).
    pub fn put_into(self, user: &mut User) {
        if user.email != self.email {
            user.email_verified_at = None;
        }
        user.login_name = self.login_name;
        user.external_id = self.external_id;
        user.email = self.email;
        user.given_name = self.given_name;
        user.family_name = self.family_name;
        user.display_name = self.display_name;
        user.document = self.document;
    }
}

/// Whether the person may sign in, or will once they accept their invitation.
pub fn is_active(user: &User) -> bool {
    matches!(user.status, Status::Invited | Status::Active)
}

/// Takes given and family name out; the other parts stay. Answers the formatted name too.
fn take_name(rest: &mut Map<String, Value>) -> (String, String, Option<String>) {
    let Some(Value::Object(mut name)) = rest.shift_remove("name") else {
        return (String::new(), String::new(), None);
    };
    let mut text = |part: &str| match name.shift_remove(part) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (given_name, family_name) = (text("givenName"), text("familyName"));
    let formatted = name.get("formatted").and_then(Value::as_str).map(str::to_owned);
    if !name.is_empty() {
        rest.insert("name".to_owned(), Value::Object(name));
    }
    (given_name, family_name, formatted)
}

/// Takes the preferred address out, if mail can go to it; its element stays, without the value.
fn take_email(rest: &mut Map<String, Value>) -> Option<String> {
    let emails = rest.get_mut("emails")?.as_array_mut()?;
    let preferred = provisioned::preferred(emails)?;
    let element = emails.get_mut(preferred)?.as_object_mut()?;
    if !element.get("value")?.as_str().is_some_and(mail::is_mailable) {
        return None;
    }
    match element.shift_remove("value") {
        Some(Value::String(email)) => Some(email),
        _ => None,
    }
}

/// The canonical resource of a user: what [`Columns::of`] took apart.
pub fn canonical(user: &User) -> Map<String, Value> {
    let mut resource = user.document.as_object().cloned().unwrap_or_default();
    resource.shift_remove(provisioned::DERIVED);
    let is_derived = |name: &str| provisioned::is_derived(user, name);
    resource.insert("userName".to_owned(), user.login_name.as_given().into());
    if let Some(external_id) = &user.external_id {
        resource.insert("externalId".to_owned(), external_id.as_str().into());
    }
    if !is_derived("displayName") && !user.display_name.is_empty() {
        resource.insert("displayName".to_owned(), user.display_name.as_str().into());
    }
    if !is_derived("active") {
        resource.insert("active".to_owned(), is_active(user).into());
    }
    let parts = [("givenName", &user.given_name), ("familyName", &user.family_name)];
    for (part, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
        let name = resource.entry("name").or_insert_with(|| json!({}));
        name[part] = text.as_str().into();
    }
    if let Some(emails) = provisioned::emails(user) {
        resource.insert("emails".to_owned(), emails);
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        use crate::{clock::Timestamp, id};
        let now = Timestamp::from_seconds(1);
        User {
            id: id::UserId::new(now),
            organization_id: id::OrganizationId::new(now),
            realm: crate::users::Realm::Portal,
            login_name: LoginName::parse("x").expect("a name"),
            email: None,
            email_verified_at: Some(now),
            given_name: String::new(),
            family_name: String::new(),
            display_name: String::new(),
            status: Status::Active,
            connection_id: None,
            external_id: None,
            webauthn_handle: Vec::new(),
            document: json!({}),
            version: 1,
            created_at: now,
            updated_at: now,
            last_login_at: None,
            stands_for: None,
            joined_at: None,
        }
    }

    #[test]
    fn what_is_taken_apart_is_put_together_again() {
        for resource in [
            json!({ "userName": "a@example.com", "active": true }),
            json!({ "userName": "a@example.com" }),
            json!({ "userName": "a", "active": true, "displayName": "A", "externalId": "7", "title": "T" }),
            json!({ "userName": "a", "active": true, "name": { "middleName": "M" } }),
            json!({ "userName": "a", "active": true, "name": { "givenName": "G", "familyName": "F", "formatted": "G F" } }),
            json!({ "userName": "a", "active": true, "emails": [{ "value": "h@example.com" }, { "value": "w@example.com", "primary": true }] }),
            json!({ "userName": "a", "active": true, "emails": [{ "value": "not an address" }] }),
            json!({ "userName": "a@example.com", "active": true, "emails": [{ "type": "work" }] }),
        ] {
            let mut user = user();
            let map = resource.as_object().expect("an object");
            Columns::of(map).expect("columns").put_into(&mut user);
            assert_eq!(Value::Object(canonical(&user)), resource);
        }
    }

    #[test]
    fn columns_are_filled_for_other_rooms() {
        let resource = json!({ "userName": "a@example.com", "name": { "givenName": "Ada", "familyName": "Ash" } });
        let columns = Columns::of(resource.as_object().expect("an object")).expect("columns");
        assert_eq!(columns.email.as_deref(), Some("a@example.com"));
        assert_eq!(columns.display_name, "Ada Ash");
        let resource = json!({ "userName": "a", "emails": [{ "value": "h@example.com" }, { "value": "w@example.com", "primary": true }] });
        let columns = Columns::of(resource.as_object().expect("an object")).expect("columns");
        assert_eq!(columns.email.as_deref(), Some("w@example.com"));
        assert_eq!(columns.document["emails"], json!([{ "value": "h@example.com" }, { "primary": true }]));
    }

    #[test]
    fn another_address_is_unproven() {
        let mut user = user();
        let resource = json!({ "userName": "a", "emails": [{ "value": "h@example.com" }] });
        Columns::of(resource.as_object().expect("an object")).expect("columns").put_into(&mut user);
        assert_eq!(user.email_verified_at, None);
    }
}
