//! A kind of object that the API has: its names, its table and its attributes; and how bodies are checked against them.

use serde_json::{Map, Value};

use crate::attribute::{Attribute, Create, Preset};
use crate::fault::Fault;
use crate::flavour::Flavour;

/// The attributes of an object, by name: checked, and complete when it is stored.
pub type Object = Map<String, Value>;

/// A kind of object.
#[derive(Debug)]
pub struct Resource {
    /// What wraps one of them in a body.
    pub singular: &'static str,
    /// What wraps a list of them, and names them in a path.
    pub plural: &'static str,
    /// The table that keeps them.
    pub table: &'static str,
    /// All attributes, in the order of the reference.
    pub attributes: &'static [Attribute],
}

impl Resource {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The attributes that the table has columns for.
    pub fn kept(&self) -> impl Iterator<Item = &'static Attribute> {
        self.attributes.iter().filter(|attribute| attribute.kept)
    }

    /// What a body asks to create: every attribute that may be given, with its default where it was not.
    pub(crate) fn to_create(&self, flavour: Flavour, body: &[u8]) -> Result<Object, Fault> {
        self.completed(flavour, &self.unwrapped(body)?)
    }

    /// The same, of an object that is out of its wrapper.
    pub(crate) fn completed(&self, flavour: Flavour, given: &Object) -> Result<Object, Fault> {
        self.unknown(flavour, given)?;
        let mut object = Object::new();
        for attribute in self.attributes {
            let value = match (attribute.create, given.get(attribute.name)) {
                (Create::ReadOnly, Some(_)) => return Err(flavour.not_in_post(self.singular, attribute.name)),
                (Create::ReadOnly | Create::Optional(Preset::Chosen), None) => continue,
                (Create::Optional(Preset::Chosen), Some(value)) => checked(flavour, attribute, value)?,
                (Create::Required, None) => return Err(flavour.required(attribute.name)),
                // A client that sends null for what it leaves open means the default.
                (Create::Optional(preset), None | Some(Value::Null)) => preset.value(),
                (_, Some(value)) => checked(flavour, attribute, value)?,
            };
            object.insert(attribute.name.to_owned(), value);
        }
        Ok(object)
    }

    /// What a body asks to change: the attributes that it names, checked.
    pub(crate) fn to_change(&self, flavour: Flavour, body: &[u8]) -> Result<Object, Fault> {
        self.changes(flavour, &self.unwrapped(body)?)
    }

    /// The same, of an object that is out of its wrapper.
    pub(crate) fn changes(&self, flavour: Flavour, given: &Object) -> Result<Object, Fault> {
        self.unknown(flavour, given)?;
        let mut object = Object::new();
        for attribute in self.attributes {
            let Some(value) = given.get(attribute.name) else { continue };
            if !attribute.changeable {
                return Err(flavour.not_in_put(self.singular, attribute.name));
            }
            object.insert(attribute.name.to_owned(), checked(flavour, attribute, value)?);
        }
        Ok(object)
    }

    /// The object in a body's wrapper. A project is a tenant by its newer name.
    fn unwrapped(&self, body: &[u8]) -> Result<Object, Fault> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Fault::bad_request(format!("Malformed request body: it is no JSON: {error}")))?;
        let Value::Object(mut body) = body else {
            return Err(Fault::bad_request("Malformed request body: it is no JSON object"));
        };
        let Some(Value::Object(mut given)) = body.remove(self.singular) else {
            return Err(Fault::bad_request(format!("Unable to find '{}' in request body", self.singular)));
        };
        self.rename_project(&mut given);
        Ok(given)
    }

    /// Calls the tenant of an object by its older name, by which it is kept.
    pub(crate) fn rename_project(&self, given: &mut Object) {
        if self.attribute("project_id").is_none()
            && let Some(project) = given.remove("project_id")
        {
            given.insert("tenant_id".to_owned(), project);
        }
    }

    fn unknown(&self, flavour: Flavour, given: &Object) -> Result<(), Fault> {
        let unknown: Vec<String> = given
            .keys()
            .filter(|name| self.attribute(name).is_none())
            .map(|name| name.escape_default().to_string())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(flavour.unknown(self.singular, &unknown))
    }

    /// The object as an answer shows it: what is shown, and of that what was asked for, if anything was.
    pub fn view(&self, object: &Object, fields: &[String]) -> Value {
        let asked = |name: &str| fields.is_empty() || fields.iter().any(|field| field == name);
        let shown = self.attributes.iter().filter(|attribute| attribute.shown && asked(attribute.name));
        let pairs = shown
            .filter_map(|attribute| object.get(attribute.name).map(|value| (attribute.name.to_owned(), value.clone())));
        Value::Object(pairs.collect())
    }
}

fn checked(flavour: Flavour, attribute: &Attribute, value: &Value) -> Result<Value, Fault> {
    attribute.kind.check(value).map_err(|reason| flavour.invalid(attribute.name, value, &reason))
}
