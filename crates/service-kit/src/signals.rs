//! When the process is asked for something.

use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// SIGHUP, each time that it comes: by custom, the settings are to be read again. It ends the
/// process no longer.
///
/// # Errors
/// When the signal cannot be watched.
pub fn hang_ups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}
