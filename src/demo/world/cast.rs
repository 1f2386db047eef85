//! Who there is: the organizations of the demo, and some forty people in every role.

use crate::organizations::Kind;

/// An organization, by a key that the people below name.
pub struct Place {
    pub key: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    pub parent: Option<&'static str>,
    pub domain: &'static str,
    /// Whether its policy demands a second factor, of itself and of all below it.
    pub requires_mfa: bool,
}

const fn partner(key: &'static str, name: &'static str, domain: &'static str) -> Place {
    Place { key, name, kind: Kind::Partner, parent: Some("northwall"), domain, requires_mfa: true }
}

const fn client(key: &'static str, parent: &'static str, name: &'static str, domain: &'static str) -> Place {
    Place { key, name, kind: Kind::Client, parent: Some(parent), domain, requires_mfa: false }
}

/// The tree, each after its parent. `kestrel` has signed up today: nobody is in it yet.
pub const PLACES: &[Place] = &[
    Place {
        key: "northwall",
        name: "Northwall Software",
        kind: Kind::Provider,
        parent: None,
        domain: "northwall.example",
        requires_mfa: false,
    },
    partner("brackwater", "Brackwater IT", "brackwater.example"),
    partner("ferrant", "Ferrant Managed Services", "ferrant.example"),
    partner("kestrel", "Kestrel Networks", "kestrel.example"),
    client("hexley", "brackwater", "Hexley Freight", "hexley.example"),
    client("ostrey", "brackwater", "Ostrey & Finch Solicitors", "ostreyfinch.example"),
    client("tolland", "brackwater", "Tolland Dental Group", "tolland.example"),
    client("quillon", "ferrant", "Quillon Architects", "quillon.example"),
    client("maris", "ferrant", "Maris Boatyard", "maris.example"),
];

/// Which second factors a person has enrolled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Factors {
    None,
    Totp,
    Email,
    Both,
}

impl Factors {
    pub fn has_totp(self) -> bool {
        matches!(self, Self::Totp | Self::Both)
    }

    pub fn has_email(self) -> bool {
        matches!(self, Self::Email | Self::Both)
    }
}

/// Whence the account comes and where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    /// Active, and owned by the connection of its organization.
    Provisioned,
    /// Has a link and no password.
    Invited,
    Deactivated,
    /// Active, in the realm of that product only.
    OnlyIn(&'static str),
}

/// A person. The login is `given.family@domain`, or just `given.family` in a product's own realm.
pub struct Person {
    pub place: &'static str,
    pub given: &'static str,
    pub family: &'static str,
    pub portal: Option<&'static str>,
    /// (product, role), over the home organization and all below it.
    pub products: &'static [(&'static str, &'static str)],
    pub factors: Factors,
    pub standing: Standing,
}

impl Person {
    /// What the person types to sign in.
    pub fn login(&self) -> String {
        let name = format!("{}.{}", self.given, self.family).to_lowercase().replace([' ', '\''], "");
        match self.standing {
            Standing::OnlyIn(_) => name,
            _ => format!("{name}@{}", self.domain()),
        }
    }

    /// The address of the person's mail.
    pub fn email(&self) -> String {
        let login = self.login();
        if login.contains('@') { login } else { format!("{login}@{}", self.domain()) }
    }

    fn domain(&self) -> &'static str {
        PLACES.iter().find(|place| place.key == self.place).map_or("", |place| place.domain)
    }
}

type Roles = &'static [(&'static str, &'static str)];

const ADMIN: Option<&str> = Some("administrator");
const BASIC: Option<&str> = Some("basic");
const ACCOUNTANT: Option<&str> = Some("accountant");

const fn person(
    place: &'static str,
    (given, family): (&'static str, &'static str),
    portal: Option<&'static str>,
    products: Roles,
    factors: Factors,
) -> Person {
    Person { place, given, family, portal, products, factors, standing: Standing::Active }
}

const fn standing(person: Person, standing: Standing) -> Person {
    Person { standing, ..person }
}

use Factors::{Both, Email, None as Nothing, Totp};

