//! What goes wrong in the middle changes nothing.

use lblab_lbaas::{HEAD, REVISIONS, current, upgrade};

use super::V1;
use crate::dump::{dump, execute, rows};

/// Every table that the conversion writes, and what it does there.
const WRITTEN: &[(&str, &str)] = &[
    ("lbaas_loadbalancers", "INSERT"),
    ("lbaas_pools", "INSERT"),
    ("lbaas_listeners", "INSERT"),
    ("lbaas_members", "INSERT"),
    ("lbaas_healthmonitors", "INSERT"),
    ("lbaas_loadbalancer_stats", "INSERT"),
    ("lbaas_loadbalancer_agents", "INSERT"),
    ("lbaas_loadbalancer_handovers", "INSERT"),
    ("ports", "UPDATE"),
];

async fn two_pools() -> V1 {
    let v1 = V1::new().await;
    let monitor = v1.monitor().await;
    for name in ["one", "two"] {
        let pool = v1.pool(name).await;
        v1.vip(name, &pool).await;
        v1.member(&pool, "192.168.1.17").await;
        v1.member(&pool, "192.168.1.18").await;
        v1.associate(&monitor, &pool).await;
    }
    v1.execute(
        "INSERT INTO agents SELECT '33333333-ff9c-44cb-a982-f93bcded63f4', 'Loadbalancerv2 agent', 'neutron-lbaasv2-agent', host,
            'n-lbaasv2_agent', '', 1, '{}', created_at, started_at, heartbeat_timestamp FROM agents",
    );
    v1
}

#[tokio::test]
async fn a_fault_at_the_last_row_of_any_table_changes_nothing() {
    let v1 = two_pools().await;
    let path = v1.0.database();
    for (table, verb) in WRITTEN {
        // The fault is at the second row that is written: the first is there already when it comes.
        execute(
            &path,
            &format!(
                "CREATE TABLE written (number); CREATE TRIGGER fault BEFORE {verb} ON {table} BEGIN
                     INSERT INTO written VALUES (1);
                     SELECT iif(count(*) = 2, RAISE(ABORT, 'a fault'), 0) FROM written;
                 END"
            ),
        );
        let before = dump(&path);
        let error = upgrade(&path, HEAD).expect_err("it fails").to_string();
        assert!(
            error.starts_with("upgrading the database to v1_into_v2: moving ")
                && error.ends_with(": a fault; nothing was changed"),
            "{table}: {error}"
        );
        assert_eq!(dump(&path), before, "{table}");
        execute(&path, "DROP TRIGGER fault; DROP TABLE written");
    }
    // What refers to a table of v1 lets its removal fail, which comes last of all.
    execute(&path, "CREATE TABLE mine (pool TEXT REFERENCES lb_pools (id)); INSERT INTO mine SELECT id FROM lb_pools");
    let before = dump(&path);
    let error = upgrade(&path, HEAD).expect_err("it fails").to_string();
    assert_eq!(error, "upgrading the database to v1_into_v2: FOREIGN KEY constraint failed; nothing was changed");
    assert_eq!(dump(&path), before);
    execute(&path, "DROP TABLE mine");
    upgrade(&path, HEAD).expect("without faults it goes through");
    assert_eq!(rows(&path, "SELECT count(*) AS n FROM lbaas_members")[0]["n"], 4);
}

#[tokio::test]
async fn a_fault_in_the_last_of_several_steps_undoes_the_first_as_well() {
    let v1 = two_pools().await;
    let path = v1.0.database();
    // The database as it was before there was a v2.
    let tables =
        rows(&path, "SELECT name FROM sqlite_schema WHERE name LIKE 'lbaas%' AND type = 'table' ORDER BY rowid DESC");
    for table in &tables {
        execute(&path, &format!("DROP TABLE {}", table["name"]));
    }
    execute(&path, "PRAGMA user_version = 2");
    execute(&path, "CREATE TRIGGER fault BEFORE UPDATE ON ports BEGIN SELECT RAISE(ABORT, 'a fault'); END");
    let before = dump(&path);
    upgrade(&path, HEAD).expect_err("it fails");
    assert_eq!(dump(&path), before);
    assert_eq!(current(&path).expect("a revision"), Some(REVISIONS[1]));
    execute(&path, "DROP TRIGGER fault");
    assert_eq!(upgrade(&path, HEAD).expect("an upgrade").had, Some(REVISIONS[1]));
    assert_eq!(rows(&path, "SELECT count(*) AS n FROM lbaas_members")[0]["n"], 4);
}

#[tokio::test]
async fn a_row_that_refers_to_what_is_not_there_is_not_left_behind_silently() {
    for (table, what) in
        [("lb_members", "members"), ("lb_pool_monitors", "health monitors"), ("lb_pool_stats", "counters")]
    {
        let v1 = two_pools().await;
        let path = v1.0.database();
        let pool = format!("SELECT pool_id FROM {table} LIMIT 1");
        execute(
            &path,
            &format!(
                "PRAGMA foreign_keys = 0; UPDATE {table} SET pool_id = 'gone' WHERE pool_id = ({pool}) AND rowid = (SELECT max(rowid) FROM {table} WHERE pool_id = ({pool}))"
            ),
        );
        let before = rows(&path, &format!("SELECT * FROM {table}"));
        let error = upgrade(&path, HEAD).expect_err("a row would be lost").to_string();
        assert!(error.contains(&format!("moving {what}: ")) || error.contains("FOREIGN KEY"), "{error}");
        assert_eq!(rows(&path, &format!("SELECT * FROM {table}")), before);
        assert_eq!(current(&path).expect("a revision"), Some(REVISIONS[2]));
    }
}
