//! The tables have the columns that the resources have attributes for, and no others.

use lblab_lbaas::{
    HEAD, Resource, Revision, Service, agent, glance, network, nova, octavia, security, upgrade, v1, v2,
};
use rusqlite::Connection;

fn check(resource: &Resource, revision: Revision) {
    let (columns, attributes) = columns_and_attributes(resource, revision);
    assert_eq!(columns, attributes, "{}", resource.table);
}

/// The names of a table's columns, and of the attributes that a resource keeps in it.
fn columns_and_attributes(resource: &Resource, revision: Revision) -> (Vec<String>, Vec<&'static str>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lblab.sqlite");
    upgrade(&path, revision).expect("the tables are made");
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
        check(resource, HEAD);
    }
    for resource in [&security::SECURITY_GROUP, &security::SECURITY_GROUP_RULE, &agent::AGENT] {
        check(resource, HEAD);
    }
    for resource in [&nova::SERVER, &nova::FLAVOR, &glance::IMAGE] {
        check(resource, HEAD);
    }
    for resource in [&v1::POOL, &v1::VIP, &v1::MEMBER, &v1::HEALTH_MONITOR] {
        check(resource, Revision::last_of(Service::V1));
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
        check(octavia, HEAD);
        let (columns, attributes) = columns_and_attributes(neutron, HEAD);
        assert!(attributes.iter().all(|&name| columns.iter().any(|column| column == name)), "{}", neutron.table);
    }
}
