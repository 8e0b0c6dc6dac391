//! What a manifest says of its balancer's life, in words.

use nix::sys::signal::Signal;

use crate::manifest::{
    Asked, Endpoint, InForce, Manifest, Program, Question, Reading, Ready, ReloadWay, StatusSource, StopWay,
};

/// One key of a manifest, and what it says in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The key.
    pub key: &'static str,
    /// What it says.
    pub words: String,
}

impl Manifest {
    /// What the manifest says besides the traits, in the order of its keys; what it leaves out is left out.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut say = |key, words: String| facts.push(Fact { key, words });
        say("program", program(&self.program));
        if let Some(version) = &self.version {
            say("version", format!("what `{}` prints, by {}", command(&version.command), version.pattern));
        }
        for (name, value) in &self.values {
            say("value", format!("{name}={value}"));
        }
        for (name, value) in &self.environment {
            say("environment", format!("{name}={value}"));
        }
        for (name, value) in &self.sysctls {
            say("sysctls", format!("{name} = {value}"));
        }
        if let Some(runs_as) = &self.runs_as {
            let group = runs_as.group.as_ref().map(|group| format!(", group {group}")).unwrap_or_default();
            say("runs_as", format!("user {}{group}, where ids can be changed", runs_as.user));
        }
        for file in &self.files {
            say("files", format!("{} out of {}", file.to, file.template));
        }
        if let Some(check) = &self.check {
            say("check", command(check));
        }
        say("start", command(&self.start));
        for condition in &self.ready {
            say("ready", ready(condition));
        }
        say("reload", format!("{}, {}", reload(&self.reload.way), in_force(&self.reload.in_force)));
        if let Some(refused) = &self.reload.refused {
            say("reload", format!("refused when a line matches {refused}"));
        }
        let way = match &self.stop.way {
            StopWay::Signal(with) => signal(*with),
            StopWay::Command(words) => format!("by `{}`", command(words)),
        };
        say("stop", format!("{way}, and SIGKILL after {:?}", self.stop.grace));
        if let Some(status) = &self.status {
            let from = match &status.from {
                StatusSource::Question(asked) => question(asked),
                StatusSource::Command(words) => format!("`{}`", command(words)),
            };
            let reading = match &status.reading {
                Reading::HaproxyCsv => "HAProxy's table".to_owned(),
                Reading::Members(pattern) => format!("members match {pattern}"),
            };
            say("status", format!("{from}: {reading}"));
        }
        if let Some(events) = &self.events {
            let socket = events.socket.as_ref().map(|socket| format!("the socket {socket}"));
            let words = events.command.as_ref().map(|words| format!("the output of `{}`", command(words)));
            let from = socket.or(words).unwrap_or_else(|| "what it prints".to_owned());
            say("events", format!("{from}: down by {}, up by {}", events.down, events.up));
        }
        if self.mutants {
            say("mutants", "it can be told to be wrong in a named way".to_owned());
        }
        facts
    }

    /// What has to be done to get the program; none if lblab is the program.
    pub fn install(&self) -> Option<&str> {
        match &self.program {
            Program::Own => None,
            Program::Installed { install, .. } | Program::InImage { build: install, .. } => Some(install),
        }
    }
}

fn command(words: &[String]) -> String {
    words.join(" ")
}

fn program(program: &Program) -> String {
    match program {
        Program::Own => "lblab itself".to_owned(),
        Program::Installed { names, search, install } => {
            format!("{} in {}; to get it: {install}", names.join(" or "), search.join(", "))
        }
        Program::InImage { image, program, build } => {
            format!("{} in a container of the image {image}; to get it: {build}", program.display())
        }
    }
}

fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Socket(path) => format!("the socket {path}"),
        Endpoint::Address(address) => address.clone(),
    }
}

fn question(question: &Question) -> String {
    let at = endpoint(&question.at);
    match &question.asked {
        Asked::Line(line) => format!("{at}, asked `{line}`"),
        Asked::Get(path) => format!("{at}, asked for {path}"),
    }
}

fn ready(ready: &Ready) -> String {
    match ready {
        Ready::Answers(asked) => format!("{}, answers", question(asked)),
        Ready::Accepts(at) => format!("{} accepts a connection", endpoint(at)),
        Ready::Says(pattern) => format!("a line matches {pattern}"),
        Ready::Ends => "the start command has ended; the kernel goes on balancing".to_owned(),
    }
}

fn reload(way: &ReloadWay) -> String {
    match way {
        ReloadWay::Signal(with) => signal(*with),
        ReloadWay::Replace(words) => format!("a successor takes over: `{}`", command(words)),
        ReloadWay::Command(words) => format!("by `{}`", command(words)),
        ReloadWay::Files => "the files are renamed into place".to_owned(),
        ReloadWay::Restart => "it is stopped and started again".to_owned(),
    }
}

fn in_force(in_force: &InForce) -> String {
    match in_force {
        InForce::Says(pattern) => format!("in force when a line matches {pattern}"),
        InForce::Answers(asked, pattern) => {
            format!("in force when {}, answers what matches {pattern}", question(asked))
        }
        InForce::Through => "in force when that is through".to_owned(),
    }
}

fn signal(signal: Signal) -> String {
    format!("by {signal}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::Manifest;

    #[test]
    fn a_manifest_is_told_in_words() {
        let manifest = Manifest::load("reference").expect("it is shipped");
        let told: Vec<String> = manifest.facts().iter().map(|fact| format!("{}: {}", fact.key, fact.words)).collect();
        expect![[r#"
            program: lblab itself
            files: conf out of config.json.j2
            start: {{ program }} reference-balancer --config {{ conf }}
            ready: the socket {{ sock }}, asked `show info`, answers
            reload: by SIGHUP, in force when a line matches Configuration loaded
            reload: refused when a line matches Configuration refused: (?<reason>.*)
            stop: by SIGTERM, and SIGKILL after 2s
            status: the socket {{ sock }}, asked `show stat`: HAProxy's table
            events: the socket {{ event_sock }}: down by Server [^ /]+/(?<member>[^ ,]+) is DOWN, up by Server [^ /]+/(?<member>[^ ,]+) is UP
            mutants: it can be told to be wrong in a named way"#]]
        .assert_eq(&told.join("\n"));
    }

    #[test]
    fn every_shipped_manifest_says_how_its_program_is_found_started_and_stopped() {
        for manifest in crate::shipped() {
            let keys: Vec<&str> = manifest.facts().iter().map(|fact| fact.key).collect();
            for key in ["program", "files", "start", "ready", "reload", "stop"] {
                assert!(keys.contains(&key), "{} says nothing of {key}", manifest.name());
            }
        }
    }
}
