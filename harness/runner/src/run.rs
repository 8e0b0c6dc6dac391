//! A plan, from an empty sandbox to the last step.

mod busy;
mod echoes;
mod faults;
mod half_open;
mod hold;
mod member_states;
mod pool;
mod probe_log;
mod stage;
mod step;
mod teardown;
mod traffic;

use lblab_balancer::Manifest;
use lblab_history::{Clock, Record, StepRecord};
use lblab_lab::sandbox::Identity;

use crate::place::PlaceToBe;
use crate::recorder::Recorder;
use crate::worker::tell;
use crate::{Job, Message, Problem};
use stage::Stage;

/// Builds the lab, deploys the balancer, carries out every step, and takes everything down again.
pub(crate) async fn run(
    job: &Job,
    manifest: &Manifest,
    place: PlaceToBe,
    identity: Identity,
    clock: Clock,
    recorder: &Recorder,
) -> Result<(), Problem> {
    let (mut stage, watch) = Stage::set(job, manifest, place, identity, clock, recorder.clone()).await?;
    let steps = carry_out(job, &mut stage).await;
    // What the members saw is part of the evidence even when a step could not be carried out.
    let traffic = stage.finish_traffic().await;
    stage.finish_busy();
    stage.ask_at_last().await;
    // One that is gone or does not answer has had its verdicts by then.
    if steps.is_ok()
        && stage.balancer_fault.is_none()
        && let Err(problem) = stage.count().await
    {
        tracing::warn!(problem = %problem.message, "the balancer does not tell what it has counted");
    }
    recorder.append(&Record::Timekeeping(watch.report()));
    let teardown = stage.strike().await;
    steps.and(traffic).and(teardown)?;
    recorder.flush()
}

async fn carry_out(job: &Job, stage: &mut Stage) -> Result<(), Problem> {
    let of = job.plan.steps.len();
    for (index, planned) in job.plan.steps.iter().enumerate() {
        let what = as_written(&job.plan.text, planned.place.line).to_owned();
        tracing::info!(step = index, line = planned.place.line, what, "step");
        tell(&Message::Step { index, of, what: what.clone() });
        let started = stage.clock.now();
        stage.carry_out(index, &what, &planned.step).await?;
        if !stage.goes_on(index) {
            let ended = stage.clock.now();
            stage.recorder.append(&Record::Step(StepRecord { step: index, started, ended }));
        }
        stage.balancer_lives()?;
        stage.recorder.flush()?;
    }
    Ok(())
}

/// A step as its author wrote it: the line on which it begins.
fn as_written(text: &str, line: usize) -> &str {
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim().trim_start_matches("- ")
}
