//! The limit: what PostgreSQL does when nothing but the queue's bare statement is asked of
//! it, by pgbench.

use std::{io::Write, process::Stdio};

use anyhow::Context;
use tokio::process::Command;

use crate::servers::connect;

const TABLE: &str = "
    DROP TABLE IF EXISTS bare_queue;
    CREATE TABLE bare_queue (id bigserial PRIMARY KEY, payload jsonb NOT NULL DEFAULT '{}')";

const LOOP: &str = "DELETE FROM bare_queue WHERE id = (
    SELECT id FROM bare_queue ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1);
";

/// Rows a second that 8 clients take, one in a transaction.
pub(super) async fn measure(url: &str, rows: u32) -> anyhow::Result<f64> {
    let client = connect(url).await?;
    client.batch_execute(TABLE).await?;
    let fill = format!("INSERT INTO bare_queue (payload) SELECT '{{}}' FROM generate_series(1, {rows})");
    client.batch_execute(&fill).await?;
    let mut script = tempfile::NamedTempFile::new()?;
    script.write_all(LOOP.as_bytes())?;
    let clients = 8;
    let each = (rows / clients).to_string();
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--client", "8", "--jobs", "2", "--protocol", "prepared"])
        .args(["--transactions", &each, "--file"])
        .arg(script.path())
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .await
        .context(
            "pgbench does not start: it comes with PostgreSQL's server package (or: --without pgbench)",
        )?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
}
