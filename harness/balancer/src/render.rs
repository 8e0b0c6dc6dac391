//! From a load balancer to the files and commands of one balancer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lblab_lab::sandbox::Identity;
use lblab_model::LoadBalancer;
use minijinja::Value;
use minijinja::value::Serde;
use nix::unistd::{Group, User};
use serde::Serialize;

use crate::ask::Place;
use crate::error::BalancerError;
use crate::manifest::{Endpoint, Manifest, ReloadWay, Status, StatusSource, StopWay};
use crate::process::Command;
use crate::program::balancers_folder;
use crate::state_dir::{RenderedFile, StateDir};
use crate::template::{NotRendered, render_argument, render_file};

/// The folder that stands for a state directory's where nothing is written.
const STAND_IN: &str = "/run/lblab/lbaas";

/// What a manifest and its templates can name.
#[derive(Serialize)]
struct Context<'a> {
    lb: &'a LoadBalancer,
    program: &'a Path,
    state_dir: &'a Path,
    conf: PathBuf,
    pid_file: PathBuf,
    sock: PathBuf,
    event_sock: PathBuf,
    log_sock: PathBuf,
    /// None unless there is such a user to drop to.
    user: Option<&'a str>,
    /// None unless there is such a group to drop to.
    group: Option<&'a str>,
    mutant: Option<&'a str>,
    values: &'a BTreeMap<String, String>,
    /// The address and port of the first listener; an IPv6 address is in brackets.
    vip: Option<SocketAddr>,
    /// Which configuration of this deployment this is, counted from 1.
    generation: u64,
    /// Where balancers that are not packaged are put.
    balancers: PathBuf,
    /// The manifest's folder; a shipped manifest has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    here: Option<&'a Path>,
    /// The process that is to be replaced; there is one in a reload only.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_pid: Option<u32>,
}

/// Renders a manifest's parts for one load balancer in one state directory.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    pub manifest: Manifest,
    pub program: PathBuf,
    pub state_dir: StateDir,
    pub identity: Identity,
    pub mutant: Option<String>,
}

impl Renderer {
    /// The values that templates name.
    pub fn context(&self, lb: &LoadBalancer, old_pid: Option<u32>, generation: u64) -> Value {
        let (user, group) = self.manifest.drops_to(self.identity);
        Value::from(Serde(Context {
            lb,
            program: &self.program,
            state_dir: self.state_dir.path(),
            conf: self.state_dir.conf(),
            pid_file: self.state_dir.pid(),
            sock: self.state_dir.sock(),
            event_sock: self.state_dir.event_sock(),
            log_sock: self.state_dir.log_sock(),
            user,
            group,
            mutant: self.mutant.as_deref(),
            values: &self.manifest.values,
            vip: lb.listeners.first().map(|listener| SocketAddr::new(listener.address, listener.port.get())),
            generation,
            balancers: balancers_folder(),
            here: self.manifest.folder.as_deref(),
            old_pid,
        }))
    }

    pub fn files(&self, context: &Value) -> Result<Vec<RenderedFile>, BalancerError> {
        let render = |file: &crate::manifest::File| {
            let text =
                render_file(&file.template, &self.manifest.templates, context).map_err(|why| self.not_rendered(why))?;
            Ok(RenderedFile { name: file.to.clone(), text })
        };
        self.manifest.files.iter().map(render).collect()
    }

    fn not_rendered(&self, why: NotRendered) -> BalancerError {
        let balancer = self.manifest.name.clone();
        match why {
            NotRendered::Wrong(wrong) => BalancerError::Render { balancer, wrong },
            NotRendered::Refused(what) => BalancerError::Incapable { balancer, what },
        }
    }

    pub fn command(&self, arguments: &[String], context: &Value) -> Result<Command, BalancerError> {
        let words = arguments.iter().map(|argument| self.argument(argument, context)).collect::<Result<_, _>>()?;
        let variable = |(name, value): (&String, &String)| Ok((name.clone(), self.argument(value, context)?));
        let environment = self.manifest.environment.iter().map(variable).collect::<Result<_, BalancerError>>()?;
        Ok(Command { words, environment })
    }

    /// Where a question is asked.
    pub fn place(&self, endpoint: &Endpoint, context: &Value) -> Result<Place, BalancerError> {
        match endpoint {
            Endpoint::Socket(path) => Ok(Place::Socket(self.path(path, context)?)),
            Endpoint::Address(text) => {
                let address = self.argument(text, context)?;
                address.parse().map(Place::Address).map_err(|_| BalancerError::Argument {
                    balancer: self.manifest.name.clone(),
                    text: text.clone(),
                    why: format!("{address:?} is not an address with a port, as 127.0.0.1:8080 is"),
                })
            }
        }
    }

    pub fn path(&self, template: &str, context: &Value) -> Result<PathBuf, BalancerError> {
        self.argument(template, context).map(PathBuf::from)
    }

    pub fn argument(&self, text: &str, context: &Value) -> Result<String, BalancerError> {
        render_argument(text, context).map_err(|why| BalancerError::Argument {
            balancer: self.manifest.name.clone(),
            text: text.to_owned(),
            why,
        })
    }
}

