//! HAProxy itself on what is rendered for it. HAProxy has to be installed; `make test` sees to it.

use std::process::Command;

use lblab_balancer::Manifest;
use lblab_lab::sandbox::Identity;

use crate::load_balancers::every_combination;

#[test]
fn haproxy_is_found_with_its_version() {
    let manifest = Manifest::load("haproxy").expect("it is shipped");
    let found = manifest.find_program().unwrap_or_else(|error| panic!("{error}"));
    assert!(found.path.is_absolute(), "{}", found.path.display());
    assert!(found.version.starts_with(|c: char| c.is_ascii_digit()), "{}", found.version);
}

#[test]
fn haproxy_accepts_every_method_persistence_and_monitor() {
    let manifest = Manifest::load("haproxy").expect("it is shipped");
    let haproxy = manifest.find_program().unwrap_or_else(|error| panic!("{error}")).path;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    // One process checks all of them: each -f is read as if it were appended, and every section has names of its own.
    for (number, (what, mut lb)) in every_combination().into_iter().enumerate() {
        for listener in &mut lb.listeners {
            listener.id = format!("listener-{number}");
            listener.pool.id = format!("pool-{number}");
            listener.port = u16::try_from(10_000 + number).ok().and_then(|port| port.try_into().ok()).expect("it fits");
        }
        let files =
            manifest.render(&lb, folder.path(), Identity::SingleUid, None).unwrap_or_else(|error| panic!("{error}"));
        // The sections before the first frontend are the same in each.
        let text = &files[0].text;
        let own = text.find("\nfrontend").map_or(text.as_str(), |at| &text[at + 1..]);
        let text = if number == 0 { text.as_str() } else { own };
        std::fs::write(folder.path().join(format!("{number:03}.cfg")), format!("# {what}\n{text}"))
            .expect("it is written");
    }
    let output = Command::new(&haproxy).arg("-c").arg("-f").arg(folder.path()).output().expect("HAProxy runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("WARNING"), "{said}");
}

#[test]
fn haproxy_accepts_the_user_and_group_where_they_exist() {
    let manifest = Manifest::load("haproxy").expect("it is shipped");
    let haproxy = manifest.find_program().unwrap_or_else(|error| panic!("{error}")).path;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (_, lb) = every_combination().swap_remove(0);
    let files = manifest.render(&lb, folder.path(), Identity::Root, None).unwrap_or_else(|error| panic!("{error}"));
    assert!(files[0].text.contains("\n    user nobody\n"), "{}", files[0].text);
    let conf = folder.path().join("conf");
    std::fs::write(&conf, &files[0].text).expect("it is written");
    let output = Command::new(&haproxy).arg("-c").arg("-f").arg(&conf).output().expect("HAProxy runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
