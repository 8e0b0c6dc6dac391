//! Says in prose what a plan is going to do and what is expected of it, with every bound and its formula.

mod expectation;
mod loss;
mod reservation;
mod rotation;
mod shares;
mod step;

use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use lblab_model::{BalancerTraits, Fault, IngressRule, Monitor, MonitorKind, Name, Persistence, Transport};

use super::{Ipv6Network, MemberKind, MemberPlan, Plan};

impl Plan {
    /// What the plan is going to do with a balancer of these traits: the topology, the timeline, and each expectation with
    /// its bounds and their formulas. It ends with a line break.
    pub fn describe(&self, traits: &BalancerTraits) -> String {
        let mut text = String::new();
        self.write(&mut text, traits).expect("writing to a string does not fail");
        text
    }

    fn write(&self, to: &mut String, traits: &BalancerTraits) -> fmt::Result {
        writeln!(to, "{}: {}", self.path, self.name)?;
        if let Some(about) = &self.about {
            for line in about.lines() {
                writeln!(to, "  {}", line.trim_end())?;
            }
        }
        writeln!(to, "\ntopology")?;
        self.topology(to, traits)?;
        writeln!(to, "\ntimeline")?;
        let mut faults: Vec<(Option<Name>, Fault)> = Vec::new();
        for (index, expected) in self.each_step(traits).enumerate() {
            write!(to, "  {:>2}. ", index + 1)?;
            step::write(to, self, index, expected.typical, &mut faults, traits)?;
        }
        let expected = self.expected_duration(traits);
        writeln!(to, "\ntakes about {}, at most {}", span(expected.typical), span(expected.at_most))
    }

    fn topology(&self, to: &mut String, traits: &BalancerTraits) -> fmt::Result {
        let network = &self.network;
        let vip = SocketAddr::new(network.vip, self.port.get());
        writeln!(to, "  VIP          {vip}, {}, {}", self.protocol_name(), self.method)?;
        if let Some(limit) = self.connection_limit {
            writeln!(to, "  limit        {limit} connections at a time")?;
        }
        match &self.persistence {
            None => {}
            Some(Persistence::AppCookie { cookie_name }) => {
                write!(to, "  persistence  APP_COOKIE {cookie_name}")?;
                if let Some(length) = self.session_length {
                    write!(to, ", {length} characters long")?;
                }
                writeln!(to)?;
            }
            Some(persistence) => writeln!(to, "  persistence  {}", persistence.kind())?,
        }
        match &self.monitor {
            None => writeln!(to, "  monitor      none: no member is ever marked down")?,
            Some(monitor) => writeln!(to, "  monitor      {}", describe_monitor(monitor))?,
        }
        if let Some(scale) = self.time_scale {
            writeln!(
                to,
                "  time scale   {scale}: probes, waits and slow answers are shortened; what is compared give or take is not"
            )?;
        }
        if let Some(lacking) = self.lacks_monitor(traits) {
            writeln!(to, "               left out, since the balancer declares no {lacking}")?;
        }
        writeln!(
            to,
            "  subnet       {}, gateway {}, DHCP {}, client {}",
            network.subnet, network.gateway, network.dhcp, network.client
        )?;
        if let Some(Ipv6Network { subnet, client, balancer }) = network.ipv6 {
            writeln!(to, "  IPv6 subnet  {subnet}, client {client}; members see the balancer at {balancer}")?;
        }
        if let Some(sources) = network.sources {
            writeln!(to, "  sources      {sources}")?;
        }
        if let Some(floating_ip) = network.floating_ip {
            writeln!(
                to,
                "  floating IP  {floating_ip} in {}, router {}, client outside {}",
                network.external, network.external_router, network.outside
            )?;
        }
        for member in &self.members {
            writeln!(to, "  member       {}", describe_member(member))?;
        }
        Ok(())
    }
}

fn describe_monitor(monitor: &Monitor) -> String {
    let Monitor { kind, delay, timeout, max_retries } = monitor;
    let what = match kind {
        MonitorKind::Ping => "PING".to_owned(),
        MonitorKind::Tcp => "TCP".to_owned(),
        MonitorKind::Http { http_method, url_path, expected_codes }
        | MonitorKind::Https { http_method, url_path, expected_codes } => {
            format!("{} {http_method} {url_path} for {expected_codes}", kind.probe())
        }
    };
    format!("{what}, delay {delay:?}, timeout {timeout:?}, max_retries {max_retries}")
}

fn describe_member(plan: &MemberPlan) -> String {
    let member = &plan.member;
    let mut text = format!("{} {}:{}, weight {}", member.name, member.address, member.port, member.weight);
    if member.backup {
        text.push_str(", backup");
    }
    if plan.kind == MemberKind::Netcat {
        text.push_str(", netcat");
    }
    if !plan.from_start {
        text.push_str(", joins later");
    }
    let ingress: Vec<String> = plan.security_group.ingress.iter().copied().map(describe_rule).collect();
    let lets_in = if ingress.is_empty() { "nothing".to_owned() } else { ingress.join(", ") };
    let _ = write!(text, ", lets in {lets_in}");
    text
}

fn describe_rule(rule: IngressRule) -> String {
    let transport = match rule.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Icmp => "icmp",
    };
    rule.port.map_or(transport.to_owned(), |port| format!("{transport}/{port}"))
}

/// Writes a line that belongs to an expectation.
fn bound(to: &mut String, text: &str) -> fmt::Result {
    writeln!(to, "        {text}")
}

/// A span for people: tenths of a second, or minutes.
fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 120.0 { format!("{seconds:.1} s") } else { format!("{:.0} min", (seconds / 60.0).ceil()) }
}
