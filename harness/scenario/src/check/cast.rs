//! The members: who there is, and what each is like.

use lblab_model::{IngressRule, Member, Name, SecurityGroup, Transport, Weight};

use crate::diagnostic::Findings;
use crate::raw::{self, MOST_MEMBERS, MonitorType, PoolProtocol, Rule, Scenario};
use crate::shape::{At, Field, List};
use crate::suggest;
use crate::{MemberKind, MemberPlan, Place};

/// Names that mean something else, in steps or in the lab.
const RESERVED: [&str; 5] = ["all", "balancer", "client", "outside", "switch"];

/// The members of a scenario.
pub(super) struct Cast {
    roles: Vec<Role>,
    /// Whether every member's name could be read, so that an unknown name is a mistake of its own.
    complete: bool,
}

/// A member of known name.
pub(super) struct Role {
    pub(super) name: Name,
    pub(super) at: Place,
    /// The rest, unless something of it could not be read.
    pub(super) plan: Option<MemberPlan>,
    /// Whether it is in the pool from the start.
    pub(super) from_start: bool,
}

impl Role {
    /// Whether the member's security group lets requests in; when in doubt, it does.
    pub(super) fn is_open(&self) -> bool {
        self.plan.as_ref().is_none_or(|plan| {
            let own = IngressRule { transport: Transport::Tcp, port: Some(plan.member.port) };
            plan.security_group.ingress.contains(&own)
        })
    }
}

impl Cast {
    /// The members, in the order of the scenario.
    pub(super) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Whether every member is known.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// The index of a member that a step names.
    pub(super) fn find(&self, name: &At<raw::NameText>, found: &mut Findings) -> Option<usize> {
        let index = self.roles.iter().position(|role| role.name == name.value.0);
        if index.is_none() && self.complete {
            let names = self.roles.iter().map(|role| role.name.as_str());
            found
                .add("unknown-member", name.at, format!("there is no member `{}`", name.value.0))
                .help(suggest::hint(name.value.0.as_str(), names));
        }
        index
    }

    /// The members, those of the start first, if every one could be read.
    pub(super) fn into_members(self) -> Option<Vec<MemberPlan>> {
        let mut members = self.roles.into_iter().map(|role| role.plan).collect::<Option<Vec<_>>>()?;
        members.sort_by_key(|member| !member.from_start);
        (self.complete && !members.is_empty()).then_some(members)
    }
}

pub(super) fn check(scenario: &Scenario, found: &mut Findings) -> Cast {
    let mut cast = Cast { roles: Vec::new(), complete: true };
    let Some(list) = scenario.members.given() else {
        return Cast { complete: false, ..cast };
    };
    let members = &list.value.0;
    if members.is_empty() {
        found.add("no-members", list.at, "there is no member").help("add one: `- {name: vm01, address: 192.168.1.17}`");
    }
    if let Some(Some(first_too_many)) = members.get(MOST_MEMBERS) {
        found.add("too-many-members", first_too_many.at, format!("there are more than {MOST_MEMBERS} members"));
        return Cast { complete: false, ..cast };
    }
    for member in members {
        match member.as_ref().and_then(|member| role(&member.value, scenario, found)) {
            Some(role) => {
                if let Some(first) = cast.roles.iter().find(|other| other.name == role.name) {
                    found
                        .add("duplicate-name", role.at, format!("a second member is named `{}`", role.name))
                        .related(first.at, "the first one")
                        .help("every member has a name of its own");
                } else {
                    cast.roles.push(role);
                }
            }
            None => cast.complete = false,
        }
    }
    let is_backup = |member: &Option<At<raw::Member>>| {
        member.as_ref().is_some_and(|member| member.value.backup.value() == Some(&true))
    };
    if let (Some(Some(first)), true) = (members.first(), members.iter().all(is_backup)) {
        let backup = first.value.backup.given().map_or(first.at, |backup| backup.at);
        found
            .add("only-backups", backup, "every member is a backup, and there is nobody whose place they could take")
            .help("delete `backup` of the members that are to serve while all is well");
    }
    if pings(scenario) {
        both_or_neither(&cast, scenario, found);
    }
    cast
}

/// An ICMP echo request, as a security group lets it in.
const PING: IngressRule = IngressRule { transport: Transport::Icmp, port: None };

