//! A manifest as its author wrote it.

use lblab_model::BalancerTraits;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// A text with its place, which becomes a template, a pattern or a span of time when the manifest is checked.
pub(super) type Text = Spanned<String>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    pub name: Text,
    pub program: Spanned<RawProgram>,
    #[serde(default)]
    pub version: Option<RawVersion>,
    #[serde(default)]
    pub runs_as: Option<RawRunsAs>,
    pub files: Vec<RawFile>,
    #[serde(default)]
    pub check: Option<Spanned<Vec<Text>>>,
    pub start: Spanned<Vec<Text>>,
    pub ready: RawReady,
    pub reload: Spanned<RawReload>,
    pub stop: RawStop,
    pub status: RawStatus,
    pub events: RawEvents,
    #[serde(default)]
    pub mutants: bool,
    pub traits: Spanned<BalancerTraits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProgram {
    #[serde(default)]
    pub own: bool,
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub search: Vec<String>,
    #[serde(default)]
    pub install: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVersion {
    pub command: Spanned<Vec<Text>>,
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
    pub socket: Text,
    pub ask: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReload {
    #[serde(default)]
    pub signal: Option<RawSignal>,
    #[serde(default)]
    pub replace: Option<Spanned<Vec<Text>>>,
    pub done: Text,
    #[serde(default)]
    pub refused: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStop {
    pub signal: RawSignal,
    pub grace: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStatus {
    pub socket: Text,
    pub ask: Text,
    pub format: StatusFormat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvents {
    pub socket: Text,
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
pub(crate) enum StatusFormat {
    /// HAProxy's `show stat`.
    HaproxyCsv,
}
