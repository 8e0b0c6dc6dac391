//! HAProxy's life: it starts, shows its members, is reloaded, paused, killed and stopped.

use std::cell::{Cell, RefCell};
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::Duration;

use lblab_balancer::{BalancerError, Blame, Running};
use lblab_history::MemberState;
use lblab_history::MemberState::{Down, Up};
use lblab_model::Name;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::Test;
use crate::bench::{Bench, VIP, load_balancer, named, with_bench};

pub const TESTS: &[Test] = &[
    ("members_that_leave_and_return_are_announced_and_shown", members_that_leave_and_return_are_announced_and_shown),
    ("a_reload_loses_no_request", a_reload_loses_no_request),
    ("a_refused_reload_changes_nothing", a_refused_reload_changes_nothing),
    ("a_paused_balancer_is_silent_and_a_killed_one_restarts", a_paused_balancer_is_silent_and_a_killed_one_restarts),
    ("a_balancer_that_cannot_start_says_why", a_balancer_that_cannot_start_says_why),
    ("a_balancer_that_died_is_not_stopped_in_silence", a_balancer_that_died_is_not_stopped_in_silence),
];

fn members_that_leave_and_return_are_announced_and_shown() {
    with_bench(async |bench| {
        let mut running = bench.deploy(2).await.unwrap_or_else(|error| panic!("{error}"));
        let mut events = running.events().expect("the first caller gets them");
        assert!(running.events().is_none());
        assert_eq!(states(&running, &bench).await, [(named("vm01"), Up), (named("vm02"), Up)]);
        bench.get("/").await.expect("an answer");

        bench.refuse(2);
        let event = timeout(Duration::from_secs(10), events.recv()).await.expect("in time").expect("an event");
        assert_eq!((event.member, event.state), (named("vm02"), Down));
        assert_eq!(states(&running, &bench).await, [(named("vm01"), Up), (named("vm02"), Down)]);

        bench.serve(2);
        let event = timeout(Duration::from_secs(10), events.recv()).await.expect("in time").expect("an event");
        assert_eq!((event.member, event.state), (named("vm02"), Up));
        assert_eq!(states(&running, &bench).await, [(named("vm01"), Up), (named("vm02"), Up)]);

        let folder = running.state_dir().to_owned();
        assert!(folder.join("conf").exists() && folder.join("pid").exists() && folder.join("sock").exists());
        running.stop(&bench.lab).await.expect("an orderly end");
        assert!(!folder.exists());
        bench.get("/").await.expect_err("nobody listens any more");
    });
}

fn a_reload_loses_no_request() {
    with_bench(async |bench| {
        let mut running = bench.deploy(3).await.unwrap_or_else(|error| panic!("{error}"));
        let slow = spawn_local(bench.get("/slow"));
        let (served, lost, over) = (Rc::new(Cell::new(0)), Rc::<RefCell<Vec<_>>>::default(), Rc::new(Cell::new(false)));
        let bench = Rc::new(bench);
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (bench, served, lost, over) = (Rc::clone(&bench), served.clone(), lost.clone(), over.clone());
                spawn_local(async move {
                    while !over.get() {
                        match bench.get("/").await {
                            Ok(()) => served.set(served.get() + 1),
                            Err(error) => lost.borrow_mut().push(error),
                        }
                    }
                })
            })
            .collect();
        for members in [2, 3, 1, 3] {
            let before = served.get();
            let reloaded = running.reload(&bench.lab, &load_balancer(members)).await;
            let reloaded = reloaded.unwrap_or_else(|error| panic!("{error}"));
            assert!(reloaded.begun < reloaded.in_force);
            assert_eq!(states(&running, &bench).await.len(), usize::from(members));
            assert!(served.get() > before, "there was traffic meanwhile");
        }
        over.set(true);
        for client in clients {
            client.await.expect("a client does not panic");
        }
        assert!(lost.borrow().is_empty(), "lost {} of {}: {:?}", lost.borrow().len(), served.get(), lost.borrow()[0]);
        slow.await.expect("a client does not panic").expect("a request in flight is answered by the replaced process");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn a_refused_reload_changes_nothing() {
    with_bench(async |bench| {
        let mut running = bench.deploy(2).await.unwrap_or_else(|error| panic!("{error}"));
        let conf = running.state_dir().join("conf");
        let before = std::fs::read_to_string(&conf).expect("a configuration");
        let mut wrong = load_balancer(3);
        // HAProxy allows no slash in the name of a backend.
        wrong.listeners[0].pool.id = String::from("a/b");
        let error = running.reload(&bench.lab, &wrong).await.expect_err("a refusal");
        assert_eq!(error.blame(), Blame::Balancer);
        assert!(error.to_string().contains("is not permitted in 'backend' name"), "{error}");
        assert_eq!(std::fs::read_to_string(&conf).expect("a configuration"), before);
        assert_eq!(states(&running, &bench).await.len(), 2);
        bench.get("/").await.expect("an answer");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn a_paused_balancer_is_silent_and_a_killed_one_restarts() {
    with_bench(async |bench| {
        let mut running = bench.deploy(2).await.unwrap_or_else(|error| panic!("{error}"));
        running.pause().await.expect("a pause");
        timeout(Duration::from_millis(200), bench.get("/")).await.expect_err("silence");
        running.resume().await.expect("an end of the pause");
        bench.get("/").await.expect("an answer");

        running.kill().await.expect("a kill");
        bench.get("/").await.expect_err("nobody listens");
        assert!(matches!(running.states(&bench.lab).await, Err(BalancerError::Unanswered { .. })));
        running.restart(&bench.lab).await.unwrap_or_else(|error| panic!("{error}"));
        bench.get("/").await.expect("an answer");
        assert_eq!(states(&running, &bench).await.len(), 2);
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn a_balancer_that_cannot_start_says_why() {
    with_bench(async |bench| {
        let taken = bench.namespace.tcp_listener(SocketAddrV4::new(VIP, 80), 1).expect("a listener");
        let error = bench.deploy(2).await.map(drop).expect_err("the port is taken");
        assert_eq!(error.blame(), Blame::Balancer);
        assert!(matches!(error, BalancerError::DidNotStart { .. }), "{error}");
        assert!(error.to_string().contains("cannot bind socket (Address already in use)"), "{error}");
        drop(taken);
        let running = bench.deploy(2).await.unwrap_or_else(|error| panic!("{error}"));
        bench.get("/").await.expect("an answer");
        running.stop(&bench.lab).await.expect("an orderly end");
    });
}

fn a_balancer_that_died_is_not_stopped_in_silence() {
    with_bench(async |bench| {
        let running = bench.deploy(2).await.unwrap_or_else(|error| panic!("{error}"));
        let folder = running.state_dir().to_owned();
        let pid = std::fs::read_to_string(folder.join("pid")).expect("a pid");
        let pid = nix::unistd::Pid::from_raw(pid.trim().parse().expect("a number"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSEGV).expect("a signal");
        timeout(Duration::from_secs(10), running.ended()).await.expect("in time").expect("a status");
        let error = running.stop(&bench.lab).await.expect_err("it had died");
        assert!(matches!(error, BalancerError::Died { .. }), "{error}");
        assert!(!folder.exists());
    });
}

async fn states(running: &Running, bench: &Bench) -> Vec<(Name, MemberState)> {
    running.states(&bench.lab).await.expect("an answer").expect("states")
}
