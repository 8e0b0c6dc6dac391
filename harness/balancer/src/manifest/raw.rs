//! A manifest as its author wrote it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::traits::RawTraits;

/// A text with its place, which becomes a template, a pattern or a span of time when the manifest is checked.
pub(super) type Text = Spanned<String>;

/// A command as its arguments.
pub(super) type RawCommand = Spanned<Vec<Text>>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    pub name: Text,
    pub program: Spanned<RawProgram>,
    #[serde(default)]
    pub version: Option<RawVersion>,
    #[serde(default)]
    pub verified: Option<Text>,
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
    #[serde(default)]
    pub sysctls: BTreeMap<String, Text>,
    #[serde(default)]
    pub runs_as: Option<RawRunsAs>,
    #[serde(default)]
    pub values: BTreeMap<String, Text>,
    pub files: Vec<RawFile>,
    #[serde(default)]
    pub check: Option<RawCommand>,
    pub start: RawCommand,
    pub ready: Spanned<Vec<Spanned<RawReady>>>,
    pub reload: Spanned<RawReload>,
    pub stop: Spanned<RawStop>,
    #[serde(default)]
    pub status: Option<Spanned<RawStatus>>,
    #[serde(default)]
    pub events: Option<RawEvents>,
    #[serde(default)]
    pub mutants: bool,
    pub traits: RawTraits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProgram {
    #[serde(default)]
    pub own: bool,
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub search: Vec<Text>,
    #[serde(default)]
    pub install: Option<String>,
    #[serde(default)]
    pub image: Option<Text>,
    #[serde(default)]
    pub build: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVersion {
    pub command: RawCommand,
    pub pattern: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRunsAs {
    pub user: String,
    #[serde(default)]
    pub group: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub template: Text,
    pub to: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReady {
    #[serde(default)]
    pub socket: Option<Text>,
    #[serde(default)]
    pub address: Option<Text>,
    #[serde(default)]
    pub ask: Option<Text>,
    #[serde(default)]
    pub get: Option<Text>,
    #[serde(default)]
    pub output: Option<Text>,
    #[serde(default)]
    pub ends: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReload {
    #[serde(default)]
    pub signal: Option<RawSignal>,
    #[serde(default)]
    pub replace: Option<RawCommand>,
    #[serde(default)]
    pub command: Option<RawCommand>,
    #[serde(default)]
    pub files: bool,
    #[serde(default)]
    pub restart: bool,
    #[serde(default)]
    pub done: Option<Text>,
    #[serde(default)]
    pub asks: Option<Spanned<RawAsks>>,
    #[serde(default)]
    pub refused: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAsks {
    #[serde(default)]
    pub socket: Option<Text>,
    #[serde(default)]
    pub address: Option<Text>,
    #[serde(default)]
    pub ask: Option<Text>,
    #[serde(default)]
    pub get: Option<Text>,
    pub matches: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStop {
    #[serde(default)]
    pub signal: Option<RawSignal>,
    #[serde(default)]
    pub command: Option<RawCommand>,
    pub grace: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStatus {
    #[serde(default)]
    pub socket: Option<Text>,
    #[serde(default)]
    pub address: Option<Text>,
    #[serde(default)]
    pub ask: Option<Text>,
    #[serde(default)]
    pub get: Option<Text>,
    #[serde(default)]
    pub command: Option<RawCommand>,
    #[serde(default)]
    pub format: Option<RawStatusFormat>,
    #[serde(default)]
    pub members: Option<Text>,
    #[serde(default)]
    pub every: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvents {
    #[serde(default)]
    pub socket: Option<Text>,
    #[serde(default)]
    pub command: Option<RawCommand>,
    pub down: Text,
    pub up: Text,
}

/// The signals that a manifest may name.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RawSignal {
    Hup,
    Int,
    Quit,
    Term,
    Kill,
    Usr1,
    Usr2,
    Winch,
}

/// How a balancer writes its members' states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawStatusFormat {
    /// HAProxy's `show stat`.
    HaproxyCsv,
}
