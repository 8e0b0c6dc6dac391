//! A deployed balancer: its members' states, its reloads, its faults and its end.

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitStatus;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lblab_history::MemberState;
use lblab_lab::Lab;
use lblab_model::{Carried, LoadBalancer, Name};
use minijinja::Value;
use nix::sys::signal::Signal;
use regex_lite::Regex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{MissedTickBehavior, sleep, timeout};

use crate::deployment::{DEADLINE, Deployment, Started};
use crate::error::BalancerError;
use crate::hearing::{Awaited, End, Source, StateEvent};
use crate::manifest::{InForce, Question, Reading, ReloadWay, Status, StatusSource, StopWay};
use crate::process::Instance;
use crate::ready::AGAIN;
use crate::state_dir::RenderedFile;
use crate::status;

/// A deployed balancer. Dropping it kills its processes and leaves its files; [`Running::stop`] ends it in order.
pub struct Running {
    deployment: Rc<Deployment>,
    /// What the questions name as it is now.
    asked: Rc<RefCell<Value>>,
    /// Asks a balancer that announces nothing.
    poll: Option<AbortHandle>,
    lb: LoadBalancer,
    files: Vec<RenderedFile>,
    generation: u64,
    instance: Instance,
    companion: Option<Instance>,
    /// Processes that a reload has replaced and that still serve the connections they had.
    replaced: Vec<Instance>,
    events: Option<UnboundedReceiver<StateEvent>>,
    killed: bool,
}

/// Asks a balancer for its members' states, whoever has it at the time.
#[derive(Clone)]
pub struct Inquiry {
    deployment: Rc<Deployment>,
    asked: Rc<RefCell<Value>>,
    table: Status,
    question: Question,
}

impl Inquiry {
    /// Each member's state, as the balancer shows it now.
    pub async fn states(&self) -> Result<Vec<(Name, MemberState)>, BalancerError> {
        let context = self.asked.borrow().clone();
        self.deployment.asked_states(&self.question, &self.table, &context).await
    }
}

/// When a reload was asked for, and when it was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The balancer was about to be told, be it by the first of the new files.
    pub begun: Instant,
    /// The balancer had shown that the new configuration is in force.
    pub in_force: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.poll.iter().for_each(AbortHandle::abort);
    }
}

impl Running {
    pub(crate) fn new(
        deployment: Deployment,
        lb: LoadBalancer,
        files: Vec<RenderedFile>,
        started: Started,
        events: UnboundedReceiver<StateEvent>,
    ) -> Running {
        let Started { instance, companion } = started;
        let asked = Rc::new(RefCell::new(deployment.renderer.context(&lb, None, 1)));
        let deployment = Rc::new(deployment);
        let poll = poll(&deployment, &asked);
        Running {
            deployment,
            asked,
            poll,
            lb,
            files,
            generation: 1,
            instance,
            companion,
            replaced: Vec::new(),
            events: Some(events),
            killed: false,
        }
    }

    /// Learns the state of each of the members; a member of two pools may come twice. None if the balancer does not show them.
    pub async fn states(&self, lab: &Lab) -> Result<Option<Vec<(Name, MemberState)>>, BalancerError> {
        let Some(table) = &self.deployment.renderer.manifest.status else { return Ok(None) };
        let context = self.deployment.renderer.context(&self.lb, None, self.generation);
        let answer = match &table.from {
            StatusSource::Question(question) => {
                return self.deployment.asked_states(question, table, &context).await.map(Some);
            }
            StatusSource::Command(command) => {
                self.deployment.carry_out(lab, "status", command, &context).await?.join("\n")
            }
        };
        self.deployment.read_states(table, &answer).map(Some)
    }

    /// What asks a balancer for its members' states that announces them as well; none if it does not do both, or not when it is asked.
    pub fn inquiry(&self) -> Option<Inquiry> {
        let manifest = &self.deployment.renderer.manifest;
        let table = manifest.status.clone().filter(|_| manifest.events.is_some())?;
        let StatusSource::Question(question) = table.from.clone() else { return None };
        Some(Inquiry { deployment: Rc::clone(&self.deployment), asked: Rc::clone(&self.asked), table, question })
    }

