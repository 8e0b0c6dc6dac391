//! The lab with everything in it: members that answer, a balancer that is ready, clients that can send.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::num::NonZeroU16;

use lblab_balancer::{Manifest, Running};
use lblab_history::Clock;
use lblab_lab::sandbox::Identity;
use lblab_lab::{External, Host, Ipv6Side, Lab, Namespace, PortAddresses, Topology};
use lblab_members::{Kind, Log, MemberServer, MemberSpec};
use lblab_model::{BalancerTraits, Fault, LoadBalancer, Moment, Monitor, Name, Persistence};
use lblab_scenario::{MemberKind, MemberPlan, Plan};

use super::busy::Load;
use super::echoes;
use super::half_open;
use super::hold::Held;
use super::member_states::MemberStates;
use super::pool::CurrentPool;
use super::probe_log::ProbeLog;
use super::traffic::Background;
use crate::ids::RunIds;
use crate::place::{Place, PlaceToBe};
use crate::recorder::Recorder;
use crate::timekeeping::Watch;
use crate::{Job, Problem, Whose};

/// The namespace of the tenant client.
pub(super) const CLIENT: &str = "client";
/// The namespace of the outside client.
pub(super) const OUTSIDE: &str = "outside";

/// A lab in which a plan is carried out.
pub(super) struct Stage {
    pub(super) plan: Plan,
    pub(super) ids: RunIds,
    pub(super) clock: Clock,
    pub(super) recorder: Recorder,
    pub(super) lab: Lab,
    pub(super) members: BTreeMap<Name, MemberServer>,
    pub(super) member_log: Log,
    pub(super) probe_log: ProbeLog,
    pub(super) place: Place,
    pub(super) balancer: Running,
    pub(super) traits: BalancerTraits,
    pub(super) states: MemberStates,
    pub(super) pool: CurrentPool,
    /// Whether the balancer still has the plan's monitor.
    pub(super) monitored: bool,
    pub(super) held: Held,
    pub(super) background: Vec<Background>,
    /// The counters of requests and connections.
    pub(super) request_ids: lblab_traffic::Ids,
    /// What clients were given, for those who come again.
    pub(super) jars: lblab_traffic::Jars,
    /// Whether every member has been given the time to be probed by the balancer as it runs now.
    pub(super) warm: bool,
    /// Good probes that each member had seen when the balancer last forgot about its members.
    pub(super) forgotten: BTreeMap<Name, u32>,
    /// The member faults that are in force, and since when.
    pub(super) faults: BTreeMap<Name, (Fault, Moment)>,
    /// The member faults that were healed last, and when.
    pub(super) healed: BTreeMap<Name, (Fault, Moment)>,
    /// What keeps the processors busy.
    pub(super) load: Option<Load>,
    /// The fault of the balancer's process that is in force.
    pub(super) balancer_fault: Option<Fault>,
}

impl Stage {
    /// Builds the lab, starts the members, and deploys the balancer. The time is watched from before the first probe on.
    pub(super) async fn set(
        job: &Job,
        manifest: &Manifest,
        place: PlaceToBe,
        identity: Identity,
        clock: Clock,
        recorder: Recorder,
    ) -> Result<(Stage, Watch), Problem> {
        let plan = job.plan.clone();
        let ids = RunIds::draw(job.seed);
        let lab = Lab::build(&topology(&plan, &ids)?).await?;
        // Building the lab keeps this thread busy, and nothing is judged by the time that it takes. The first probes count.
        let mut watch = Watch::start(clock);
        let member_log = Log::new();
        let mut members = BTreeMap::new();
        for planned in &plan.members {
            let name = planned.member.name.clone();
            members.insert(name, start_member(&lab, &plan, planned, clock, &member_log)?);
        }
        let probe_log = ProbeLog::follow(&member_log);
        half_open::watch(&lab, &plan, manifest.traits(), clock, &member_log)?;
        echoes::watch(&lab, &plan, manifest.traits(), clock, &member_log)?;
        let pool = CurrentPool::at_start(&plan);
        let load_balancer = plan.load_balancer(&ids.balancer, pool.members(), manifest.traits());
        let place = place.plug(&lab, &load_balancer.id, &ids.vip_port, port_addresses(&plan)).await?;
        watch.follow(place.namespace.clone(), place.container().cloned());
        let (to, root, mutant) = ((&place.namespace, place.container()), place.state_root(), job.mutant.as_deref());
        let mut balancer = match manifest.deploy(&lab, to, &load_balancer, root, identity, mutant).await {
            Ok(balancer) => balancer,
            Err(error) => {
                // Why the balancer is not there is the problem, and not what else goes wrong.
                let _ = place.give_up().await;
                return Err(error.into());
            }
        };
        let states = MemberStates::new(recorder.clone(), clock);
        if let Some(events) = balancer.events() {
            states.follow(events, balancer.inquiry());
        }
        if let Some(read) = balancer.states(&lab).await? {
            states.read(read, clock.now());
        }
        tracing::info!(ready_after = ?clock.now().since(Moment::EPOCH), "the lab is ready");
        let stage = Stage {
            plan,
            ids,
            clock,
            recorder,
            lab,
            members,
            member_log,
            probe_log,
            place,
            balancer,
            traits: manifest.traits().clone(),
            states,
            pool,
            monitored: true,
            held: Held::default(),
            background: Vec::new(),
            request_ids: lblab_traffic::Ids::new(),
            jars: lblab_traffic::Jars::new(),
            warm: false,
            forgotten: BTreeMap::new(),
            faults: BTreeMap::new(),
            healed: BTreeMap::new(),
            load: None,
            balancer_fault: None,
        };
        Ok((stage, watch))
    }

