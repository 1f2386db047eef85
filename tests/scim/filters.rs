//! Filters over the database: the same answers as in memory, by an index where there is one, and in time.

use std::time::Duration;

use castellan::{
    scim::{
        filter,
        schema::{Registry, ResourceType},
    },
    text::fold,
};
use serde_json::{Value, json};

use super::{ENTERPRISE, Tool, at, refused};
use crate::support::Castellan;

/// How many random filters are compared; scripts/soak asks for ten thousand.
const CASES: &str = "CASTELLAN_FILTER_CASES";
/// How many of them one random set of people and groups answers.
const CASES_OF_A_SET: usize = 100;

/// Must show 3 of the provisioning issue: one tree, two back ends, one meaning. People and groups are made,
/// changed and removed over HTTP; then lists that the database filters, sorts and pages are compared with
/// the whole list, judged and sorted here.
#[tokio::test]
async fn the_database_finds_what_the_evaluator_finds() {
    let cases: usize = std::env::var(CASES).map_or(500, |text| text.parse().expect("a number"));
    let registry = Registry::load(None).expect("embedded schemas");
    for set in 0..cases.div_ceil(CASES_OF_A_SET) {
        let mut chance = Chance(u64::try_from(set).expect("small") + 1);
        let castellan = Castellan::start().await;
        let world = castellan.world().await;
        let tool = Tool::new(&castellan, &world.client).await;
        // Another tool's resources, which must never be found.
        let stranger = Tool::new(&castellan, &world.partner).await;
        stranger.person("stranger").await;
        fill(&tool, &mut chance).await;
        for (endpoint, kind) in [("/Users", "User"), ("/Groups", "Group")] {
            let kind = registry.resource_type(kind).expect("a type");
            let all = tool.get(&format!("{endpoint}?count=200")).await.expect(200)["Resources"].clone();
            let all = all.as_array().expect("a list");
            let share = if kind.name == "User" { 4 } else { 1 };
            for _ in 0..CASES_OF_A_SET * share / 5 {
                agree(&tool, endpoint, kind, all, &mut chance).await;
            }
        }
    }
}

