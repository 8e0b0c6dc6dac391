//! The control plane's database on the command line: its revision, its upgrade, and what is left of one that is killed.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use expect_test::expect;
use lblab_lbaas::{HEAD, REVISIONS, current};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::random::Random;
use crate::session::{Session, User};

/// What `--database` names if it is left out.
const FILE: &str = "lblab.sqlite";

/// How many upgrades are killed, unless `LBLAB_KILLS` says otherwise.
const KILLS: usize = 12;

/// How many members the database of those has, so that the upgrade takes a while and writes more than it keeps in memory.
const MEMBERS: u32 = 20_000;

/// One VIP with a pool, this many members and a monitor.
fn v1(path: &Path, members: u32) {
    lblab_lbaas::upgrade(path, REVISIONS[2]).expect("the tables are made");
    execute(
        path,
        &format!(
            "INSERT INTO networks VALUES ('n', 't', 'tenant-network', '', 0, 0, 1, 'ACTIVE');
             INSERT INTO subnets VALUES ('s', 't', 'tenant-subnetwork', '', 'n', 4, '192.168.0.0/16', NULL, 1, '[]');
             INSERT INTO lb_pools VALUES ('c3b8b6f3-13ef-4d2f-a2a7-2d0a5ce1c0f4', 't', 'my-lb-pool', '', 's', 'HTTP', 'haproxy',
                 'ROUND_ROBIN', 1, 'ACTIVE', NULL);
             INSERT INTO ports VALUES ('p', 't', 'vip-0f2d4b5c-7c0b-4b5e-9d64-3d2d2b0f6a11', '', 'n', 'fa:16:3e:00:00:01', '[]', '[]', '',
                 'neutron:LOADBALANCER', 1, 'ACTIVE');
             INSERT INTO lb_vips VALUES ('0f2d4b5c-7c0b-4b5e-9d64-3d2d2b0f6a11', 't', 'LB-Virtual-IP', '', 's', '192.168.1.250', 'p', 80,
                 'HTTP', 'c3b8b6f3-13ef-4d2f-a2a7-2d0a5ce1c0f4', NULL, -1, 1, 'ACTIVE', NULL);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {members})
             INSERT INTO lb_members SELECT 'member ' || i, 't', 'c3b8b6f3-13ef-4d2f-a2a7-2d0a5ce1c0f4', '192.168.1.17', i, 1, 1,
                 'ACTIVE', NULL FROM n;
             INSERT INTO lb_health_monitors VALUES ('9d8c21f5-6a3f-4f0a-8a62-0f3c5c1c0a22', 't', 'HTTP', 5, 2, 3, 'GET', '/', '200', 1);
             INSERT INTO lb_pool_monitors SELECT lb_pools.id, lb_health_monitors.id, 'ACTIVE', NULL FROM lb_pools, lb_health_monitors"
        ),
    );
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).expect("the database opens").execute_batch(sql).expect("it is carried out");
}

/// The number of rows that a condition selects: `lb_members WHERE ...`.
fn count(path: &Path, what: &str) -> u32 {
    let database = Connection::open(path).expect("the database opens");
    database.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).expect("a number")
}

/// Everything that a database holds; whole, or this panics.
fn dump(path: &Path) -> Vec<Value> {
    let database = Connection::open(path).expect("the database opens");
    let cells = |sql: &str| {
        let mut statement = database.prepare(sql).expect("a statement");
        let width = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        let mut cells = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            cells.extend((0..width).map(|index| row.get::<_, Value>(index).expect("a cell")));
        }
        cells
    };
    assert_eq!(cells("PRAGMA integrity_check"), [Value::Text("ok".to_owned())]);
    let mut all = [cells("PRAGMA user_version"), cells("SELECT sql FROM sqlite_schema ORDER BY name")].concat();
    for table in cells("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
        let Value::Text(name) = table else { panic!("a name is a text") };
        all.extend(cells(&format!("SELECT rowid, * FROM {name} ORDER BY rowid")));
    }
    all
}

