//! Deploying a balancer into a namespace: configuration, check, process, readiness.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lblab_containers::Container;
use lblab_history::MemberState;
use lblab_lab::sandbox::Identity;
use lblab_lab::{Lab, LabError, Namespace};
use lblab_model::{LoadBalancer, Name};
use minijinja::Value;
use tokio::net::UnixDatagram;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::announcements::{self, Announcements};
use crate::ask::{Answer, Place, ask};
use crate::error::BalancerError;
use crate::hearing::{Awaited, Hearing, Source, StateEvent};
use crate::manifest::{Manifest, Question, Reading, Ready, Status};
use crate::process::{Host, Instance};
use crate::ready::{Arrival, Condition};
use crate::render::Renderer;
use crate::running::Running;
use crate::status;

/// How long a balancer may take until it is ready, or until it has reloaded.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What a running balancer needs to be started again.
pub(crate) struct Deployment {
    pub renderer: Renderer,
    pub namespace: Namespace,
    /// The container that its commands run in; without one they run in the namespace.
    pub container: Option<Container>,
    pub hearing: Hearing,
    _announcements: Option<Announcements>,
    /// Traffic logs go here, unread: reading a line for each connection would take the time of the clients, which run
    /// on the same thread. A full queue makes the balancer drop lines, as a busy syslogd does.
    _log: UnixDatagram,
}

/// The processes of a balancer that is ready.
pub(crate) struct Started {
    /// The balancer's own; it has ended if the kernel balances.
    pub instance: Instance,
    /// The one that tells of the balancer's members, if the manifest has one.
    pub companion: Option<Instance>,
}

impl Manifest {
    /// Deploys the load balancer in the namespace, or in the container whose network that is, and returns when the balancer
    /// answers. Its files lie in `<state_root>/<load balancer's id>`, which the caller and the balancer both see.
    ///
    /// Must run in a [`tokio::task::LocalSet`] on a `current_thread` runtime.
    pub async fn deploy(
        &self,
        lab: &Lab,
        place: (&Namespace, Option<&Container>),
        lb: &LoadBalancer,
        state_root: &Path,
        identity: Identity,
        mutant: Option<&str>,
    ) -> Result<Running, BalancerError> {
        if let Some(image) = self.image().filter(|_| place.1.is_none()) {
            // Its program's path is one in the image; on this machine there may be anything.
            return Err(BalancerError::NotInContainer { balancer: self.name.clone(), image: image.clone() });
        }
        let renderer = self.renderer(lb, state_root, identity, mutant)?;
        let context = renderer.context(lb, None, 1);
        let files = renderer.files(&context)?;
        renderer.state_dir.make()?;
        let (deployment, events) = Deployment::new(renderer, place, &context)?;
        deployment.hearing.members().learn(lb);
        let state_dir = &deployment.renderer.state_dir;
        let started = async {
            deployment.configure_namespace()?;
            state_dir.write(&files)?;
            deployment.check(lab, &context).await?;
            deployment.start(lab, &context).await
        };
        match started.await {
            Ok(started) => Ok(Running::new(deployment, lb.clone(), files, started, events)),
            Err(error) => {
                state_dir.remove()?;
                Err(error)
            }
        }
    }
}

impl Deployment {
    fn new(
        renderer: Renderer,
        (namespace, container): (&Namespace, Option<&Container>),
        context: &Value,
    ) -> Result<(Deployment, UnboundedReceiver<StateEvent>), BalancerError> {
        let events = renderer.manifest.events.clone();
        let socket = events.as_ref().and_then(|events| events.socket.clone());
        let (hearing, receiver) = Hearing::new(events);
        let announcements = socket
            .map(|socket| {
                let path = renderer.path(&socket, context)?;
                Announcements::bind(&path, hearing.clone()).map_err(binding(&path))
            })
            .transpose()?;
        let log_sock = renderer.state_dir.log_sock();
        let log = announcements::bind(&log_sock).map_err(binding(&log_sock))?;
        let (namespace, container) = (namespace.clone(), container.cloned());
        Ok((Deployment { renderer, namespace, container, hearing, _announcements: announcements, _log: log }, receiver))
    }

    /// The balancer's name.
    pub fn balancer(&self) -> &str {
        &self.renderer.manifest.name
    }

    fn configure_namespace(&self) -> Result<(), BalancerError> {
        let failed = |source: LabError| BalancerError::Lab { balancer: self.balancer().to_owned(), source };
        let settings = &self.renderer.manifest.sysctls;
        settings.iter().try_for_each(|(key, value)| self.namespace.set_sysctl(key, value)).map_err(failed)
    }

    /// Has the balancer check the rendered configuration, if the manifest says how.
    pub async fn check(&self, lab: &Lab, context: &Value) -> Result<(), BalancerError> {
        let Some(check) = &self.renderer.manifest.check else { return Ok(()) };
        self.carry_out(lab, "check", check, context).await.map(drop)
    }

    /// Runs a command of the manifest to its end and gives what it printed; one that does not succeed is a refusal.
    pub async fn carry_out(
        &self,
        lab: &Lab,
        which: &'static str,
        command: &[String],
        context: &Value,
    ) -> Result<Vec<String>, BalancerError> {
        let mut process = self.spawn(lab, command, context, None).await?;
        let balancer = self.balancer().to_owned();
        match timeout(DEADLINE, process.ended()).await {
            Ok(Ok(status)) if status.success() => Ok(process.printed().await),
            Ok(Ok(status)) => {
                let output = process.last_lines().await;
                Err(BalancerError::Refused { balancer, which, status: status.to_string(), output })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let output = process.last_lines().await;
                Err(BalancerError::Hangs { balancer, which, deadline: DEADLINE, output })
            }
        }
    }

