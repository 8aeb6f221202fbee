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

/// The compiled schemas of types; the newest version of each.
static VALIDATORS: LazyLock<Cache<store::TypeId, Validator>> = LazyLock::new(Cache::default);

/// What keeps a payload from being one of this type; pointers are into the message.
pub(crate) async fn misfits(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    name: &str,
    payload: &RawValue,
) -> Result<Vec<FieldError>, EventTypeError> {
    let Some(enforced) = store::schema(conn, org, name).await? else { return Ok(Vec::new()) };
    let validator = match VALIDATORS.get(&enforced.id, enforced.version) {
        Some(validator) => validator,
        None => {
            let compiled = Validator::compile(&enforced.schema).map_err(|_why| EventTypeError::Broken)?;
            VALIDATORS.put(&enforced.id, enforced.version, compiled)
        }
    };
    Ok(match serde_json::from_str::<Value>(payload.get()) {
        Ok(payload) => below("/payload", validator.faults(&payload)),
        Err(_deep) => vec![FieldError::new("/payload", "too_deep", "less nesting is wanted")],
    })
}
