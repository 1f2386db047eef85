//! Which claims a relying party gets (OpenID Connect Core §5), and where each comes from.

use openidconnect::{
    AddressClaim, AddressCountry, AddressLocality, AddressPostalCode, AddressRegion, EndUserBirthday, EndUserEmail,
    EndUserFamilyName, EndUserGivenName, EndUserMiddleName, EndUserName, EndUserNickname, EndUserPhoneNumber,
    EndUserPictureUrl, EndUserProfileUrl, EndUserTimezone, EndUserUsername, EndUserWebsiteUrl, FormattedAddress,
    LanguageTag, StandardClaims, StreetAddress, SubjectIdentifier, core::CoreGenderClaim,
};
use serde_json::{Map, Value, json};

use crate::{
    access::Entitlement,
    clients::Client,
    products::{Product, portal},
    tokens::Scope,
    users::User,
};

/// The claims of each scope (Core §5.4), and of `product`, which is ours.
const OF_SCOPES: &[(&str, &[&str])] = &[
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    ("address", &["address"]),
    ("product", &["product", "roles", "entitlements", "organizations", "organizations_complete"]),
];

/// What SCIM's core schema has no attribute for lies in the document under this extension.
const EXTENSION: &str = "urn:castellan:params:scim:schemas:extension:profile:1.0:User";

/// The scopes that mean something here.
pub(super) fn scopes() -> impl Iterator<Item = &'static str> {
    let of_claims = OF_SCOPES.iter().map(|(scope, _)| *scope);
    std::iter::once("openid").chain(of_claims).chain(["offline_access", portal::API_SCOPE])
}

/// All claims that a relying party can get.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let of_scopes = OF_SCOPES.iter().flat_map(|(_, claims)| claims.iter().copied());
    ["sub", "sid", "auth_time", "acr", "amr"].into_iter().chain(of_scopes)
}

/// The claims that are due in one place: the ID token or UserInfo.
pub(super) struct Due(Vec<&'static str>);

impl Due {
    /// Those of the granted scope, and those asked for by name (Core §5.5) as far as a scope that the
    /// client is registered for holds them.
    pub fn new(scope: Option<&Scope>, asked: &Map<String, Value>, client: &Client) -> Self {
        let mut due = Vec::new();
        for (name, claims) in OF_SCOPES {
            let granted = scope.is_some_and(|scope| scope.contains(name));
            let registered = client.scopes.iter().any(|own| own == name);
            due.extend(claims.iter().filter(|claim| granted || (registered && asked.contains_key(**claim))));
        }
        Self(due)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, claim: &str) -> bool {
        self.0.contains(&claim)
    }

    /// Whether what the person holds in the product is asked for.
    pub fn wants_product(&self) -> bool {
        self.has("product") || self.has("roles") || self.has("entitlements") || self.has("organizations")
    }

    /// What the person holds in the client's product: nothing of another (C1).
    pub fn of_product(&self, product: &Product, entitlement: &Entitlement) -> Map<String, Value> {
        let mut all = Map::new();
        all.insert("product".to_owned(), json!(product.slug));
        all.insert("roles".to_owned(), json!(entitlement.roles));
        all.insert("entitlements".to_owned(), json!(entitlement.permissions));
        all.insert("organizations".to_owned(), json!(entitlement.organizations));
        if !entitlement.organizations_complete {
            all.insert("organizations_complete".to_owned(), json!(false));
        }
        all.retain(|claim, _| self.has(claim));
        all
    }

    /// What is known of the person, `sub` always.
    pub fn of_person(&self, user: &User) -> Map<String, Value> {
        let all = standard_claims(user);
        // A struct of named members always becomes an object.
        let Ok(Value::Object(mut claims)) = serde_json::to_value(&all) else { return Map::new() };
        claims.retain(|claim, _| claim == "sub" || self.has(claim));
        claims
    }
}

fn standard_claims(user: &User) -> StandardClaims<CoreGenderClaim> {
    let document = &user.document;
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let extra = |name: &str| document.get(EXTENSION).and_then(|extra| extra.get(name)?.as_str()).map(str::to_owned);
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    StandardClaims::new(SubjectIdentifier::new(user.id.to_string()))
        .set_name(Some(EndUserName::new(user.name().to_owned()).into()))
        .set_given_name(some(&user.given_name).map(|name| EndUserGivenName::new(name).into()))
        .set_family_name(some(&user.family_name).map(|name| EndUserFamilyName::new(name).into()))
        .set_middle_name(text("/name/middleName").map(|name| EndUserMiddleName::new(name).into()))
        .set_nickname(text("/nickName").map(|name| EndUserNickname::new(name).into()))
        .set_preferred_username(Some(EndUserUsername::new(user.login_name.as_given().to_owned())))
        .set_profile(text("/profileUrl").map(|url| EndUserProfileUrl::new(url).into()))
        .set_picture(primary(document, "photos").and_then(value_of).map(|url| EndUserPictureUrl::new(url).into()))
        .set_website(extra("website").map(|url| EndUserWebsiteUrl::new(url).into()))
        .set_gender(extra("gender").and_then(|gender| serde_json::from_value(Value::String(gender)).ok()))
        .set_birthdate(extra("birthdate").map(EndUserBirthday::new))
        .set_zoneinfo(text("/timezone").map(EndUserTimezone::new))
        .set_locale(text("/locale").map(LanguageTag::new))
        .set_updated_at(Some(user.updated_at.to_chrono()))
        .set_email(user.email.clone().map(EndUserEmail::new))
        .set_email_verified(user.email.as_ref().map(|_| user.email_verified_at.is_some()))
        .set_phone_number(phone_number(document).map(EndUserPhoneNumber::new))
        // Nobody calls to verify it.
        .set_phone_number_verified(phone_number(document).map(|_| false))
        .set_address(primary(document, "addresses").map(address))
}

/// The primary value of a multi-valued attribute, else the first (RFC 7643 §2.4).
fn primary<'a>(document: &'a Value, attribute: &str) -> Option<&'a Value> {
    let values = document.get(attribute)?.as_array()?;
    values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true))).or_else(|| values.first())
}

fn value_of(value: &Value) -> Option<String> {
    value.get("value")?.as_str().map(str::to_owned)
}

/// SCIM writes `tel:` URIs (RFC 7643 §4.1.2), OpenID Connect plain E.164 (Core §5.1).
fn phone_number(document: &Value) -> Option<String> {
    let number = value_of(primary(document, "phoneNumbers")?)?;
    Some(number.strip_prefix("tel:").unwrap_or(&number).to_owned())
}

fn address(address: &Value) -> AddressClaim {
    let text = |name: &str| address.get(name).and_then(Value::as_str).map(str::to_owned);
    AddressClaim {
        formatted: text("formatted").map(FormattedAddress::new),
        street_address: text("streetAddress").map(StreetAddress::new),
        locality: text("locality").map(AddressLocality::new),
        region: text("region").map(AddressRegion::new),
        postal_code: text("postalCode").map(AddressPostalCode::new),
        country: text("country").map(AddressCountry::new),
    }
}
