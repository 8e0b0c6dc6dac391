//! The manifest and the template of a balancer that nothing is known of but its command.

use std::path::Path;

/// What is known of the balancer.
pub(super) struct Skeleton {
    /// Its name.
    pub(super) name: String,
    /// Whether the path of the rendered file had to be added to the command.
    pub(super) appended: bool,
    program: String,
    /// What follows the program.
    arguments: Vec<String>,
}

/// The rendered file, as a manifest names it.
const CONF: &str = "{{ conf }}";

impl Skeleton {
    /// A balancer that is started by these words. Its name is that of the first file among the arguments of an interpreter, or of
    /// the program, if nobody says.
    pub(super) fn of(words: Vec<String>, name: Option<&str>) -> Result<Skeleton, String> {
        let mut words = words.into_iter();
        let program = words.next().filter(|word| !word.is_empty()).ok_or("the command has no program")?;
        let mut arguments: Vec<String> = words.collect();
        let script = arguments.iter().find(|word| Path::new(word).extension().is_some() && word.contains('/'));
        let name = name.map_or_else(|| plain(script.unwrap_or(&program)), str::to_owned);
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(good) {
            return Err(format!(
                "{name:?} is no name: letters, digits, `-`, `_` and `.` make one; say another with --name"
            ));
        }
        let appended = !arguments.iter().any(|word| word.contains("{{"));
        arguments.extend(appended.then(|| CONF.to_owned()));
        Ok(Skeleton { name, appended, program, arguments })
    }

    /// The name of the template's file.
    pub(super) fn template_name(&self) -> String {
        format!("{}.json.j2", self.name)
    }

    /// The manifest.
    pub(super) fn manifest(&self) -> String {
        let path = Path::new(&self.program);
        let names = path.file_name().map_or_else(|| self.program.clone(), |name| name.to_string_lossy().into_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let search = match folder {
            Some(folder) => format!("  search: [{}]\n", quoted(folder.display().to_string())),
            None => "  # Folders to look in, in their order; PATH stands for those of PATH, and is what is searched if this is left out.\n  # search: [PATH, /opt/lb/bin, \"{{ here }}\"]\n".to_owned(),
        };
        // A script of one's own need not know `--version`, and its checksum tells one state of it from another.
        let version = match folder {
            Some(_) => "  command: [cksum, \"{{ program }}\"]\n  pattern: '(?<version>[0-9]+)'",
            None => {
                "  command: [\"{{ program }}\", --version]\n  pattern: '(?<version>[0-9]+\\.[0-9][0-9A-Za-z.+~-]*)'"
            }
        };
        let start: Vec<String> =
            ["{{ program }}"].into_iter().chain(self.arguments.iter().map(String::as_str)).map(quoted).collect();
        MANIFEST
            .replace("@NAME@", &self.name)
            .replace("@PROGRAM@", &quoted(&names))
            .replace("@INSTALL@", &quoted(format!("see who made {names}")))
            .replace("@SEARCH@", &search)
            .replace("@VERSION@", version)
            .replace("@TEMPLATE@", &self.template_name())
            .replace("@START@", &start.join(", "))
    }

    /// The template.
    pub(super) fn template(&self) -> String {
        TEMPLATE.replace("@NAME@", &self.name)
    }
}

/// The name of a file without its folder and its extension, in characters that a name may have.
fn plain(path: &str) -> String {
    let stem = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// The text as YAML takes it whatever it holds.
fn quoted(text: impl AsRef<str>) -> String {
    // Every JSON string is one of YAML, and a text always has one.
    serde_json::to_string(text.as_ref()).unwrap_or_default()
}

const MANIFEST: &str = include_str!("skeleton.yaml");
const TEMPLATE: &str = include_str!("skeleton.json.j2");

#[cfg(test)]
mod tests {
    use super::Skeleton;

    fn skeleton(words: &[&str]) -> Skeleton {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Skeleton::of(words, None).unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn a_script_gives_its_interpreter_its_name() {
        assert_eq!(skeleton(&["python3", "/srv/my lb.py", "-v"]).name, "my-lb");
        assert_eq!(skeleton(&["/usr/sbin/haproxy", "-db"]).name, "haproxy");
        assert_eq!(skeleton(&["pen", "192.168.1.250:80"]).name, "pen");
    }

    #[test]
    fn the_rendered_file_is_added_only_if_the_command_does_not_say_where_it_goes() {
        let added = skeleton(&["lb", "-v"]);
        assert!(added.appended && added.manifest().contains(r#"start: ["{{ program }}", "-v", "{{ conf }}"]"#));
        let said = skeleton(&["lb", "-f={{ conf }}"]);
        assert!(!said.appended && said.manifest().contains(r#"start: ["{{ program }}", "-f={{ conf }}"]"#));
    }
}
