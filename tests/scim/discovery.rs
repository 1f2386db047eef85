//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4).

use castellan::connections::{Settings, Vendor};
use serde_json::{Value, json};

use super::{CASTELLAN, ENTERPRISE, GROUP, Tool, USER, refused, settings};
use crate::support::{Castellan, PUBLIC_URL};

#[tokio::test]
async fn the_configuration_says_what_works() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let answer = tool.get("/ServiceProviderConfig").await;
    let configuration = answer.expect(200);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    for (feature, supported) in
        [("patch", true), ("bulk", true), ("filter", true), ("changePassword", false), ("sort", true), ("etag", true)]
    {
        assert_eq!(configuration[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(configuration["filter"]["maxResults"], 200);
    refused(&tool.get("/ServiceProviderConfig?filter=patch%20pr").await, 403, "");
    assert_eq!(configuration["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(configuration["meta"]["location"], format!("{PUBLIC_URL}{}", tool.path("/ServiceProviderConfig")));
}

#[tokio::test]
async fn types_and_schemas_are_listed_and_found_where_they_say() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tells = Settings { account_state: true, ..settings() };
    let tool = Tool::with(&castellan, &world.client, Vendor::Generic, tells).await;
    for (endpoint, ids) in
        [("/ResourceTypes", vec!["User", "Group"]), ("/Schemas", vec![USER, GROUP, ENTERPRISE, CASTELLAN])]
    {
        // Paging and projection are ignored here.
        let list = tool.get(&format!("{endpoint}?count=1&attributes=id")).await.expect(200);
        assert_eq!(list["totalResults"], ids.len());
        let resources = list["Resources"].as_array().expect("a list");
        let found: Vec<&str> = resources.iter().map(|resource| resource["id"].as_str().expect("an id")).collect();
        assert_eq!(found, ids);
        for resource in resources {
            assert!(!resource.to_string().contains("null"), "no nulls");
            let location = resource["meta"]["location"].as_str().expect("a location");
            let endpoint = location.strip_prefix(&format!("{PUBLIC_URL}{}", tool.path(""))).expect("ours");
            assert_eq!(&tool.get(endpoint).await.expect(200), resource);
        }
        refused(&tool.get(&format!("{endpoint}/nothing")).await, 404, "");
        refused(&tool.get(&format!("{endpoint}?filter=id%20pr")).await, 403, "");
    }
}

#[tokio::test]
async fn discovery_is_read_only() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    for endpoint in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            refused(&tool.request(method, endpoint, &[], "{}".to_owned()).await, 405, "");
        }
    }
    refused(&tool.request("DELETE", "/Users", &[], String::new()).await, 405, "");
    refused(&tool.request("POST", "/Users/1", &[], String::new()).await, 405, "");
    for endpoint in ["/", "/Printers", "/Users/1/2"] {
        refused(&tool.get(endpoint).await, 404, "");
    }
    refused(&tool.get("/Bulk").await, 405, "");
}

/// Every attribute that a user can show is declared.
#[tokio::test]
async fn schemas_tell_the_truth() {
    let castellan = Castellan::start().await;
    let world = castellan.world().await;
    let tool = Tool::new(&castellan, &world.client).await;
    let schema = tool.get(&format!("/Schemas/{USER}")).await.expect(200);
    let declared: Vec<&str> =
        schema["attributes"].as_array().expect("a list").iter().filter_map(|a| a["name"].as_str()).collect();
    let person = tool.post("/Users", &json!({ "userName": "ada", "name": { "givenName": "A" } })).await.expect(201);
    for name in person.as_object().expect("an object").keys() {
        let is_common = ["schemas", "id", "externalId", "meta"].contains(&name.as_str());
        assert!(is_common || declared.contains(&name.as_str()), "{name}");
    }
    let characteristics = |name: &str| {
        let attributes = schema["attributes"].as_array().expect("a list");
        attributes.iter().find(|attribute| attribute["name"] == name).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(characteristics("userName")["uniqueness"], "server");
    assert_eq!(characteristics("password")["returned"], "never");
}
