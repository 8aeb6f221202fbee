//! The catalogue: types of events, and the JSON Schemas that their payloads must fit.

mod error;
pub(crate) mod http;
mod name;
mod platform;
pub(crate) mod rules;
mod store;

use std::sync::LazyLock;

use diesel_async::AsyncPgConnection;
use ids::OrgId;
use problem::FieldError;
use schemas::{Cache, Validator, below};
use serde_json::{Value, value::RawValue};

pub(crate) use error::EventTypeError;
pub(crate) use name::is_event_type;
pub(crate) use platform::is_platforms;
pub(crate) use store::TypeId;

/// The compiled schemas of types; the newest version of each.
static VALIDATORS: LazyLock<Cache<TypeId, Validator>> = LazyLock::new(Cache::default);

/// What keeps a payload from being one of this type of an organisation's, at this version; pointers are
/// into the message.
pub(crate) async fn misfits(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    (id, version): (TypeId, i64),
    payload: &RawValue,
) -> Result<Vec<FieldError>, EventTypeError> {
    let validator = match VALIDATORS.get(&id, version) {
        Some(validator) => validator,
        None => {
            // It may have changed, or gone, since: then the next message fits that one.
            let Some(enforced) = store::schema(conn, org, id).await? else { return Ok(Vec::new()) };
            let compiled = Validator::compile(&enforced.schema).map_err(|_why| EventTypeError::Broken)?;
            VALIDATORS.put(&id, enforced.version, compiled)
        }
    };
    Ok(match serde_json::from_str::<Value>(payload.get()) {
        Ok(payload) => below("/payload", validator.faults(&payload)),
        Err(_deep) => vec![FieldError::new("/payload", "too_deep", "less nesting is wanted")],
    })
}