async fn agree(tool: &Tool<'_>, endpoint: &str, kind: &ResourceType, all: &[Value], chance: &mut Chance) {
    let text = filter_of(kind, all, chance, 3);
    let parsed = filter::parse(kind, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut expected: Vec<&Value> = all.iter().filter(|resource| parsed.matches(resource)).collect();
    let mut query = format!("count=200&filter={}", encoded(&text));
    let sort_by = chance.pick(&["", "userName", "externalId", "displayName", "name.familyName", "name.givenName"]);
    if kind.name == "User" && !sort_by.is_empty() {
        let descending = chance.below(2) == 1;
        let order = if descending { "descending" } else { "ascending" };
        query.push_str(&format!("&sortBy={sort_by}&sortOrder={order}"));
        expected.sort_by_key(|resource| (key(resource, sort_by), resource["id"].to_string()));
        if descending {
            expected.reverse();
        }
    }
    let expected: Vec<String> = expected.into_iter().map(|resource| resource["id"].to_string()).collect();
    let list = tool.get(&format!("{endpoint}?{query}")).await.expect(200);
    assert_eq!(ids(&list), expected, "{text} {query}");
    assert_eq!(list["totalResults"], expected.len(), "{text}");
    // The same in small pages, by index and by cursor.
    let query = query.replace("count=200", "count=7");
    let (mut by_index, mut by_cursor, mut cursor) = (Vec::new(), Vec::new(), String::new());
    while by_index.len() < expected.len() {
        let page = tool.get(&format!("{endpoint}?{query}&startIndex={}", by_index.len() + 1)).await.expect(200);
        assert_ne!(page["itemsPerPage"], 0, "{text}");
        by_index.extend(ids(&page));
    }
    loop {
        let page = tool.get(&format!("{endpoint}?{query}&cursor={cursor}")).await.expect(200);
        by_cursor.extend(ids(&page));
        let Some(next) = page.get("nextCursor") else { break };
        next.as_str().expect("text").clone_into(&mut cursor);
    }
    assert_eq!((by_index, by_cursor), (expected.clone(), expected), "{text} {query}");
}

/// A missing value comes last.
fn key(resource: &Value, name: &str) -> (bool, String) {
    let value = name.split('.').try_fold(resource, |value, part| value.get(part)).and_then(Value::as_str);
    let text = value.unwrap_or_default();
    (value.is_none(), if name == "externalId" { text.to_owned() } else { fold(text).into_owned() })
}

fn ids(list: &Value) -> Vec<String> {
    list["Resources"].as_array().expect("a list").iter().map(|resource| resource["id"].to_string()).collect()
}

fn encoded(filter: &str) -> String {
    form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

/// Numbers that repeat with their seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).expect("small")).expect("small")
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn often(&mut self) -> bool {
        self.below(3) > 0
    }
}

const WORDS: &[&str] = &[
    "Ada",
    "ada",
    "BOB",
    "bob%",
    "b_b",
    "Ålund",
    "straße",
    "o'neil",
    "\"q\"",
    "back\\slash",
    "日本",
    "x y",
    "a",
    "ＡＢ",
];
const ADDRESSES: &[&str] =
    &["ada@x.example", "ADA@X.example", "bob@y.example", "no address", "ÅSA@z.example", "b_b@x.example"];
const TYPES: &[&str] = &["work", "home", "Work"];

async fn fill(tool: &Tool<'_>, chance: &mut Chance) {
    let mut people = Vec::new();
    for number in 0..12 + chance.below(20) {
        tool.castellan.app.clock.advance(Duration::from_micros(u64::try_from(chance.below(3000)).expect("small")));
        let body = person(number, chance);
        people.push(tool.post("/Users", &body).await.expect(201));
    }
    for number in 0..6 {
        let members: Vec<&Value> = people.iter().filter(|_| chance.below(4) == 0).collect();
        let group = tool.group(&format!("{} {number}", chance.pick(WORDS)), &members).await;
        if chance.often() {
            let patch = json!([{ "op": "add", "path": "externalId", "value": chance.pick(WORDS) }]);
            tool.patch(&at(&group), patch).await.expect(200);
        }
    }
    // What a change or a removal leaves behind in an index would be found.
    for (number, resource) in people.iter().enumerate() {
        tool.castellan.app.clock.advance(Duration::from_micros(u64::try_from(chance.below(3000)).expect("small")));
        match chance.below(6) {
            0 => drop(tool.put(&at(resource), &person(number, chance)).await.expect(200)),
            1 => {
                let operations = json!([
                    { "op": "remove", "path": chance.pick(&["displayName", "name.familyName", "emails", "title", "active"]) },
                    { "op": "add", "path": "emails", "value": [{ "value": chance.pick(ADDRESSES), "type": "other" }] },
                ]);
                tool.patch(&at(resource), operations).await.expect(200);
            }
            2 => {
                let operations = json!([{ "op": "replace", "value": { "active": chance.often() } }]);
                tool.patch(&at(resource), operations).await.expect(200);
            }
            3 => drop(tool.delete(&at(resource)).await.has_status(204)),
            _ => {}
        }
    }
}

fn person(number: usize, chance: &mut Chance) -> Value {
    let name = chance.pick(&["Ada", "ada", "BOB", "b_b", "Ålund", "日本", "o'neil"]);
    let mut body = json!({ "userName": format!("{name}{number}@{}", chance.pick(&["X.example", "y"])) });
    let mut set = |name: &str, value: Value, chance: &mut Chance| {
        if chance.often() {
            body[name] = value;
        }
    };
    let word = |chance: &mut Chance| Value::from(chance.pick(WORDS));
    let (a, b, c, d, e) = (word(chance), word(chance), word(chance), word(chance), word(chance));
    set("externalId", a, chance);
    set("displayName", b.clone(), chance);
    set("title", c, chance);
    set("nickName", d.clone(), chance);
    set("active", json!(chance.often()), chance);
    let mut name = json!({});
    for (part, value) in [("givenName", b), ("familyName", d), ("formatted", e.clone())] {
        if chance.often() {
            name[part] = value;
        }
    }
    set("name", name, chance);
    let emails = (0..chance.below(4)).map(|place| {
        let mut email = json!({});
        if chance.below(5) > 0 {
            email["value"] = json!(format!("{}{}", if chance.often() { "" } else { "x" }, chance.pick(ADDRESSES)));
        }
        if chance.often() || email.get("value").is_none() {
            email["type"] = json!(chance.pick(TYPES));
        }
        if place == 1 && chance.often() {
            email["primary"] = json!(true);
        }
        email
    });
    let emails: Vec<Value> = emails.collect();
    set("emails", json!(emails), chance);
    set(ENTERPRISE, json!({ "department": e, "employeeNumber": number.to_string() }), chance);
    body
}

const STRINGS: &[&str] = &[
    "userName",
    "USERNAME",
    "externalId",
    "displayName",
    "name.givenName",
    "name.familyName",
    "name.formatted",
    "title",
    "nickName",
    "emails",
    "emails.value",
    "emails.type",
    "emails.value",
    "groups.display",
    "department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:core:2.0:User:displayName",
];
const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "eq", "EQ"];