    /// The load balancer as it is to be now.
    pub(super) fn load_balancer(&self) -> LoadBalancer {
        let mut load_balancer = self.plan.load_balancer(&self.ids.balancer, self.pool.members(), &self.traits);
        if !self.monitored {
            for listener in &mut load_balancer.listeners {
                listener.pool.monitor = None;
            }
        }
        load_balancer
    }

    /// The monitor that the balancer was given.
    pub(super) fn monitor(&self) -> Option<&Monitor> {
        self.plan.monitor_on(&self.traits).filter(|_| self.monitored)
    }

    pub(super) fn namespace(&self, name: &str) -> Result<Namespace, Problem> {
        self.lab.namespace(name).map_err(Problem::from)
    }

    /// Where faults and heals are proven from.
    pub(super) fn prover(&self) -> Result<Namespace, Problem> {
        self.namespace(&format!("qrouter-{}", self.ids.network))
    }

    pub(super) fn member(&self, name: &Name) -> Result<&MemberServer, Problem> {
        self.members.get(name).ok_or_else(|| Problem::harness(format!("the lab has no member {name}")))
    }

    pub(super) fn port_of(&self, name: &Name) -> Result<NonZeroU16, Problem> {
        let planned = self.plan.members.iter().find(|planned| planned.member.name == *name);
        planned.map(|planned| planned.member.port).ok_or_else(|| Problem::harness(format!("{name} is not declared")))
    }

    /// Where the VIP listens.
    pub(super) fn vip(&self) -> SocketAddr {
        SocketAddr::new(self.plan.network.vip, self.plan.port.get())
    }

    /// An error if the balancer has died by itself.
    pub(super) fn balancer_lives(&self) -> Result<(), Problem> {
        match self.balancer.exit_status() {
            Some(how) if self.balancer_fault.is_none() => {
                let output = self.balancer.output().join("\n");
                Err(Problem::balancer(format!("it died while it was tested ({how}); its last words:\n{output}")))
            }
            _ => Ok(()),
        }
    }
}

fn start_member(
    lab: &Lab,
    plan: &Plan,
    planned: &MemberPlan,
    clock: Clock,
    log: &Log,
) -> Result<MemberServer, Problem> {
    let member = &planned.member;
    let namespace = lab.namespace(member.name.as_str())?;
    let kind = match planned.kind {
        MemberKind::Http => Kind::Http,
        MemberKind::Netcat => Kind::Netcat,
    };
    let spec = MemberSpec {
        name: member.name.clone(),
        address: SocketAddrV4::new(member.address, member.port.get()),
        kind,
        tls: plan.tls,
        prover: Some(plan.network.gateway),
        session_cookie: match &plan.persistence {
            Some(Persistence::AppCookie { cookie_name }) => Some(cookie_name.clone()),
            _ => None,
        },
        session_length: plan.session_length.unwrap_or_default() as usize,
    };
    let listen =
        move |address, backlog: u32| namespace.tcp_listener(address, u16::try_from(backlog).unwrap_or(u16::MAX));
    MemberServer::start(spec, listen, clock, log.clone())
        .map_err(|error| Problem::harness(format!("starting the web server of {}: {error}", member.name)))
}

/// The addresses of the balancer's port.
fn port_addresses(plan: &Plan) -> PortAddresses {
    let ipv6 = match plan.network.vip {
        IpAddr::V4(_) => None,
        IpAddr::V6(vip) => Some(vip),
    };
    PortAddresses { ipv4: plan.network.balancer(), ipv6 }
}

fn topology(plan: &Plan, ids: &RunIds) -> Result<Topology, Problem> {
    let network = &plan.network;
    let name = |text: &str| Name::try_from(text).map_err(|error| Problem::new(Whose::Harness, &error));
    let members = plan.members.iter().map(|planned| Host {
        name: planned.member.name.clone(),
        address: planned.member.address,
        security_group: Some(planned.security_group.clone()),
    });
    let external = External {
        subnet: network.external,
        router: network.external_router,
        client: network.outside,
        floating: network.floating_ip.map(|floating| (floating, network.balancer())).into_iter().collect(),
    };
    Ok(Topology {
        id: ids.network.clone(),
        subnet: network.subnet,
        gateway: network.gateway,
        dhcp: network.dhcp,
        members: members.collect(),
        clients: vec![Host { name: name(CLIENT)?, address: network.client, security_group: None }],
        sources: network.ipv4_sources(),
        external: Some(external),
        ipv6: network.ipv6.map(|side| Ipv6Side {
            subnet: side.subnet,
            client: side.client,
            sources: network.ipv6_sources(),
        }),
    })
}
