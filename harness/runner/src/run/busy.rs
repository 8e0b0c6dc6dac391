//! Keeps the processors busy, as busy as a scenario says and for as long.
//!
//! A thread on each processor computes for a part of every cycle and sleeps for the rest. They are threads of the run's own process:
//! they have the nice level that the balancer inherits too, and nothing can leave one behind. How busy the processors are in all,
//! whoever uses them, is measured, written down, and what the length of the parts follows from. So the load is as high beside others as
//! it is alone.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lblab_history::{Busy, Clock, Record, Used};
use lblab_lab::{ProcessorTimes, allowed_processors};
use lblab_model::Moment;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::MissedTickBehavior;

use super::stage::Stage;
use crate::Problem;

/// What a thread computes and sleeps in. Longer than a time slice of the kernel, so that it is in others' way.
const CYCLE: Duration = Duration::from_millis(20);
/// How often it is measured how busy the processors are: 25 ticks of the kernel's for each.
const LOOK: Duration = Duration::from_millis(250);
/// How much of what is missing is made up for at once.
const GAIN: f64 = 0.7;
/// How near the load has to come before the next step.
const NEAR: f64 = 0.05;
/// How long that may take, before the run goes on all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the part of a cycle is counted in.
const WHOLE: f64 = 1000.0;

/// Busy processors, until this is dropped.
pub(super) struct Load {
    /// The part of each cycle in which the threads compute, in thousandths; they end when it is [`OVER`].
    part: Arc<AtomicU32>,
    kept: Rc<RefCell<Busy>>,
    used: watch::Receiver<f64>,
    measuring: AbortHandle,
    clock: Clock,
}

/// What ends the threads.
const OVER: u32 = u32::MAX;

impl Load {
    fn start(step: usize, percent: u32, clock: Clock) -> io::Result<Load> {
        let wanted = f64::from(percent) / 100.0;
        let mut before = ProcessorTimes::read()?;
        let processors = allowed_processors()?;
        let part = Arc::new(AtomicU32::new(in_thousandths(wanted)));
        for number in 0..processors {
            let part = Arc::clone(&part);
            std::thread::Builder::new().name(format!("busy-{number}")).spawn(move || compute(&part))?;
        }
        let from = clock.now();
        let kept = Rc::new(RefCell::new(Busy { step, wanted, processors, from, to: from, used: Vec::new() }));
        let (told, used) = watch::channel(0.0);
        let (measured, threads) = (Rc::clone(&kept), Arc::clone(&part));
        let measuring = spawn_local(async move {
            let mut look = tokio::time::interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            look.tick().await;
            let (mut since, mut length) = (from, wanted);
            loop {
                look.tick().await;
                let (now, Ok(times)) = (clock.now(), ProcessorTimes::read()) else { continue };
                let Some(share) = times.used_since(before) else { continue };
                measured.borrow_mut().used.push(Used { from: since, to: now, share });
                (before, since) = (times, now);
                length = (length + GAIN * (wanted - share)).clamp(0.0, 1.0);
                threads.store(in_thousandths(length), Ordering::Relaxed);
                told.send_replace(share);
            }
        });
        Ok(Load { part, kept, used, measuring: measuring.abort_handle(), clock })
    }

    /// Waits until the processors are about as busy as they are to be, or busier.
    async fn takes_hold(&mut self) {
        let wanted = self.kept.borrow().wanted;
        let near = self.used.wait_for(|used| *used >= wanted - NEAR);
        if tokio::time::timeout(PATIENCE, near).await.is_err() {
            tracing::warn!(wanted, used = *self.used.borrow(), "the processors are not as busy as they are to be");
        }
    }

    /// What was measured so far.
    fn report(&self) -> Busy {
        let to: Moment = self.clock.now();
        Busy { to, ..self.kept.borrow().clone() }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.measuring.abort();
        self.part.store(OVER, Ordering::Relaxed);
    }
}

/// Computes for the given part of each cycle.
fn compute(part: &AtomicU32) {
    loop {
        let (begun, part) = (Instant::now(), part.load(Ordering::Relaxed));
        if part == OVER {
            return;
        }
        let until = begun + CYCLE.mul_f64(f64::from(part) / WHOLE);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        std::thread::sleep((begun + CYCLE).saturating_duration_since(Instant::now()));
    }
}

fn in_thousandths(part: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a whole lies between 0 and 1"
    )]
    let thousandths = (part.clamp(0.0, 1.0) * WHOLE).round() as u32;
    thousandths
}

impl Stage {
    /// Keeps the processors this busy from now on, or no longer.
    pub(super) async fn busy(&mut self, step: usize, percent: Option<u32>) -> Result<(), Problem> {
        self.finish_busy();
        if let Some(percent) = percent {
            let load = Load::start(step, percent, self.clock)
                .map_err(|error| Problem::environment(format!("keeping the processors busy: {error}")))?;
            self.load.insert(load).takes_hold().await;
        }
        Ok(())
    }

    /// Lets the processors be, and notes how busy they were.
    pub(super) fn finish_busy(&mut self) {
        if let Some(load) = self.load.take() {
            self.recorder.append(&Record::Busy(load.report()));
        }
    }
}
