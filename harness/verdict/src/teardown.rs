//! Whether anything was left when the balancer had been taken down.

use lblab_history::Teardown;

use crate::CheckId;
use crate::run::Run;
use crate::verdict::Verdict;

/// The verdict on the run's teardown.
pub(crate) fn leaves_nothing(run: &Run<'_>) -> Verdict {
    let Some(Teardown { at, namespaces, links, processes, files }) = &run.history.teardown else {
        let reason = run.incomplete().unwrap_or_else(|| "the history has no record of the teardown".to_owned());
        return Verdict::inconclusive(CheckId::Rc6, reason);
    };
    let kinds = [("namespace", namespaces), ("link", links), ("process", processes), ("file", files)];
    let left: Vec<String> =
        kinds.iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}"))).collect();
    if left.is_empty() {
        return Verdict::holds(CheckId::Rc6, format!("nothing was left at {at}"));
    }
    let verdict =
        Verdict::fails(CheckId::Rc6, format!("{} things were left behind, the first: {}", left.len(), left[0]));
    left.into_iter().fold(verdict, Verdict::because)
}
