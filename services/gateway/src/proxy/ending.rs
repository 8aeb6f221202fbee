//! When a stream that has no end of its own is ended: with its caller's credential, or with this
//! process.

use actix_web::{HttpRequest, web};
use futures_util::{
    FutureExt,
    future::{BoxFuture, OptionFuture, pending},
};
use identity::End;
use service_kit::http::Readiness;

/// Why it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The credential that opened it.
    Credential(End),
    /// This process: it would be cut soon, and opened anew it goes on elsewhere.
    Closing,
}

/// Ends when what `request` has opened is to end.
pub(super) fn ending(
    request: &HttpRequest,
    credential: Option<BoxFuture<'static, End>>,
) -> BoxFuture<'static, Ending> {
    let readiness = request.app_data::<web::Data<Readiness>>();
    let closing = OptionFuture::from(readiness.map(|readiness| readiness.closing()));
    let credential = credential.unwrap_or_else(|| pending().boxed());
    async {
        tokio::select! {
            Some(()) = closing => Ending::Closing,
            end = credential => Ending::Credential(end),
        }
    }
    .boxed()
}
