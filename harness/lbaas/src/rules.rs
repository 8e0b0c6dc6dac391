//! What a resource's table of attributes cannot say: the rules by which its objects are made, changed and removed.

use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::query::Query;
use crate::resource::{Object, Resource};
use crate::store::Rows;

/// The rules of a resource. All of them run in one transaction: what they did is undone if they give a fault.
pub trait Rules: Send + Sync + 'static {
    /// The resource.
    const RESOURCE: &'static Resource;
    /// The name of upstream's exception for an object that is not there.
    const MISSING: &'static str;
    /// How many of them a tenant may have, if there is a limit.
    const QUOTA: Option<usize> = None;
    /// The API that shows them so.
    const FLAVOUR: Flavour = Flavour::Neutron;
    /// The attribute that the path gives, of objects that are below others: a member's `pool_id`.
    const PARENT: Option<&'static str> = None;

    /// Makes an object out of what was asked for, which is checked and has every default, and keeps it.
    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault>;

    /// Changes an object, which is the caller's, and keeps it.
    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault>;

    /// Removes an object, which is the caller's.
    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault>;

    /// Makes what a tenant finds there without having asked for it, before its objects are listed.
    fn prepare(_call: &Call, _rows: &Rows<'_>) -> Result<(), Fault> {
        Ok(())
    }

    /// Adds what is worked out from other rows.
    fn complete(_call: &Call, _rows: &Rows<'_>, _object: &mut Object) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether the object is there, and the caller's, that the path says objects are below.
    fn enter(_call: &Call, _rows: &Rows<'_>, _parent: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether everybody sees an object, whoever owns it.
    fn is_public(_object: &Object) -> bool {
        false
    }
}

/// There is no such object, or none that the caller may see.
pub fn missing<R: Rules>(id: &str) -> Fault {
    R::FLAVOUR.missing(R::RESOURCE, R::MISSING, id)
}

/// The object of this id, as it is kept, if the caller may change it.
pub fn owned<R: Rules>(call: &Call, rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    rows.get(R::RESOURCE, id)?.filter(|object| call.tenant.owns(object)).ok_or_else(|| missing::<R>(id))
}

/// Refuses an object that is not below the one that the path names, if it names one.
fn below<R: Rules>(object: Object, parent: Option<&str>) -> Result<Object, Fault> {
    let named = R::PARENT.zip(parent);
    if named.is_some_and(|(name, parent)| object.get(name).is_none_or(|actual| actual != parent)) {
        return Err(missing::<R>(object.get("id").and_then(|id| id.as_str()).unwrap_or_default()));
    }
    Ok(object)
}

/// Makes an object within its tenant's quota.
pub(crate) fn create<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    parent: Option<&str>,
    body: &[u8],
) -> Result<Object, Fault> {
    let object = R::RESOURCE.to_create(R::FLAVOUR, body)?;
    make::<R>(call, rows, parent, object)
}

/// Makes an object that is checked.
pub(crate) fn make<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    parent: Option<&str>,
    mut object: Object,
) -> Result<Object, Fault> {
    if let Some((name, parent)) = R::PARENT.zip(parent) {
        R::enter(call, rows, parent)?;
        object.insert(name.to_owned(), parent.into());
    }
    if R::RESOURCE.attribute("tenant_id").is_some() {
        let asked = object.get("tenant_id").and_then(|tenant| tenant.as_str()).unwrap_or_default().to_owned();
        if asked.is_empty() {
            object.insert("tenant_id".to_owned(), call.tenant.id.clone().into());
        } else if !call.tenant.admin && asked != call.tenant.id {
            return Err(Fault::bad_request(
                "Specifying 'tenant_id' other than authenticated tenant in request requires admin privileges",
            ));
        }
    }
    if let Some(quota) = R::QUOTA {
        let owner = object.get("tenant_id").cloned().unwrap_or_default();
        if rows.all(R::RESOURCE, "tenant_id", owner)?.len() >= quota {
            return Err(R::FLAVOUR.over_quota(R::RESOURCE));
        }
    }
    let mut made = R::create(call, rows, object)?;
    R::complete(call, rows, &mut made)?;
    Ok(made)
}

/// Changes an object.
pub(crate) fn update<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    parent: Option<&str>,
    id: &str,
    body: &[u8],
) -> Result<Object, Fault> {
    let object = below::<R>(owned::<R>(call, rows, id)?, parent)?;
    let change = R::RESOURCE.to_change(R::FLAVOUR, body)?;
    let mut changed = R::update(call, rows, object, change)?;
    R::complete(call, rows, &mut changed)?;
    Ok(changed)
}

/// Removes an object.
pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, parent: Option<&str>, id: &str) -> Result<(), Fault> {
    let object = below::<R>(owned::<R>(call, rows, id)?, parent)?;
    R::delete(call, rows, object)
}

/// The object of this id, complete, if the caller may see it.
pub(crate) fn show<R: Rules>(call: &Call, rows: &Rows<'_>, id: &str) -> Result<Object, Fault> {
    show_below::<R>(call, rows, None, id)
}

/// The same, if it is below the object that the path names.
pub(crate) fn show_below<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    parent: Option<&str>,
    id: &str,
) -> Result<Object, Fault> {
    let seen = |object: &Object| call.tenant.owns(object) || R::is_public(object);
    let object = rows.get(R::RESOURCE, id)?.filter(seen).ok_or_else(|| missing::<R>(id))?;
    let mut object = below::<R>(object, parent)?;
    R::complete(call, rows, &mut object)?;
    Ok(object)
}

/// The objects that a query asks for, as far as the caller may see them, and whether there are more.
pub(crate) fn list<R: Rules>(call: &Call, rows: &Rows<'_>, query: &Query) -> Result<(Vec<Object>, bool), Fault> {
    R::prepare(call, rows)?;
    // What the caller may not see is left out before a page is cut, so that pages are full.
    let unlimited = Query { limit: None, ..query.clone() };
    let (mut objects, _) = rows.list(R::RESOURCE, &unlimited)?;
    objects.retain(|object| call.tenant.owns(object) || R::is_public(object));
    objects.retain(|object| query.tags.iter().all(|asked| asked.fits(object)));
    let limit =
        query.limit.filter(|&limit| limit > 0).map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let more = objects.len() > limit;
    if query.reverse {
        objects.drain(..objects.len().saturating_sub(limit));
    } else {
        objects.truncate(limit);
    }
    for object in &mut objects {
        R::complete(call, rows, object)?;
    }
    Ok((objects, more))
}

/// The object with some attributes changed.
pub fn changed(mut object: Object, change: &Object) -> Object {
    object.extend(change.iter().map(|(name, value)| (name.clone(), value.clone())));
    object
}
