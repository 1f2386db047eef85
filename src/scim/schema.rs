//! The schema registry: what resources look like, from `schemas/*.json` (RFC 7643 §6, §7, §8.7).
//!
//! The files are embedded; a folder of copies may stand in for some of them. Everything that knows an
//! attribute knows it from here, so that a new one is obeyed without a change of code.

use std::{path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::attribute::Attribute;

/// The attributes every resource has (RFC 7643 §3.1); not part of any schema.
const COMMON: &str = include_str!("../../schemas/common.json");
/// Files that a folder of copies may replace.
const FILES: [(&str, &str); 4] = [
    ("user.json", include_str!("../../schemas/user.json")),
    ("group.json", include_str!("../../schemas/group.json")),
    ("enterprise_user.json", include_str!("../../schemas/enterprise_user.json")),
    ("castellan_user.json", include_str!("../../schemas/castellan_user.json")),
];
/// The resource types, likewise.
const TYPES: (&str, &str) = ("resource_types.json", include_str!("../../schemas/resource_types.json"));

/// All schemas and resource types.
#[derive(Debug)]
pub struct Registry {
    schemas: Vec<Arc<Schema>>,
    types: Vec<ResourceType>,
}

/// A schema: its attributes, and its own JSON for the Schemas endpoint.
#[derive(Debug)]
pub struct Schema {
    /// The URN.
    pub id: String,
    pub attributes: Vec<Attribute>,
    pub document: Value,
}

/// A resource type with its schemas resolved.
#[derive(Debug)]
pub struct ResourceType {
    pub name: String,
    pub endpoint: String,
    pub schema: Arc<Schema>,
    pub extensions: Vec<Extension>,
    pub document: Value,
    common: Arc<Vec<Attribute>>,
}

/// An extension of a resource type.
#[derive(Debug)]
pub struct Extension {
    pub schema: Arc<Schema>,
    pub required: bool,
}

/// An attribute, or a sub-attribute, of a resource type, and where its value lies.
#[derive(Debug, Clone, Copy)]
pub struct Located<'s> {
    /// The extension's URN, under which its attributes lie; `None` at the top.
    pub extension: Option<&'s str>,
    pub attribute: &'s Attribute,
    pub sub: Option<&'s Attribute>,
}

/// Why the schemas cannot be used; the start stops with it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the schema file {0} cannot be read: {1}")]
    Read(String, std::io::Error),
    #[error("the schema file {0} is not what RFC 7643 section 8.7 describes: {1}")]
    Parse(String, serde_json::Error),
    #[error("the resource type {0} names the schema {1}, which no schema file describes")]
    NoSchema(String, String),
    #[error("the attribute {1} of the schema file {0} cannot be: {2}")]
    Attribute(String, String, &'static str),
    #[error("the endpoint {1} of the resource type {0} is taken, or is not of the form /Name")]
    Endpoint(String, String),
}

#[derive(Deserialize)]
struct SchemaFile {
    id: String,
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeFile {
    name: String,
    endpoint: String,
    schema: String,
    #[serde(default)]
    schema_extensions: Vec<ExtensionFile>,
}

#[derive(Deserialize)]
struct ExtensionFile {
    schema: String,
    required: bool,
}

impl Registry {
    /// Loads the embedded files, save those that `folder` has a copy of; schemas of other names in it
    /// are added, for its own resource types to use.
    ///
    /// # Errors
    /// [`LoadError`], naming the file.
    pub fn load(folder: Option<&Path>) -> Result<Self, LoadError> {
        let mut files: Vec<(String, String)> =
            FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut types = TYPES.1.to_owned();
        for (name, text) in folder.map(read_folder).transpose()?.unwrap_or_default() {
            if name == TYPES.0 {
                types = text;
            } else if let Some(embedded) = files.iter_mut().find(|(file, _)| *file == name) {
                embedded.1 = text;
            } else if name != "common.json" {
                files.push((name, text));
            }
        }
        let schemas = files.iter().map(|(name, text)| Schema::parse(name, text)).collect::<Result<Vec<_>, _>>()?;
        let common: Arc<Vec<Attribute>> = Arc::new(parse("common.json", COMMON)?);
        let documents: Vec<Value> = parse(TYPES.0, &types)?;
        let types = documents.into_iter().map(|document| ResourceType::parse(document, &schemas, &common));
        let types = types.collect::<Result<Vec<_>, _>>()?;
        check_endpoints(&types)?;
        Ok(Self { types, schemas })
    }