    /// How much the balancer says that it has sent to each member since it was started. None if it does not say.
    ///
    /// # Errors
    ///
    /// A balancer that does not answer.
    pub async fn counters(&self) -> Result<Option<Vec<(Name, u64)>>, BalancerError> {
        Ok(self.table().await?.and_then(|table| status::haproxy_counters(&table)))
    }

    /// What the balancer says that it has carried since it was started. None if it does not say.
    ///
    /// # Errors
    ///
    /// A balancer that does not answer.
    pub async fn carried(&self) -> Result<Option<Carried>, BalancerError> {
        Ok(self.table().await?.and_then(|table| status::haproxy_carried(&table)))
    }

    /// HAProxy's table of statistics, if the balancer has such a one.
    async fn table(&self) -> Result<Option<String>, BalancerError> {
        let Some(Status { from: StatusSource::Question(question), reading: Reading::HaproxyCsv, .. }) =
            &self.deployment.renderer.manifest.status
        else {
            return Ok(None);
        };
        let context = self.deployment.renderer.context(&self.lb, None, self.generation);
        Ok(Some(self.deployment.ask(question, &context).await?.text))
    }

    /// The changes of members' states that the balancer announces, from its start on; the first caller gets them.
    ///
    /// A balancer drops announcements that come faster than they are read (the kernel queues about ten datagrams), so a state
    /// that matters is also worth asking for.
    pub fn events(&mut self) -> Option<UnboundedReceiver<StateEvent>> {
        self.events.take()
    }

    /// Puts a changed load balancer, with the same id, in force. After an error the balancer has its former
    /// configuration, except after [`BalancerError::ReloadUnconfirmed`], when it may have either.
    pub async fn reload(&mut self, lab: &Lab, lb: &LoadBalancer) -> Result<Reloaded, BalancerError> {
        self.generation += 1;
        let deployment = &self.deployment;
        deployment.hearing.members().learn(lb);
        let old_pid = (!self.is_in_kernel()).then(|| self.instance.process.pid());
        let context = deployment.renderer.context(lb, old_pid, self.generation);
        let files = deployment.renderer.files(&context)?;
        let written = Instant::now();
        deployment.renderer.state_dir.write(&files)?;
        let reloaded = match deployment.check(lab, &context).await {
            Ok(()) => self.tell(lab, &context, written).await,
            Err(error) => Err(error),
        };
        if reloaded.is_ok() {
            self.asked.replace(context);
            self.lb = lb.clone();
            self.files = files;
        } else {
            self.deployment.renderer.state_dir.write(&self.files)?;
        }
        reloaded
    }

    async fn tell(&mut self, lab: &Lab, context: &Value, written: Instant) -> Result<Reloaded, BalancerError> {
        let reload = self.deployment.renderer.manifest.reload.clone();
        let done = if let InForce::Says(pattern) = &reload.in_force { Some(pattern.clone()) } else { None };
        let says_done = done.is_some();
        let pid = (!self.is_in_kernel()).then(|| self.instance.process.pid());
        let end = self.deployment.hearing.wait_for(Awaited { done, refused: reload.refused.clone(), pid });
        let begun = if matches!(reload.way, ReloadWay::Files) { written } else { Instant::now() };
        let mut successor = None;
        match &reload.way {
            ReloadWay::Replace(command) => {
                successor = Some(self.deployment.spawn(lab, command, context, Some(Source::Output)).await?);
            }
            ReloadWay::Signal(signal) => {
                self.instance.process.signal(*signal).map_err(|source| self.instance.failed(source))?;
            }
            ReloadWay::Command(command) => {
                self.deployment.carry_out(lab, "reload", command, context).await?;
            }
            ReloadWay::Files => {}
            ReloadWay::Restart => {
                self.end(lab).await?;
                let Started { instance, companion } = self.deployment.start(lab, context).await?;
                (self.instance, self.companion) = (instance, companion);
            }
        }
        let told = successor.as_ref().unwrap_or(&self.instance);
        let outcome = {
            let in_force = self.in_force(&reload.in_force, says_done, end, context);
            tokio::select! {
                biased;
                end = in_force => end.map(Ok)?,
                status = told.ended(), if !self.is_in_kernel() => Err(Some(status?)),
                () = sleep(DEADLINE) => Err(None),
            }
        };
        let balancer = self.balancer();
        match outcome {
            Ok(End::Done(in_force)) => {
                if let Some(successor) = successor {
                    // A balancer that is changed day after day would otherwise remember every process that it has had.
                    self.replaced.retain(|replaced| replaced.process.status().is_none());
                    self.deployment.renderer.state_dir.write_pid(successor.process.pid())?;
                    self.replaced.push(std::mem::replace(&mut self.instance, successor));
                }
                Ok(Reloaded { begun, in_force })
            }
            Ok(End::Refused(status)) => {
                let output = successor.as_mut().unwrap_or(&mut self.instance).last_lines().await;
                Err(BalancerError::Refused { balancer, which: "reload", status, output })
            }
            Err(Some(status)) => {
                let output = successor.as_mut().unwrap_or(&mut self.instance).last_lines().await;
                Err(match successor {
                    Some(_) => BalancerError::Refused { balancer, which: "reload", status: status.to_string(), output },
                    None => BalancerError::Died { balancer, status, output },
                })
            }
            Err(None) => {
                let output = successor.as_mut().unwrap_or(&mut self.instance).last_lines().await;
                Err(BalancerError::ReloadUnconfirmed { balancer, deadline: DEADLINE, output })
            }
        }
    }

