//! The names of images, and the program that goes into each container.

use std::env;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The name of a local image, with its tag. Nothing is ever fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName {
    name: String,
    tag: String,
}

impl ImageName {
    /// The name without the tag.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl TryFrom<String> for ImageName {
    type Error = String;

    fn try_from(text: String) -> Result<ImageName, String> {
        // A colon before the last slash belongs to a registry's port.
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text.as_str(), "latest"),
        };
        let plain = |part: &str, others: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        if name.split('/').all(|part| plain(part, "-._:")) && plain(tag, "-._") {
            return Ok(ImageName { name: name.to_owned(), tag: tag.to_owned() });
        }
        Err(format!(
            "{text:?} is not the name of a local image; one is written like lblab/haproxy or lblab/haproxy:2.6"
        ))
    }
}

impl From<ImageName> for String {
    fn from(image: ImageName) -> String {
        image.to_string()
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

/// The program that `make images` makes for the inside of containers: `init` in `LBLAB_IMAGES`, or in
/// `~/.local/share/lblab/images`.
pub fn init_program() -> PathBuf {
    let chosen = env::var_os("LBLAB_IMAGES").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    chosen.unwrap_or_else(|| home().join(".local/share/lblab/images")).join("init")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::ImageName;

    fn check(text: &str, expected: &Expect) {
        let shown = match ImageName::try_from(text.to_owned()) {
            Ok(image) => format!("{} {}", image.name(), image.tag()),
            Err(why) => why,
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn an_image_has_a_name_and_a_tag() {
        check("lblab/haproxy", &expect!["lblab/haproxy latest"]);
        check("haproxy:2.6", &expect!["haproxy 2.6"]);
        check("localhost:5000/a/b:c", &expect!["localhost:5000/a/b c"]);
        check("localhost:5000/a", &expect!["localhost:5000/a latest"]);
    }

    #[test]
    fn what_is_no_name_of_a_local_image_is_refused() {
        check(
            "a@sha256:00",
            &expect![[
                r#""a@sha256:00" is not the name of a local image; one is written like lblab/haproxy or lblab/haproxy:2.6"#
            ]],
        );
        for text in ["", ":x", "a:", "a//b", "-a", "a b", "a\nb", "../x", "--privileged", "a:-b"] {
            assert!(ImageName::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