/// Everybody.
pub const PEOPLE: &[Person] = &[
    // The provider.
    person("northwall", ("Ada", "Marsh"), ADMIN, &[("recover", "administrator")], Both),
    person("northwall", ("Tomas", "Reyes"), ADMIN, &[], Email),
    person("northwall", ("Iris", "Kwon"), BASIC, &[("recover", "auditor"), ("loft", "operator")], Totp),
    person("northwall", ("Noor", "Haddad"), ACCOUNTANT, &[], Totp),
    person("northwall", ("Connor", "Formby"), None, &[("conformance", "user")], Nothing),
    // Brackwater IT, a partner with three client organizations.
    person(
        "brackwater",
        ("Mara", "Lindqvist"),
        ADMIN,
        &[("recover", "administrator"), ("tandem", "manager"), ("loft", "administrator")],
        Both,
    ),
    person("brackwater", ("Jonas", "Oyelaran"), ADMIN, &[("recover", "restore-operator")], Totp),
    person("brackwater", ("Priya", "Natarajan"), BASIC, &[("recover", "auditor")], Totp),
    person("brackwater", ("Tobias", "Brandt"), BASIC, &[("tandem", "technician")], Totp),
    standing(
        person("brackwater", ("Lena", "Fischer"), BASIC, &[("recover", "restore-operator")], Totp),
        Standing::Provisioned,
    ),
    standing(person("brackwater", ("Wim", "Dekker"), BASIC, &[], Email), Standing::Provisioned),
    standing(person("brackwater", ("Yuki", "Tanabe"), BASIC, &[("tandem", "technician")], Both), Standing::Provisioned),
    person("brackwater", ("Samir", "Aziz"), BASIC, &[("recover", "auditor"), ("tandem", "technician")], Nothing),
    person("brackwater", ("Grace", "Okafor"), ACCOUNTANT, &[("loft", "operator")], Both),
    person("brackwater", ("Olek", "Nowak"), BASIC, &[], Totp),
    person("brackwater", ("Rosa", "Mendes"), BASIC, &[("loft", "operator"), ("recover", "auditor")], Email),
    standing(person("brackwater", ("Hanna", "Svensson"), BASIC, &[("recover", "auditor")], Nothing), Standing::Invited),
    standing(person("brackwater", ("Karl", "Winter"), BASIC, &[("recover", "auditor")], Totp), Standing::Deactivated),
    // Ferrant, another partner with two.
    person("ferrant", ("Pieter", "van Dijk"), ADMIN, &[("recover", "administrator"), ("loft", "administrator")], Totp),
    person("ferrant", ("Chloe", "Martin"), ADMIN, &[("tandem", "manager")], Email),
    person("ferrant", ("Dev", "Patel"), BASIC, &[("recover", "restore-operator"), ("loft", "operator")], Totp),
    person("ferrant", ("Aoife", "Byrne"), BASIC, &[("tandem", "technician")], Nothing),
    person("ferrant", ("Marco", "Rossi"), BASIC, &[("tandem", "technician"), ("loft", "operator")], Email),
    person("ferrant", ("Nadia", "Petrova"), ACCOUNTANT, &[], Totp),
    person("ferrant", ("Emil", "Larsen"), BASIC, &[("recover", "auditor")], Both),
    standing(person("ferrant", ("Zoe", "Laurent"), BASIC, &[("loft", "operator")], Nothing), Standing::Invited),
    // Client organizations: their people have products, and no portal.
    person("hexley", ("Carla", "Nunez"), None, &[("recover", "client-restorer"), ("tandem", "client-owner")], Totp),
    person("hexley", ("Ben", "Whitaker"), None, &[("recover", "client-viewer")], Email),
    person("hexley", ("Mei", "Chen"), None, &[("recover", "client-viewer")], Nothing),
    person("ostrey", ("Edmund", "Ostrey"), None, &[("loft", "client-viewer")], Totp),
    person("ostrey", ("Harriet", "Finch"), None, &[("recover", "client-restorer"), ("loft", "client-viewer")], Both),
    person("ostrey", ("Simon", "Okoye"), None, &[("tandem", "client-member")], Email),
    person("tolland", ("Alma", "Tolland"), None, &[("recover", "client-restorer")], Totp),
    person("tolland", ("Ravi", "Shah"), None, &[("tandem", "client-owner")], Totp),
    person("tolland", ("June", "Park"), None, &[("tandem", "client-member")], Nothing),
    person("quillon", ("Anton", "Quillon"), None, &[("tandem", "client-owner"), ("loft", "client-viewer")], Totp),
    person("quillon", ("Lucia", "Ferreira"), None, &[("tandem", "client-member")], Email),
    person("quillon", ("Sven", "Holm"), None, &[("recover", "client-viewer")], Totp),
    person("maris", ("Greta", "Maris"), None, &[("recover", "client-restorer")], Both),
    person("maris", ("Paul", "Adeyemi"), None, &[("recover", "client-viewer")], Totp),
    person("maris", ("Tess", "Moreau"), None, &[], Totp),
    // People of one product, who exist nowhere else.
    standing(
        person("hexley", ("Dock", "Four"), None, &[("tandem", "client-member")], Totp),
        Standing::OnlyIn("tandem"),
    ),
    standing(
        person("tolland", ("Anna", "Keller"), None, &[("recover", "client-viewer")], Totp),
        Standing::OnlyIn("recover"),
    ),
];

/// A group of the connection at `brackwater`, its members, and what it gives them.
pub const GROUP: (&str, &[&str], (&str, &str)) =
    ("Backup team", &["Dekker", "Tanabe"], ("recover", "restore-operator"));
