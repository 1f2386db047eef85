use castellan::{
    access::{self, NewAssignment, Source, Subject},
    id::{OrganizationId, ProductId},
    organizations::{self, Kind, NewOrganization, Organization, Policy},
    products::{self, Declaration, Level, ModuleDeclaration, Product, RoleDeclaration},
    secret::Secret,
    store,
    users::{self, LoginName, NewUser, Realm, Status, User, password},
};

use super::Castellan;

/// provider > partner > client, beside them another partner with its client, and two products.
pub struct World {
    pub provider: Organization,
    pub partner: Organization,
    pub client: Organization,
    pub other_partner: Organization,
    pub other_client: Organization,
    /// `recover`, audience `https://recover.example/api`, roles `operator` (jobs:read, jobs:run) and `viewer` (jobs:read).
    pub recover: Product,
    /// `relay`, with the same roles.
    pub relay: Product,
}

impl Castellan {
    /// Makes the standard world.
    pub async fn world(&self) -> World {
        let provider = self.organization(None, Kind::Provider, "Vendor").await;
        let partner = self.organization(Some(&provider), Kind::Partner, "Brackwater IT").await;
        let client = self.organization(Some(&partner), Kind::Client, "Harbour Dental").await;
        let other_partner = self.organization(Some(&provider), Kind::Partner, "Northgate Systems").await;
        let other_client = self.organization(Some(&other_partner), Kind::Client, "Mill Lane Books").await;
        let recover = self.product("recover").await;
        let relay = self.product("relay").await;
        World { provider, partner, client, other_partner, other_client, recover, relay }
    }

    pub async fn organization(&self, parent: Option<&Organization>, kind: Kind, name: &str) -> Organization {
        let new = NewOrganization {
            parent_id: parent.map(|parent| parent.id),
            kind,
            name: name.to_owned(),
            external_id: None,
            contact_email: None,
            policy: Policy::default(),
            branding: organizations::Branding::default(),
        };
        let now = self.now();
        self.write(async move |tx| organizations::insert(tx, &new, now).await).await
    }

    pub async fn set_policy(&self, organization: OrganizationId, policy: Policy) {
        let now = self.now();
        self.write(async move |tx| organizations::set_policy(tx, organization, &policy, now).await).await;
    }

    /// A product with the module `jobs` and the roles `operator` and `viewer`.
    pub async fn product(&self, slug: &str) -> Product {
        let now = self.now();
        let role = |role: &str, permissions: &[&str]| RoleDeclaration {
            slug: role.to_owned(),
            name: role.to_owned(),
            description: String::new(),
            level: Level::Partner,
            built_in: false,
            permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
        };
        let declaration = Declaration {
            product: Product {
                id: ProductId::new(now),
                slug: slug.to_owned(),
                name: slug.to_owned(),
                description: String::new(),
                audience: format!("https://{slug}.example/api"),
                launch_url: Some(format!("https://{slug}.example/")),
                support: Some("help@vendor.example".to_owned()),
                branding: organizations::Branding::default(),
                policy: products::Policy::default(),
                hidden: false,
            },
            modules: vec![ModuleDeclaration::of("jobs", "Jobs", &[("read", "See jobs"), ("run", "Run jobs")])],
            roles: vec![role("operator", &["jobs:read", "jobs:run"]), role("viewer", &["jobs:read"])],
        };
        let product = declaration.product.clone();
        self.write(async move |tx| products::declare(tx, &declaration, now).await).await;
        product
    }

    /// The portal, as it was made at the start.
    pub async fn portal(&self) -> Product {
        let mut db = self.app.store.reader().await.expect("a reader");
        products::find_by_slug(&mut db, products::portal::SLUG).await.expect("a read").expect("the portal product")
    }

    /// Gives roles over one organization and all below it.
    pub async fn assign(&self, subject: Subject, product: &Product, roles: &[&str], organization: OrganizationId) {
        self.assign_over(subject, product, roles, (organization, true)).await;
    }

    /// Gives roles over one organization and none below it.
    pub async fn assign_here(&self, subject: Subject, product: &Product, roles: &[&str], organization: OrganizationId) {
        self.assign_over(subject, product, roles, (organization, false)).await;
    }

    async fn assign_over(
        &self,
        subject: Subject,
        product: &Product,
        roles: &[&str],
        (organization, subtree): (OrganizationId, bool),
    ) {
        let mut db = self.app.store.reader().await.expect("a reader");
        let mut ids = Vec::new();
        for slug in roles {
            ids.push(products::find_role(&mut db, product.id, slug).await.expect("a read").expect("a role").id);
        }
        drop(db);
        let new = NewAssignment {
            subject,
            product: product.id,
            roles: ids,
            organization,
            subtree,
            source: Source::Direct,
            connection: None,
            created_by: None,
        };
        let now = self.now();
        self.write(async move |tx| access::assign(tx, &new, now).await).await;
    }

    /// A person of the organization; see [`PersonBuilder`].
    pub fn person<'c>(&'c self, organization: &Organization, login: &str) -> PersonBuilder<'c> {
        PersonBuilder {
            castellan: self,
            organization: organization.id,
            login: login.to_owned(),
            status: Status::Active,
            password: false,
        }
    }

    /// Runs one write that must succeed.
    pub async fn write<T, F>(&self, unit: F) -> T
    where
        F: AsyncFn(&mut store::Tx<'_>) -> store::Result<T> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.app.store.write(unit).await.expect("the write commits")
    }
}

/// What a person shall have before a test begins.
pub struct PersonBuilder<'c> {
    castellan: &'c Castellan,
    organization: OrganizationId,
    login: String,
    status: Status,
    password: bool,
}

/// Somebody with an account.
pub struct Person {
    pub user: User,
    /// Empty if none was set.
    pub password: String,
}

impl Person {
    pub fn login(&self) -> &str {
        self.user.login_name.as_given()
    }
}

impl PersonBuilder<'_> {
    /// With a password of their own choice.
    pub fn password(mut self) -> Self {
        self.password = true;
        self
    }

    /// Invited, not yet active.
    pub fn invited(mut self) -> Self {
        self.status = Status::Invited;
        self
    }

    pub async fn create(self) -> Person {
        let castellan = self.castellan;
        let now = castellan.now();
        let (given_name, _) = self.login.split_once('@').unwrap_or((&self.login, ""));
        let new = NewUser {
            organization_id: self.organization,
            realm: Realm::Portal,
            login_name: LoginName::parse(&self.login).expect("a login name"),
            email: self.login.contains('@').then(|| self.login.clone()),
            given_name: given_name.to_owned(),
            family_name: "Example".to_owned(),
            display_name: String::new(),
            status: self.status,
            connection_id: None,
            external_id: None,
            document: serde_json::json!({}),
        };
        let user = castellan.write(async move |tx| Ok(users::insert(tx, &new, now).await?.expect("a free name"))).await;
        let mut person = Person { user, password: String::new() };
        if self.password {
            person.password = format!("{} keeps seven geese", person.login());
            let hash = castellan.app.passwords.hash(Secret::from_text(&person.password)).await.expect("a hash");
            let id = person.user.id;
            castellan.write(async move |tx| password::set(tx, id, &hash, password::SetBy::Activation, now).await).await;
        }
        person
    }
}
