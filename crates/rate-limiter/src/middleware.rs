use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
};

use actix_web::{
    Error, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};

use crate::{Count, Limiter};

/// A middleware that counts each request, and answers 429 to those that are too many.
pub struct RateLimiting<F> {
    limiter: Limiter,
    counts: Rc<F>,
}

impl<F: Fn(&ServiceRequest) -> Vec<Count>> RateLimiting<F> {
    /// `counts` says what a request counts as; a request that counts as nothing is not limited.
    pub fn new(limiter: Limiter, counts: F) -> Self {
        Self { limiter, counts: Rc::new(counts) }
    }
}

impl<S, B, F> Transform<S, ServiceRequest> for RateLimiting<F>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    F: Fn(&ServiceRequest) -> Vec<Count> + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = Limited<S, F>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let (limiter, counts) = (self.limiter.clone(), Rc::clone(&self.counts));
        ready(Ok(Limited { limiter, counts, service: Rc::new(service) }))
    }
}

/// What [`RateLimiting`] makes of a service.
pub struct Limited<S, F> {
    limiter: Limiter,
    counts: Rc<F>,
    service: Rc<S>,
}

impl<S, B, F> Service<ServiceRequest> for Limited<S, F>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    F: Fn(&ServiceRequest) -> Vec<Count> + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let counts = (self.counts)(&request);
        let (limiter, service) = (self.limiter.clone(), Rc::clone(&self.service));
        Box::pin(async move {
            let decision = match limiter.check(&counts).await.allowed() {
                Ok(decision) => decision,
                Err(refusal) => {
                    return Ok(request.into_response(refusal.error_response()).map_into_right_body());
                }
            };
            let mut response = service.call(request).await?;
            decision.tell(response.headers_mut());
            Ok(response.map_into_left_body())
        })
    }
}

impl<F> fmt::Debug for RateLimiting<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiting").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

impl<S, F> fmt::Debug for Limited<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}