fn filter_of(kind: &ResourceType, all: &[Value], chance: &mut Chance, depth: usize) -> String {
    if depth > 0 {
        let mut inner = || filter_of(kind, all, chance, depth - 1);
        let (a, b) = (inner(), inner());
        match chance.below(8) {
            0 | 1 => return format!("{a} and {b}"),
            2 => return format!("{a} or {b}"),
            3 => return format!("({a} or {b})"),
            4 => return format!("not ({a})"),
            _ => {}
        }
    }
    if kind.name == "User" { term_about_users(all, chance) } else { term_about_groups(all, chance) }
}

fn term_about_users(all: &[Value], chance: &mut Chance) -> String {
    let strings = |chance: &mut Chance| chance.pick(STRINGS);
    match chance.below(16) {
        0 => format!("active {} {}", chance.pick(&["eq", "ne"]), chance.pick(&["true", "false", "null"])),
        1 => format!(
            "{} pr",
            chance.pick(&[
                "userName",
                "externalId",
                "displayName",
                "name",
                "name.givenName",
                "emails",
                "emails.value",
                "active",
                "groups",
                "groups.value",
                "meta",
                "meta.created",
                "title",
                "id",
                "schemas",
                "department"
            ])
        ),
        2 => instants(all, chance),
        3 => format!("id {} {}", chance.pick(&["eq", "ne", "gt", "sw"]), some_id(all, chance)),
        4 => format!("groups.value {} {}", chance.pick(&["eq", "ne"]), some_group(all, chance)),
        5 => format!("groups {} {}", chance.pick(&["eq", "co"]), some_group(all, chance)),
        6 => format!("meta.resourceType {} \"User\"", chance.pick(&["eq", "ne", "co", "gt"])),
        7 => {
            format!("schemas {} \"{}\"", chance.pick(&["eq", "ne", "co"]), chance.pick(&[super::USER, ENTERPRISE, "x"]))
        }
        8 => format!("{} {} null", strings(chance), chance.pick(&["eq", "ne"])),
        9 | 10 => {
            let value = quoted(&some_value(all, "emails.value", chance));
            let of_type = format!("type {} \"{}\"", chance.pick(&["eq", "ne", "sw"]), chance.pick(TYPES));
            let of_value = format!("value {} {value}", chance.pick(OPERATORS));
            match chance.below(7) {
                0 => format!("emails[{of_value} and primary pr]"),
                1 => format!("emails[{of_type} and {of_value}]"),
                2 => format!("emails[{of_type} or {of_value}]"),
                3 => format!("emails[not ({of_value}) and {of_type}]"),
                4 => format!("emails[{of_value}]"),
                5 => "emails[primary eq true and value pr]".to_owned(),
                _ => format!("name[familyName co {}]", quoted(chance.pick(WORDS))),
            }
        }
        _ => {
            let name = strings(chance);
            let value = some_value(all, name, chance);
            format!("{name} {} {}", chance.pick(OPERATORS), quoted(&value))
        }
    }
}

fn term_about_groups(all: &[Value], chance: &mut Chance) -> String {
    match chance.below(8) {
        0 => instants(all, chance),
        1 => format!("id {} {}", chance.pick(&["eq", "ne"]), some_id(all, chance)),
        2 => format!("members.value {} {}", chance.pick(&["eq", "ne", "sw"]), some_member(all, chance)),
        3 => format!("members {} {}", chance.pick(&["eq", "co"]), some_member(all, chance)),
        4 => format!("members[value eq {} and type eq \"User\"]", some_member(all, chance)),
        5 => {
            format!("{} pr", chance.pick(&["members", "members.value", "members.display", "externalId", "displayName"]))
        }
        _ => {
            let name = chance.pick(&["displayName", "displayName", "externalId", "members.display"]);
            let value = some_value(all, name, chance);
            format!("{name} {} {}", chance.pick(OPERATORS), quoted(&value))
        }
    }
}

