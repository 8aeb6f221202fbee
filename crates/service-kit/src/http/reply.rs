use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use serde::Serialize;

/// 201 with the new thing as JSON.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}
