//! The cookies that one client keeps.

/// The cookies that one client keeps, in the order in which it was given them. Path, domain and expiry are ignored: a client
/// speaks to one server, for the length of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Keeps what a `Set-Cookie` gives, instead of what it gave before under that name.
    pub(crate) fn keep(&mut self, set_cookie: &str) {
        let pair = set_cookie.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        let (name, value) = (name.trim(), value.trim());
        match self.0.iter_mut().find(|(kept, _)| kept == name) {
            Some((_, kept)) => value.clone_into(kept),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The value of the `Cookie` header, if there are any.
    pub(crate) fn header(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set_cookies: &[&str], expected: Option<&str>) {
        let mut jar = Jar::default();
        for set_cookie in set_cookies {
            jar.keep(set_cookie);
        }
        assert_eq!(jar.header().as_deref(), expected, "{set_cookies:?}");
    }

    #[test]
    fn a_jar_gives_back_what_it_was_given() {
        check(&[], None);
        check(&["SRV=vm01"], Some("SRV=vm01"));
        check(&["SRV=vm01; path=/; HttpOnly", "session = a=b ;x"], Some("SRV=vm01; session=a=b"));
        check(&["SRV=vm01; path=/", "SRV=vm02"], Some("SRV=vm02"));
        check(&["nonsense", ""], None);
    }
}
