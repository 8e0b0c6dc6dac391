//! The extensions of Neutron that are announced, and which version of LBaaS each of them needs.

use serde_json::{Value, json};

use crate::plane::Service;

/// A part of the API that not every Neutron has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// What clients look it up by.
    pub alias: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// When upstream changed it last.
    pub updated: &'static str,
    /// The version of LBaaS that it is there with; always, if there is none.
    pub service: Option<Service>,
}

const fn always(
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    updated: &'static str,
) -> Extension {
    Extension { alias, name, description, updated, service: None }
}

const fn of(
    service: Service,
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    updated: &'static str,
) -> Extension {
    Extension { alias, name, description, updated, service: Some(service) }
}

/// All extensions.
pub static EXTENSIONS: &[Extension] = &[
    always("agent", "agent", "The agent management extension.", "2013-02-03T10:00:00-00:00"),
    always(
        "external-net",
        "Neutron external network",
        "Adds external network attribute to network resource.",
        "2013-01-14T10:00:00-00:00",
    ),
    always(
        "pagination",
        "Pagination support",
        "Extension that indicates that pagination is enabled.",
        "2016-06-12T00:00:00-00:00",
    ),
    always(
        "router",
        "Neutron L3 Router",
        "Router abstraction for basic L3 forwarding between L2 Neutron networks and access to external networks via a NAT gateway.",
        "2012-07-20T10:00:00-00:00",
    ),
    always("security-group", "security-group", "The security groups extension.", "2012-10-05T10:00:00-00:00"),
    always(
        "service-type",
        "Neutron Service Type Management",
        "API for retrieving service providers for Neutron advanced services",
        "2013-01-20T00:00:00-00:00",
    ),
    always(
        "sorting",
        "Sorting support",
        "Extension that indicates that sorting is enabled.",
        "2016-06-12T00:00:00-00:00",
    ),
    of(
        Service::V1,
        "lbaas",
        "LoadBalancing service",
        "Extension for LoadBalancing service",
        "2012-10-07T10:00:00-00:00",
    ),
    of(
        Service::V1,
        "lbaas_agent_scheduler",
        "Loadbalancer Agent Scheduler",
        "Schedule pools among lbaas agents",
        "2013-02-07T10:00:00-00:00",
    ),
    of(
        Service::V2,
        "lbaasv2",
        "LoadBalancing service v2",
        "Extension for LoadBalancing service v2",
        "2014-06-18T10:00:00-00:00",
    ),
    of(
        Service::V2,
        "lbaas_agent_schedulerv2",
        "Loadbalancer Agent Scheduler V2",
        "Schedule load balancers among lbaas agents",
        "2013-02-07T10:00:00-00:00",
    ),
];

impl Extension {
    /// The extensions that are there while a version of LBaaS is offered.
    pub fn with(service: Service) -> impl Iterator<Item = &'static Self> {
        EXTENSIONS.iter().filter(move |extension| extension.service.is_none_or(|needed| needed == service))
    }

    /// The extension as the API shows it.
    pub fn view(&self) -> Value {
        json!({
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": self.updated,
            "links": [],
        })
    }
}