/// Near a time that some resource has, or equal to it.
fn instants(all: &[Value], chance: &mut Chance) -> String {
    let name = chance.pick(&["created", "lastModified"]);
    let time = all.get(chance.below(all.len().max(1))).and_then(|resource| resource["meta"][name].as_str());
    let mut time = time.unwrap_or("2026-11-24T08:00:00.000Z").to_owned();
    if chance.below(3) == 0 {
        time = time.replace('Z', chance.pick(&["5Z", "0Z", "001+00:00"]));
    }
    format!("meta.{name} {} \"{time}\"", chance.pick(&["eq", "ne", "gt", "ge", "lt", "le"]))
}

fn some_id(all: &[Value], chance: &mut Chance) -> String {
    let id = all.get(chance.below(all.len().max(1))).map_or_else(|| json!("none"), |resource| resource["id"].clone());
    match chance.below(4) {
        0 => id.to_string().to_uppercase(),
        1 => "\"no id\"".to_owned(),
        _ => id.to_string(),
    }
}

fn some_group(all: &[Value], chance: &mut Chance) -> String {
    let groups: Vec<&Value> = all.iter().filter_map(|resource| resource["groups"].as_array()).flatten().collect();
    groups.get(chance.below(groups.len().max(1))).map_or_else(|| "\"x\"".to_owned(), |group| group["value"].to_string())
}

fn some_member(all: &[Value], chance: &mut Chance) -> String {
    let members: Vec<&Value> = all.iter().filter_map(|group| group["members"].as_array()).flatten().collect();
    members.get(chance.below(members.len().max(1))).map_or_else(|| "\"x\"".to_owned(), |one| one["value"].to_string())
}