/// Whether the monitor asks by ICMP.
fn pings(scenario: &Scenario) -> bool {
    scenario.monitor.value().and_then(|monitor| monitor.r#type.value()) == Some(&MonitorType::Ping)
}

/// With a PING monitor a member that lets in one of its port and ICMP only is dead to clients and well to the monitor, or the other
/// way round, and what becomes of it is not what a plan says of a member that is dead or well.
fn both_or_neither(cast: &Cast, scenario: &Scenario, found: &mut Findings) {
    let mut told: Vec<Place> = Vec::new();
    for role in &cast.roles {
        let Some(plan) = &role.plan else { continue };
        if plan.lets_in_its_port() == plan.security_group.ingress.contains(&PING) {
            continue;
        }
        let own = scenario.members.value().into_iter().flat_map(|members| members.0.iter().flatten());
        let mut own = own.filter(|member| member.value.name.value().is_some_and(|name| name.0 == role.name));
        let own = own.find_map(|member| Some(member.value.security_group.given()?.at));
        let Some(at) = own.or_else(|| Some(scenario.security_group.given()?.at)) else { continue };
        if told.contains(&at) {
            continue;
        }
        told.push(at);
        let what =
            format!("`{}` lets in only one of tcp/{} and icmp, and the monitor is PING", role.name, plan.member.port);
        found.add("half-open-group", at, what).help("add the rule that is missing, or let in nothing: `[]`");
    }
}

fn role(member: &raw::Member, scenario: &Scenario, found: &mut Findings) -> Option<Role> {
    let name = member.name.given()?;
    if RESERVED.contains(&name.value.0.as_str()) {
        found
            .add("reserved-name", name.at, format!("`{}` is not a name for a member", name.value.0))
            .help("it means something else in steps and in the lab; choose another");
    }
    if let (Some(kind), Some(pool)) = (member.kind.given(), scenario.pool.value())
        && kind.value == MemberKind::Netcat
        && pool.protocol.value() == Some(&PoolProtocol::Https)
    {
        found
            .add("clash", kind.at, "netcat does not speak TLS, as the members of an HTTPS pool do")
            .help("delete `kind: netcat`, or write `protocol: TCP` in the pool");
    }
    let from_start = member.joins.is_absent();
    Some(Role {
        name: name.value.0.clone(),
        at: name.at,
        plan: plan(&name.value.0, from_start, member, scenario),
        from_start,
    })
}

fn plan(name: &Name, from_start: bool, member: &raw::Member, scenario: &Scenario) -> Option<MemberPlan> {
    let port = match &member.port {
        Field::Absent => raw::HTTP_PORT,
        Field::Wrong => return None,
        Field::Given(port) => u16::try_from(port.value.0).ok()?.try_into().ok()?,
    };
    let weight = match &member.weight {
        Field::Absent => Weight::ONE,
        Field::Wrong => return None,
        Field::Given(weight) => u16::try_from(weight.value.0).ok()?.try_into().ok()?,
    };
    let kind = match &member.kind {
        Field::Absent => MemberKind::Http,
        Field::Wrong => return None,
        Field::Given(kind) => kind.value,
    };
    if member.joins.is_wrong() || member.backup.is_wrong() {
        return None;
    }
    let backup = member.backup.value().copied().unwrap_or(false);
    let own_port = || {
        let own = IngressRule { transport: Transport::Tcp, port: Some(port) };
        [own].into_iter().chain(pings(scenario).then_some(PING)).collect()
    };
    let ingress = match (&member.security_group, &scenario.security_group) {
        (Field::Given(rules), _) | (Field::Absent, Field::Given(rules)) => ingress(&rules.value)?,
        (Field::Absent, Field::Absent) => own_port(),
        (Field::Wrong, _) | (Field::Absent, Field::Wrong) => return None,
    };
    Some(MemberPlan {
        member: Member { name: name.clone(), address: *member.address.value()?, port, weight, backup },
        kind,
        security_group: SecurityGroup { ingress },
        from_start,
    })
}

fn ingress(rules: &List<Rule>) -> Option<Vec<IngressRule>> {
    let mut ingress = Vec::with_capacity(rules.len());
    for rule in rules {
        let rule = rule.as_ref()?.value.0;
        if !ingress.contains(&rule) {
            ingress.push(rule);
        }
    }
    Some(ingress)
}