#[test]
fn an_upgrade_says_what_became_of_what() {
    let session = Session::of(User::Caller);
    v1(&session.path(FILE), 2);
    let before = session.run(&["db", "current"]).with(0);
    let first = session.run(&["db", "upgrade", "head"]).with(0);
    let second = session.run(&["db", "upgrade", "v1_into_v2", "--database", FILE]).with(0);
    let after = session.run(&["db", "current"]).with(0);
    let said = [before, first, second, after].map(|ended| ended.said());
    expect![[r#"
        lbaas_v2 (3); the head is v1_into_v2 (4)
        lblab.sqlite: from lbaas_v2 (3) to v1_into_v2 (4)
        LBaaS v1 is v2 now:
          VIPs                   1, each a load balancer with a listener
          pools                  1
          members                2
          health monitors        1
        "LB-Virtual-IP" at 192.168.1.250
          VIP, now the listener  0f2d4b5c-7c0b-4b5e-9d64-3d2d2b0f6a11
          load balancer          db171409-988d-5c4c-82ba-f4f2362e6154
          agent                  none yet: the first that reports takes it
        lblab.sqlite: at v1_into_v2 (4) already
        v1_into_v2 (4), the head
    "#]]
    .assert_eq(&said.concat());
    session.file("new.sqlite", "");
    let said = ["current", "upgrade"].map(|what| {
        let revision: &[&str] = if what == "upgrade" { &["lbaas_v1"] } else { &[] };
        session.run(&[&["db", what], revision, &["--database", "new.sqlite"]].concat()).with(0).said()
    });
    expect![[r#"
        no tables yet; the head is v1_into_v2 (4)
        new.sqlite: new tables, at lbaas_v1 (2)
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn what_cannot_be_upgraded_is_told_and_left_as_it_was() {
    let session = Session::of(User::Caller);
    let path = session.path(FILE);
    v1(&path, 2);
    execute(&path, "DELETE FROM lb_pool_monitors");
    let before = dump(&path);
    let mut said = vec![
        session.run(&["db", "upgrade", "head"]).with(1).err,
        session.run(&["db", "upgrade", "kilo"]).with(2).err,
        session.run(&["db", "upgrade", "1"]).with(2).err,
        session.run(&["db", "upgrade", "head", "--database", "no/such.sqlite"]).with(2).err,
        session.run(&["db", "current", "--database", "no-such.sqlite"]).with(2).err,
    ];
    assert!(dump(&path) == before && !session.path("no-such.sqlite").exists());
    session.file("text", "This is no database, although it is a file that is there.");
    said.push(session.run(&["db", "current", "--database", "text"]).with(2).err);
    said.push(session.run(&["db", "upgrade", "head", "--database", "."]).with(3).err);
    execute(&session.path("foreign"), "CREATE TABLE cookies (name)");
    said.push(session.run(&["db", "upgrade", "head", "--database", "foreign"]).with(2).err);
    execute(&path, "PRAGMA user_version = 9");
    said.push(session.run(&["db", "upgrade", "head"]).with(2).err);
    said.push(session.run(&["db", "current"]).with(2).err);
    expect![[r#"
        lblab: lblab.sqlite: upgrading the database to v1_into_v2: nothing was changed, since LBaaS v2 has no place for some rows of v1:
          health monitor 9d8c21f5-6a3f-4f0a-8a62-0f3c5c1c0a22 is not associated with a pool, and one of v2 belongs to a pool: neutron lb-healthmonitor-associate 9d8c21f5-6a3f-4f0a-8a62-0f3c5c1c0a22 POOL, or neutron lb-healthmonitor-delete 9d8c21f5-6a3f-4f0a-8a62-0f3c5c1c0a22
        change them by the API of v1, which works on this database as before, and try again
        lblab: upgrading the database: there is no revision "kilo"; there are 1 (core), 2 (lbaas_v1), 3 (lbaas_v2), 4 (v1_into_v2) and head
        lblab: lblab.sqlite: upgrading the database to core: it is at lbaas_v2 already, and is not taken back
        lblab: opening the database no/such.sqlite: there is no such file; name it with --database
        lblab: opening the database no-such.sqlite: there is no such file; name it with --database
        lblab: text: reading the database's revision: it is no database of lblab; name another file
        lblab: opening the database .: unable to open database file: .
        lblab: foreign: reading the database's revision: it is no database of lblab; name another file
        lblab: lblab.sqlite: reading the database's revision: it is 9, and this program knows 4; use the program that wrote it
        lblab: lblab.sqlite: reading the database's revision: it is 9, and this program knows 4; use the program that wrote it
    "#]].assert_eq(&said.concat());
}

#[test]
fn a_database_that_another_process_keeps_to_itself_is_given_up_after_a_while() {
    let session = Session::of(User::Caller);
    let path = session.path(FILE);
    v1(&path, 2);
    let other = Connection::open(&path).expect("the database opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("the other process writes");
    let told = session.run(&["db", "upgrade", "head"]).with(3).err;
    expect![[r#"
        lblab: lblab.sqlite: upgrading the database to v1_into_v2: another process has been writing it for 10 s; let it end or stop it, and try again
    "#]].assert_eq(&told);
    assert!(session.run(&["db", "current"]).with(0).out.starts_with("lbaas_v2 (3)"), "it can be read meanwhile");
    other.execute_batch("COMMIT").expect("the other process ends");
    session.run(&["db", "upgrade", "head"]).with(0);
}

/// An upgrade that never gets beyond a place is killed there.
#[test]
fn an_upgrade_that_is_killed_in_the_middle_has_changed_nothing() {
    for (table, verb, spilled) in
        [("lbaas_loadbalancers", "INSERT", false), ("lbaas_healthmonitors", "INSERT", true), ("ports", "UPDATE", true)]
    {
        let session = Session::of(User::Caller);
        let path = session.path(FILE);
        v1(&path, MEMBERS);
        // To count these takes years.
        let forever =
            "SELECT count(*) FROM lb_members AS a, lb_members AS b, lb_members AS c WHERE a.id < b.id AND b.id < c.id";
        execute(&path, &format!("CREATE TRIGGER forever AFTER {verb} ON {table} BEGIN {forever}; END"));
        let before = dump(&path);
        let mut upgrade = session.start(&["db", "upgrade", "head"]);
        let probe = Connection::open(&path).expect("the database opens");
        probe.busy_timeout(Duration::ZERO).expect("no patience");
        let is_written = || probe.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err();
        let size = || fs::metadata(session.path("lblab.sqlite-wal")).map_or(0, |file| file.len());
        let begin = Instant::now();
        // SQLite tells nobody how far a transaction of another process is.
        while !is_written() || (spilled && size() < 1 << 20) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{table}: the upgrade does not begin");
            assert!(upgrade.try_wait().expect("a child").is_none(), "{table}: the upgrade has ended");
            sleep(Duration::from_millis(5));
        }
        upgrade.kill().expect("a kill");
        upgrade.wait().expect("an end");
        drop(probe);
        assert!(dump(&path) == before, "{table}: something has changed");
        execute(&path, "DROP TRIGGER forever");
        session.run(&["db", "upgrade", "head"]).with(0);
        assert_eq!(count(&path, "lbaas_members"), MEMBERS);
    }
}

#[test]
fn an_upgrade_that_is_killed_at_any_moment_is_done_or_has_changed_nothing() {
    let kills = std::env::var("LBLAB_KILLS").map_or(KILLS, |text| text.parse().expect("a number of kills"));
    let session = Session::of(User::Caller);
    let original = session.path("original.sqlite");
    v1(&original, MEMBERS);
    let before = dump(&original);
    let path = session.path(FILE);
    fs::copy(&original, &path).expect("a copy");
    let begin = Instant::now();
    session.run(&["db", "upgrade", "head"]).with(0);
    let whole = begin.elapsed();
    let mut random = Random(1);
    let mut undone = 0;
    for round in 0..kills {
        for file in fs::read_dir(session.path("")).expect("the folder").flatten().map(|entry| entry.path()) {
            if file != original {
                fs::remove_file(file).expect("it is removed");
            }
        }
        fs::copy(&original, &path).expect("a copy");
        let mut upgrade = session.start(&["db", "upgrade", "head"]);
        let moment = random.below(whole);
        sleep(moment);
        upgrade.kill().expect("a kill");
        upgrade.wait().expect("an end");
        let after = dump(&path);
        if current(&path).expect("a revision") == Some(HEAD) {
            let left = "sqlite_schema WHERE name LIKE 'lb\\_%' ESCAPE '\\'";
            assert_eq!((count(&path, "lbaas_members"), count(&path, left)), (MEMBERS, 0), "round {round}, {moment:?}");
        } else {
            undone += 1;
            assert!(after == before, "round {round}, killed after {moment:?}: something has changed");
        }
    }
    assert!(undone > 0, "none of {kills} upgrades was killed before its end");
    println!("{kills} upgrades of {whole:?} were killed, {undone} of them before their end");
}
