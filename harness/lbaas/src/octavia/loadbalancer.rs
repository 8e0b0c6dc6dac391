//! Load balancers.

use serde_json::{Value, json};

use super::{single_create, support};
use crate::attribute::{Kind, Preset, attribute, flag, id, id_or_null, text, word};
use crate::call::Call;
use crate::fault::Fault;
use crate::flavour::Flavour;
use crate::resource::{Object, Resource};
use crate::rules::{Rules, owned};
use crate::store::Rows;
use crate::v2::loadbalancer;
use crate::v2::{LISTENER, POOL, Step, lock, text_of};

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
        id_or_null("vip_network_id").or(Preset::Null),
        attribute("vip_address", Kind::AddressOrNull).or(Preset::Null),
        id_or_null("vip_port_id").or(Preset::Null),
        id_or_null("vip_qos_policy_id").or(Preset::Null).changeable().unkept(),
        attribute("vip_sg_ids", Kind::Ids).or(Preset::Nothing).changeable().unkept(),
        attribute("additional_vips", Kind::List).or(Preset::Nothing).changeable().unkept(),
        word("provider", &["amphora", "octavia"]).or(Preset::Text("amphora")),
        id_or_null("flavor_id").or(Preset::Null).unkept(),
        attribute("availability_zone", Kind::TextOrNull).or(Preset::Null).unkept(),
        flag("admin_state_up").or(Preset::Flag(true)).changeable(),
        attribute("listeners", Kind::List).or(Preset::Nothing).unkept(),
        attribute("pools", Kind::List).or(Preset::Nothing).unkept(),
        attribute("tags", Kind::Texts).or(Preset::Nothing).changeable(),
        text("provisioning_status"),
        text("operating_status"),
        text("created_at"),
        text("updated_at"),
    ],
};

const ONLY_DEFAULTS: &[&str] =
    &["vip_qos_policy_id", "vip_sg_ids", "additional_vips", "flavor_id", "availability_zone"];

/// The rules of load balancers.
#[derive(Debug)]
pub struct LoadBalancers;

impl Rules for LoadBalancers {
    const RESOURCE: &'static Resource = &LOADBALANCER;
    const MISSING: &'static str = "NotFound";
    const QUOTA: Option<usize> = Some(10);
    const FLAVOUR: Flavour = Flavour::Octavia;

    fn create(call: &Call, rows: &Rows<'_>, mut object: Object) -> Result<Object, Fault> {
        support::only_defaults(&LOADBALANCER, &object, ONLY_DEFAULTS)?;
        let listeners = object.remove("listeners").unwrap_or_default();
        let pools = object.remove("pools").unwrap_or_default();
        // The older name of the same.
        object.insert("provider".to_owned(), "amphora".into());
        let made = loadbalancer::create::<Self>(call, rows, object)?;
        single_create::below(call, rows, &made, &listeners, &pools)?;
        Ok(made)
    }

    fn update(call: &Call, rows: &Rows<'_>, object: Object, change: Object) -> Result<Object, Fault> {
        support::only_defaults(&LOADBALANCER, &change, ONLY_DEFAULTS)?;
        loadbalancer::update::<Self>(call, rows, object, change)
    }

    fn delete(call: &Call, rows: &Rows<'_>, object: Object) -> Result<(), Fault> {
        loadbalancer::delete::<Self>(call, rows, &object)
    }

    fn complete(_call: &Call, rows: &Rows<'_>, object: &mut Object) -> Result<(), Fault> {
        support::show_defaults(&LOADBALANCER, object, ONLY_DEFAULTS);
        loadbalancer::complete(rows, object)
    }
}

/// Removes a load balancer with all that is below it.
pub(crate) fn delete_cascading(call: &Call, rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    let object = owned::<LoadBalancers>(call, rows, id)?;
    let id = text_of(&object, "id");
    lock(call, rows, Flavour::Octavia, Step::Removal, id, id)?;
    let goes = json!({"provisioning_status": "PENDING_DELETE"});
    for resource in [&LISTENER, &POOL] {
        for below in rows.all(resource, "loadbalancer_id", id)? {
            rows.update(resource, text_of(&below, "id"), goes.as_object().unwrap_or(&Object::new()))?;
        }
    }
    loadbalancer::remove::<LoadBalancers>(call, rows, &object)
}

/// Has a load balancer deployed anew.
pub(crate) fn fail_over(call: &Call, rows: &Rows<'_>, id: &str) -> Result<(), Fault> {
    let object = owned::<LoadBalancers>(call, rows, id)?;
    let id = text_of(&object, "id");
    lock(call, rows, Flavour::Octavia, Step::Removal, id, id)
}

/// What a body lists, as far as it is objects.
pub(super) fn listed(value: &Value) -> Result<Vec<Object>, Fault> {
    let listed = value.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let objects = listed.map(|one| one.as_object().cloned());
    objects
        .collect::<Option<_>>()
        .ok_or_else(|| Fault::bad_request("Validation failure: a list holds what is no object"))
}
