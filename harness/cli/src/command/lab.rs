//! `lblab up`, and what is done with a lab that is up.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use lblab_agent::visit::{self, VisitError};
use lblab_agent::{Announcement, Options, StateFolder};
use lblab_lbaas::{Conduct, Service, Settings};
use lblab_report::Exit;
use lblab_runner::{Problem, Whose};

use super::{Done, Stop, print};
use crate::args::{Up, Visit};

pub(super) fn up(arguments: &Up) -> Done {
    if arguments.detach {
        return detach();
    }
    if arguments.in_background {
        // Neither the terminal's end nor its ^C reach a lab that was left up.
        nix::unistd::setsid()
            .map_err(|error| Stop::new(Exit::EnvironmentLacks, &format!("leaving the terminal: {error}")))?;
    }
    let conduct = if arguments.faithful { Conduct::Faithful } else { Conduct::Strict };
    let options = Options {
        state: arguments.visit.state.clone(),
        port: arguments.port,
        balancer: arguments.balancer.clone(),
        service: arguments.lbaas.as_ref().map(|lbaas| if lbaas == "v2" { Service::V2 } else { Service::V1 }),
        settings: Settings { conduct, ..Settings::default() },
        members: arguments.members,
        periodic_interval: Duration::from_secs(arguments.periodic_interval.into()),
        user_namespace: arguments.user_namespace.then_some(true),
        verbose: arguments.verbose,
    };
    let in_background = arguments.in_background;
    let announce = move |announcement: &Announcement| {
        let text = if in_background {
            format!("{}\n", serde_json::to_string(announcement).unwrap_or_default())
        } else {
            format!("{}\nIt is up until ^C.\n", told(announcement))
        };
        // A reader that has gone away does without.
        let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    };
    lblab_agent::up(options, announce).map(|()| Exit::AllHold).map_err(|problem| stop(&problem))
}

/// Starts this very program again in the background, and waits until its lab is up.
fn detach() -> Done {
    let lost = |doing: &str, error: &dyn std::fmt::Display| Stop::new(Exit::Undecided, &format!("{doing}: {error}"));
    let program = std::env::current_exe().map_err(|error| lost("finding the program that runs", &error))?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1).filter(|argument| argument != "--detach"))
        .arg("--in-background")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| lost("starting the lab in the background", &error))?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        // What cannot be read is as if it had not been said.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    if let Ok(announcement) = serde_json::from_str::<Announcement>(&line) {
        return print(&format!("{}\nIt is up until `lblab down`.\n", told(&announcement)));
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let status = child.wait().map_err(|error| lost("waiting for the lab in the background", &error))?;
    let exit = [Exit::BalancerDidNotStart, Exit::ScenarioInvalid, Exit::EnvironmentLacks];
    let exit = exit.into_iter().find(|exit| status.code() == Some(exit.code().into())).unwrap_or(Exit::Undecided);
    let said = said.trim();
    Err(Stop::new(exit, said.strip_prefix("lblab: ").unwrap_or(said)))
}

/// What a user does next.
fn told(announcement: &Announcement) -> String {
    let Announcement { endpoint, openrc, service, balancer, namespaces, subnet_id } = announcement;
    let first = if service == "v2" {
        "lbaas-loadbalancer-create --name load-balancer tenant-subnetwork"
    } else {
        "lb-pool-create --lb-method ROUND_ROBIN --protocol HTTP --subnet-id tenant-subnetwork --name my-lb-pool"
    };
    format!(
        "endpoint     {endpoint}\n\
         environment  {openrc}\n\
         LBaaS        {service}\n\
         balancer     {balancer}\n\
         subnet       {subnet_id}\n\
         namespaces   {namespaces}\n\n\
         Go on with:\n\
         \x20 . {openrc}\n\
         \x20 neutron {first}\n\
         \x20 lblab exec client -- curl http://192.168.1.250/\n",
        openrc = openrc.display(),
        namespaces = namespaces.join(" "),
    )
}

pub(super) fn status(visit: &Visit) -> Done {
    let seen = visit::look(&folder(visit)).map_err(|error| missed(&error))?;
    let record = &seen.record;
    print(&format!(
        "endpoint     {}\nLBaaS        {}\nbalancer     {}\nup since     {}\nprocess      {}\nnamespaces   {}\n",
        record.endpoint,
        record.service,
        record.balancer,
        record.started,
        record.pid,
        seen.namespaces.join("\n             ")
    ))
}

/// The exit code is the command's.
pub(super) fn exec(visit: &Visit, namespace: &str, command: &[OsString]) -> Done {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Stop::new(Exit::ScenarioInvalid, "there is no command to run"))?;
    let status = visit::exec(&folder(visit), namespace, program, arguments).map_err(|error| missed(&error))?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or_default();
    std::process::exit(code)
}

pub(super) fn logs(visit: &Visit) -> Done {
    let path = folder(visit).log();
    let lacks = |doing: &str, error: &io::Error| {
        Stop::new(Exit::EnvironmentLacks, &format!("{doing} {}: {error}; `lblab up` writes it", path.display()))
    };
    let mut log = File::open(&path).map_err(|error| lacks("opening", &error))?;
    match io::copy(&mut log, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(lacks("printing", &error)),
        _ => Ok(Exit::AllHold),
    }
}

pub(super) fn down(visit: &Visit) -> Done {
    visit::down(&folder(visit)).map_err(|error| missed(&error))?;
    print("the lab is down; `lblab up` brings back what was ordered\n")
}

fn folder(visit: &Visit) -> StateFolder {
    StateFolder::at(visit.state.as_deref())
}

fn missed(error: &VisitError) -> Stop {
    Stop::new(Exit::EnvironmentLacks, error)
}

fn stop(problem: &Problem) -> Stop {
    let exit = match problem.whose {
        Whose::Scenario => Exit::ScenarioInvalid,
        Whose::Environment => Exit::EnvironmentLacks,
        Whose::Balancer => Exit::BalancerDidNotStart,
        Whose::Harness => Exit::Undecided,
    };
    Stop::new(exit, problem)
}
