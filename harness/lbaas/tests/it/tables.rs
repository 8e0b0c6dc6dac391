//! The tables have the columns that the resources have attributes for, and no others.

use lblab_lbaas::{
    HEAD, REVISIONS, Resource, Revision, agent, current, glance, network, nova, octavia, security, upgrade, v1, v2,
};
use rusqlite::Connection;

fn check(resource: &Resource) {
    let (columns, attributes) = columns_and_attributes(resource);
    assert_eq!(columns, attributes, "{}", resource.table);
}

/// The names of a table's columns, and of the attributes that a resource keeps in it.
fn columns_and_attributes(resource: &Resource) -> (Vec<String>, Vec<&'static str>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lblab.sqlite");
    upgrade(&path, HEAD).expect("the tables are made");
    let database = Connection::open(&path).expect("the database opens");
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?) ORDER BY name").expect("a statement");
    let columns = statement.query_map([resource.table], |row| row.get(0)).expect("columns");
    let columns: Vec<String> = columns.collect::<Result<_, _>>().expect("names");
    let mut attributes: Vec<&str> = resource.kept().map(|attribute| attribute.name).collect();
    attributes.sort_unstable();
    (columns, attributes)
}

#[test]
fn each_table_has_a_column_for_each_attribute_that_it_keeps() {
    for resource in [&network::NETWORK, &network::SUBNET, &network::PORT, &network::ROUTER, &network::FLOATING_IP] {
        check(resource);
    }
    for resource in [&security::SECURITY_GROUP, &security::SECURITY_GROUP_RULE, &agent::AGENT] {
        check(resource);
    }
    for resource in [&nova::SERVER, &nova::FLAVOR, &glance::IMAGE] {
        check(resource);
    }
    for resource in [&v1::POOL, &v1::VIP, &v1::MEMBER, &v1::HEALTH_MONITOR] {
        check(resource);
    }
}

#[test]
fn the_tables_of_v2_have_a_column_for_each_attribute_that_octavia_keeps_and_neutron_keeps_no_other() {
    for (octavia, neutron) in [
        (&octavia::LOADBALANCER, &v2::LOADBALANCER),
        (&octavia::LISTENER, &v2::LISTENER),
        (&octavia::POOL, &v2::POOL),
        (&octavia::MEMBER, &v2::MEMBER),
        (&octavia::HEALTHMONITOR, &v2::HEALTHMONITOR),
        (&octavia::L7POLICY, &v2::L7POLICY),
        (&octavia::L7RULE, &v2::L7RULE),
    ] {
        check(octavia);
        let (columns, attributes) = columns_and_attributes(neutron);
        assert!(attributes.iter().all(|&name| columns.iter().any(|column| column == name)), "{}", neutron.table);
    }
}

#[test]
fn a_database_goes_from_revision_to_revision_and_not_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lblab.sqlite");
    assert_eq!(current(&path).expect("a new database"), None);
    let mut had = None;
    for &revision in REVISIONS {
        assert_eq!(upgrade(&path, revision).expect("a way forward"), had);
        had = Some(revision);
        assert_eq!(current(&path).expect("a revision"), had);
    }
    assert_eq!(upgrade(&path, HEAD).expect("nothing to do"), Some(HEAD));
    let back = upgrade(&path, REVISIONS[0]).expect_err("no way back").to_string();
    assert_eq!(back, "upgrading the database to core: it is at lbaas_v2 already, and is not taken back");
}

#[test]
fn a_revision_is_named_by_its_name_or_its_number() {
    assert_eq!(Revision::named("head").expect("the last"), HEAD);
    assert_eq!(Revision::named("lbaas_v1").expect("a name"), Revision::named("2").expect("a number"));
    let unknown = Revision::named("kilo").expect_err("no such name").to_string();
    let expected = "upgrading the database: there is no revision \"kilo\"; there are 1 (core), 2 (lbaas_v1), 3 (lbaas_v2) and head";
    assert_eq!(unknown, expected);
}