    /// Waits until the reload is in force or refused. The caller sets the deadline.
    async fn in_force(
        &self,
        in_force: &InForce,
        says_done: bool,
        end: oneshot::Receiver<End>,
        context: &Value,
    ) -> Result<End, BalancerError> {
        // Whoever hears the lines lives as long as the deployment.
        let said = async { end.await.unwrap_or_else(|_| End::Refused("nobody listens any more".to_owned())) };
        match in_force {
            InForce::Says(_) => Ok(said.await),
            InForce::Answers(question, pattern) => tokio::select! {
                biased;
                end = said, if !says_done => Ok(end),
                answered = self.answers(question, pattern, context) => answered.map(End::Done),
            },
            InForce::Through => Ok(End::Done(Instant::now())),
        }
    }

    /// Asks until the answer matches; the kernel notifies nobody of an answer to come.
    async fn answers(&self, question: &Question, pattern: &str, context: &Value) -> Result<Instant, BalancerError> {
        let text = self.deployment.renderer.argument(pattern, context)?;
        let pattern = Regex::new(&text).map_err(|error| BalancerError::Argument {
            balancer: self.balancer(),
            text: pattern.to_owned(),
            why: format!("the pattern {text:?} does not compile: {error}"),
        })?;
        loop {
            // A balancer that does not answer now may be about to take its new configuration up.
            if let Ok(answer) = self.deployment.ask(question, context).await
                && pattern.is_match(&answer.text)
            {
                return Ok(Instant::now());
            }
            sleep(AGAIN).await;
        }
    }

    /// Stops the process in its tracks (SIGSTOP); returns the instant at which the kernel showed it as stopped.
    pub async fn pause(&self) -> Result<Instant, BalancerError> {
        self.is_a_process("pausing")?;
        self.instance.process.pause().await.map_err(|source| self.instance.failed(source))
    }

    /// Lets a paused process go on.
    pub async fn resume(&self) -> Result<Instant, BalancerError> {
        self.is_a_process("resuming")?;
        self.instance.process.resume().await.map_err(|source| self.instance.failed(source))
    }

    /// Kills the process; returns the instant at which the kernel had reported its end.
    pub async fn kill(&mut self) -> Result<Instant, BalancerError> {
        self.is_a_process("killing")?;
        self.killed = true;
        self.instance.process.kill().await.map_err(|source| self.instance.failed(source))
    }

    /// Starts a killed balancer again with the configuration it had; returns the instant at which it was ready.
    pub async fn restart(&mut self, lab: &Lab) -> Result<Instant, BalancerError> {
        let context = self.deployment.renderer.context(&self.lb, None, self.generation);
        let Started { instance, companion } = self.deployment.start(lab, &context).await?;
        let ready = Instant::now();
        (self.instance, self.companion) = (instance, companion);
        self.killed = false;
        Ok(ready)
    }

