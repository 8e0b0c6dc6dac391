//! The cookies that a client keeps, and those that clients have kept from one traffic to the next.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Cookies;

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

/// What the clients of a run were given, by their numbers; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Jars(Rc<RefCell<BTreeMap<u32, Kept>>>);

/// What one client was given.
#[derive(Debug)]
struct Kept {
    first: Jar,
    last: Jar,
}

impl Jars {
    /// Jars of clients of which none was given anything.
    pub fn new() -> Jars {
        Jars::default()
    }

    /// What the client of this number begins with.
    pub(crate) fn of(&self, client: u32, cookies: &Cookies) -> Jar {
        let mut jars = self.0.borrow_mut();
        let jar = match cookies {
            Cookies::Bring => jars.get(&client).map(|kept| kept.last.clone()),
            Cookies::First => jars.get(&client).map(|kept| kept.first.clone()),
            Cookies::Keep => {
                jars.remove(&client);
                None
            }
            Cookies::None | Cookies::Fixed(_) => None,
        };
        jar.unwrap_or_default()
    }

    /// The client of this number now has this.
    pub(crate) fn put(&self, client: u32, jar: &Jar) {
        let mut jars = self.0.borrow_mut();
        let kept = jars.entry(client).or_insert_with(|| Kept { first: jar.clone(), last: Jar::default() });
        kept.last = jar.clone();
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
    fn a_client_that_comes_again_has_what_it_had_or_what_it_was_given_first() {
        let jars = Jars::new();
        let has = |cookies: &Cookies| jars.of(3, cookies).header();
        assert_eq!(has(&Cookies::Bring), None);
        let mut jar = Jar::default();
        for set_cookie in ["SRV=vm01", "SRV=vm02", "SRV=vm03"] {
            jar.keep(set_cookie);
            jars.put(3, &jar);
        }
        assert_eq!(has(&Cookies::Bring).as_deref(), Some("SRV=vm03"));
        assert_eq!(has(&Cookies::First).as_deref(), Some("SRV=vm01"));
        assert_eq!(has(&Cookies::Fixed("SRV=x".to_owned())), None);
        assert_eq!(jars.of(4, &Cookies::Bring).header(), None);
        // Who begins anew has nothing, and is then given its first one again.
        assert_eq!(has(&Cookies::Keep), None);
        assert_eq!(has(&Cookies::First), None);
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