/// A value that some resource has there, or part of one, or any word; in another case now and then.
fn some_value(all: &[Value], name: &str, chance: &mut Chance) -> String {
    let mut path = vec![name.rsplit(':').next().unwrap_or(name)];
    path = path[0].split('.').collect();
    let resource = all.get(chance.below(all.len().max(1))).unwrap_or(&Value::Null);
    let mut value = resource.get(path[0]).or_else(|| resource.get(ENTERPRISE)?.get(path[0])).unwrap_or(&Value::Null);
    if let Some(elements) = value.as_array() {
        value = elements.get(chance.below(elements.len())).unwrap_or(&Value::Null);
    }
    let sub = path.get(1).copied().unwrap_or("value");
    let mut text = value.as_str().or(value[sub].as_str()).unwrap_or(chance.pick(WORDS)).to_owned();
    match chance.below(7) {
        0 => text = chance.pick(WORDS).to_owned(),
        1 => text = text.to_uppercase(),
        2 => text = text.chars().take(2).collect(),
        3 => text = text.chars().skip(1).collect(),
        4 => text = chance.pick(ADDRESSES).to_owned(),
        _ => {}
    }
    text
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Every address finds its person, not only the preferred one; so does one that came or went by PATCH.
#[tokio::test]
async fn each_address_of_a_person_finds_them() {
    let castellan = Castellan::start_with(|config| config.scim.filter = Duration::ZERO).await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let emails = json!([{ "value": "One@x.example", "type": "work", "primary": true }, { "value": "two@x.example" }]);
    let person = tool.post("/Users", &json!({ "userName": "ada", "emails": emails })).await.expect(201);
    tool.post("/Users", &json!({ "userName": "bob@x.example" })).await.expect(201);
    let found = async |filter: &str| {
        tool.get(&format!("/Users?filter={}", encoded(filter))).await.expect(200)["totalResults"].clone()
    };
    assert_eq!(found(r#"emails.value eq "one@X.example""#).await, 1);
    assert_eq!(found(r#"emails eq "TWO@x.example""#).await, 1);
    assert_eq!(found(r#"emails[type eq "work"].value eq "one@x.example""#).await, 1);
    assert_eq!(found(r#"emails[type eq "work"].value eq "two@x.example""#).await, 0);
    assert_eq!(found(r#"emails.value eq "bob@x.example""#).await, 0, "an address of our own making is not shown");
    let operations = json!([
        { "op": "remove", "path": "emails[value eq \"two@x.example\"]" },
        { "op": "add", "path": "emails", "value": [{ "value": "three@x.example" }] },
    ]);
    tool.patch(&at(&person), operations).await.expect(200);
    assert_eq!(found(r#"emails.value eq "two@x.example""#).await, 0);
    assert_eq!(found(r#"emails.value eq "three@x.example""#).await, 1);
    tool.delete(&at(&person)).await.has_status(204);
    assert_eq!(found(r#"emails.value eq "three@x.example""#).await, 0);
}

/// Several related values are one resource, and take one place in a page.
#[tokio::test]
async fn who_has_many_addresses_is_in_one_place_of_a_list() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for name in ["ada", "bob", "cid"] {
        let emails = ["a", "b", "c"].map(|part| json!({ "value": format!("{part}.{name}@x.example") }));
        tool.post("/Users", &json!({ "userName": name, "emails": emails })).await.expect(201);
    }
    for (start, name) in [(1, "ada"), (2, "bob"), (3, "cid")] {
        let query = format!("startIndex={start}&count=1&sortBy=userName&filter={}", encoded("emails co \"x.example\""));
        let list = tool.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!((&list["totalResults"], &list["Resources"][0]["userName"]), (&json!(3), &json!(name)));
    }
}

/// Without any time to look around: what has an index is found, what has none is refused as such.
#[tokio::test]
async fn what_no_index_bounds_ends_in_time() {
    let castellan = Castellan::start_with(|config| config.scim.filter = Duration::ZERO).await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let person = tool.person("ada").await;
    let group = tool.group("Staff", &[&person]).await;
    let (id, group) = (person["id"].as_str().expect("an id"), group["id"].as_str().expect("an id"));
    for (endpoint, filter) in [
        ("/Users", r#"userName eq "ADA""#.to_owned()),
        ("/Users", r#"userName eq "ada" and title ne "x""#.to_owned()),
        ("/Users", format!(r#"id eq "{id}""#)),
        ("/Users", r#"userName eq "ada" or externalId eq "x" or emails.value eq "y""#.to_owned()),
        ("/Users", format!(r#"(userName eq "ada" or id eq "{id}" and active eq true) and title ne "x""#)),
        ("/Users", format!(r#"groups.value eq "{group}""#)),
        ("/Groups", r#"displayName eq "staff""#.to_owned()),
        ("/Groups", format!(r#"members.value eq "{id}""#)),
        ("/Groups", format!(r#"id eq "{group}" and members eq "{id}""#)),
    ] {
        let list = tool.get(&format!("{endpoint}?filter={}", encoded(&filter))).await.expect(200);
        assert_eq!(list["totalResults"], 1, "{filter}");
    }
    assert_eq!(tool.get("/Users?sortBy=userName").await.expect(200)["totalResults"], 1);
    for filter in [r#"title eq "x""#, "title pr", r#"not (department eq "x")"#] {
        refused(&tool.get(&format!("/Users?filter={}", encoded(filter))).await, 400, "tooMany");
    }
}

/// Accounts that are older than the columns which filters read are found like others after the upgrade.
#[tokio::test]
async fn accounts_from_before_the_upgrade_are_found() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let body = json!({
        "userName": "ada", "displayName": "Ada Ash", "name": { "familyName": "Ash" },
        "emails": [{ "value": "a@x.example" }, { "value": "b@x.example" }],
    });
    let ada = tool.post("/Users", &body).await.expect(201);
    tool.patch(&at(&ada), json!([{ "op": "remove", "path": "active" }])).await.expect(200);
    castellan.database.forget_what_filters_compare().await;
    castellan.second_node().await;
    for (filter, found) in [
        (r#"displayName eq "ada ash""#, 1),
        (r#"name.familyName sw "a""#, 1),
        (r#"emails.value eq "b@x.example""#, 1),
        ("active pr", 0),
    ] {
        let list = tool.get(&format!("/Users?filter={}", encoded(filter))).await.expect(200);
        assert_eq!(list["totalResults"], found, "{filter}");
    }
}

/// What no index could hold is refused at the edge, and so is what PostgreSQL has no text for.
#[tokio::test]
async fn texts_that_no_database_could_hold_are_refused() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for (name, value) in [
        ("displayName", json!("x".repeat(1025))),
        ("externalId", json!("x".repeat(1025))),
        ("emails", json!([{ "value": "x".repeat(1025) }])),
        ("title", json!("a\0b")),
    ] {
        let mut body = json!({ "userName": "ada" });
        body[name] = value;
        refused(&tool.post("/Users", &body).await, 400, "invalidValue");
    }
    refused(&tool.post("/Groups", &json!({ "displayName": "x".repeat(1025) })).await, 400, "invalidValue");
    for filter in [r#"userName eq "a\u0000b""#, r#"title co "\u0000""#, r#"emails.value sw "\u0000""#] {
        let list = tool.get(&format!("/Users?filter={}", encoded(filter))).await.expect(200);
        assert_eq!(list["totalResults"], 0, "{filter}");
    }
}