    /// How the balancer ended, if it has. One that the kernel has taken over does not end.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.instance.process.status().filter(|_| !self.is_in_kernel())
    }

    /// Waits for the balancer's process to end, by itself or not.
    pub async fn ended(&self) -> Result<ExitStatus, BalancerError> {
        if self.is_in_kernel() {
            return std::future::pending().await;
        }
        self.instance.ended().await
    }

    /// The last lines that the balancer's process printed.
    pub fn output(&self) -> Vec<String> {
        self.instance.process.output()
    }

    /// The folder of the balancer's files and sockets; it is gone after [`Running::stop`].
    pub fn state_dir(&self) -> &Path {
        self.deployment.renderer.state_dir.path()
    }

    /// Ends the balancer as its manifest says, and its replaced processes with it, and removes its files. What does not
    /// end within its grace is killed.
    ///
    /// # Errors
    /// [`BalancerError::Died`] if the balancer had ended by itself before.
    pub async fn stop(mut self, lab: &Lab) -> Result<(), BalancerError> {
        let died = self.exit_status().filter(|_| !self.killed);
        let stopped = self.end(lab).await;
        self.deployment.renderer.state_dir.remove()?;
        match died {
            Some(status) => {
                Err(BalancerError::Died { balancer: self.balancer(), status, output: self.instance.last_lines().await })
            }
            None => stopped,
        }
    }

    /// Ends the balancer and every process of it, as the manifest says; what does not end within its grace is killed.
    async fn end(&mut self, lab: &Lab) -> Result<(), BalancerError> {
        let stop = self.deployment.renderer.manifest.stop.clone();
        let (signal, ended) = match &stop.way {
            StopWay::Signal(signal) => (Some(*signal), Ok(())),
            // What has ended already cannot be told to.
            StopWay::Command(_) if self.exit_status().is_some() => (None, Ok(())),
            StopWay::Command(command) => {
                let context = self.deployment.renderer.context(&self.lb, None, self.generation);
                (None, self.deployment.carry_out(lab, "stop", command, &context).await.map(drop))
            }
        };
        for instance in self.replaced.iter().chain([&self.instance]) {
            end(instance, signal, stop.grace).await?;
        }
        if let Some(companion) = self.companion.take() {
            end(&companion, Some(Signal::SIGTERM), stop.grace).await?;
        }
        ended
    }

    fn is_in_kernel(&self) -> bool {
        self.deployment.renderer.manifest.is_in_kernel()
    }

    fn is_a_process(&self, doing: &'static str) -> Result<(), BalancerError> {
        if self.is_in_kernel() { Err(BalancerError::NoProcess { balancer: self.balancer(), doing }) } else { Ok(()) }
    }

    fn balancer(&self) -> String {
        self.deployment.balancer().to_owned()
    }
}

/// Asks a balancer that announces nothing for its members' states, again and again; what changes is heard as if it had been announced.
fn poll(deployment: &Rc<Deployment>, asked: &Rc<RefCell<Value>>) -> Option<AbortHandle> {
    let manifest = &deployment.renderer.manifest;
    let table = manifest.status.clone().filter(|_| manifest.events.is_none())?;
    let StatusSource::Question(question) = table.from.clone() else { return None };
    let (deployment, asked) = (Rc::clone(deployment), Rc::clone(asked));
    let polling = spawn_local(async move {
        let mut tick = tokio::time::interval(table.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let context = asked.borrow().clone();
            // One that is being reloaded, or is dead, has nothing to say.
            if let Ok(states) = deployment.asked_states(&question, &table, &context).await {
                deployment.hearing.learn(states, Instant::now());
            }
        }
    });
    Some(polling.abort_handle())
}

async fn end(instance: &Instance, signal: Option<Signal>, grace: Duration) -> Result<(), BalancerError> {
    let process = &instance.process;
    if process.status().is_none() {
        // One that ends meanwhile is noticed below.
        let signalled = signal.is_none_or(|signal| process.signal(signal).is_ok());
        if signalled && timeout(grace, process.wait()).await.is_ok() {
            return Ok(());
        }
    }
    process.kill().await.map(drop).map_err(|source| instance.failed(source))
}
