//! The document of an export, piece by piece as its reader takes it.

use std::sync::Arc;

use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use ids::ExportId;
use sealing::Keyring;
use service_kit::db::Db;

use super::{ExportError, rules::Piece, sealed, store};

/// What is in the document, in its order. It ends early, which its reader notices by the
/// length, when the export is deleted meanwhile or the database fails.
pub(super) fn read(
    db: Db,
    keyring: Arc<Keyring>,
    export: ExportId,
    document: Vec<Piece>,
) -> impl Stream<Item = Result<Bytes, ExportError>> {
    stream::iter(document).then(move |piece| {
        let (db, keyring) = (db.clone(), keyring.clone());
        async move {
            let read = bytes(&db, &keyring, export, piece).await;
            read.inspect_err(|why| tracing::warn!(%export, %why, "a download is cut"))
        }
    })
}

async fn bytes(db: &Db, keyring: &Keyring, export: ExportId, piece: Piece) -> Result<Bytes, ExportError> {
    let part = match piece {
        Piece::Text(text) => return Ok(text.into()),
        Piece::Part(part) => part,
    };
    let sealed = store::part(&mut *db.connection().await?, export, &part).await?;
    let sealed = sealed.ok_or(ExportError::Unknown)?;
    Ok(sealed::open(keyring, export, &part, &sealed)?.into())
}
