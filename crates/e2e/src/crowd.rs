use contract_auth::events::UserDeleted;
use contract_events::Event;
use ids::{EventId, OrgId, UserId};
use tokio_postgres::{Client, Error};

use crate::Tables;

/// Many people who have preferences and are then deleted: more than anybody could
/// register in a test, so that their rows are written as prefs and auth would write them.
#[derive(Debug)]
pub struct Crowd(Vec<(EventId, UserDeleted)>);

impl Crowd {
    /// So many people.
    #[must_use]
    pub fn of(size: usize) -> Self {
        let one = |_| {
            let (user_id, org_id) = (UserId::generate(), OrgId::generate());
            (EventId::generate(), UserDeleted { user_id, org_id, version: 2 })
        };
        Self((0..size).map(one).collect())
    }

    /// Each has two documents in prefs' tables.
    ///
    /// # Errors
    /// When the server is away.
    pub async fn choose(&self, prefs: &Client) -> Result<(), Error> {
        let sql = "
            INSERT INTO documents (org_id, owner_id, namespace, layer, version, fits, updated_at)
            SELECT org::uuid, person::uuid, namespace, '{}', 1, 1, now()
            FROM unnest($1::text[], $2::text[]) AS they (org, person),
                 unnest(ARRAY['appearance', 'locale']) AS namespace";
        let orgs: Vec<String> = self.0.iter().map(|(_, event)| event.org_id.uuid().to_string()).collect();
        let people: Vec<String> = self.0.iter().map(|(_, event)| event.user_id.uuid().to_string()).collect();
        prefs.execute(sql, &[&orgs, &people]).await.map(drop)
    }

    /// Publishes that they are gone, `portion` in a transaction, with `pause` after each.
    /// A portion whose commit was not confirmed is written again: once, by its ids.
    pub async fn go(&self, auth: &Tables, portion: usize, pause: std::time::Duration) {
        for some in self.0.chunks(portion) {
            while publish(auth, some).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Writes them into auth's log.
async fn publish(auth: &Tables, some: &[(EventId, UserDeleted)]) -> Result<(), Error> {
    let sql = "
        INSERT INTO events (id, type, org_id, aggregate, version, data)
        SELECT id::uuid, $1, org::uuid, aggregate, 2, data::jsonb
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS they (id, org, aggregate, data)
        ON CONFLICT (id) DO NOTHING";
    let texts = |text: fn(&(EventId, UserDeleted)) -> String| some.iter().map(text).collect::<Vec<_>>();
    let ids = texts(|(id, _)| id.uuid().to_string());
    let orgs = texts(|(_, event)| event.org_id.uuid().to_string());
    let aggregates = texts(|(_, event)| event.aggregate());
    let data = texts(|(_, event)| serde_json::json!(event).to_string());
    let client = auth.connect().await?;
    client.execute(sql, &[&UserDeleted::TYPE, &ids, &orgs, &aggregates, &data]).await.map(drop)
}
