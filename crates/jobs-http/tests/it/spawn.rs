//! The service under test, on a database of the test's own, and a job that does as the test says.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_web::web::Data;
use contract_jobs::Client;
use identity::{Feed, Revocations, Trusted, Verifier};
use ids::{JobId, OrgId};
use jobs::{Done, Failure, Handlers, Job, NewJob, Options, Progress, Run, Worker};
use observability::Metrics;
use problem::Problem;
use reqwest::Method;
use sealing::Keyring;
use serde::{Deserialize, Serialize};
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};
use service_kit::{
    db::Db,
    http::{Application, Readiness, Server, about},
    migrations::{Catalogue, Migrator},
    settings::{Database, Http, Reader},
};
use testing::{Issuer, Person, TestDatabase};
use tokio::sync::{Semaphore, oneshot};

/// Which service it says it is.
pub(crate) const SERVICE: Service = Service::Prefs;

/// The scopes of somebody who may use jobs.
pub(crate) const USER: &str = "jobs:read jobs:write";

/// A running service. It ends, and its database goes, with this value.
pub(crate) struct Jobs {
    pub(crate) db: Db,
    pub(crate) database: TestDatabase,
    pub(crate) issuer: Issuer,
    pub(crate) revocations: Revocations,
    pub(crate) replica: Replica,
    workers: Vec<oneshot::Sender<()>>,
}

/// A process of it.
pub(crate) struct Replica {
    pub(crate) client: Client,
    pub(crate) base: String,
    stop: Option<oneshot::Sender<()>>,
}

/// Starts the service on ports that the system chooses.
pub(crate) async fn spawn() -> Jobs {
    let migrate = async |url: String| {
        let all = [&jobs::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
        Migrator::new(&url, None, Catalogue::embedded(&all).unwrap()).unwrap().up().await.unwrap();
    };
    let database = TestDatabase::create("jobs_http", migrate).await;
    let issuer = Issuer::start();
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    let db = Db::new(&settings(database.url()).1).unwrap();
    let replica = Replica::start(database.url(), &issuer, &revocations);
    Jobs { db, database, issuer, revocations, replica, workers: Vec::new() }
}

fn settings(url: &str) -> (Http, Database) {
    let variables = [
        ("PREFS__HTTP__BIND", "127.0.0.1:0"),
        ("PREFS__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("PREFS__HTTP__WORKERS", "2"),
        ("PREFS__DATABASE__URL", url),
        ("PLINTH_ENV", "development"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut read = Reader::new(SERVICE, None, variables);
    let http = Http::read(&mut read, SERVICE);
    let database = Database::read(&mut read);
    (http, read.finish(database).unwrap())
}

impl Replica {
    pub(crate) fn start(url: &str, issuer: &Issuer, revocations: &Revocations) -> Self {
        let (http, database) = settings(url);
        let registry =
            Registry::read(|name| (name == "GATEWAY_INTERNAL_URL").then(|| issuer.url().to_owned()));
        let trusted = Trusted::gateway(&registry.unwrap(), SERVICE).unwrap();
        let verifier = Data::new(Verifier::new(vec![trusted], revocations.clone()));
        let db = Data::new(Db::new(&database).unwrap());
        let keyring = Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let keyring = Data::new(keyring);
        let server = Server::bind(&http).unwrap();
        let base = format!("http://{}", server.addresses().unwrap().0);
        let application = Application {
            service: SERVICE,
            public: Arc::new(move |config| {
                config.app_data(db.clone()).app_data(verifier.clone()).app_data(keyring.clone());
                jobs_http::routes(config, SERVICE);
            }),
            internal: Arc::new(|_| {}),
            about: about("Jobs", "To be watched."),
            readiness: Readiness::new(),
            metrics: Metrics::new("prefs").unwrap(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::task::spawn_local(async move {
            server.run(application, async { drop(stopped.await) }).await.unwrap();
        });
        let peer = Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap();
        Self { client: Client::new(peer, SERVICE), base, stop: Some(stop) }
    }

    /// As on SIGTERM.
    pub(crate) fn stop(&mut self) {
        // It may have ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Jobs {
    pub(crate) fn client(&self) -> &Client {
        &self.replica.client
    }

    /// Another process of the service.
    pub(crate) fn another(&self) -> Replica {
        Replica::start(self.database.url(), &self.issuer, &self.revocations)
    }

    pub(crate) fn token(&self, person: &Person) -> String {
        self.issuer.token(SERVICE, person)
    }

    pub(crate) fn admin(&self) -> String {
        self.token(&Person::with_scopes("jobs:admin"))
    }

    /// A request that no contract would make.
    pub(crate) fn raw(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        testing::http().request(method, format!("{}{path}", self.replica.base)).bearer_auth(token)
    }

    /// A job of `org`, or of the platform.
    pub(crate) async fn enqueue(&self, org: Option<OrgId>, task: &Task) -> JobId {
        let new = NewJob::of(task).unwrap();
        let new = match org {
            Some(org) => new.org(org),
            None => new,
        };
        new.enqueue(&mut self.db.connection().await.unwrap()).await.unwrap().id
    }

    /// Starts a worker; each permit of what it gives lets a job take one step.
    pub(crate) fn work(&mut self) -> Rc<Semaphore> {
        let steps = Rc::new(Semaphore::new(0));
        let handlers = Handlers::new().with::<Task>(Rc::clone(&steps));
        let options = Options { poll: Duration::from_millis(50), ..Options::default() };
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = Worker::new(self.db.clone(), handlers, options);
        tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
        self.workers.push(stop);
        steps
    }

    /// Waits until a job is in a state.
    pub(crate) async fn until(&self, id: JobId, wanted: &str) {
        for _ in 0..600 {
            if jobs::find(&self.db, None, id).await.unwrap().unwrap().state == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{id} is not {wanted}");
    }

    /// What the audit log says was done to a job, oldest first.
    pub(crate) async fn audited(&self, id: JobId) -> Vec<String> {
        let sql = "SELECT action FROM audit_log WHERE target = $1 ORDER BY id";
        let rows = self.database.connect().await.query(sql, &[&id.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// A job that takes so many steps, each when the test lets it, and one to end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) steps: u64,
    /// It fails for good instead.
    pub(crate) senseless: bool,
    pub(crate) unique: Option<String>,
}

impl Task {
    pub(crate) fn of(steps: u64) -> Self {
        Self { steps, ..Self::default() }
    }
}

impl Job for Task {
    type State = Rc<Semaphore>;

    const KIND: &'static str = "prefs.try_task";

    fn unique(&self) -> Option<String> {
        self.unique.clone()
    }

    async fn run(self, mut run: Run, steps: Rc<Semaphore>) -> Result<Done, Failure> {
        if self.senseless {
            return Err(Failure::discard("the secret inner reason"));
        }
        for done in 1..=self.steps {
            steps.acquire().await?.forget();
            // Sooner ones would be left out.
            tokio::time::sleep(Duration::from_millis(250)).await;
            run.progress(&Progress { done, total: Some(self.steps), note: None }).await?;
        }
        steps.acquire().await?.forget();
        Ok(run.done())
    }
}

/// The problem of a call that was refused.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> Problem {
    match outcome {
        Err(CallError::Refused(problem)) => *problem,
        other => panic!("a refusal is wanted: {other:?}"),
    }
}

/// Its status and code.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> (u16, String) {
    let problem = refused(outcome);
    (problem.status, problem.code)
}
