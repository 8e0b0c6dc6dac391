//! A balancer that is put to the test: its manifest, and whether its program is here.

use std::sync::Arc;

use lblab_balancer::{BalancerError, Found, Manifest, ManifestError};
use lblab_report::BalancerRef;
use lblab_scenario::{Ids, Plan};

use crate::undeclared;

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

    /// Whether its runs are skipped, with the reason, for this being why its program is not here. Where no engine runs its image,
    /// there is nothing that could be put right about the balancer.
    pub(crate) fn is_skipped_for(&self, error: &BalancerError) -> bool {
        self.may_lack || matches!(error, BalancerError::NoContainer { .. })
    }

    /// Why its program is not here, if it was asked for by name and has to be.
    pub(crate) fn is_missed(&self) -> Option<&BalancerError> {
        self.found.as_ref().err().filter(|error| !self.is_skipped_for(error))
    }

    /// Why the scenario cannot be run on the balancer, if it cannot: it needs what the manifest does not declare, or what its
    /// templates refuse.
    ///
    /// # Errors
    /// The templates are wrong.
    pub fn unsupported(&self, plan: &Plan) -> Result<Option<String>, BalancerError> {
        let manifest = &self.manifest;
        if let Some(lacking) = undeclared(plan, manifest.traits()) {
            return Ok(Some(format!("{} declares no {lacking}", manifest.name())));
        }
        // What the balancer would be given, with every member in its pool.
        let id = || "00000000-0000-4000-8000-000000000000".to_owned();
        let ids = Ids { load_balancer: id(), listener: id(), pool: id() };
        let members = plan.members.iter().map(|planned| planned.member.clone()).collect();
        match manifest.rehearse(&plan.load_balancer(&ids, members, manifest.traits()), None) {
            Ok(()) => Ok(None),
            Err(error @ BalancerError::Incapable { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The balancer, or a mutant of it, as a report names it.
    pub(crate) fn as_reported(&self, mutant: Option<&str>) -> BalancerRef {
        BalancerRef {
            argument: self.argument.clone(),
            name: self.manifest.name().to_owned(),
            version: self.found.as_ref().ok().map(|found| found.version.clone()),
            attachment: self.found.as_ref().ok().and_then(|found| Some(found.engine?.attachment().to_owned())),
            mutant: mutant.map(str::to_owned),
        }
    }
}
