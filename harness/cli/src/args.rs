//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use lblab_probe::Trait;
use lblab_reference::Mutant;
use lblab_scenario::{Profile, TimeScale};

/// Tests load balancers for real: labs of network namespaces, real traffic, verdicts with evidence.
#[derive(Debug, Parser)]
#[command(name = "lblab", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Start with `lblab doctor`, then `lblab run builtin:walkthrough`.\n\
    Exit codes: 0 all hold, 1 a failure, 2 invalid input, 3 something lacks, 4 no balancer, 5 undecided.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios in labs and judge the balancer
    Run(Run),
    /// Run the conformance suite on balancers, and report on each of them, check by check
    Conformance(Conformance),
    /// Check scenarios and tell every error, without running anything
    Check {
        /// Scenario files, folders of them, or `builtin:` and the name of a shipped scenario or folder
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<String>,
    },
    /// Show what a scenario would do: topology, timeline, and each bound with its formula
    Plan {
        /// A scenario file, or `builtin:` and the name of a shipped scenario
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<String>,
        /// The balancer whose traits the bounds follow
        #[arg(long, short, default_value = "reference", value_name = "NAME|PATH")]
        balancer: String,
        /// Show the bounds of a run with `--time-scale`
        #[arg(long, value_name = "FACTOR")]
        time_scale: Option<TimeScale>,
    },
    /// Judge runs again from their history files
    Judge {
        /// History files as `lblab run` wrote them, or folders of them
        #[arg(required = true, value_name = "HISTORY")]
        histories: Vec<PathBuf>,
        /// Show all of the evidence
        #[arg(long, short)]
        verbose: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema {
        /// That of balancers' manifests instead
        #[arg(long, conflicts_with = "conformance")]
        manifest: bool,
        /// That of conformance reports instead
        #[arg(long)]
        conformance: bool,
    },
    /// Say what a check asserts, within what bound, why, and how often it is wrong
    Explain {
        /// Checks by their ids, as in `HM-5`
        #[arg(required_unless_present = "all", value_name = "CHECK")]
        checks: Vec<String>,
        /// Every check, and those that cannot be made yet
        #[arg(long, conflicts_with = "checks")]
        all: bool,
    },
    /// Say what this machine can run and what not, with the remedy
    Doctor,
    /// Write a first scenario that runs
    Init {
        /// The file to write
        #[arg(default_value = "scenario.yaml")]
        file: PathBuf,
    },
    /// List the balancers that can be tested; show one, describe another, or measure one
    Balancers(Balancers),
    /// List the shipped scenarios
    Scenarios,
    /// Upgrade the control plane's database, LBaaS v1 to v2 among it, or say its revision
    #[command(subcommand)]
    Db(Db),
    /// Have a lab up with the API of LBaaS in front of it, which deploys what clients order
    Up(Up),
    /// Say whether a lab is up, and what is in it
    Status(Visit),
    /// Run a command in a namespace of the lab that is up
    Exec {
        #[command(flatten)]
        visit: Visit,
        /// The namespace, as `lblab status` lists it: `client`, `qlbaas-...`
        namespace: String,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Print the log of the lab that is up, or was last
    Logs(Visit),
    /// End the lab that is up; what was ordered is kept
    Down(Visit),
}

/// `lblab db`.
#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Bring a database's tables to a revision; the last makes everything of LBaaS v1 into v2
    #[command(after_help = "Exit codes: 0 done, 1 LBaaS v2 has no place for some rows of v1, 2 invalid input,\n\
        3 the environment lacks something. Unless it is 0, nothing was changed.")]
    Upgrade {
        /// A revision by its name or number, or `head` for the last
        #[arg(value_name = "REVISION")]
        revision: String,
        #[command(flatten)]
        database: Database,
    },
    /// Say which revision a database has
    Current {
        #[command(flatten)]
        database: Database,
    },
}

/// A database of the control plane.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Its file
    #[arg(long = "database", env = "LBLAB_DATABASE", default_value = "lblab.sqlite", value_name = "PATH")]
    pub(crate) path: PathBuf,
}

/// `lblab up`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Return when the lab is up, and leave it up until `lblab down`
    #[arg(long)]
    pub(crate) detach: bool,
    /// What a lab that is left up is started with.
    #[arg(long, hide = true, conflicts_with = "detach")]
    pub(crate) in_background: bool,
    /// The port of the API on 127.0.0.1 [default: the one that it had last, or any]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// The balancer that is deployed: a shipped one by name, or the path of a manifest [default: haproxy where it is installed,
    /// otherwise reference]
    #[arg(long, short, value_name = "NAME|PATH")]
    pub(crate) balancer: Option<String>,
    /// The version of LBaaS that is offered [default: v1, or v2 over a database that `lblab db upgrade` has made v2's]
    #[arg(long, value_name = "VERSION", value_parser = PossibleValuesParser::new(["v1", "v2"]))]
    pub(crate) lbaas: Option<String>,
    /// Answer as upstream did where it is known to have been wrong: 500 for a second VIP, say
    #[arg(long)]
    pub(crate) faithful: bool,
    /// Start this many web servers with the lab, at 192.168.1.17 and the addresses after it
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=64))]
    pub(crate) members: u8,
    /// How many seconds lie between two looks at members' states and counters
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) periodic_interval: u16,
    /// Take a user namespace even as root
    #[arg(long)]
    pub(crate) user_namespace: bool,
    /// Log what happens to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) visit: Visit,
}

