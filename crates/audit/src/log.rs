use std::cmp::Reverse;

use contract_audit::{AuditEntry, AuditPage, AuditQuery};
use futures_util::future::try_join_all;
use problem::HttpError;
use reqwest::Method;
use service_discovery::{CallError, Peer, Registry, Service};
use service_kit::{
    db::Db,
    page::{Page, PageQuery},
};

use crate::{AuditError, Question, routes, store};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "audit";

/// The logs of all services, read as one.
#[derive(Clone, Debug)]
pub struct Log {
    own: Service,
    db: Db,
    others: Vec<(Service, Peer)>,
}

impl Log {
    /// Of `own`, in its database, and of every other service of this release, by its
    /// internal listener.
    ///
    /// # Errors
    /// When one cannot be placed.
    pub fn new(own: Service, db: Db, registry: &Registry) -> Result<Self, CallError> {
        let others = Service::SHIPPED.into_iter().filter(|service| *service != own);
        let peer = |service| Ok((service, Peer::new(registry.internal(service), &registry.peer_options())?));
        Ok(Self { own, db, others: others.map(peer).collect::<Result<_, CallError>>()? })
    }

    /// A page of what `query` wants, newest first. `token` gives `own`'s token for
    /// the service that it names.
    ///
    /// It is whole or not at all: where one service does not answer, the reader must
    /// leave it out by `services`, so as not to take its silence for peace.
    ///
    /// # Errors
    /// What [`AuditError`] says, or `token`.
    pub async fn page(
        &self,
        query: &AuditQuery,
        token: impl AsyncFn(Service) -> Result<String, HttpError>,
    ) -> Result<AuditPage, HttpError> {
        let wanted = self.wanted(query.services.as_deref())?;
        let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.page(LIST)?;
        let question = Question::of(query, page);
        let reads = wanted.into_iter().map(|source| source.read(&question, &token));
        Ok(merge(try_join_all(reads).await?, page))
    }

    /// The sources that a list of services names.
    fn wanted(&self, services: Option<&str>) -> Result<Vec<Source<'_>>, AuditError> {
        let own = Source::Own(self.own, &self.db);
        let others = self.others.iter().map(|(service, peer)| Source::Other(*service, peer));
        let all: Vec<Source<'_>> = [own].into_iter().chain(others).collect();
        let Some(services) = services else { return Ok(all) };
        let names: Vec<&str> = services.split(',').map(str::trim).collect();
        let is_known = |name: &&str| all.iter().any(|source| source.service().name() == *name);
        match names.iter().find(|name| !is_known(name)) {
            Some(name) => Err(AuditError::UnknownService((*name).to_owned())),
            None => Ok(all.into_iter().filter(|source| names.contains(&source.service().name())).collect()),
        }
    }
}

/// Where a part of the log is.
#[derive(Clone, Copy)]
enum Source<'a> {
    Own(Service, &'a Db),
    Other(Service, &'a Peer),
}

impl Source<'_> {
    const fn service(&self) -> Service {
        match self {
            Self::Own(service, _) | Self::Other(service, _) => *service,
        }
    }

    async fn read(
        self,
        question: &Question,
        token: impl AsyncFn(Service) -> Result<String, HttpError>,
    ) -> Result<Vec<AuditEntry>, HttpError> {
        match self {
            Self::Own(service, db) => Ok(store::read(&mut *db.connection().await?, service, question).await?),
            Self::Other(service, peer) => {
                let token = token(service).await?;
                let request = peer.request(Method::GET, &routes::path(service));
                let answer = peer.json(request.bearer_auth(token).query(question)).await;
                Ok(answer.map_err(|why| AuditError::Silent(service, why))?)
            }
        }
    }
}

/// The first page of lists that are each newest first and hold a page and one more.
fn merge(lists: Vec<Vec<AuditEntry>>, page: Page) -> AuditPage {
    let mut data: Vec<AuditEntry> = lists.into_iter().flatten().collect();
    data.sort_unstable_by_key(|entry| Reverse(entry.id));
    let next_cursor = page.cut(LIST, &mut data, |entry| entry.id.uuid());
    AuditPage { data, next_cursor }
}
