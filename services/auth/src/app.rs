use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::web::Data;
use audit::Log;
use background::Background;
use events::RelayError;
use futures_util::{FutureExt, future::try_join};
use identity::{KeySource, Revocations, Trusted, Verifier};
use jobs::CronError;
use observability::Metrics;
use sealing::Keyring;
use service_discovery::{CallError, Registry, Service};
use service_kit::{
    db::{ConnectError, Db},
    http::{Application, Readiness, Routes, Server, database_check, state_check},
    migrations::CatalogueError,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    Settings, about,
    api_key::LastUsed,
    attempt::Attempts,
    background::background,
    deletion::Grace,
    internal_routes,
    mail::Links,
    migrations,
    organization::Limits,
    password::{Checker, Hasher, RangeCheck},
    revocation, routes,
    session::Minting,
    settings::{KeyEnvironment, PublicOrigin, SecondFactorIssuer},
    signing_key::{SigningKeyError, SigningKeys},
    token::{Clients, Exchanges, TokenIssuer},
};

/// Why auth does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener cannot be bound.
    #[error("a listener cannot be bound")]
    Listen(#[from] io::Error),
    /// The database's settings cannot be used.
    #[error("the database cannot be set up")]
    Database(#[from] ConnectError),
    /// The schema cannot be known.
    #[error(transparent)]
    Migrations(#[from] CatalogueError),
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] SigningKeyError),
    /// Another service cannot be placed.
    #[error(transparent)]
    Peer(#[from] CallError),
    /// Events cannot be told.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A schedule cannot be kept.
    #[error(transparent)]
    Schedule(#[from] CronError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(String),
}

/// How long the last write of the uses of API keys may take.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// auth, bound but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    background: Background,
    db: Db,
    keys: SigningKeys,
    keyring: Data<Keyring>,
    last_used: Data<LastUsed>,
    revocations: Revocations,
}

impl App {
    /// Binds the listeners and loads the signing keys, which the first start makes, and
    /// the revocations. A database that is away only keeps it from being ready.
    ///
    /// # Errors
    /// [`BuildError`] says what is in the way.
    pub async fn build(settings: Settings) -> Result<Self, BuildError> {
        let db = Db::new(&settings.database)?;
        let keys = SigningKeys::load(&db, &settings.keyring).await?;
        let revocations = Revocations::new(settings.revocations_stale);
        // Tolerated: whoever follows the feed goes on trying.
        let _ = revocation::read(&db, None).await.map(|feed| revocations.take(feed));
        let server = Server::bind(&settings.http)?;
        let readiness = readiness(&db, &keys, &revocations)?;
        let metrics =
            Metrics::new(Service::Auth.name()).map_err(|why| BuildError::Metrics(why.to_string()))?;
        let issuer = TokenIssuer::new(settings.registry.public_origin(), keys.clone());
        let background = background(&settings, &db, issuer.clone(), &metrics)?;
        let last_used = Data::new(LastUsed::default());
        let range_check = RangeCheck::new(settings.passwords.range_check.clone(), &metrics);
        let range_check = range_check.map_err(BuildError::Metrics)?;
        let state = State::new(settings, &db, &keys, issuer, &last_used, &revocations, range_check)?;
        let keyring = state.keyring.clone();
        let application = Application {
            service: Service::Auth,
            public: state.clone().with(routes),
            internal: state.with(internal_routes),
            about: about(),
            readiness,
            metrics,
        };
        Ok(Self { server, application, background, db, keys, keyring, last_used, revocations })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends, then finishes what runs.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { server, application, background, db, keys, keyring, last_used, revocations } = self;
        let stop = stop.shared();
        let background = background.run(stop.clone()).boxed_local();
        let outcome = tokio::select! {
            outcome = try_join(server.run(application, stop.clone()), background) => outcome.map(drop),
            error = keys.run(&db, &keyring) => Err(io::Error::other(error)),
            never = revocations.follow_by(async |since| revocation::read(&db, since.as_deref()).await) => match never {},
            () = last_used.run(&db) => Err(io::Error::other("uses of API keys are no longer written")),
        };
        // Tolerated: a database that stands still does not keep the process.
        let _ = tokio::time::timeout(LAST_WRITE, last_used.write(&db)).await;
        outcome
    }
}

/// What the handlers of both listeners take.
#[derive(Clone)]
struct State {
    serves: bool,
    db: Data<Db>,
    log: Data<Log>,
    issuer: Data<TokenIssuer>,
    attempts: Data<Attempts>,
    checker: Data<Checker>,
    second_factor_issuer: Data<SecondFactorIssuer>,
    keyring: Data<Keyring>,
    keys: Data<SigningKeys>,
    minting: Data<Minting>,
    exchanges: Data<Exchanges>,
    clients: Data<Clients>,
    verifier: Data<Verifier>,
    revocations: Data<Revocations>,
    origin: Data<PublicOrigin>,
    environment: Data<KeyEnvironment>,
    links: Data<Links>,
    organizations: Data<Limits>,
    deletion_grace: Data<Grace>,
}

impl State {
    fn new(
        settings: Settings,
        db: &Db,
        keys: &SigningKeys,
        issuer: TokenIssuer,
        last_used: &Data<LastUsed>,
        revocations: &Revocations,
        range_check: RangeCheck,
    ) -> Result<Self, BuildError> {
        let origin = settings.registry.public_origin();
        let keyring = Data::from(settings.keyring);
        let hasher = Hasher::start(settings.passwords.threads, settings.passwords.waiting)?;
        let attempts = Attempts::new(db.clone(), keyring.clone(), settings.failures_per_address);
        let attempts = Data::new(attempts);
        let checker = Checker { hasher, attempts: attempts.clone(), range_check };
        let minting = Data::new(Minting {
            issuer: issuer.clone(),
            keyring: keyring.clone(),
            lifetimes: settings.lifetimes,
            policy: settings.login,
        });
        let exchanges = Exchanges {
            db: db.clone(),
            issuer: issuer.clone(),
            inside: verifier_of_all(&settings.registry, keys, revocations)?,
            last_used: last_used.clone(),
            minting: minting.clone(),
        };
        Ok(Self {
            serves: settings.role.serves(),
            log: Data::new(Log::new(Service::Auth, db.clone(), &settings.registry)?),
            issuer: Data::new(issuer),
            db: Data::new(db.clone()),
            attempts,
            checker: Data::new(checker),
            second_factor_issuer: Data::new(settings.second_factor_issuer),
            keyring,
            keys: Data::new(keys.clone()),
            minting,
            exchanges: Data::new(exchanges),
            clients: Data::new(settings.clients),
            verifier: Data::new(verifier(
                &settings.registry,
                keys,
                settings.takes_clients_tokens,
                revocations,
            )?),
            revocations: Data::new(revocations.clone()),
            origin: Data::new(PublicOrigin(origin)),
            environment: Data::new(settings.key_environment),
            links: Data::new(settings.links),
            organizations: Data::new(settings.organizations),
            deletion_grace: Data::new(settings.deletion_grace),
        })
    }

    /// A listener's routes, with what they take. A process that does not serve has none.
    fn with(self, routes: fn(&mut ServiceConfig<'_>)) -> Routes {
        Arc::new(move |config| {
            config
                .app_data(self.db.clone())
                .app_data(self.attempts.clone())
                .app_data(self.checker.clone())
                .app_data(self.second_factor_issuer.clone())
                .app_data(self.keyring.clone())
                .app_data(self.keys.clone())
                .app_data(self.minting.clone())
                .app_data(self.exchanges.clone())
                .app_data(self.clients.clone())
                .app_data(self.verifier.clone())
                .app_data(self.revocations.clone())
                .app_data(self.log.clone())
                .app_data(self.issuer.clone())
                .app_data(self.origin.clone())
                .app_data(self.environment.clone())
                .app_data(self.links.clone())
                .app_data(self.organizations.clone())
                .app_data(self.deletion_grace.clone());
            if self.serves {
                routes(config);
            }
        })
    }
}

fn readiness(db: &Db, keys: &SigningKeys, revocations: &Revocations) -> Result<Readiness, CatalogueError> {
    let (keys, revocations) = (keys.clone(), revocations.clone());
    Ok(Readiness::new()
        .with("database", database_check(db.clone(), migrations()?))
        .with("keys", state_check(move || keys.is_loaded(), "there is no signing key yet"))
        .with("revocations", state_check(move || revocations.is_loaded(), "revocations were not read yet")))
}

/// Accepts what the gateway and auth itself made for auth.
fn verifier(
    registry: &Registry,
    keys: &SigningKeys,
    takes_clients_tokens: bool,
    revocations: &Revocations,
) -> Result<Verifier, CallError> {
    let own = Trusted::auth(registry, Service::Auth, takes_clients_tokens)?;
    let own = Trusted { keys: KeySource::Held(keys.verifying()), ..own };
    let trusted = vec![Trusted::gateway(registry, Service::Auth)?, own];
    Ok(Verifier::new(trusted, revocations.clone()).remembering())
}

/// Accepts what the gateway and auth itself made for any service: an exchange shows
/// auth a token that was meant for another.
fn verifier_of_all(
    registry: &Registry,
    keys: &SigningKeys,
    revocations: &Revocations,
) -> Result<Verifier, CallError> {
    let audiences: Vec<String> = Service::ALL.iter().map(ToString::to_string).collect();
    let gateway = Trusted { audiences: audiences.clone(), ..Trusted::gateway(registry, Service::Auth)? };
    let keys = KeySource::Held(keys.verifying());
    let own = Trusted { issuer: registry.public_origin(), audiences, keys };
    Ok(Verifier::new(vec![gateway, own], revocations.clone()).remembering())
}
