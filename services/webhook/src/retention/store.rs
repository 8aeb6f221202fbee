//! All SQL of what is kept: it is over all organisations.

use std::time::Duration;

use diesel::sql_types::Double;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::db::{self, statement};

/// Makes the partitions of the coming week and drops those that ended before `keep`.
pub(super) async fn rotate(conn: &mut AsyncPgConnection, keep: Duration) -> db::Result<()> {
    let query = statement("SELECT rotate_messages(make_interval(secs => $1))");
    query.bind::<Double, _>(keep.as_secs_f64()).execute(conn).await?;
    Ok(())
}
