//! The revisions of a database: which it has, which it can be brought to, and what each can serve.

use std::fs;
use std::path::PathBuf;
use std::thread;

use lblab_lbaas::{HEAD, REVISIONS, Revision, Service, current, serves, upgrade};
use tempfile::TempDir;

use crate::dump::{dump, execute};

fn new_database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lblab.sqlite");
    (folder, path)
}

#[test]
fn a_database_goes_from_revision_to_revision_and_not_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lblab.sqlite");
    assert_eq!(current(&path).expect("a new database"), None);
    let mut had = None;
    for &revision in REVISIONS {
        assert_eq!(upgrade(&path, revision).expect("a way forward").had, had);
        had = Some(revision);
        assert_eq!(current(&path).expect("a revision"), had);
    }
    assert_eq!(upgrade(&path, HEAD).expect("nothing to do").had, Some(HEAD));
    let back = upgrade(&path, REVISIONS[0]).expect_err("no way back").to_string();
    assert_eq!(back, "upgrading the database to core: it is at v1_into_v2 already, and is not taken back");
}

#[test]
fn a_revision_is_named_by_its_name_or_its_number() {
    assert_eq!(Revision::named("head").expect("the last"), HEAD);
    assert_eq!(Revision::named("lbaas_v1").expect("a name"), Revision::named("2").expect("a number"));
    let unknown = Revision::named("kilo").expect_err("no such name").to_string();
    let expected = "upgrading the database: there is no revision \"kilo\"; there are 1 (core), 2 (lbaas_v1), 3 (lbaas_v2), \
        4 (v1_into_v2) and head";
    assert_eq!(unknown, expected);
}

#[test]
fn to_ask_for_the_revision_changes_nothing_and_makes_no_file() {
    let (_folder, path) = new_database();
    assert_eq!(current(&path).expect("no file has no revision"), None);
    assert!(!path.exists());
    execute(&path, "CREATE TABLE cookies (name TEXT)");
    let is_refused = || {
        let before = fs::read(&path).expect("a file");
        for refused in [current(&path).map(drop), upgrade(&path, HEAD).map(drop)] {
            let said = refused.expect_err("it is not lblab's").to_string();
            assert_eq!(said, "reading the database's revision: it is no database of lblab; name another file");
        }
        assert!(fs::read(&path).expect("a file") == before, "the file has changed");
    };
    is_refused();
    // Another program counts its revisions in the same place.
    execute(&path, "PRAGMA user_version = 3");
    is_refused();
    fs::write(&path, "no database at all, in a file that is there").expect("a file");
    is_refused();
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let (_folder, path) = new_database();
    upgrade(&path, HEAD).expect("the tables are made");
    execute(&path, "PRAGMA user_version = 99");
    let before = dump(&path);
    for refused in [current(&path).map(drop), upgrade(&path, HEAD).map(drop)] {
        let said = refused.expect_err("it is newer").to_string();
        assert!(said.starts_with("reading the database's revision: it is 99, and this program knows 4"), "{said}");
    }
    assert_eq!(dump(&path), before);
}

#[test]
fn many_upgrades_at_the_same_time_are_one() {
    let (_folder, path) = new_database();
    upgrade(&path, REVISIONS[0]).expect("the first tables are made");
    let upgrades: Vec<_> =
        (0..8).map(|_| path.clone()).map(|path| thread::spawn(move || upgrade(&path, HEAD))).collect();
    for one in upgrades {
        assert_eq!(one.join().expect("a thread").expect("an upgrade").has, HEAD);
    }
    assert_eq!(current(&path).expect("a revision"), Some(HEAD));
}

#[test]
fn each_version_of_lbaas_is_served_where_its_tables_are() {
    let served = |service| {
        let revisions = [None].into_iter().chain(REVISIONS.iter().copied().map(Some));
        revisions.map(|revision| serves(revision, service).is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(served(Service::V1), [false, false, true, true, false]);
    assert_eq!(served(Service::V2), [false, false, false, true, true]);
    for service in [Service::V1, Service::V2] {
        assert!(serves(Some(Revision::last_of(service)), service).is_ok());
    }
    let said = |revision, service| serves(revision, service).expect_err("it is refused").to_string();
    assert_eq!(
        said(Some(HEAD), Service::V1),
        "offering LBaaS v1: the database is at v1_into_v2, where all that v1 kept has become v2's, and there is no way back; offer v2"
    );
    assert_eq!(
        said(None, Service::V1),
        "offering LBaaS v1: the database is at no revision, and v1 is there from lbaas_v1 on; bring it there with `lblab db upgrade lbaas_v2`"
    );
    assert_eq!(
        said(Some(REVISIONS[1]), Service::V2),
        "offering LBaaS v2: the database is at lbaas_v1, and v2 is there from lbaas_v2 on; bring it there with `lblab db upgrade v1_into_v2`"
    );
}
