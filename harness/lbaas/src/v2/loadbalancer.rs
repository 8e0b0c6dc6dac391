//! Load balancers.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{LISTENER, POOL, Refusal, Step, begin, lock, references, scheduling, some_text, text_of};
use crate::attribute::{Kind, Preset, attribute, derived, flag, id, id_or_null, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::network::{self, NewPort, PORT, SUBNET};
use crate::resource::{Object, Resource};
use crate::rules::{Rules, changed};
use crate::store::{Change, Rows};

/// The address at which clients reach what is below it.
pub static LOADBALANCER: Resource = Resource {
    singular: "loadbalancer",
    plural: "loadbalancers",
    table: "lbaas_loadbalancers",
    attributes: &[
        id("id"),
        text("tenant_id").or(Preset::Text("")),
        text("name").or(Preset::Text("")).changeable(),
        text("description").or(Preset::Text("")).changeable(),
        id_or_null("vip_subnet_id").or(Preset::Null),
        id_or_null("vip_network_id").or(Preset::Null).hidden(),
        attribute("vip_address", Kind::AddressOrNull).or(Preset::Null),
        id("vip_port_id"),
        word("provider", &["haproxy"]).or(Preset::Text("haproxy")),
        id_or_null("flavor_id").or(Preset::Null).unkept().hidden(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        derived("listeners"),
        derived("pools"),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at").hidden(),
        text("updated_at").hidden(),
    ],
};

/// The rules of load balancers.
#[derive(Debug)]
pub struct LoadBalancers;

impl Rules for LoadBalancers {
    const RESOURCE: &'static Resource = &LOADBALANCER;
    const MISSING: &'static str = "EntityNotFound";
    const QUOTA: Option<usize> = Some(10);

    fn create(call: &Call, rows: &Rows<'_>, object: Object) -> Result<Object, Fault> {
        if let Some(flavor) = some_text(&object, "flavor_id") {
            return Err(Fault::not_found("FlavorNotFound", format!("Flavor {flavor} could not be found.")));
        }
        create::<Self>(call, rows, object)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        complete(rows, object)?;
        let status = super::statuses::of_neutron(object);
        object.insert("operating_status".to_owned(), status.into());
        Ok(())
    }
}

/// Makes a load balancer with a port for its VIP, and gives it to an agent.
pub(crate) fn create<R: Rules>(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
    let id = begin(call, &mut object);
    let port = match some_text(&object, "vip_port_id").map(str::to_owned) {
        Some(port) => existing::<R>(call, rows, &port)?,
        None => allocated::<R>(call, rows, &object)?,
    };
    let fixed = port["fixed_ips"].get(0).cloned().unwrap_or_default();
    object.insert("vip_address".to_owned(), fixed["ip_address"].clone());
    object.insert("vip_subnet_id".to_owned(), fixed["subnet_id"].clone());
    object.insert("vip_network_id".to_owned(), port["network_id"].clone());
    object.insert("vip_port_id".to_owned(), port["id"].clone());
    rows.insert(R::RESOURCE, &object)?;
    let stats = "INSERT INTO lbaas_loadbalancer_stats VALUES (?, 0, 0, 0, 0, 0)";
    let kept = rows.connection().execute(stats, [&id]);
    kept.map_err(|error| Fault::internal("keeping a load balancer's counters", &error))?;
    if !scheduling::schedule(call, rows, &id)? {
        return Err(Refusal::NoAgent(&id).told(call, R::FLAVOUR));
    }
    lock::begin(call, rows, &id)?;
    Ok(object)
}

/// A port that the caller made before.
fn existing<R: Rules>(call: &Call, rows: &Rows<'_>, port: &str) -> Result<Object, Fault> {
    let found = rows.get(&PORT, port)?.filter(|found| call.tenant.owns(found));
    let found = found.filter(|found| found["fixed_ips"].get(0).is_some());
    let found = found.ok_or_else(|| Fault::bad_request(format!("Port {port} not found.")))?;
    if !rows.all(R::RESOURCE, "vip_port_id", port)?.is_empty() {
        return Err(Fault::conflict("PortInUse", format!("Port {port} is the VIP of another load balancer")));
    }
    Ok(found)
}

/// A new port, in the subnet that was asked for or in the first of the network that was.
fn allocated<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<Object, Fault> {
    let network_id = some_text(object, "vip_network_id");
    let subnet = match (some_text(object, "vip_subnet_id"), network_id) {
        (Some(subnet), _) => match R::FLAVOUR {
            Flavour::Neutron => network::subnet(rows, subnet)?,
            Flavour::Octavia => subnet_named(rows, R::FLAVOUR, subnet)?,
        },
        (None, Some(network)) => {
            let subnets = rows.all(&SUBNET, "network_id", network)?;
            subnets
                .into_iter()
                .next()
                .ok_or_else(|| Fault::bad_request(format!("Supplied network {network} does not contain a subnet.")))?
        }
        (None, None) => {
            return Err(match R::FLAVOUR {
                Flavour::Neutron => R::FLAVOUR.required("vip_subnet_id"),
                Flavour::Octavia => Fault::bad_request(
                    "Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.",
                ),
            });
        }
    };
    if network_id.is_some_and(|network| subnet["network_id"] != network) {
        let message = format!("Supplied VIP subnet is not in network {}.", network_id.unwrap_or_default());
        return Err(Fault::bad_request(message));
    }
    let id = text_of(object, "id");
    let name = match R::FLAVOUR {
        Flavour::Neutron => format!("loadbalancer-{id}"),
        Flavour::Octavia => format!("octavia-lb-{id}"),
    };
    let port = NewPort {
        tenant: text_of(object, "tenant_id"),
        name: &name,
        device_id: id,
        device_owner: "neutron:LOADBALANCERV2",
        address: some_text(object, "vip_address").and_then(|address| address.parse::<IpAddr>().ok()),
        security_groups: &[],
        admin_state_up: false,
    };
    network::allocate(call, rows, &subnet, &port)
}

/// The subnet that a body names; Octavia says that it is the body that is wrong.
pub(crate) fn subnet_named(rows: &Rows<'_>, flavour: Flavour, id: &str) -> Result<Object, Fault> {
    match flavour {
        Flavour::Neutron => network::subnet(rows, id),
        Flavour::Octavia => rows.get(&SUBNET, id)?.ok_or_else(|| Fault::bad_request(format!("Subnet {id} not found."))),
    }
}

pub(crate) fn update<R: Rules>(
    call: &Call,
    rows: &Rows<'_>,
    object: Object,
    mut change: Object,
) -> Result<Object, Fault> {
    let id = text_of(&object, "id").to_owned();
    lock(call, rows, R::FLAVOUR, Step::Change, &id, &id)?;
    super::renew(call, &mut change);
    rows.update(R::RESOURCE, &id, &change)?;
    Ok(changed(object, &change))
}

/// Removes a load balancer that nothing is below.
pub(crate) fn delete<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    // Whether it takes a change at all comes before whether it may have this one.
    lock(call, rows, R::FLAVOUR, Step::Removal, id, id)?;
    for resource in [&LISTENER, &POOL] {
        if let Some(below) = rows.all(resource, "loadbalancer_id", id)?.first() {
            let below_id = text_of(below, "id");
            let refusal = Refusal::InUse { using: resource.singular, id: below_id, used: "loadbalancer", used_id: id };
            return Err(refusal.told(call, R::FLAVOUR));
        }
    }
    remove::<R>(call, rows, object)
}

/// Removes a load balancer, and whatever is below it.
pub(crate) fn remove<R: Rules>(call: &Call, rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    if R::FLAVOUR == Flavour::Octavia {
        let change = json!({"provisioning_status": "PENDING_DELETE", "updated_at": super::time(call)});
        rows.update(R::RESOURCE, id, change.as_object().unwrap_or(&Object::new()))?;
        return Ok(());
    }
    purge(rows, object)
}

/// Removes a load balancer's row, those of all that is below it, and the port of its VIP if that was made for it.
pub(super) fn purge(rows: &Rows<'_>, object: &Object) -> Result<(), Fault> {
    let id = text_of(object, "id");
    rows.delete(&LOADBALANCER, id)?;
    if let Some(port) = some_text(object, "vip_port_id")
        && rows.get(&PORT, port)?.is_some_and(|port| port["device_id"] == id)
    {
        network::release(rows, port)?;
    }
    rows.changed(Change::LoadBalancer(id.to_owned()));
    Ok(())
}

/// Adds what is below a load balancer.
pub(crate) fn complete(rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
    let id = text_of(object, "id").to_owned();
    for (name, resource) in [("listeners", &LISTENER), ("pools", &POOL)] {
        let below: Value = references(&rows.all(resource, "loadbalancer_id", id.as_str())?);
        object.insert(name.to_owned(), below);
    }
    Ok(())
}
