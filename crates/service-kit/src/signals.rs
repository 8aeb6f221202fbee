//! When the process is asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// Ends at the first SIGTERM or SIGINT.
///
/// # Errors
/// When the signals cannot be watched.
pub async fn terminated() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what runs, then ending"),
        _ = interrupt.recv() => tracing::info!("SIGINT: finishing what runs, then ending"),
    }
    Ok(())
}
