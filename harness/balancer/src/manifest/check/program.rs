//! Where the balancer's program comes from.

use lblab_containers::ImageName;
use serde_saphyr::Spanned;

use super::{Checked, Source};
use crate::manifest::raw::RawProgram;
use crate::manifest::{PATH, Program};

impl Source<'_> {
    pub(super) fn program(self, raw: Spanned<RawProgram>) -> Checked<Program> {
        let RawProgram { own, names, search, install, image, build } = &raw.value;
        let is_installed = !search.is_empty() || install.is_some();
        let is_in_image = image.is_some() || build.is_some();
        match (own, is_in_image, is_installed) {
            (true, false, false) if names.is_empty() => Ok(Program::Own),
            (false, true, false) => self.in_image(&raw),
            (false, false, _) => self.installed(raw),
            _ => {
                let what = "a program is either `own`, or installed with `names`, `search` and `install`, or in a container \
                            with `image`, `names` and `build`";
                Err(self.wrong(&raw, what, None))
            }
        }
    }

    fn installed(self, raw: Spanned<RawProgram>) -> Checked<Program> {
        let names = &raw.value.names;
        if names.is_empty() || names.iter().any(|name| name.is_empty() || name.contains('/')) {
            let help = "for example {names: [haproxy], search: [PATH, /usr/sbin], install: apt-get install -y haproxy}";
            return Err(self.wrong(&raw, "a program needs at least one name, without slashes", Some(help)));
        }
        let Some(install) = raw.value.install.clone() else {
            return Err(self.wrong(&raw, "a program needs `install`, the command that installs it", None));
        };
        let search = raw.value.search.into_iter().map(|text| self.template(text));
        let mut search = search.collect::<Checked<Vec<String>>>()?;
        if search.is_empty() {
            search.push(PATH.to_owned());
        }
        Ok(Program::Installed { install, names: raw.value.names, search })
    }

    fn in_image(self, raw: &Spanned<RawProgram>) -> Checked<Program> {
        let help = "for example {image: lblab/haproxy, names: [/usr/sbin/haproxy], build: make images haproxy}";
        let RawProgram { names, image: Some(image), build: Some(build), .. } = &raw.value else {
            let what = "a container needs `image`, and `build`, the command that makes it";
            return Err(self.wrong(raw, what, Some(help)));
        };
        let name = match ImageName::try_from(image.value.clone()) {
            Ok(name) => name,
            Err(why) => return Err(self.wrong(image, &why, None)),
        };
        match &names[..] {
            [program] if program.starts_with('/') => {
                Ok(Program::InImage { image: name, program: program.into(), build: build.clone() })
            }
            _ => {
                let what = "a program in an image has one name, which is its path in there";
                Err(self.wrong(raw, what, Some(help)))
            }
        }
    }
}
