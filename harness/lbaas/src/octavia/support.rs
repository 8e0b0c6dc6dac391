//! What is refused since nothing here can honour it.

use axum::http::StatusCode;

use crate::attribute::Create;
use crate::fault::Fault;
use crate::resource::{Object, Resource};

/// The refusal of what the provider does not do: 501.
pub(crate) fn unsupported(what: &str) -> Fault {
    let message = format!("Provider 'amphora' does not support a requested option: {what}");
    Fault::new(StatusCode::NOT_IMPLEMENTED, "UnsupportedOptionError", message)
}

/// Refuses attributes of which only the default can be honoured, if they have another value.
pub(super) fn only_defaults(resource: &Resource, object: &Object, names: &[&str]) -> Result<(), Fault> {
    for &name in names {
        let preset = resource.attribute(name).map(|attribute| attribute.create);
        let Some(Create::Optional(preset)) = preset else { continue };
        if object.get(name).is_some_and(|value| !value.is_null() && *value != preset.value()) {
            return Err(unsupported(name));
        }
    }
    Ok(())
}

/// Refuses an attribute if it has one of some values.
pub(super) fn not_of(object: &Object, name: &str, values: &[&str]) -> Result<(), Fault> {
    let value = object.get(name).and_then(|value| value.as_str()).filter(|value| values.contains(value));
    value.map_or(Ok(()), |value| Err(unsupported(&format!("{name} {value}"))))
}

/// Adds the defaults of attributes that have no others.
pub(super) fn show_defaults(resource: &Resource, object: &mut Object, names: &[&str]) {
    for &name in names {
        if let Some(Create::Optional(preset)) = resource.attribute(name).map(|attribute| attribute.create) {
            object.entry(name).or_insert_with(|| preset.value());
        }
    }
}
