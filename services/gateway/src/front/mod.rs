//! What requests go by: all that follows from the settings, as one.

mod lasting;
mod live;

pub(crate) use lasting::Lasting;
pub(crate) use live::Live;

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use problem::{Describe, HttpError, Kind};

use crate::{
    document::Library,
    proxy::{Balance, Door, Names},
    settings::Health,
    status::Board,
};

/// All that follows from the settings. A request goes by one of these from its beginning to
/// its end, so none ever sees two configurations.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) door: Door,
    pub(crate) balance: Balance,
    pub(crate) library: Library,
    pub(crate) board: Board,
    pub(crate) health: Health,
    pub(crate) connections_per_address: usize,
    names: Names,
}

impl Front {
    /// What a request goes by: what was in force when this was first asked for it.
    pub(crate) fn of(request: &HttpRequest) -> Option<Arc<Self>> {
        if let Some(front) = request.extensions().get::<Arc<Self>>() {
            return Some(Arc::clone(front));
        }
        let front = request.app_data::<Live>()?.front();
        request.extensions_mut().insert(Arc::clone(&front));
        Some(front)
    }
}

/// [`Front::of`] the request, as a handler's argument.
#[derive(Debug)]
pub(crate) struct Current(Arc<Front>);

impl Deref for Current {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

/// The routes were set up without a [`Live`].
#[derive(Debug, thiserror::Error)]
#[error("no configuration is in force")]
struct NoFront;

impl Describe for NoFront {
    fn kind(&self) -> Kind {
        Kind::Internal
    }

    fn code(&self) -> &'static str {
        "internal"
    }
}

impl FromRequest for Current {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Front::of(request).map(Self).ok_or_else(|| NoFront.into()))
    }
}