    /// The same with some of a schema's attributes only.
    ///
    /// # Errors
    /// [`LoadError`]: none that loading had not found.
    pub fn with_attributes(&self, urn: &str, is_kept: impl Fn(&str) -> bool) -> Result<Self, LoadError> {
        let mut schemas = self.schemas.clone();
        for schema in schemas.iter_mut().filter(|schema| schema.id == urn) {
            let mut document = schema.document.clone();
            if let Some(attributes) = document.get_mut("attributes").and_then(Value::as_array_mut) {
                attributes.retain(|attribute| attribute["name"].as_str().is_some_and(&is_kept));
            }
            *schema = Schema::parse(urn, &document.to_string())?;
        }
        self.resolved(schemas, |_| true)
    }

    /// The same without an extension.
    ///
    /// # Errors
    /// As before.
    pub fn without(&self, urn: &str) -> Result<Self, LoadError> {
        let schemas = self.schemas.iter().filter(|schema| schema.id != urn).cloned().collect();
        self.resolved(schemas, |extension| extension != urn)
    }

    /// The resource types with these schemas, and those of their extensions that are kept.
    fn resolved(&self, schemas: Vec<Arc<Schema>>, is_kept: impl Fn(&str) -> bool) -> Result<Self, LoadError> {
        let types = self.types.iter().map(|kind| {
            let mut document = kind.document.clone();
            if let Some(extensions) = document.get_mut("schemaExtensions").and_then(Value::as_array_mut) {
                extensions.retain(|extension| extension["schema"].as_str().is_some_and(&is_kept));
            }
            ResourceType::parse(document, &schemas, &kind.common)
        });
        let types = types.collect::<Result<_, _>>()?;
        Ok(Self { types, schemas })
    }

    /// The schema with that URN.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.schemas().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The schemas of all resource types.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.iter().map(Arc::as_ref)
    }

    /// The resource type of that name, such as `User`.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.types.iter().find(|resource_type| resource_type.name.eq_ignore_ascii_case(name))
    }

    /// The resource type at that endpoint, such as `/Users`.
    pub fn endpoint(&self, endpoint: &str) -> Option<&ResourceType> {
        self.types.iter().find(|resource_type| resource_type.endpoint == endpoint)
    }

    /// All resource types.
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.types
    }
}

impl Schema {
    fn parse(name: &str, text: &str) -> Result<Arc<Self>, LoadError> {
        let file: SchemaFile = parse(name, text)?;
        for attribute in &file.attributes {
            attribute.check().map_err(|why| LoadError::Attribute(name.to_owned(), attribute.name.clone(), why))?;
        }
        Ok(Arc::new(Self { id: file.id, attributes: file.attributes, document: parse(name, text)? }))
    }

    /// The attribute of that name, whatever its case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.is(name))
    }
}

