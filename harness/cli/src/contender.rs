//! A balancer that is put to the test: its manifest, and whether its program is here.

use std::sync::Arc;

use lblab_balancer::{BalancerError, Found, Manifest, ManifestError};
use lblab_report::BalancerRef;

/// A balancer that is put to the test.
#[derive(Debug)]
pub struct Contender {
    /// What follows `--balancer` to choose it: a shipped one's name, or a manifest's path.
    pub argument: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its program, if it is here.
    pub found: Result<Found, BalancerError>,
    /// Whether its runs are skipped if it is not; it is one of all that there are, and was not asked for by name.
    pub may_lack: bool,
}

impl Contender {
    /// The balancer of this name or path. Its program is looked for, and asked for its version, once.
    pub fn named(argument: &str) -> Result<Arc<Contender>, ManifestError> {
        let manifest = Manifest::load(argument)?;
        let found = manifest.find_program();
        Ok(Arc::new(Contender { argument: argument.to_owned(), manifest, found, may_lack: false }))
    }

    /// Every shipped balancer, whether it is here or not.
    pub fn all() -> Vec<Arc<Contender>> {
        let contender = |manifest: Manifest| {
            // Some programs take a while to say which version they are.
            let found = manifest.find_program();
            let argument = manifest.name().to_owned();
            Arc::new(Contender { argument, manifest, found, may_lack: true })
        };
        std::thread::scope(|scope| {
            let asked: Vec<_> = lblab_balancer::shipped()
                .into_iter()
                .map(|manifest| scope.spawn(move || contender(manifest)))
                .collect();
            asked.into_iter().map(|thread| thread.join().expect("asking for a version does not panic")).collect()
        })
    }

    /// The balancer, or a mutant of it, as a report names it.
    pub(crate) fn as_reported(&self, mutant: Option<&str>) -> BalancerRef {
        BalancerRef {
            argument: self.argument.clone(),
            name: self.manifest.name().to_owned(),
            version: self.found.as_ref().ok().map(|found| found.version.clone()),
            mutant: mutant.map(str::to_owned),
        }
    }
}
