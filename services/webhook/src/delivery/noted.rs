use contract_webhook::{DisabledReason, audited, events::EndpointDisabled};
use diesel_async::AsyncPgConnection;
use ids::Timestamp;
use jobs::Failure;
use service_discovery::Service;

use super::{
    rules::Next,
    store::{self, After, Way},
};
use crate::{message, sending::Outcome};

/// Notes what came of an attempt and what follows it. If the endpoint is put off by it, that is told
/// and audited.
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    way: Way,
    outcome: &Outcome,
    next: Next,
    after: After,
) -> Result<(), Failure> {
    let now = Timestamp::now();
    let failing = store::note(conn, way, outcome, after, now).await?;
    let gone = match next {
        Next::Gone => store::put_off(conn, way, now).await?,
        _ => None,
    };
    let put_off = failing
        .map(|version| (DisabledReason::Failing, version))
        .or(gone.map(|version| (DisabledReason::Gone, version)));
    let Some((reason, version)) = put_off else { return Ok(()) };
    let Way { org, endpoint, .. } = way;
    message::publish(conn, &EndpointDisabled { org_id: org, endpoint_id: endpoint, reason, version }).await?;
    let entry = audit::Entry::of(audited::ENDPOINT_DISABLED).on(endpoint).in_org(org);
    let entry = entry.with("reason", serde_json::to_value(reason)?);
    Ok(audit::record(conn, &audit::By::service(Service::Webhook), entry).await?)
}
