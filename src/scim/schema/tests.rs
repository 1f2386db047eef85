use super::*;

#[test]
fn names_are_found_by_urn_and_without_case() {
    let registry = Registry::load(None).expect("embedded schemas");
    let user = registry.resource_type("User").expect("a type");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let extension = |name: &str| user.locate(name).map(|found| (found.extension, found.attribute.name.as_str()));
    assert_eq!(extension("USERNAME"), Some((None, "userName")));
    assert_eq!(extension("urn:ietf:params:scim:schemas:core:2.0:user:username"), Some((None, "userName")));
    assert_eq!(extension(&format!("{enterprise}:manager")), Some((Some(enterprise), "manager")));
    assert_eq!(extension("department"), Some((Some(enterprise), "department")));
    assert_eq!(extension("shoeSize"), None);
    assert_eq!(extension("urn:unknown:shoeSize"), None);
}
