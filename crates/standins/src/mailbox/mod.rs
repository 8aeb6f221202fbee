//! The mailbox stands in the place of the mail service `notify`: it hears auth's
//! `mail.requested` events, asks auth for each mail as that service would, and shows it
//! instead of sending it.

mod courier;
mod error;
mod held;
mod http;
mod intake;
mod page;

use std::sync::Arc;

use actix_web::web::{self, Data};
use contract_auth::Client;
use contract_events::inbox_path;
use identity::Verifier;
use secrecy::SecretString;
use service_discovery::{Peer, Service};
use service_kit::http::Routes;

use courier::Courier;
use held::Mailbox;

/// The routes for people and tests, and those for auth, which `auth` reaches and to which
/// `secret` proves the mail service.
pub(crate) fn routes(auth: Peer, secret: SecretString, verifier: Verifier) -> (Routes, Routes) {
    let mailbox = Data::new(Mailbox::default());
    let shown = mailbox.clone();
    let public: Routes = Arc::new(move |config| {
        config
            .app_data(shown.clone())
            .service(http::get_page)
            .service(http::list_mails)
            .service(http::get_mail)
            .service(http::clear_mails);
    });
    let verifier = Data::new(verifier);
    let internal: Routes = Arc::new(move |config| {
        let courier = Courier::new(Client::new(auth.clone()), secret.clone());
        config
            .app_data(mailbox.clone())
            .app_data(verifier.clone())
            .app_data(Data::new(courier))
            .route(&inbox_path(Service::Notify.name()), web::post().to(intake::receive));
    });
    (public, internal)
}