    /// Starts the balancer and waits until it is ready.
    pub async fn start(&self, lab: &Lab, context: &Value) -> Result<Started, BalancerError> {
        let manifest = &self.renderer.manifest;
        let mut conditions = Vec::new();
        for ready in &manifest.ready {
            conditions.extend(self.look_out_for(ready, context)?);
        }
        let mut instance = self.spawn(lab, &manifest.start, context, Some(Source::Output)).await?;
        let lacking = RefCell::new(String::new());
        let ready = async {
            for condition in conditions {
                lacking.replace(condition.lacking());
                condition.comes_true(&self.namespace).await?;
            }
            Ok::<(), io::Error>(())
        };
        let balancer = || self.balancer().to_owned();
        let ends = manifest.is_in_kernel();
        let attempt = async {
            if ends {
                let status = instance.ended().await?;
                return if status.success() { Ok(ready.await) } else { Ok(Err(died(status))) };
            }
            tokio::select! {
                biased;
                status = instance.ended() => Ok(Err(died(status?))),
                answered = ready => Ok(answered),
            }
        };
        let outcome: Result<Result<io::Result<()>, BalancerError>, _> = timeout(DEADLINE, attempt).await;
        let failed = match outcome {
            Ok(Ok(Ok(()))) => {
                if !ends {
                    self.renderer.state_dir.write_pid(instance.process.pid())?;
                }
                let companion = self.start_companion(lab, context).await?;
                return Ok(Started { instance, companion });
            }
            Ok(Ok(Err(source))) => Some(source),
            Ok(Err(error)) => return Err(error),
            Err(_) => None,
        };
        let status = instance.process.status();
        let output = instance.last_lines().await;
        Err(match (status, failed) {
            (Some(status), _) => BalancerError::DidNotStart { balancer: balancer(), status, output },
            (None, Some(source)) => BalancerError::NotAsked { balancer: balancer(), source },
            (None, None) => {
                let lacking = lacking.take();
                BalancerError::NotReady { balancer: balancer(), deadline: DEADLINE, lacking, output }
            }
        })
    }

    async fn start_companion(&self, lab: &Lab, context: &Value) -> Result<Option<Instance>, BalancerError> {
        match self.renderer.manifest.events.as_ref().and_then(|events| events.command.as_ref()) {
            Some(command) => self.spawn(lab, command, context, Some(Source::Companion)).await.map(Some),
            None => Ok(None),
        }
    }

    fn look_out_for(&self, ready: &Ready, context: &Value) -> Result<Option<Condition>, BalancerError> {
        Ok(Some(match ready {
            Ready::Answers(question) => match self.renderer.place(&question.at, context)? {
                Place::Socket(socket) => {
                    let arrival = Arrival::watch(&socket).map_err(|source| BalancerError::Io {
                        doing: "watching for the socket",
                        path: socket,
                        source,
                    })?;
                    Condition::Socket(arrival, question.asked.clone())
                }
                place @ Place::Address(_) => Condition::Address(place, question.asked.clone()),
            },
            Ready::Accepts(endpoint) => match self.renderer.place(endpoint, context)? {
                Place::Address(address) => Condition::Accepts(address),
                Place::Socket(_) => return Ok(None),
            },
            Ready::Says(pattern) => {
                let awaited = Awaited { done: Some(pattern.clone()), refused: None, pid: None };
                Condition::Line(self.hearing.wait_for(awaited))
            }
            // Whoever starts the balancer waits for the end of the command.
            Ready::Ends => return Ok(None),
        }))
    }

    /// Asks the balancer a question.
    pub async fn ask(&self, question: &Question, context: &Value) -> Result<Answer, BalancerError> {
        let place = self.renderer.place(&question.at, context)?;
        let answer = timeout(DEADLINE, ask(&place, &question.asked, &self.namespace)).await;
        answer.map_err(io::Error::from).flatten().map_err(|source| BalancerError::Unanswered {
            balancer: self.balancer().to_owned(),
            at: place.to_string(),
            source,
        })
    }

    /// Asks for the members' states and reads the answer.
    pub async fn asked_states(
        &self,
        question: &Question,
        table: &Status,
        context: &Value,
    ) -> Result<Vec<(Name, MemberState)>, BalancerError> {
        let answer = self.ask(question, context).await?;
        self.read_states(table, &answer.text)
    }

    /// Reads the members' states out of what the balancer told.
    pub fn read_states(&self, table: &Status, told: &str) -> Result<Vec<(Name, MemberState)>, BalancerError> {
        let states = match &table.reading {
            Reading::HaproxyCsv => status::haproxy_csv(told),
            Reading::Members(pattern) => status::by_pattern(told, pattern, self.hearing.members()),
        };
        states.map_err(|source| BalancerError::Status { balancer: self.balancer().to_owned(), source })
    }

    pub async fn spawn(
        &self,
        lab: &Lab,
        command: &[String],
        context: &Value,
        speaks: Option<Source>,
    ) -> Result<Instance, BalancerError> {
        let hearing = speaks.map(|source| (source, self.hearing.clone()));
        let host = match &self.container {
            Some(container) => Host::Container(container),
            None => Host::Namespace(lab, &self.namespace),
        };
        Instance::spawn(host, self.balancer(), self.renderer.command(command, context)?, hearing).await
    }
}

/// The end of a process that was to stay; how it ended is known from itself.
fn died(status: std::process::ExitStatus) -> io::Error {
    io::Error::other(status.to_string())
}

fn binding(path: &Path) -> impl Fn(io::Error) -> BalancerError {
    let path: PathBuf = path.to_owned();
    move |source| BalancerError::Io { doing: "binding the socket", path: path.clone(), source }
}
