//! What the query of a list asks for: filters, fields, order and pages, as Neutron's lists know them.

use axum::extract::Query as Pairs;
use axum::http::Uri;
use serde_json::Value;

use crate::attribute::Kind;
use crate::fault::Fault;
use crate::resource::{Object, Resource};

/// What a list is asked for, checked against its resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Attributes, each with the values of which one has to be its.
    pub filters: Vec<(&'static str, Vec<Value>)>,
    /// The attributes to show; all if there are none.
    pub fields: Vec<String>,
    /// The attributes to sort by, and whether downwards. The id is always the last of them.
    pub order: Vec<(&'static str, bool)>,
    /// How many at most.
    pub limit: Option<u64>,
    /// The id of the object after which the page begins.
    pub marker: Option<String>,
    /// Whether the page ends before the marker instead.
    pub reverse: bool,
    /// What the tags have to be, of objects that have any.
    pub tags: Vec<Tags>,
}

/// What the tags of an object have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    /// The tags, of which one or all are meant.
    pub named: Vec<String>,
    /// Whether one of them is enough.
    pub any: bool,
    /// Whether the object is one that has them, or one that has not.
    pub wanted: bool,
}

impl Tags {
    /// What a parameter of this name asks for, if it is about tags at all.
    fn of(name: &str, value: &str) -> Option<Self> {
        let (any, wanted) = match name {
            "tags" => (false, true),
            "tags-any" => (true, true),
            "not-tags" => (false, false),
            "not-tags-any" => (true, false),
            _ => return None,
        };
        Some(Self { named: value.split(',').map(str::to_owned).collect(), any, wanted })
    }

    /// Whether an object has the tags that it has to have.
    pub fn fits(&self, object: &Object) -> bool {
        let has = object.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let present = |tag: &String| has.iter().any(|other| other == tag.as_str());
        self.wanted == if self.any { self.named.iter().any(present) } else { self.named.iter().all(present) }
    }
}

impl Query {
    /// The checked form of a request's query. An attribute that appears several times takes any of its values.
    pub fn of(resource: &Resource, uri: &Uri) -> Result<Self, Fault> {
        let Pairs(pairs) = Pairs::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Fault::bad_request(format!("the query is malformed: {error}")))?;
        let mut query = Self::default();
        let mut keys = Vec::new();
        let mut directions = Vec::new();
        let tagged = resource.attribute("tags").is_some();
        for (name, value) in pairs {
            if let Some(tags) = Tags::of(&name, &value).filter(|_| tagged) {
                query.tags.push(tags);
                continue;
            }
            match name.as_str() {
                "fields" => query.fields.push(value),
                "limit" => query.limit = Some(limit(&value)?),
                "marker" => query.marker = Some(value),
                "page_reverse" => query.reverse = value.eq_ignore_ascii_case("true") || value == "1",
                "sort_key" => keys.push(sortable(resource, &value)?),
                "sort_dir" => directions.push(downwards(&value)?),
                _ => query.filter(resource, &name, &value)?,
            }
        }
        if directions.len() > keys.len() {
            return Err(Fault::bad_request("The number of sort_keys and sort_dirs must be same"));
        }
        let directions = directions.into_iter().chain(std::iter::repeat(false));
        query.order = keys.into_iter().zip(directions).collect();
        Ok(query)
    }

    /// The query that asks for everything of which an attribute has this value.
    pub fn by(name: &'static str, value: impl Into<Value>) -> Self {
        Self { filters: vec![(name, vec![value.into()])], ..Self::default() }
    }

    fn filter(&mut self, resource: &Resource, name: &str, value: &str) -> Result<(), Fault> {
        let known = resource.attribute(if name == "project_id" { "tenant_id" } else { name });
        let known = known.or_else(|| resource.attribute(name)).filter(|attribute| attribute.kept);
        let Some(attribute) = known else {
            return Err(Fault::bad_request(format!(
                "Invalid filters: '{}' is no attribute that can be filtered by",
                name.escape_default()
            )));
        };
        // What no object can have as its value matches none, and is no mistake: clients look names up as ids.
        let value = match attribute.kind {
            Kind::Flag | Kind::Number { .. } | Kind::NumberOrNull { .. } => {
                attribute.kind.check(&value.into()).map_err(|reason| Fault::invalid(name, reason))?
            }
            _ => value.into(),
        };
        match self.filters.iter_mut().find(|(name, _)| *name == attribute.name) {
            Some((_, values)) => values.push(value),
            None => self.filters.push((attribute.name, vec![value])),
        }
        Ok(())
    }
}

fn limit(value: &str) -> Result<u64, Fault> {
    value.parse().map_err(|_| {
        Fault::bad_request(format!(
            "Invalid input for limit. Reason: '{}' is no number from 0 on.",
            value.escape_default()
        ))
    })
}

fn sortable(resource: &Resource, name: &str) -> Result<&'static str, Fault> {
    let attribute = resource.attribute(name).filter(|attribute| attribute.kept && !attribute.kind.is_json());
    attribute.map(|attribute| attribute.name).ok_or_else(|| {
        Fault::bad_request(format!("'{}' is no attribute that lists can be sorted by", name.escape_default()))
    })
}

fn downwards(value: &str) -> Result<bool, Fault> {
    match value {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Fault::bad_request(format!("sort_dir is 'asc' or 'desc', and not '{}'", value.escape_default()))),
    }
}
