use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::USER_AGENT};
use audit::Origin;
use problem::HttpError;

/// What a client tells of itself, for its user's eyes only: nothing is decided by it.
#[derive(Debug)]
pub(crate) struct Device {
    /// How it describes itself, cut to 512 characters.
    pub(super) user_agent: Option<String>,
    /// Where the request came from.
    pub(crate) origin: Origin,
}

impl FromRequest for Device {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = agent.map(|agent| agent.chars().take(512).collect());
        let Ok(origin) = Origin::from_request(request, payload).into_inner();
        ready(Ok(Self { user_agent, origin }))
    }
}
