//! From a manifest as written to a checked one; every mistake has its place.

mod asking;
mod life;
mod program;
mod source;

use std::collections::BTreeMap;

use super::raw::{RawManifest, Text};
use super::traits::Facts;
use super::{File, Manifest, Ready, RunsAs, Version};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::template;

pub(super) use source::Source;

type Checked<T> = Result<T, Diagnostic>;

impl Source<'_> {
    /// Checks the manifest against the templates that it may use.
    pub fn manifest(self, templates: BTreeMap<String, String>) -> Checked<Manifest> {
        let options = serde_saphyr::options! {
            with_snippet: false,
            budget: serde_saphyr::budget! { max_nodes: 10_000, max_aliases: 64 },
        };
        let raw: RawManifest =
            serde_saphyr::from_str_with_options(self.text, options).map_err(|error| self.misread(&error))?;
        template::check_files(&templates)?;
        if raw.name.value.is_empty() || !raw.name.value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(self.wrong(&raw.name, "a name is made of letters, digits, `-`, `_` and `.`", None));
        }
        let version = match raw.version {
            Some(raw) => Some(Version {
                pattern: self.pattern(&raw.pattern, &["version"])?,
                command: self.command(raw.command)?,
            }),
            None if raw.program.value.own => None,
            None => {
                let help = "for example {command: [\"{{ program }}\", -v], pattern: 'version (?<version>\\S+)'}";
                return Err(self.wrong(&raw.program, "an installed program needs `version`, to learn it", Some(help)));
            }
        };
        let ready = self.ready(raw.ready)?;
        let stop = self.stop(raw.stop, &ready)?;
        let reload = self.reload(raw.reload, &ready)?;
        let announces = raw.events.is_some();
        let status = raw.status.map(|raw| self.status(raw, announces)).transpose()?;
        let facts = Facts {
            states_every: status.as_ref().filter(|_| !announces).map(|status| status.every),
            shows_members: status.is_some() || announces,
            is_process: !ready.iter().any(|ready| matches!(ready, Ready::Ends)),
        };
        let traits = self.traits(raw.traits, facts)?;
        Ok(Manifest {
            program: self.program(raw.program)?,
            version,
            verified: raw.verified.map(|text| self.line(text)).transpose()?,
            environment: self.environment(raw.environment)?,
            values: self.values(raw.values)?,
            sysctls: self.sysctls(raw.sysctls)?,
            runs_as: raw.runs_as.map(|raw| RunsAs { user: raw.user, group: raw.group }),
            files: raw
                .files
                .into_iter()
                .map(|file| self.rendered(&file.template, &file.to, &templates))
                .collect::<Result<_, _>>()?,
            check: raw.check.map(|command| self.command(command)).transpose()?,
            start: self.command(raw.start)?,
            ready,
            reload,
            stop,
            status,
            events: raw.events.map(|raw| self.events(raw)).transpose()?,
            mutants: raw.mutants,
            traits,
            name: raw.name.value,
            templates,
            folder: None,
        })
    }

    fn rendered(self, template: &Text, to: &Text, templates: &BTreeMap<String, String>) -> Checked<File> {
        if !templates.contains_key(&template.value) {
            let near = did_you_mean(&template.value, templates.keys().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let what = format!("no template is called {:?}; it has to lie beside the manifest", template.value);
            return Err(self.wrong(template, &what, help.as_deref()));
        }
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if to.value.split('/').count() > 2 || !to.value.split('/').all(plain) {
            let what = "a rendered file needs a plain name in the state directory, or in a plainly named folder of it";
            return Err(self.wrong(to, what, None));
        }
        Ok(File { template: template.value.clone(), to: to.value.clone() })
    }

    fn environment(self, raw: BTreeMap<String, Text>) -> Checked<BTreeMap<String, String>> {
        let variable = |(name, value): (String, Text)| {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(self.wrong(&value, "a variable's name is not empty and has no `=` in it", None));
            }
            Ok((name, self.template(value)?))
        };
        raw.into_iter().map(variable).collect()
    }

    fn values(self, raw: BTreeMap<String, Text>) -> Checked<BTreeMap<String, String>> {
        let value = |(name, value): (String, Text)| {
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !is_name {
                let what = format!("a template cannot name the value {name:?}: lower-case letters, digits and `_`");
                return Err(self.wrong(&value, &what, None));
            }
            Ok((name, self.line(value)?))
        };
        raw.into_iter().map(value).collect()
    }

    fn sysctls(self, raw: BTreeMap<String, Text>) -> Checked<BTreeMap<String, String>> {
        let setting = |(key, value): (String, Text)| {
            let part = |part: &str| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            };
            if !key.starts_with("net.") || !key.split('.').all(part) {
                let what = "only settings of the namespace's network can be set";
                return Err(self.wrong(&value, what, Some("for example net.ipv4.ip_forward")));
            }
            Ok((key, self.line(value)?))
        };
        raw.into_iter().map(setting).collect()
    }
}
