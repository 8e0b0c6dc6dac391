//! Taking the balancer away again, and looking for what it left.

use lblab_history::{Record, Teardown};

use super::stage::Stage;
use crate::Problem;

impl Stage {
    /// Stops the balancer, removes its namespace, and records what is still there.
    pub(super) async fn strike(self) -> Result<(), Problem> {
        let Stage { balancer, place, lab, ids, recorder, clock, .. } = self;
        let state_dir = balancer.state_dir().to_owned();
        let stopped = balancer.stop(&lab).await.map_err(Problem::from);
        // A container's processes are not all seen from here, and they hold its network.
        let containers = place.give_up().await;
        let left = lab.unplug_balancer(&ids.balancer.load_balancer).await?;
        let files = match std::fs::read_dir(&state_dir) {
            // The folder itself is a file that was left.
            Ok(entries) => entries
                .flatten()
                .map(|entry| entry.path().display().to_string())
                .chain([state_dir.display().to_string()])
                .collect(),
            Err(_) => Vec::new(),
        };
        recorder.append(&Record::Teardown(Teardown {
            at: clock.now(),
            namespaces: left.namespace.into_iter().collect(),
            links: left.port.into_iter().collect(),
            processes: left
                .processes
                .iter()
                .map(|left| format!("{} {}", left.pid, left.command))
                .chain(containers.as_ref().ok().into_iter().flatten().cloned())
                .collect(),
            files,
        }));
        stopped.and(containers.map(drop))
    }
}
