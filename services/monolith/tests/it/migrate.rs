//! `plinth migrate` and `plinth admin` on a PostgreSQL of their own, as in production: by settings.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use include_dir::{Dir, DirEntry, File};
use local_servers::{Postgres, postgres};
use service_kit::migrations::{Catalogue, Migrator};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Those that have a database.
const SERVICES: [&str; 3] = ["auth", "prefs", "webhook"];

/// A server, and the settings that speak of it.
pub(crate) struct Cluster {
    server: Postgres,
    _dir: TempDir,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let options = postgres::Options { fsync: false, ..postgres::Options::new("root") };
        Self { server: Postgres::start(dir.path(), options).await.unwrap(), _dir: dir }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plinth"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        for service in SERVICES {
            let name = service.to_uppercase();
            let owner = format!("{service}_owner");
            command.env(format!("{name}__DATABASE__URL"), self.server.url_as(service, "serving", service));
            command.env(format!("{name}__DATABASE__OWNER_URL"), self.server.url_as(&owner, "owner", service));
        }
        command.env("PLINTH_ADMIN_DATABASE_URL", self.server.url("postgres"));
        command
    }

    pub(crate) fn plinth(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) async fn client(&self, database: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.server.url(database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replicas_at_once_make_everything_once() {
    let cluster = Cluster::start().await;
    let started = (0..4).map(|_| {
        cluster.command(&["migrate", "up"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let outputs: Vec<Output> =
        started.collect::<Vec<_>>().into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(
        outputs.iter().all(|output| output.status.success()),
        "{:?}",
        outputs.iter().map(text).collect::<Vec<_>>()
    );
    let all: String = outputs.iter().map(text).collect();
    assert_eq!(all.matches("auth: applied 20261120000001_create_accounts").count(), 1, "{all}");
    assert!(cluster.plinth(&["migrate", "check"]).status.success());
    assert!(text(&cluster.plinth(&["migrate", "up"])).contains("auth: up to date"));
    assert!(text(&cluster.plinth(&["migrate", "plan"])).contains("nothing is pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_serving_role_reads_the_history_and_cannot_change_it() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let url = cluster.server.url_as("auth", "serving", "auth");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for table in ["__diesel_schema_migrations", "plinth_migration_checksums"] {
        assert!(client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.is_ok(), "{table}");
        let refused = client.execute(&format!("DELETE FROM {table}"), &[]).await.unwrap_err().to_string();
        assert!(refused.contains("db error"), "{table}: {refused}");
    }
    assert!(client.execute("DELETE FROM users", &[]).await.is_ok(), "the rest is its work");
    assert!(cluster.plinth(&["migrate", "check"]).status.success());
}

/// As an operator in Kubernetes does, or a cloud's console: roles and databases by plain SQL, without
/// a word about what they may do. What follows is each service's own `migrate`, as the owner.
#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_refused_by_every_other_database_whoever_made_them() {
    let cluster = Cluster::start().await;
    let admin = cluster.client("postgres").await;
    for service in SERVICES {
        for (role, password) in [(format!("{service}_owner"), "owner"), (service.to_owned(), "serving")] {
            admin.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")).await.unwrap();
        }
        admin.batch_execute(&format!("CREATE DATABASE {service} OWNER {service}_owner")).await.unwrap();
    }
    let migrate = || cluster.command(&["migrate", "up"]).env_remove("PLINTH_ADMIN_DATABASE_URL").output();
    let first = migrate().unwrap();
    assert!(first.status.success(), "{}", text(&first));
    let again = text(&migrate().unwrap());
    assert!(SERVICES.iter().all(|service| again.contains(&format!("{service}: up to date"))), "{again}");

    for service in SERVICES {
        for (role, password) in [(format!("{service}_owner"), "owner"), (service.to_owned(), "serving")] {
            for database in SERVICES {
                let url = cluster.server.url_as(&role, password, database);
                let connected = tokio_postgres::connect(&url, NoTls).await.is_ok();
                assert_eq!(connected, database == service, "{role} at {database}");
            }
        }
        let (serving, connection) =
            tokio_postgres::connect(&cluster.server.url_as(service, "serving", service), NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        assert!(serving.query_one("SELECT count(*) FROM jobs", &[]).await.is_ok(), "{service} reads rows");
        assert!(serving.batch_execute("DROP TABLE jobs").await.is_err(), "{service} changes no table");
        assert!(serving.batch_execute("CREATE TABLE mine ()").await.is_err(), "{service} makes no table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_comes_again() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let whose = cluster.plinth(&["migrate", "down"]);
    assert!(!whose.status.success() && text(&whose).contains("--service"), "{}", text(&whose));
    let down = cluster.plinth(&["migrate", "down", "--service", "auth", "--steps", "100"]);
    assert!(down.status.success(), "{}", text(&down));
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename !~ 'migration'";
    assert_eq!(cluster.client("auth").await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    let check = cluster.plinth(&["migrate", "check"]);
    assert!(!check.status.success() && text(&check).contains("is pending"), "{}", text(&check));
    assert!(text(&cluster.plinth(&["migrate", "plan"])).contains("CREATE TABLE users"));
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    assert!(cluster.plinth(&["migrate", "check"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_missing_and_skipped_history_is_refused_and_nothing_changes() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let client = cluster.client("auth").await;
    for (harm, told, mend) in [
        (
            "UPDATE plinth_migration_checksums SET checksum = 'x' || checksum WHERE version = '20261120000001'",
            "was edited after it had been applied",
            "UPDATE plinth_migration_checksums SET checksum = substr(checksum, 2) WHERE version = '20261120000001'",
        ),
        (
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')",
            "is not in this binary",
            "DELETE FROM __diesel_schema_migrations WHERE version = '20991231000000'",
        ),
        (
            "UPDATE __diesel_schema_migrations SET version = '30000000000000' WHERE version = '20261120000002'",
            "is older than what was applied",
            "UPDATE __diesel_schema_migrations SET version = '20261120000002' WHERE version = '30000000000000'",
        ),
    ] {
        client.batch_execute(harm).await.unwrap();
        for verb in ["up", "check", "plan"] {
            let output = cluster.plinth(&["migrate", verb]);
            assert!(!output.status.success() && text(&output).contains(told), "{verb}: {}", text(&output));
        }
        client.batch_execute(mend).await.unwrap();
        assert!(cluster.plinth(&["migrate", "check"]).status.success(), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_migration_leaves_nothing_of_itself() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up", "--service", "prefs"]).status.success());
    assert!(cluster.plinth(&["migrate", "down", "--service", "prefs", "--steps", "100"]).status.success());
    // The way of the second step is barred.
    cluster.client("prefs").await.batch_execute("CREATE TABLE documents ()").await.unwrap();
    let output = cluster.plinth(&["migrate", "up", "--service", "prefs"]);
    assert!(!output.status.success() && text(&output).contains("create_documents"), "{}", text(&output));
    cluster.client("prefs").await.batch_execute("DROP TABLE documents").await.unwrap();
    assert!(cluster.plinth(&["migrate", "up", "--service", "prefs"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_concurrently_while_the_migrator_holds_its_lock() {
    static STEP: [DirEntry<'_>; 2] = [
        DirEntry::File(File::new(
            "20991231000000_index_things/up.sql",
            b"-- outside a transaction\nCREATE INDEX CONCURRENTLY things_name ON things (name);",
        )),
        DirEntry::File(File::new("20991231000000_index_things/down.sql", b"DROP INDEX things_name;")),
    ];
    static STEPS: [DirEntry<'_>; 1] = [DirEntry::Dir(Dir::new("20991231000000_index_things", &STEP))];
    let cluster = Cluster::start().await;
    let client = cluster.client("postgres").await;
    client.batch_execute("CREATE TABLE things (name text)").await.unwrap();
    let catalogue = Catalogue::embedded(&[&Dir::new("", &STEPS)]).unwrap();
    let migrator = Migrator::new(&cluster.server.url("postgres"), None, catalogue).unwrap();
    assert_eq!(migrator.up().await.unwrap(), ["20991231000000_index_things"]);
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_name'::regclass";
    assert!(client.query_one(valid, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_an_administrator() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let create = ["admin", "create", "--email", "Root@example.com"];
    let made = cluster.plinth(&create);
    assert!(made.status.success() && text(&made).contains("password (shown this once): "), "{}", text(&made));
    let again = cluster.plinth(&create);
    assert!(!again.status.success() && text(&again).contains("has an account already"), "{}", text(&again));
    let unknown = cluster.plinth(&["admin", "grant", "--email", "nobody@example.com", "--role", "ADMIN"]);
    assert!(!unknown.status.success() && text(&unknown).contains("has no account"), "{}", text(&unknown));
    let granted = cluster.plinth(&["admin", "grant", "--email", "root@example.com", "--role", "RESELLER"]);
    assert!(granted.status.success(), "{}", text(&granted));
    let roles = "SELECT string_agg(role, ' ' ORDER BY role) FROM user_roles";
    let roles: String = cluster.client("auth").await.query_one(roles, &[]).await.unwrap().get(0);
    assert_eq!(roles, "ADMIN RESELLER USER");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_service_no_others_settings_are_wanted() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let alone = |arguments: &[&str]| {
        let mut command = cluster.command(arguments);
        for other in ["PREFS", "WEBHOOK"] {
            command.env_remove(format!("{other}__DATABASE__URL"));
            command.env_remove(format!("{other}__DATABASE__OWNER_URL"));
        }
        command.env_remove("PLINTH_ADMIN_DATABASE_URL").output().unwrap()
    };
    for arguments in [
        &["admin", "create", "--email", "root@example.com"][..],
        &["jobs", "counts", "--service", "auth"],
        &["migrate", "status", "--service", "auth"],
    ] {
        let output = alone(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let all = alone(&["jobs", "counts"]);
    assert!(!all.status.success() && text(&all).contains("PREFS__DATABASE__URL"), "{}", text(&all));
    let none = alone(&["migrate", "status", "--service", "gateway"]);
    assert!(!none.status.success() && text(&none).contains("gateway has no database"), "{}", text(&none));
}

#[test]
fn without_any_settings_it_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plinth"));
    let output =
        command.args(["migrate", "status", "--state-dir"]).arg(dir.path()).env_clear().output().unwrap();
    assert!(!output.status.success() && text(&output).contains("AUTH__DATABASE__URL"), "{}", text(&output));
    let output = Command::new(env!("CARGO_BIN_EXE_plinth"))
        .args(["migrate", "status"])
        .env_clear()
        .env("AUTH__DATABASE__URL", "nonsense")
        .output()
        .unwrap();
    for fault in ["AUTH__DATABASE__URL: a URL such as", "PREFS__DATABASE__URL: is missing"] {
        assert!(text(&output).contains(fault), "{}", text(&output));
    }
    assert!(!text(&output).contains("nonsense"));
}