impl ResourceType {
    fn parse(document: Value, schemas: &[Arc<Schema>], common: &Arc<Vec<Attribute>>) -> Result<Self, LoadError> {
        let file = TypeFile::deserialize(&document).map_err(|error| LoadError::Parse(TYPES.0.to_owned(), error))?;
        let find = |urn: &str| {
            let found = schemas.iter().find(|schema| schema.id == urn).cloned();
            found.ok_or_else(|| LoadError::NoSchema(file.name.clone(), urn.to_owned()))
        };
        let extensions = file
            .schema_extensions
            .iter()
            .map(|extension| Ok(Extension { schema: find(&extension.schema)?, required: extension.required }))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            schema: find(&file.schema)?,
            name: file.name,
            endpoint: file.endpoint,
            extensions,
            document,
            common: Arc::clone(common),
        })
    }

    /// The attributes at the top of a resource: common and core.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.common.iter().chain(&self.schema.attributes)
    }

    /// The common or core attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes().find(|attribute| attribute.is(name))
    }

    /// The extension with that URN.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        let found = self.extensions.iter().find(|extension| extension.schema.id.eq_ignore_ascii_case(urn));
        found.map(|extension| extension.schema.as_ref())
    }

    /// The core or extension schema whose URN begins `name`, and what follows it.
    pub fn split_urn<'n>(&self, name: &'n str) -> Option<(&Schema, &'n str)> {
        let schemas = std::iter::once(&self.schema).chain(self.extensions.iter().map(|extension| &extension.schema));
        schemas
            .filter_map(|schema| {
                let head = name.get(..schema.id.len())?;
                let rest = &name[schema.id.len()..];
                let whole = rest.is_empty() || rest.starts_with(':');
                (whole && head.eq_ignore_ascii_case(&schema.id)).then_some((schema.as_ref(), rest))
            })
            .max_by_key(|(schema, _)| schema.id.len())
            .map(|(schema, rest)| (schema, rest.trim_start_matches(':')))
    }

    /// The attribute that an unqualified name or `URN:name` means. An unqualified name that only an
    /// extension knows is that one's: Entra ID sends `department` and `manager` so.
    pub fn locate(&self, name: &str) -> Option<Located<'_>> {
        if let Some((schema, rest)) = self.split_urn(name) {
            if schema.id == self.schema.id {
                return Some(Located { extension: None, attribute: self.attribute(rest)?, sub: None });
            }
            return Some(Located { extension: Some(&schema.id), attribute: schema.attribute(rest)?, sub: None });
        }
        if let Some(attribute) = self.attribute(name) {
            return Some(Located { extension: None, attribute, sub: None });
        }
        self.extensions.iter().find_map(|extension| {
            let attribute = extension.schema.attribute(name)?;
            Some(Located { extension: Some(&extension.schema.id), attribute, sub: None })
        })
    }

    /// Every attribute with where it lies.
    pub fn located(&self) -> impl Iterator<Item = Located<'_>> {
        let core = self.attributes().map(|attribute| Located { extension: None, attribute, sub: None });
        core.chain(self.extensions.iter().flat_map(|extension| {
            extension.schema.attributes.iter().map(|attribute| Located {
                extension: Some(&extension.schema.id),
                attribute,
                sub: None,
            })
        }))
    }

    /// A canonical resource in the order of the schema, with `schemas`, for an answer.
    pub fn ordered(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        let mut ordered = Map::new();
        let mut schemas = vec![Value::from(self.schema.id.as_str())];
        let urns = self.extensions.iter().map(|extension| &extension.schema.id);
        schemas.extend(urns.filter(|urn| resource.contains_key(*urn)).map(|urn| Value::from(urn.as_str())));
        ordered.insert("schemas".to_owned(), Value::Array(schemas));
        for attribute in self.attributes() {
            if let Some(value) = resource.shift_remove(&attribute.name) {
                ordered.insert(attribute.name.clone(), value);
            }
        }
        for extension in &self.extensions {
            if let Some(value) = resource.shift_remove(&extension.schema.id) {
                ordered.insert(extension.schema.id.clone(), value);
            }
        }
        // What is left the schema no longer knows: it is kept, but not shown.
        ordered
    }
}

impl<'s> Located<'s> {
    /// The attribute that holds the value meant.
    pub fn leaf(&self) -> &'s Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Whether this is the other one, or a part of it.
    pub fn is_of(&self, other: &Located<'_>) -> bool {
        self.extension == other.extension && self.attribute.name == other.attribute.name
    }

    /// The name as errors say it.
    pub fn name(&self) -> String {
        match self.sub {
            None => self.attribute.name.clone(),
            Some(sub) => format!("{}.{}", self.attribute.name, sub.name),
        }
    }

    /// The attribute's value in a resource.
    pub fn value<'v>(&self, resource: &'v Value) -> Option<&'v Value> {
        let container = match self.extension {
            None => resource,
            Some(urn) => resource.get(urn)?,
        };
        container.get(&self.attribute.name)
    }
}

/// Endpoints that are no resource type's.
const RESERVED: [&str; 5] = ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me"];

/// Each type has an endpoint of its own, and people and groups have theirs.
fn check_endpoints(types: &[ResourceType]) -> Result<(), LoadError> {
    for (index, kind) in types.iter().enumerate() {
        let name = kind.endpoint.strip_prefix('/').unwrap_or_default();
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let is_own = match kind.name.as_str() {
            "User" => name == "Users",
            "Group" => name == "Groups",
            _ => !matches!(name, "Users" | "Groups"),
        };
        let is_taken = RESERVED.contains(&kind.endpoint.as_str())
            || types[..index].iter().any(|other| other.endpoint == kind.endpoint || other.name == kind.name);
        if !is_plain || !is_own || is_taken {
            return Err(LoadError::Endpoint(kind.name.clone(), kind.endpoint.clone()));
        }
    }
    Ok(())
}

fn parse<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, LoadError> {
    serde_json::from_str(text).map_err(|error| LoadError::Parse(name.to_owned(), error))
}

/// The `.json` files of a folder, by name.
fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let failed = |error| LoadError::Read(folder.display().to_string(), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text =
                std::fs::read_to_string(&path).map_err(|error| LoadError::Read(path.display().to_string(), error))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
