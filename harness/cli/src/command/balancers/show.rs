//! `lblab balancers show`: what a manifest says, and what it would write and run for a scenario.

use lblab_balancer::{BalancerError, Rendering};
use lblab_lab::sandbox::Identity;
use lblab_report::Exit;
use lblab_scenario::{Ids, Plan};
use std::sync::Arc;

use super::{Done, Stop, is_verified, print, told};
use crate::command::scenario;
use crate::contender::Contender;

pub(super) fn show(balancer: &str, scenario: Option<&str>) -> Done {
    let contender = Contender::named(balancer).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
    match scenario {
        None => facts(&contender),
        Some(named) => render(&contender, named),
    }
}

fn facts(contender: &Arc<Contender>) -> Done {
    let manifest = &contender.manifest;
    print(&format!("{}\n", manifest.name()))?;
    let found = match &contender.found {
        Ok(found) => {
            let attachment = found.engine.map(|engine| format!(" in {}", engine.attachment())).unwrap_or_default();
            format!("{} ({}{attachment})", found.version, found.path.display())
        }
        Err(error) => error.to_string(),
    };
    row("found", &found)?;
    if let Some(verified) = manifest.verified() {
        let here = contender.found.as_ref().is_ok_and(|found| is_verified(&found.version, verified));
        row("verified", &format!("with {verified}{}", if here { ", which is the one found" } else { "" }))?;
    }
    for fact in manifest.facts() {
        row(fact.key, &fact.words)?;
    }
    print("\ntraits\n")?;
    for (key, sentence) in told::sentences(manifest.traits()) {
        row(key, &sentence)?;
    }
    Ok(Exit::AllHold)
}

fn row(key: &str, words: &str) -> Done {
    print(&format!("  {key:<18} {words}\n"))
}

/// Prints every file and command for the load balancer that the scenario starts with.
fn render(contender: &Arc<Contender>, named: &str) -> Done {
    let (plans, invalid) = scenario::checked(&[named.to_owned()])?;
    let [plan] = &plans[..] else {
        let wrong = if invalid.is_empty() { "name one scenario, not a folder of them" } else { "nothing was rendered" };
        return Err(Stop::new(Exit::ScenarioInvalid, wrong));
    };
    if let Some(lacking) = crate::undeclared(plan, contender.manifest.traits()) {
        let message = format!("{} declares no {lacking}, which {} needs", contender.manifest.name(), plan.path);
        return Err(Stop::new(Exit::ScenarioInvalid, &message));
    }
    let rendering = rendering(contender, plan).map_err(|error| Stop::new(Exit::ScenarioInvalid, &error))?;
    if contender.found.is_err() {
        let program = rendering.program.display();
        print(&format!("# The program is not installed; {program} stands for it.\n"))?;
    }
    for (key, words) in &rendering.commands {
        print(&format!("# {key}\n{}\n", shell_words(words)))?;
        if *key == "reload" && contender.manifest.facts().iter().any(|fact| fact.words.contains("old_pid")) {
            print("# 1 stands for the process that is replaced.\n")?;
        }
    }
    for (name, value) in &rendering.environment {
        print(&format!("# environment: {name}={value}\n"))?;
    }
    for file in &rendering.files {
        print(&format!("\n# {}/{}\n{}", rendering.state_dir.display(), file.name, file.text))?;
        if !file.text.ends_with('\n') {
            print("\n")?;
        }
    }
    Ok(Exit::AllHold)
}

fn rendering(contender: &Arc<Contender>, plan: &Plan) -> Result<Rendering, BalancerError> {
    let id = || "00000000-0000-4000-8000-000000000000".to_owned();
    let ids = Ids { load_balancer: id(), listener: id(), pool: id() };
    let members = plan.initial_members().map(|planned| planned.member.clone()).collect();
    let root = nix::unistd::geteuid().is_root();
    let identity = if root { Identity::Root } else { Identity::SingleUid };
    let load_balancer = plan.load_balancer(&ids, members, contender.manifest.traits());
    contender.manifest.rendering(&load_balancer, identity, None)
}

/// The command as one would type it.
fn shell_words(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let quoted = |word: &String| {
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::shell_words;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let words = ["/bin/sh", "-c", "echo 'a b'", ""].map(str::to_owned);
        assert_eq!(shell_words(&words), r"/bin/sh -c 'echo '\''a b'\''' ''");
    }
}