/// Everything that a deployment would write and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    /// The program, or a path that says that it is not installed.
    pub program: PathBuf,
    /// The state directory that the files would lie in.
    pub state_dir: PathBuf,
    /// The files.
    pub files: Vec<RenderedFile>,
    /// Variables of every command.
    pub environment: Vec<(String, String)>,
    /// The commands, by the key of the manifest that has each.
    pub commands: Vec<(&'static str, Vec<String>)>,
}

impl Manifest {
    /// Renders everything that a deployment of the load balancer would write and run, and does none of it. The program need not be
    /// there; a path that says so stands for it.
    pub fn rendering(
        &self,
        lb: &LoadBalancer,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Rendering, BalancerError> {
        let program = self.program_or_stand_in()?;
        let renderer = self.renderer_of(program.clone(), lb, Path::new(STAND_IN), identity, mutant)?;
        // Which process a reload replaces is not known before there is one.
        let context = renderer.context(lb, Some(1), 1);
        let commands: Vec<_> = self
            .commands()
            .map(|(key, words)| Ok((key, renderer.command(words, &context)?)))
            .collect::<Result<_, BalancerError>>()?;
        Ok(Rendering {
            program,
            state_dir: renderer.state_dir.path().to_owned(),
            files: renderer.files(&context)?,
            environment: commands.first().map(|(_, command)| command.environment.clone()).unwrap_or_default(),
            commands: commands.into_iter().map(|(key, command)| (key, command.words)).collect(),
        })
    }

    /// Every command of the manifest that is run in a deployment, by its key.
    fn commands(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let reload = match &self.reload.way {
            ReloadWay::Replace(command) | ReloadWay::Command(command) => Some(command),
            ReloadWay::Signal(_) | ReloadWay::Files | ReloadWay::Restart => None,
        };
        let stop = match &self.stop.way {
            StopWay::Command(command) => Some(command),
            StopWay::Signal(_) => None,
        };
        let status = match &self.status {
            Some(Status { from: StatusSource::Command(command), .. }) => Some(command),
            _ => None,
        };
        let events = self.events.as_ref().and_then(|events| events.command.as_ref());
        let keyed = [
            ("check", self.check.as_ref()),
            ("start", Some(&self.start)),
            ("reload", reload),
            ("stop", stop),
            ("status", status),
            ("events", events),
        ];
        keyed.into_iter().filter_map(|(key, command)| Some((key, command?)))
    }

    /// Renders the files that a deployment of the load balancer below this root would have. The program need not be there; a path
    /// that says so stands for it.
    pub fn render(
        &self,
        lb: &LoadBalancer,
        state_root: &Path,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Vec<RenderedFile>, BalancerError> {
        let renderer = self.renderer_of(self.program_or_stand_in()?, lb, state_root, identity, mutant)?;
        renderer.files(&renderer.context(lb, None, 1))
    }

    /// Renders everything that a deployment of the load balancer would, so that a mistake in a template, or what the balancer cannot
    /// do, is known before a lab is built.
    ///
    /// # Errors
    /// [`BalancerError::Incapable`] if a template refuses it.
    pub fn rehearse(&self, lb: &LoadBalancer, mutant: Option<&str>) -> Result<(), BalancerError> {
        let program = self.program_or_stand_in()?;
        let renderer = self.renderer_of(program, lb, Path::new(STAND_IN), Identity::SingleUid, mutant)?;
        let context = renderer.context(lb, Some(1), 1);
        renderer.files(&context)?;
        self.commands().try_for_each(|(_, words)| renderer.command(words, &context).map(drop))
    }

    pub(crate) fn renderer(
        &self,
        lb: &LoadBalancer,
        state_root: &Path,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Renderer, BalancerError> {
        self.renderer_of(self.locate()?, lb, state_root, identity, mutant)
    }

    fn program_or_stand_in(&self) -> Result<PathBuf, BalancerError> {
        match self.locate() {
            Err(BalancerError::Missing { .. }) => Ok(Path::new("/not/installed").join(&self.name)),
            located => located,
        }
    }

    fn renderer_of(
        &self,
        program: PathBuf,
        lb: &LoadBalancer,
        state_root: &Path,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Renderer, BalancerError> {
        if let Some(mutant) = mutant.filter(|_| !self.mutants) {
            return Err(BalancerError::NoMutants { balancer: self.name.clone(), mutant: mutant.to_owned() });
        }
        Ok(Renderer {
            program,
            state_dir: StateDir::new(state_root, &lb.id)?,
            manifest: self.clone(),
            identity,
            mutant: mutant.map(str::to_owned),
        })
    }

    /// The user and group to drop to: those that the manifest names, if ids can be changed and the machine has them. Whom an image
    /// has, its maker knows.
    fn drops_to(&self, identity: Identity) -> (Option<&str>, Option<&str>) {
        let Some(runs_as) = self.runs_as.as_ref().filter(|_| identity != Identity::SingleUid) else {
            return (None, None);
        };
        let in_image = self.image().is_some();
        let has_user = |user: &&str| in_image || matches!(User::from_name(user), Ok(Some(_)));
        let has_group = |group: &&str| in_image || matches!(Group::from_name(group), Ok(Some(_)));
        (Some(runs_as.user.as_str()).filter(has_user), runs_as.group.as_deref().filter(has_group))
    }
}