/// Which lab is meant.
#[derive(Debug, Args)]
pub(crate) struct Visit {
    /// The folder of the lab's state [default: `lblab/up` below `XDG_STATE_HOME`]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

/// `lblab run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files, folders of them, or `builtin:` and the name of a shipped scenario or folder
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Where histories and logs go
    #[arg(long, short, default_value = "lblab-results", value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) trials: Trials,
}

/// `lblab conformance`.
#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// How much of the suite: each profile has the scenarios of those before it as well
    #[arg(long, default_value = Profile::Core.name(), value_name = "NAME",
          value_parser = PossibleValuesParser::new(Profile::ALL.map(Profile::name)))]
    pub(crate) profile: String,
    /// Make these checks only, by their ids, with `*` for any characters; may be repeated
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Where the conformance reports, histories and logs go
    #[arg(long, short, default_value = "lblab-conformance", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Also write the conformance report here, in the format that the name says: .yaml, .json or .md; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) trials: Trials,
}

/// What scenarios are run on, and how.
#[derive(Debug, Args)]
pub(crate) struct Trials {
    /// A balancer to judge: a shipped one by name, the path of a manifest, or `all`, which is every shipped one that is on
    /// this machine; may be repeated
    #[arg(long, short, default_value = "reference", value_name = "NAME|PATH|all", value_delimiter = ',')]
    pub(crate) balancer: Vec<String>,
    /// Tell the reference balancer to be wrong in one named way, to see what the checks say
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Mutant::ALL.map(Mutant::name)))]
    pub(crate) mutant: Option<String>,
    /// The seed of everything random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Shorten probes, waits and slow answers by this factor, from 0.01 to 1, on balancers that probe at fractions of a second
    #[arg(long, value_name = "FACTOR")]
    pub(crate) time_scale: Option<TimeScale>,
    /// How many labs to run side by side
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// Take a user namespace even as root
    #[arg(long)]
    pub(crate) user_namespace: bool,
    /// Show all of the evidence, and log what happens to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `lblab balancers`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Balancers {
    /// What to do with one; without this, all are listed.
    #[command(subcommand)]
    pub(crate) command: Option<BalancersCommand>,
    /// List them for programs, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be done with a balancer.
#[derive(Debug, Subcommand)]
pub(crate) enum BalancersCommand {
    /// Say in words what a manifest says and declares
    Show {
        /// A shipped balancer by name, or the path of a manifest
        #[arg(value_name = "NAME|PATH")]
        balancer: String,
        /// Show every file and command that it would be given for a scenario, without running anything
        #[arg(long, value_name = "SCENARIO")]
        render: Option<String>,
    },
    /// Write a manifest and a template for a balancer of your own, to be filled in
    New {
        /// The command that runs it in the foreground; `{{ conf }}` in it stands for the rendered file, whose path comes last
        /// if it is not there
        #[arg(long, value_name = "COMMAND")]
        command: String,
        /// Its name; that of the program or the script if left out
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The folder to write; its name if left out
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Measure in labs what balancers do, trait by trait, and compare it with what they declare
    Probe(Probe),
}

/// `lblab balancers probe`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all that was measured is as declared, 1 something differs, 2 invalid input,\n\
    3 the environment lacks something, 4 the balancer did not start, 5 nothing was measured.")]
pub(crate) struct Probe {
    /// Shipped balancers by name, or the paths of manifests
    #[arg(required = true, value_name = "NAME|PATH")]
    pub(crate) balancers: Vec<String>,
    /// Print a `traits:` block as measured, for pasting into the manifest
    #[arg(long, conflicts_with = "json")]
    pub(crate) yaml: bool,
    /// Print the findings for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// Measure this trait only; may be repeated
    #[arg(long, value_name = "TRAIT", value_delimiter = ',', value_parser = PossibleValuesParser::new(Trait::words()))]
    pub(crate) only: Vec<String>,
    /// Wait for more than a minute for an answer that does not come, to see how long it may take
    #[arg(long)]
    pub(crate) slow: bool,
    /// Tell the reference balancer to be wrong in one named way, to see what the probe says
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Mutant::ALL.map(Mutant::name)))]
    pub(crate) mutant: Option<String>,
    /// The seed of everything random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the records of the labs go
    #[arg(long, short, default_value = "lblab-probe", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How many labs to run side by side
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// Take a user namespace even as root
    #[arg(long)]
    pub(crate) user_namespace: bool,
    /// Log what happens to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Reports besides the one on the terminal.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Also write a JSON report
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Also print GitHub annotations
    #[arg(long)]
    pub(crate) github: bool,
}
